"""Commands on large mailboxes: the user's process stays within Dovecot's
memory limit, whatever the size of the command (edge case 23)."""

import os
import re

import harness
import testcase
from testcase import ALL_FORMATS

# tools/torture large has ten times as many, with Dovecot's default_vsz_limit.
# The plugin once kept several times as much of a command.
COUNT = int(os.environ.get("JUNK_LARGE_COUNT", 20000))
VSZ_MBYTES = 96 if COUNT <= 20000 else 256
# time limits of a client's command and of the reports after it
COMMAND_SECS = 300 + COUNT // 200
REPORT_SECS = 300 + COUNT // 100
FIRST = 625
SLOW = True
OPTIONS = {
    "debug": True,
    "extra": lambda version, d:
        "service imap {\n  vsz_limit = %dM\n}\n" % VSZ_MBYTES,
}


def wordy(n):
    """Return a message of some hundred tokens."""
    return testcase.numbered(n) + b" ".join(
        b"word%dx%d" % (n, i) for i in range(400)) + b"\n"


def fill(t):
    """Put COUNT messages into Work, of which FIRST are different."""
    c = t.client()
    c.sock.settimeout(COMMAND_SECS)
    c.append_many("Work", [wordy(n) for n in range(FIRST)])
    c.select("Work")
    count = FIRST
    while count < COUNT:
        c.cmd("COPY 1:%d Work" % min(count, COUNT - count))
        c.cmd("NOOP")
        count = len(c.uids())
    return c


def alive(t, c):
    c.cmd("NOOP")
    testcase.Test.finish(t)
    assert "Out of memory" not in t.log(), t.log()
    assert not [line for line in t.errors() if "junk-feedback" in line], t.log()


def all_reported(t, report):
    testcase.wait_reported(t.d, REPORT_SECS)
    harness.wait_for(lambda: t.reports()[report] >= FIRST, "the reports", 120)


@ALL_FORMATS
def test_copy(t):
    """case 23: UID COPY of all into Junk"""
    c = fill(t)
    c.cmd("UID COPY 1:* Junk")
    alive(t, c)
    all_reported(t, "spam copy")


def test_gone(t):
    """case 23: the client disconnects while its copied messages are still
    read: the process ends normally, and the next session continues"""
    c = fill(t)
    c.cmd("UID COPY 1:* Junk")
    c.close()
    harness.wait_for(lambda: re.search(r"imap\(.*Disconnected", t.log()),
                     "the process' end", 60)
    alive(t, t.imap("user"))


def test_store(t):
    """case 23: a junk keyword on all messages"""
    c = fill(t)
    c.cmd("UID STORE 1:* +FLAGS.SILENT ($Junk)")
    alive(t, c)
    all_reported(t, "spam keyword")


@ALL_FORMATS
def test_multiappend(t):
    """case 16: MULTIAPPEND of thousands, to Junk and elsewhere"""
    c = t.client()
    c.sock.settimeout(COMMAND_SECS)
    for mailbox in ("INBOX", "Junk"):
        parts = ["APPEND %s " % mailbox]
        for n in range(COUNT * 3 // 10):
            parts += [harness.to_crlf(wordy(n)), " "]
        parts.pop()
        c.cmd(parts)
        alive(t, c)
