#!/usr/bin/python3
"""Run every query of sql/queries on a known database and compare the results
with what was inserted. The exit code is 1 if one differs."""

import glob
import os
import sqlite3
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HOUR = int(time.time()) // 3600 * 3600 - 86400
TODAY = HOUR // 86400 * 86400
LONG_AGO = TODAY - 60 * 86400
DAY = time.strftime("%Y-%m-%d", time.gmtime(HOUR))
HOUR_TEXT = time.strftime("%Y-%m-%d %H:00", time.gmtime(HOUR))
LONG_AGO_TEXT = time.strftime("%Y-%m-%d", time.gmtime(LONG_AGO))


def monday(secs):
    """Return the first day of a week"""
    day = secs // 86400
    # 1970 began on a Thursday
    return time.strftime("%Y-%m-%d",
                         time.gmtime((day - (day + 3) % 7) * 86400))


HOURS = [
    # hour, verdict, origin, score, reports, burst
    (HOUR, 1, 1, 95, 10, 0), (HOUR, 1, 1, 40, 3, 1), (HOUR, 1, 4, -1, 2, 0),
    (HOUR, 1, 1, 44, 5, 5),
    (HOUR, 2, 1, 92, 1, 0), (HOUR, 2, 1, 5, 7, 0), (HOUR, 3, 5, 1, 19, 0),
    (HOUR, 3, 5, 85, 1, 0),
    # a week each: 60 of 100, 90 of 100 and 10 of 100 missed
    (LONG_AGO, 1, 1, 99, 40, 0), (LONG_AGO, 1, 1, 1, 60, 0),
    (LONG_AGO + 7 * 86400, 1, 1, 99, 10, 0),
    (LONG_AGO + 7 * 86400, 1, 1, 1, 90, 0),
    (LONG_AGO + 14 * 86400, 1, 1, 99, 90, 0),
    (LONG_AGO + 14 * 86400, 1, 1, 1, 10, 0),
]
TOKENS = [
    # token, class, spam, ham, reporters, first day
    (1, 0, 100, 2, 9, LONG_AGO), (2, 0, 50, 0, 3, TODAY),
    (3, 6, 4, 8, 2, TODAY), (5, 3, 1, 60, 4, LONG_AGO),
    (6, 3, 40, 0, 2, LONG_AGO), (7, 3, 0, 9, 3, TODAY),
    # in each mail of a new mailer, so it isn't a campaign
    (8, 20, 7, 0, 5, TODAY),
    # not shown: too few reporters
    (4, 0, 999, 0, 1, TODAY),
]
REPORTS = [
    # seq, id, hour, verdict, origin, burst, undone
    (1, 1, HOUR, 1, 1, 0, None), (2, 2, HOUR, 2, 1, 0, 3),
    (4, 3, HOUR, 1, 7, 0, None), (5, 4, HOUR, 4, 1, 0, None),
    (6, 5, HOUR, 1, 3, 77, None), (7, 6, HOUR, 1, 3, 77, None),
    (8, 7, HOUR, 2, 1, 78, None), (9, 8, HOUR, 1, 3, 77, 9),
]

EXPECTED = {
    "reports-by-day": [
        (DAY, "ham", "move", 8, 0), (DAY, "spam", "keyword", 2, 0),
        (DAY, "spam", "move", 18, 6), (DAY, "weak-ham", "action", 20, 0)],
    "reports-by-hour": [
        (HOUR_TEXT, "ham", "move", 8, 0),
        (HOUR_TEXT, "spam", "keyword", 2, 0),
        (HOUR_TEXT, "spam", "move", 18, 6),
        (HOUR_TEXT, "weak-ham", "action", 20, 0)],
    # bursts are excluded: 14 spam. Messages with unknown scores are missed
    "missed-and-caught": [
        (t, 14, 4 if t <= 95 else 14, 28.57 if t <= 95 else 100.0,
         8, 1 if t <= 90 else 0, 12.5 if t <= 90 else 0.0,
         20, 1 if t <= 85 else 0, 5.0 if t <= 85 else 0.0)
        for t in list(range(50, 100, 5)) + [99, 100]],
    "rates-by-day": [(DAY, 14, 4, 8, 1, 20, 0)],
    "better-or-worse": [
        (monday(HOUR), 14, 4, 28.6, 11.7, 54.6, "no clear change"),
        (monday(LONG_AGO + 14 * 86400), 100, 10, 10.0, 5.5, 17.4, "better"),
        (monday(LONG_AGO + 7 * 86400), 100, 90, 90.0, 82.6, 94.5, "worse"),
        (monday(LONG_AGO), 100, 60, 60.0, 50.2, 69.1, "no clear change")],
    "got-through": [("40-49", "move", 2), ("unknown", "keyword", 2)],
    "rising-campaigns": [("body-word", "%016x" % 2, 3, 50, DAY, DAY)],
    "rescued-domains": [
        ("sender-domain", "%016x" % 5, 60, 1, 4, DAY),
        ("sender-domain", "%016x" % 7, 9, 0, 3, DAY)],
    # sender-domain: 41 spam, 69 ham. Token 5 is rare in spam, 6 in ham, and 7
    # is ten times as frequent in ham, too
    "decisive-classes": [
        ("sender-domain", 3, 110, 40, 70, 100.0),
        ("body-word", 2, 152, 0, 0, 0.0),
        ("header-name", 1, 7, 0, 0, 0.0),
        ("url-host", 1, 12, 0, 0, 0.0)],
    "tokens-by-class": [
        ("body-word", 2, 150, 2, 98.7), ("sender-domain", 3, 41, 69, 37.3),
        ("url-host", 1, 4, 8, 33.3), ("header-name", 1, 7, 0, 100.0)],
    "strongest-tokens": [
        ("body-word", "%016x" % 1, 100, 2, 9, LONG_AGO_TEXT, DAY),
        ("body-word", "%016x" % 2, 50, 0, 3, DAY, DAY),
        ("sender-domain", "%016x" % 6, 40, 0, 2, LONG_AGO_TEXT, DAY),
        ("header-name", "%016x" % 8, 7, 0, 5, DAY, DAY)],
    "flooders": [
        (HOUR_TEXT, "%016x" % 77, "spam", "append", 2),
        (HOUR_TEXT, "%016x" % 78, "ham", "move", 1)],
    "taken-back": [("move", 3, 1), ("append", 3, 1), ("learn", 1, 0)],
}


def read(name):
    with open(os.path.join(HERE, name)) as f:
        return f.read()


def database():
    db = sqlite3.connect(":memory:")
    db.executescript(read("schema.sql"))
    db.executescript(read("views.sql"))
    db.execute("INSERT INTO meta VALUES ('min_reporters', 2),"
               " ('threshold', 90)")
    db.executemany("INSERT INTO hours VALUES (?, ?, ?, ?, ?, ?)", HOURS)
    db.executemany("INSERT INTO tokens (token, class, spam, ham, reporters,"
                   " age, day, sketch) VALUES (?, ?, ?, ?, ?, (%d - ?) / 86400,"
                   " %d / 86400, 0)" % (TODAY, TODAY), TOKENS)
    db.executemany(
        "INSERT INTO reports (seq, id, hour, verdict, origin, score, burst,"
        " undone, sealed) VALUES (?, ?, ?, ?, ?, 1, ?, ?, x'')", REPORTS)
    return db


def main():
    db = database()
    bad = 0
    paths = sorted(glob.glob(os.path.join(HERE, "queries", "*.sql")))
    for path in paths:
        name = os.path.basename(path)[:-4]
        text = read("queries/%s.sql" % name)
        first = text.splitlines()[0]
        if not (first.startswith("-- ") and first.endswith("?")):
            print("%s: the first line isn't its question" % name)
            bad += 1
        got = db.execute(text).fetchall()
        if got != EXPECTED.get(name):
            print("%s: got %r\n  expected %r" % (name, got,
                                                 EXPECTED.get(name)))
            bad += 1
    missing = set(EXPECTED) - {os.path.basename(p)[:-4] for p in paths}
    if missing:
        print("no such query: %s" % missing)
        bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
