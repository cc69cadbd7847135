"""doveadm junk with invalid input: an error message, the right exit code, and
no change. There is one row for each kind of error."""

import os
import re

import segment
import testcase
from admin import (TOP, FakeService, day_hours, doveadm, good, make_database,
                   remove_database)
from junkclient import STATUS

OPTIONS = {"service": None}

USAGE, INPUT, NOTHING, UNAVAILABLE, CREATE, TEMPORARY = 64, 66, 68, 69, 73, 75

# {command: its rows}; a row: arguments, exit code, text of the error. USER: a
# user with one message; OUT: a file that must not be created.
COMMON = (("-x", USAGE, "invalid option"),
          ("--bogus", USAGE, "unrecognized option"))
WORDS = (("extra", USAGE, "arguments found: extra"),)
SINCE = (("--since", USAGE, "requires an argument"),
         ("--since soon", USAGE, "soon is not a valid time: use e.g. 24h"),
         ("--since 2026-02-30", USAGE, "2026-02-30 is not a valid time"),
         ("--since 7", USAGE, "7 is not a valid time"),
         ("--since 2999-01-01", USAGE, "2999-01-01 is in the future"))


def after(words, rows):
    """Return the same rows with more words before them"""
    return tuple((words + " " + args, code, text) for args, code, text in rows)


TABLE = {
    "status": WORDS,
    "check": WORDS,
    "stats": WORDS + SINCE + (
        ("--by month", USAGE, "--by month: use day, hour, origin"),
        ("--threshold x", USAGE, "--threshold must be a number from"),
        ("--threshold -1", USAGE, "--threshold must be a number from"),
        ("--threshold 101", USAGE, "--threshold must be a number from"),
    ),
    "export": after("days", WORDS) + (
        ("", USAGE, "must be hours, days, rates"),
        ("mail", USAGE, "must be hours, days, rates"),
    ),
    "report": after("-o OUT", WORDS + SINCE) + (
        ("", USAGE, "--output is required"),
        ("--output ", USAGE, "--output is required"),
        ("--output OUT/no/folder.html", CREATE, "OUT/no/folder.html"),
    ),
    "token": after("word", WORDS) + (
        ("", USAGE, "exactly one word, address or host"),
        ("<a@b>", USAGE, "exactly one word, address or host"),
    ),
    "score": (
        ("-u USER bogus", TEMPORARY, "Unknown argument BOGUS"),
        ("-u USER since soon", TEMPORARY, "Invalid search date"),
        ("-u USER subject zebra", NOTHING, "the query finds no message"),
        ("-u USER mailbox Nowhere", NOTHING, "the query finds no message"),
        ("-F OUT all", TEMPORARY, "OUT"),
    ),
    "learn": (
        ("-u USER", USAGE, "a verdict and a query are required"),
        ("-u USER spam", USAGE, "a verdict and a query are required"),
        ("-u USER maybe all", USAGE, "must be spam or ham, not maybe"),
        ("-u USER spam bogus", TEMPORARY, "Unknown argument BOGUS"),
        ("-u USER spam subject zebra", NOTHING, "the query finds no message"),
        ("-u USER ham mailbox Nowhere", NOTHING,
         "the query finds no message"),
        ("-F OUT spam all", TEMPORARY, "OUT"),
    ),
    "start": after("-u USER", WORDS) + (
        ("-F OUT", TEMPORARY, "OUT"),
    ),
    "forget": SINCE + after("-u USER", SINCE) + after("--since 1h", WORDS) + (
        ("", USAGE, "--since is required"),
        ("-u USER", USAGE, "--since is required"),
        ("--burst", USAGE, "--since is required"),
        ("--since 1h --until soon", USAGE, "soon is not a valid time"),
        ("--since 1h --until 2h", USAGE, "--until must be later"),
        ("--since 1h --origin fax", USAGE, "--origin fax: use move"),
        ("-u USER --since 1h --origin fax", USAGE, "--origin fax: use move"),
        ("-u USER --since 1h --burst", USAGE, "selects the users itself"),
    ),
    "allow": (
        ("-u USER", USAGE, "use list, test, add, remove or clear"),
        ("-u USER trust a@example.org", USAGE,
         "use list, test, add, remove or clear"),
        ("-u USER list a@example.org", USAGE, "list takes no addresses"),
        ("-u USER add", USAGE, "add needs an address"),
        ("-u USER add example.org", USAGE,
         "example.org is neither an address"),
        ("-F OUT list", TEMPORARY, "OUT"),
    ),
    "metrics": WORDS,
    "setup": WORDS,
    "spool": (("-F OUT", TEMPORARY, "OUT"),),
    "identity": (
        ("-u USER", USAGE, "--from must be a directory in the user's home"),
        ("-u USER --from OUT", USAGE, "quoted for the shell"),
        ("-u USER --from ~/nowhere", INPUT, "nowhere/junk-feedback.id "
         "doesn't exist"),
        ("-F OUT --from ~/old", TEMPORARY, "OUT"),
    ),
    "rebuild": WORDS,
    "rekey": after("--yes", WORDS) + (("", USAGE, "add --yes"),),
}


def commands():
    """Return all commands of the manual page"""
    with open(TOP + "/doc/doveadm-junk.1") as f:
        return set(re.findall(r"^\.Cm junk (\w+)$", f.read(), re.M))


def database(t):
    with open(t.d.database_path, "rb") as f:
        return f.read()


def prepare(t):
    """Create a user with one message, and a segment; return the words that
    rows use"""
    t.deliver(testcase.spam())
    segment.write(t.d.segment_path, segment.content(50))
    return {"USER": t.user(), "OUT": t.d.dir + "/out"}


def refused(t, words, command, args, code, text):
    argv = [words.get(arg, arg.replace("OUT", words["OUT"]))
            for arg in args.split(" ")] if args else []
    got, out, err = doveadm(t, "junk", command, *argv)
    text = text.replace("OUT", words["OUT"])
    assert got == code and text in out + err, (command, args, got, out, err)
    assert not os.path.exists(words["OUT"]), (command, args)


def test_arguments(t):
    """unknown options, too many words, invalid times and numbers, queries that
    are invalid or find nothing"""
    assert set(TABLE) == commands()
    words = prepare(t)
    make_database(t, day_hours())
    before = database(t)
    with FakeService(t.d.socket_path, good) as service:
        for command, rows in TABLE.items():
            for args, code, text in COMMON + rows:
                refused(t, words, command, args, code, text)
                reports = [f for f in service.frames if f[0] != STATUS]
                assert not reports, (command, args, reports)
    assert database(t) == before
    assert not os.path.exists(t.control_file(t.user(), "junk-feedback"))


def no_database(t):
    remove_database(t)
    with open(t.d.database_path, "wb") as f:
        f.write(b"no database " * 1000)


def test_database(t):
    """no database, another program's or version's, or a file that isn't one,
    for each command that reads it"""
    words = prepare(t)
    for make, text in (
            (lambda: make_database(t, version=99), "has a newer version"),
            (lambda: make_database(t, version=1), "has an older version"),
            (lambda: make_database(t, app_id=1), "isn't a database of"),
            (lambda: no_database(t), "file is not a database")):
        make()
        before = database(t)
        for command, args in (("stats", ""), ("export", "days"),
                              ("report", "--output OUT")):
            refused(t, words, command, args, INPUT, text)
        # this command notices first that there is no service
        refused(t, words, "check", "", UNAVAILABLE, text)
        assert database(t) == before
    remove_database(t)
    refused(t, words, "stats", "", INPUT, "creates this file when it starts")
    assert not os.path.exists(t.d.database_path)
