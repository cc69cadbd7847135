"""Helpers of the end-to-end tests: messages, reports, and the Test that each
test function gets."""

import collections
import glob
import os
import re
import socket
import sqlite3
import struct
import time

import harness
import segment

HAM = b"""\
From: Anna Weber <anna.weber@example.org>
To: Bob <bob@example.net>
Subject: Meeting on Thursday about number %d
Date: Tue, 3 Mar 2026 10:%02d:%02d +0000
Message-ID: <meeting-%d@example.org>
Content-Type: text/plain; charset=utf-8

Hello Bob,

shall we meet on Thursday to look at the garden plans? Number %d of the list
is still open. Best regards, Anna
"""

SPAM = b"""\
From: Lucky Pills <offer%d@pharma.example>
To: undisclosed-recipients:;
Subject: Cheap medicine number %d, buy now
Date: Tue, 3 Mar 2026 11:%02d:%02d +0000
Message-ID: <pills-%d@pharma.example>
Content-Type: text/html; charset=utf-8

<html><body><p>Lowest prices for <b>pills</b>, order now:
<a href="http://pharma.example/buy/%d">click here</a></p></body></html>
"""

_serial = 0


def _next():
    global _serial
    _serial += 1
    return _serial


def ham(n=None):
    """Return a good message, different each time unless n is given."""
    n = _next() if n is None else n
    return HAM % (n, n // 60 % 60, n % 60, n, n)


def spam(n=None):
    n = _next() if n is None else n
    return SPAM % (n, n, n // 60 % 60, n % 60, n, n)


def numbered(n, size=200):
    """Return a small message for mass moves; the digests differ."""
    return (b"From: bulk@example.com\nSubject: bulk mail w%dx\n"
            b"Date: Tue, 3 Mar 2026 %02d:%02d:%02d +0000\n\nbulk y%dz\n" % (
                n, n // 3600 % 24, n // 60 % 60, n % 60, n) +
            b"x" * size + b"\n")


# --- the service's side ---

VERDICTS = {1: "spam", 2: "ham", 3: "weak-ham"}
ORIGINS = {1: "move", 2: "copy", 3: "append", 4: "keyword", 5: "action",
           6: "sieve", 7: "learn", 8: "kept"}
ORIGIN_LEARN = 7
# Expected reports must arrive within this time.
EXPECT_SECS = 5


def report_frame(verdict, origin, reporter, digest, tokens=(1, 2, 3),
                 stamp_usecs=None, feature_set=segment.feature_set()):
    """Return a REPORT frame (lib-junk/report/junk-frame.h)."""
    if stamp_usecs is None:
        stamp_usecs = int(time.time() * 1000000)
    payload = struct.pack("<QBBHI16s16sHH", stamp_usecs, verdict, origin,
                          feature_set, 1000, reporter, digest, 0, len(tokens))
    payload += struct.pack("<%dQ" % len(tokens), *tokens)
    return struct.pack("<IBBH", len(payload), 1, 1, 0) + payload


def parse_frames(data):
    """Return [(offset, size, stamp_usecs, verdict, origin)] of a spool's
    frames"""
    result = []
    offset = 0
    while offset < len(data):
        size = 8 + struct.unpack_from("<I", data, offset)[0]
        stamp, verdict, origin = struct.unpack_from("<QBB", data, offset + 8)
        result.append((offset, size, stamp, verdict, origin))
        offset += size
    return result


def intents_waiting(d):
    """Return intent files of living sessions that have answered commands and
    not yet reported them. The file of a killed session isn't locked. Locks are
    read from /proc/locks: a lock of our own, even for a moment, could make a
    session that is just starting take the file for another living
    session's."""
    files = {}
    for path in glob.glob(d.home_dir + "/*/mail/junk-feedback.intent.*"):
        try:
            status = os.stat(path)
        except FileNotFoundError:
            continue
        if status.st_size > 0:
            files[status.st_ino] = path
    if not files:
        return []
    with open("/proc/locks") as f:
        locked = {int(line.split()[5].rsplit(":", 1)[1]) for line in f
                  if line.split()[1] == "FLOCK"}
    return [path for inode, path in files.items() if inode in locked]


def wait_reported(d, timeout_secs=harness.TIMEOUT_SECS):
    """Wait until the sessions have reported all answered commands"""
    harness.wait_for(lambda: not intents_waiting(d), "the sessions' reports",
                     timeout_secs)


def barrier(d):
    """Also wait until the service has recorded everything that was written to
    its socket before: send an ineffective report, which it acknowledges after
    the others."""
    wait_reported(d)
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(harness.TIMEOUT_SECS)
        s.connect(d.socket_path)
        s.sendall(report_frame(2, ORIGIN_LEARN, os.urandom(16),
                               os.urandom(16)))
        answer = s.recv(12)
    if answer[5:6] != b"\x81":
        raise harness.HarnessError("the service answered %r" % answer)


def live(d):
    """Return a Counter of "verdict origin" for the reports that count."""
    rows = d.query("SELECT verdict, origin FROM reports "
                   "WHERE undone IS NULL AND verdict IN (1, 2, 3)")
    return collections.Counter(
        "%s %s" % (VERDICTS[verdict], ORIGINS[origin])
        for verdict, origin in rows if origin != ORIGIN_LEARN)


def tail(text, count=25):
    lines = text.splitlines(True)
    return "".join(line for line in lines[-count:])


class Test:
    """t.d: the Dovecot; t.format: the mail format; t.user(): a user of this
    test only."""

    def __init__(self, d, name, mail_format):
        self.d = d
        self.name = name
        self.format = mail_format
        self.clients = []
        self.same_clients = {}
        self.servers = []
        self.log_start = len(d.log())
        self.debug_start = len(d.debug_log())
        try:
            self.before = live(d)
        except sqlite3.DatabaseError:
            # the test damages the database
            self.before = collections.Counter()

    def private(self, **options):
        """Return a Test with a Dovecot of its own, which ends with this
        test."""
        d = harness.Dovecot(self.name, **options)
        self.servers.append(d)
        d.start()
        other = Test(d, self.name, self.format)
        self.clients.append(other)
        return other

    # -- reports

    def recorded(self):
        """Return the number of reports that the service has recorded"""
        return sum(n for n, in self.d.query("SELECT reports FROM hours"))

    def reports(self):
        """Return a Counter of the reports since the test began, or since the
        last expect()."""
        barrier(self.d)
        now = live(self.d)
        difference = collections.Counter(now)
        difference.subtract(self.before)
        return collections.Counter(
            {key: n for key, n in difference.items() if n != 0})

    def expect(self, *expected):
        """Expect these reports since the last expect(), e.g. "spam move", "2
        ham copy". A replaced report counts as -1, e.g. "-1 spam move"."""
        want = collections.Counter()
        for text in expected:
            words = text.split(" ")
            count = 1
            if words[0].lstrip("-").isdigit():
                count = int(words.pop(0))
            want[" ".join(words)] += count
        # many reports may take the service longer than barrier()
        end = time.monotonic() + EXPECT_SECS
        while True:
            got = self.reports()
            if dict(got) == dict(want) or time.monotonic() > end:
                break
            time.sleep(0.1)
        self.before = live(self.d)
        assert dict(got) == dict(want), "reports: expected %s, got %s" % (
            dict(want), dict(got))

    def control_file(self, user, name):
        """Return the path of one of the plugin's files of a user."""
        return os.path.join(self.d.home(user), "mail", name)

    def user(self, name="user"):
        return "%s-%s@%s" % (self.name.replace("_", "-"), name, self.format)

    def imap(self, user=None, select=None):
        """Return a logged-in client of a user (a name for user(), or an
        address)."""
        if user is None or "@" not in user:
            user = self.user(user or "user")
        client = self.d.imap(user)
        self.clients.append(client)
        if select is not None:
            client.select(select)
        return client

    def client(self, user=None, select=None):
        """As imap(), but return the same client each time."""
        user = user or "user"
        if user not in self.same_clients:
            self.same_clients[user] = self.imap(user)
        if select is not None:
            self.same_clients[user].select(select)
        return self.same_clients[user]

    def deliver(self, message, user=None, mailbox="INBOX"):
        """Deliver with LMTP into any mailbox, which isn't a user's action."""
        target = self.user(user or "user")
        if mailbox != "INBOX":
            target = target.replace("@", "+%s@" % mailbox)
        self.d.deliver(target, message)

    def move(self, source, target, command="UID MOVE", user=None):
        """Move the last message of a mailbox."""
        c = self.client(user, source)
        c.cmd('%s %d "%s"' % (command, c.uids()[-1], target))

    def log(self):
        """Return what was logged since the test began."""
        return self.d.log()[self.log_start:]

    def debug_log(self):
        """Return debug events that were logged since the test began."""
        return self.d.debug_log()[self.debug_start:]

    def errors(self):
        """Return lines of the log with an error or a warning since then."""
        return [line for line in self.log().splitlines()
                if re.search(r"(Error|Warning|Panic|Fatal): ", line)]

    def finish(self):
        """Check what holds for every test."""
        for word in ("Panic: ", "Fatal: ", "killed with signal"):
            assert word not in self.log(), self.log()

    def diagnostics(self):
        """Return the end of the logs."""
        text = "log:\n" + tail(self.log()) + tail(self.debug_log())
        for d in self.servers:
            text += "private log:\n" + tail(d.log()) + tail(d.debug_log())
        return text

    def close(self):
        for client in self.clients:
            client.close()
        for d in self.servers:
            d.kill()
            d.__exit__()


def formats(*names):
    """Decorator: the mail formats with which a test runs."""
    def mark(function):
        function.formats = names
        return function
    return mark


ALL_FORMATS = formats(*harness.FORMATS)
