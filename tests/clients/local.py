"""Maildirs on a user's own disk that a program synchronises with the server's
mailboxes, and the user's actions in them."""

import email.utils
import glob
import os
import re
import subprocess
import time

import harness
from testcase import ham, numbered, spam

YEAR_SECS = 365 * 86400


def received(message, age_secs):
    """Return the message with a Received field of this age."""
    return (b"Received: from mx.example.net by mail.example.com; " +
            email.utils.formatdate(time.time() - age_secs).encode() + b"\n" +
            message)


class Maildirs:
    """Base class. A subclass for each program implements configure() and
    sync()."""

    def __init__(self, t):
        self.t = t
        self.dir = "%s/%s" % (t.d.dir, t.name)
        os.mkdir(self.dir)
        self.serial = 0
        self.configure()

    def write(self, path, text, **values):
        with open(path, "w") as f:
            f.write(text.format(dir=self.dir, port=self.t.d.imap_port,
                                user=self.t.user(), password=harness.PASSWORD,
                                **values))
        os.chmod(path, 0o600)

    def run(self, command):
        # programs compare the times of files, which they read in seconds
        time.sleep(1.1)
        harness.run(*command, env=dict(os.environ, HOME=self.dir))

    def files(self, mailbox):
        return sorted(path for part in ("cur", "new") for path in glob.glob(
            "%s/%s/%s/*" % (self.dir, mailbox, part)))

    def make(self, mailbox):
        for part in ("cur", "new", "tmp"):
            os.makedirs("%s/%s/%s" % (self.dir, mailbox, part),
                        exist_ok=True)

    def store(self, mailbox, message, age_secs=0):
        """Write a message like a mail program, with a unique file name."""
        self.serial += 1
        path = "%s/%s/cur/%d.%d.here:2,S" % (
            self.dir, mailbox, time.time() - age_secs, self.serial)
        with open(path, "wb") as f:
            f.write(message)
        os.utime(path, (time.time() - age_secs,) * 2)
        return path

    def find(self, mailbox, word):
        """Return the files of the messages that contain a word."""
        found = []
        for path in self.files(mailbox):
            with open(path, "rb") as f:
                if word.encode() in f.read():
                    found.append(path)
        return found

    def move(self, source, target, word):
        """Move messages like a mail program: write copies and remove the old
        files."""
        paths = self.find(source, word)
        assert paths, "%s has no %s" % (source, word)
        for path in paths:
            with open(path, "rb") as f:
                message = f.read()
            # header fields that the program added aren't part of the message
            self.store(target, re.sub(rb"^X-TUID: .*\n", b"", message,
                                      flags=re.M))
            os.unlink(path)

    def delete(self, mailbox, word):
        for path in self.find(mailbox, word):
            os.unlink(path)

    def sizes(self, *mailboxes):
        """Return the numbers of messages of these mailboxes, after a check that
        they are the same on the server."""
        here = [len(self.files(mailbox)) for mailbox in mailboxes]
        there = [len(self.t.client(select=mailbox).uids())
                 for mailbox in mailboxes]
        assert here == there, "here %s, there %s" % (here, there)
        return here


def check_moves(t, here):
    """Moves of one message and of several to Junk and out of it are reports; a
    move back in the next run undoes the report"""
    t.imap()
    for _ in range(3):
        t.deliver(ham())
    t.deliver(spam(), mailbox="Junk")
    here.sync()
    t.expect()
    here.move("Junk", "Work", "medicine")
    here.sync()
    t.expect("ham append")
    assert here.sizes("INBOX", "Junk", "Work") == [3, 0, 1]
    here.move("INBOX", "Junk", "Meeting")
    here.sync()
    t.expect("3 spam append")
    here.move("Junk", "INBOX", "Meeting")
    here.sync()
    t.expect("-3 spam append")
    assert here.sizes("INBOX", "Junk", "Work") == [3, 0, 1]


def check_deletes(t, here):
    """A deletion, at once or through Trash, is no report, nor is emptying Junk;
    a later move from Trash to INBOX is a report of ham"""
    t.imap()
    for mailbox in ("INBOX", "Junk"):
        t.deliver(ham(), mailbox=mailbox)
        t.deliver(spam(), mailbox=mailbox)
    here.sync()
    here.delete("INBOX", "medicine")
    here.move("INBOX", "Trash", "Meeting")
    here.sync()
    assert here.sizes("INBOX", "Junk", "Trash") == [0, 2, 1]
    here.delete("Junk", "Subject")
    here.sync()
    assert here.sizes("INBOX", "Junk", "Trash") == [0, 0, 1]
    t.expect()


def check_first(t, here):
    """The first run uploads a Junk folder that was kept elsewhere until now:
    its messages are no reports"""
    t.imap()
    for mailbox in ("INBOX", "Junk"):
        here.make(mailbox)
        for n in range(5):
            here.store(mailbox, received(numbered(n), YEAR_SECS), YEAR_SECS)
    here.sync()
    assert here.sizes("INBOX", "Junk") == [5, 5]
    t.expect()
