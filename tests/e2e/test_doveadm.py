"""doveadm junk: status, score, learn, stats and export, also with a service
that sends nonsense or nothing."""

import glob
import json
import os
import re
import struct
import subprocess

import segment
import testcase
from admin import (HOUR, FakeService, day_hours, doveadm, good, make_database,
                   remove_database, rows_of)
from junkclient import ACK, ERROR, REPORT, TEXT, frame

OPTIONS = {"service": None}


def status(t):
    """Return (exit code, {item: (state, value)})"""
    code, out, err = doveadm(t, "-f", "json", "junk", "status")
    assert not err, err
    return code, {row["item"]: (row["state"], row["value"])
                  for row in json.loads(out)}


def no_segment(t):
    if os.path.exists(t.d.segment_path):
        os.unlink(t.d.segment_path)


def test_status_ok(t):
    """status: everything is configured"""
    segment.write(t.d.segment_path, segment.content(50))
    with FakeService(t.d.socket_path, good):
        code, rows = status(t)
    assert code == 0, rows
    for item in ("plugin file", "imap mail_plugins", "service", "socket",
                 "segment", "model"):
        assert rows[item][0] == "ok", rows
    assert rows["reports"] == ("ok", "7") and "nonsense" not in rows, rows
    # Sieve isn't configured here, which is a note and not an error
    assert rows["lmtp sieve_plugins"][0] == "note", rows


def test_status_formats(t):
    """status: table, tab and pager formatters"""
    no_segment(t)
    for fmt, word in (("table", "item"), ("tab", "item\tstate\tvalue"),
                      ("pager", "item: plugin file")):
        code, out, err = doveadm(t, "-f", fmt, "junk", "status")
        assert code != 0 and word in out and not err, out + err


def test_status_service_down(t):
    """status: no service and no segment: errors, each with a fix"""
    no_segment(t)
    code, rows = status(t)
    assert code == 69, code
    for item in ("service", "segment"):
        assert rows[item][0] == "error" and "Fix: " in rows[item][1], rows


def test_status_few_reports(t):
    """status: too few reports are a note"""
    segment.write(t.d.segment_path, segment.content(None))
    with FakeService(t.d.socket_path, good):
        code, rows = status(t)
    assert code == 0 and rows["model"][0] == "note", rows
    assert "10 reports" in rows["model"][1], rows


def test_status_one_person(t):
    """status: reports of one person only, which don't count for others, are a
    note"""
    segment.write(t.d.segment_path, segment.content(50, weight=0))
    with FakeService(t.d.socket_path, good):
        code, rows = status(t)
    assert code == 0 and rows["model"][0] == "note", rows
    assert "junk_feedback_min_reporters" in rows["model"][1], rows


def test_status_bad_segment(t):
    """status: an invalid segment, or one that users can't read"""
    with FakeService(t.d.socket_path, good):
        segment.write(t.d.segment_path, segment.content(50)[:-1])
        code, rows = status(t)
        assert code != 0 and rows["segment"][0] == "error", rows
        segment.write(t.d.segment_path, segment.content(50))
        os.chmod(t.d.segment_path, 0o600)
        code, out, err = doveadm(t, "junk", "status")
        assert code != 0 and "chmod 0644" in out, out
    no_segment(t)


def test_status_bad_service(t):
    """status: a service that sends garbage, too much, or nothing"""
    answers = (
        (lambda k, p: b"HTTP/1.0 400 Bad Request\r\n\r\n", "protocol"),
        (lambda k, p: frame(TEXT, b"x", version=9), "protocol"),
        (lambda k, p: struct.pack("<IBBH", 1 << 30, 1, TEXT, 0), "protocol"),
        (lambda k, p: frame(ACK, struct.pack("<I", 1)), "unexpected"),
        (lambda k, p: frame(ERROR, b"go away"), "go away"),
        (lambda k, p: None, "closed"),
        (lambda k, p: frame(ERROR), "error of the service"),
    )
    for answer, word in answers:
        with FakeService(t.d.socket_path, answer):
            code, rows = status(t)
        assert code == 69 and rows["service"][0] == "error", rows
        assert word in rows["service"][1], rows


def test_status_socket_mode(t):
    """status: a socket that only root can write to"""
    segment.write(t.d.segment_path, segment.content(50))
    with FakeService(t.d.socket_path, good):
        os.chmod(t.d.socket_path, 0o600)
        code, rows = status(t)
    assert code == 78 and rows["socket"][0] == "error", rows
    assert "0666" in rows["socket"][1], rows


def test_check(t):
    """check: no service, no database, no Sieve plugin"""
    remove_database(t)
    no_segment(t)
    code, out, err = doveadm(t, "-f", "json", "junk", "check")
    rows = {row["item"]: row for row in json.loads(out)}
    assert code == 69 and not err, (code, err)
    assert rows["service"]["state"] == "error" and "report" not in rows, rows
    assert "creates this file" in rows["database"]["value"], rows
    assert rows["is new mail scored"]["state"] == "error", rows
    assert not glob.glob("/tmp/doveadm-junk-*")


def test_check_scores_stay(t):
    """check: scores don't change after a report"""
    segment.write(t.d.segment_path, segment.content(50))
    make_database(t)
    with FakeService(t.d.socket_path, good):
        code, out, err = doveadm(t, "-f", "json", "junk", "check")
    rows = {row["item"]: row for row in json.loads(out)}
    assert code == 70, code
    assert rows["report"]["state"] == rows["database"]["state"] == "ok", rows
    assert rows["scores"]["state"] == "error", rows
    remove_database(t)


def other_config(t, name, *replacements):
    with open(t.d.config_path) as f:
        text = f.read()
    for old, new in replacements:
        assert re.search(old, text), old
        text = re.sub(old, new, text)
    path = os.path.join(t.d.dir, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def test_status_config(t):
    """status: mail_plugins without our plugin, or without notify"""
    for old, new, word in ((r"notify junk_feedback", "notify", "no junk_fe"),
                           (r"notify junk_feedback", "junk_feedback",
                            "notify is missing")) if t.d.version < (2, 4) else (
                          (r"junk_feedback = yes", "junk_feedback = no",
                           "no junk_fe"),
                          (r"notify = yes", "notify = no",
                           "notify is missing")):
        path = other_config(t, "other.conf", (old, new))
        p = subprocess.run(["doveadm", "-c", path, "junk", "status"],
                           stdout=subprocess.PIPE, text=True, timeout=60)
        assert p.returncode == 78 and word in p.stdout, p.stdout


def test_score_terminal(t):
    """score: text from a sender can't contain commands for the terminal"""
    segment.write(t.d.segment_path, segment.content(50))
    evil = "\x1b]0;evil\x07\x1b[2Jx\x7f\u009b2J"
    message = ("From: anna@example.org\nX-Mailer: Mailer %s 1.0\n"
               "Content-Type: text/html; boundary=\"%s\"; charset=utf-8\n\n"
               "<a href='http://h.example/%s'>%s</a>\n" % ((evil,) * 4))
    code, out, err = doveadm(t, "junk", "score", "-a", stdin=message.encode())
    assert code == 0 and "Mailer" in out, (code, out, err)
    found = re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f]", out + err)
    assert not found, (found, out)


def test_score_stdin(t):
    """score < message: score, classes and the message's own tokens"""
    segment.write(t.d.segment_path, segment.content(42))
    code, out, err = doveadm(t, "-f", "tab", "junk", "score",
                             stdin=testcase.spam(1))
    assert code == 0 and not err, err
    rows = [line.split("\t") for line in out.splitlines()]
    assert ["-", "score", "", "", "42", ""] in rows, out
    assert sum(row[1] == "class" for row in rows) > 3, out
    assert 5 < sum(row[1] == "token" for row in rows) <= 20, out
    code, out, err = doveadm(t, "-f", "tab", "junk", "score", "-a",
                             stdin=testcase.spam(1))
    assert "\turl-host\tpharma.example\t" in out, out


def test_score_sums(t):
    """score: classes and tokens add up to the sum"""
    segment.write(t.d.segment_path, segment.content(42, weight=3000))
    code, out, err = doveadm(t, "-f", "tab", "junk", "score", "-a",
                             stdin=testcase.ham(1))
    assert code == 0 and not err, err
    rows = [line.split("\t") for line in out.splitlines()[1:]]
    total = [float(row[4]) for row in rows if row[1] == "sum"][0]
    assert total > 1, out
    for item in ("class", "token"):
        found = sum(float(row[4]) for row in rows
                    if row[1] == item)
        assert abs(found - total) < 0.05, (item, found, total)


def test_score_odd_input(t):
    """score: empty and malformed input"""
    segment.write(t.d.segment_path, segment.content(42))
    for message in (b"", b"\n", b"\0" * 1000, bytes(range(256)) * 100,
                    b"a" * (3 << 20)):
        code, out, err = doveadm(t, "junk", "score", stdin=message)
        assert code == 0 and "score" in out and not err, (out, err)


def test_score_unknown(t):
    """score: without a segment unknown, with the reason"""
    no_segment(t)
    code, out, err = doveadm(t, "-f", "tab", "junk", "score",
                             stdin=testcase.ham())
    assert code == 0 and "\tscore\t\t\tunknown" in out, out + err
    assert "\treason\t\t\t" in out and t.d.segment_path in out, out


def test_score_query(t):
    """score -u user query, and -u user < message"""
    segment.write(t.d.segment_path, segment.content(42))
    for _ in range(3):
        t.deliver(testcase.ham())
    user = t.user()
    code, out, err = doveadm(t, "-f", "json", "junk", "score", "-u", user,
                             "mailbox", "INBOX", "2:3")
    assert code == 0 and not err, err
    scored = [row["message"] for row in json.loads(out)
              if row["item"] == "score"]
    assert scored == ["INBOX 2", "INBOX 3"], scored
    code, out, err = doveadm(t, "junk", "score", "-u", user,
                             stdin=testcase.ham())
    assert code == 0 and " 42 " in out, out + err
    code, out, err = doveadm(t, "junk", "score", "-u", user, "mailbox",
                             "INBOX", "subject", "nothing like this")
    assert code == 68 and " 42 " not in out, out + err


def test_learn(t):
    """learn: each message that is found is reported once, with origin learn"""
    for _ in range(3):
        t.deliver(testcase.spam())
    user = t.user()
    with FakeService(t.d.socket_path, good) as service:
        code, out, err = doveadm(t, "-f", "tab", "junk", "learn", "-u", user,
                                 "spam", "mailbox", "INBOX")
        assert code == 0 and not err, err
        assert out.splitlines()[1] == "spam\t3\t0", out
        assert [kind for kind, _ in service.frames] == [REPORT] * 3
        for _, payload in service.frames:
            _, verdict, origin = struct.unpack_from("<QBB", payload)
            assert (verdict, origin) == (1, 7)
        first = [payload[16:48] for _, payload in service.frames]
        assert len(set(first)) == 3
        assert len({p[:16] for p in first}) == 1, "one reporter"
        # repeating it sends the same reporter and digests
        doveadm(t, "junk", "learn", "-u", user, "ham", "mailbox", "INBOX")
        again = service.frames[3:]
        assert [p[16:48] for _, p in again] == first
        assert {p[8] for _, p in again} == {2}


def test_learn_all_users(t):
    """learn -F: several users, each under their own identity"""
    users = [t.user("l%d" % i) for i in range(3)]
    for user in users:
        t.d.deliver(user, testcase.spam())
    path = os.path.join(t.d.dir, "users.txt")
    with open(path, "w") as f:
        f.write("".join(user + "\n" for user in users))
    with FakeService(t.d.socket_path, good) as service:
        code, out, err = doveadm(t, "junk", "learn", "-F", path, "spam",
                                 "mailbox", "INBOX")
        assert code == 0 and not err, err
        assert len({p[16:32] for _, p in service.frames}) == 3


def test_learn_left_out(t):
    """learn: a user with junk_feedback = no is skipped"""
    t.deliver(testcase.spam())
    option = ("plugin/" if t.d.version < (2, 4) else "") + "junk_feedback=no"
    with FakeService(t.d.socket_path, good) as service:
        code, out, err = doveadm(t, "-o", option, "junk", "learn", "-u",
                                 t.user(), "spam", "mailbox", "INBOX")
        assert code == 0 and not service.frames, out + err


def test_learn_many(t):
    """learn: more messages than may be unacknowledged at a time"""
    t.deliver(testcase.spam())
    c = t.imap(select="INBOX")
    while len(c.uids()) < 600:
        c.cmd("COPY 1:* INBOX")
    count = len(c.uids())
    waiting = []

    def answer(kind, payload):
        # acknowledged in groups, as by a busy service
        waiting.append(1)
        if len(waiting) % 100 == 0 or len(waiting) == count:
            n = len(waiting) - (len(waiting) - 1) // 100 * 100
            return frame(ACK, struct.pack("<I", n))
        return b""

    with FakeService(t.d.socket_path, answer):
        code, out, err = doveadm(t, "-f", "tab", "junk", "learn", "-u",
                                 t.user(), "spam", "mailbox", "INBOX")
    assert code == 0 and "spam\t%d\t0" % count in out, out + err


def test_learn_service_fails(t):
    """learn: without a service, or when it dies: a temporary error"""
    t.deliver(testcase.spam())
    args = ("junk", "learn", "-u", t.user(), "spam", "mailbox", "INBOX")
    code, out, err = doveadm(t, *args)
    assert code == 69 and "doveadm junk status" in err, (code, err)
    for answer in (lambda k, p: None, lambda k, p: b"garbage!" * 10,
                   lambda k, p: frame(ACK, struct.pack("<I", 5)),
                   lambda k, p: frame(ERROR, b"disk is full")):
        with FakeService(t.d.socket_path, answer):
            code, out, err = doveadm(t, *args)
            assert code == 75 and "Error: " in err, (code, err)


def test_stats_days(t):
    """stats: missed spam and caught ham by day, with intervals, without
    bursts"""
    make_database(t, day_hours())
    rows = rows_of(t, "junk", "stats")
    assert len(rows) == 3, rows
    old, today, total = rows
    assert (old["spam"], old["missed"], old["missed_percent"]) == \
        ("10", "0", "0.0"), old
    assert old["missed_interval"] == "0.0-27.8", old
    assert old["ham"] == "0" and old["caught_percent"] == "", old
    assert (today["spam"], today["missed"]) == ("100", "40"), today
    assert today["missed_interval"] == "30.9-49.8", today
    assert (today["ham"], today["caught"], today["caught_percent"]) == \
        ("200", "1", "0.5"), today
    assert today["caught_interval"] == "0.1-2.8", today
    assert (today["weak_ham"], today["weak_caught"]) == ("80", "0"), today
    assert today["weak_caught_interval"] == "0.0-4.6", today
    assert today["missed_bar"] == "████", today
    assert total["day"] == "all" and total["spam"] == "110", total
    # nothing was scored, so there is no counter page
    assert (today["scored"], today["filed"]) == ("0", "0"), today


def test_stats_since_and_threshold(t):
    """stats: --since and --threshold"""
    make_database(t, day_hours())
    rows = rows_of(t, "junk", "stats", "--since", "200d")
    assert rows[-1]["spam"] == "1110", rows
    rows = rows_of(t, "junk", "stats", "--since", "0h", "--by", "hour")
    assert rows[-1]["hour"] == "all", rows
    rows = rows_of(t, "junk", "stats", "--threshold", "96")
    assert rows[-1]["missed"] == "110" and rows[-1]["caught"] == "1", rows
    assert [r["spam"] for r in rows_of(
        t, "junk", "stats", "--since", "yesterday")] == ["10", "100", "110"]
    assert [r["spam"] for r in rows_of(
        t, "junk", "stats", "--since", "today")] == ["100", "100"]
    for since in ("2026-03-31", "2026-03-31 17:00", "2026-03-31T17:00"):
        assert rows_of(t, "junk", "stats", "--since", since)
    for since in ("tomorrow", "7x", "2026-13-01", "-1d", "",
                  "2026-03-31 25:00", "2026-03-31 1:00"):
        code, out, err = doveadm(t, "junk", "stats", "--since", since)
        assert code == 64 and "is not a valid time" in err, (since, code, err)


def test_stats_by(t):
    """stats: by origin, threshold and class"""
    make_database(t, day_hours(), (
        # token, class, spam, ham, reporters, day
        (1, 0, 5, 1, 3, 0), (2, 0, 4, 0, 2, 0), (3, 6, 9, 9, 1, 0)))
    rows = {r["origin"]: r for r in rows_of(t, "junk", "stats", "--by",
                                            "origin")}
    assert rows["keyword"]["missed"] == "10", rows
    assert rows["move"]["spam"] == "100", rows
    rows = {r["threshold"]: r for r in rows_of(t, "junk", "stats", "--by",
                                               "threshold")}
    assert (rows["95"]["missed"], rows["50"]["missed"]) == ("42", "40"), rows
    assert (rows["99"]["caught"], rows["95"]["caught"]) == ("0", "1"), rows
    # mail that users keep and a lower threshold would file
    assert [rows[t]["weak_caught"] for t in ("90", "85", "80")] == \
        ["0", "3", "3"], rows
    assert list(rows) == [str(n) for n in (*range(50, 100, 5), 99, 100)], rows
    rows = rows_of(t, "junk", "stats", "--by", "threshold", "--threshold",
                   "94")
    assert [r["threshold"] for r in rows[8:11]] == ["90", "94", "95"], rows
    # tokens of a single reporter are never shown
    rows = rows_of(t, "junk", "stats", "--by", "class")
    assert rows == [{"class": "body-word", "tokens": "2", "spam": "9",
                     "ham": "1"}], rows


def test_stats_empty(t):
    """stats and export of an empty database"""
    make_database(t)
    assert [r["spam"] for r in rows_of(t, "junk", "stats")] == ["0"]
    code, out, err = doveadm(t, "junk", "stats", "--by", "class")
    assert code == 68 and "by enough people" in err, (code, err)
    for what in ("hours", "days", "rates", "classes", "tokens"):
        assert rows_of(t, "junk", "export", what) == []


def test_export(t):
    """export: aggregates as table, JSON and CSV, without tokens of few
    people"""
    make_database(t, day_hours(), ((255, 6, 5, 1, 3, 0), (3, 6, 9, 9, 1, 0)))
    rows = rows_of(t, "junk", "export", "tokens")
    assert [r["token"] for r in rows] == ["00000000000000ff"], rows
    code, out, err = doveadm(t, "junk", "export", "--csv", "days")
    lines = out.split("\r\n")
    assert code == 0 and lines[0] == "day,verdict,origin,reports,burst", \
        out + err
    assert len(lines) == 8 and ",spam,move," in lines[1], out


def test_damaged_database(t):
    """stats: a database that is damaged in the middle"""
    make_database(t, [(i * HOUR, 1, 1, 5, 1, 0) for i in range(20000)])
    with open(t.d.database_path, "r+b") as f:
        f.seek(8192)
        f.write(b"\xff" * 400000)
    code, out, err = doveadm(t, "junk", "stats", "--since", "2000w")
    assert code == 65 and "malformed" in err, (code, err)
    remove_database(t)
