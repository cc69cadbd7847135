"""imapflow is a client library for Node.js. Webmail and other programs built on
it do what is done here: set keywords, move, copy and delete, append."""

import contextlib
import json
import os
import select
import subprocess
import sys

import harness
from testcase import ham, spam

OPTIONS = {"debug": True}
HERE = os.path.dirname(os.path.abspath(__file__))
OLD = "01-Feb-2024 10:00:00 +0000"


def modules():
    """Install imapflow if it is missing, and return the folder of modules."""
    result = subprocess.run([HERE + "/../../tools/imapflow"],
                            stdout=subprocess.PIPE, stderr=sys.stdout,
                            text=True, check=True)
    return result.stdout.strip()


class Imapflow:
    """Several connections of one user."""

    def __init__(self, t):
        self.process = subprocess.Popen(
            ["node", HERE + "/imapflow.js", str(t.d.imap_port), t.user(),
             harness.PASSWORD], env=dict(os.environ, NODE_PATH=modules()),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def call(self, connection, method, *args):
        """Call a method, which must return a true value. The connection is
        opened when it is first named."""
        line = json.dumps([connection, method, *args]) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        assert select.select([self.process.stdout], [], [],
                             harness.TIMEOUT_SECS)[0], "%s: no answer" % method
        answer = self.process.stdout.readline()
        try:
            result = json.loads(answer)
        except ValueError:
            raise AssertionError("%s: %s" % (
                method, (answer + self.process.stdout.read()).decode())) \
                from None
        assert result or method == "logout", "%s has failed" % method
        return result

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(harness.TIMEOUT_SECS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def imapflow(t, *mailboxes):
    """Deliver a message to each mailbox, and yield imapflow's call()."""
    t.imap()
    for mailbox in mailboxes:
        t.deliver(spam() if mailbox == "Junk" else ham(), mailbox=mailbox)
    here = Imapflow(t)
    try:
        yield here.call
    finally:
        here.close()


def count(t, *mailboxes):
    return [len(t.client(select=mailbox).uids()) for mailbox in mailboxes]


def test_mark(t):
    """A junk keyword is a report, also for several messages, and taken off it
    is none; a not-junk keyword in Junk is a report of ham"""
    with imapflow(t, "INBOX", "INBOX", "INBOX", "Junk") as call:
        call("a", "mailboxOpen", "INBOX")
        call("a", "messageFlagsAdd", "1", ["$Junk"])
        t.expect("spam keyword")
        call("a", "messageFlagsAdd", "2:3", ["$Junk"])
        t.expect("2 spam keyword")
        call("a", "messageFlagsRemove", "1:2", ["$Junk"])
        t.expect("-2 spam keyword")
        call("a", "messageFlagsSet", "3", ["\\Seen"])
        t.expect()
        call("a", "mailboxOpen", "Junk")
        call("a", "messageFlagsAdd", "*", ["$NotJunk"])
        t.expect("ham keyword")


def test_move(t):
    """Moves to Junk and out of it are reports, and a move back undoes them, in
    one connection"""
    with imapflow(t, "INBOX", "INBOX", "Junk") as call:
        call("a", "mailboxOpen", "INBOX")
        call("a", "messageMove", "1:2", "Junk")
        t.expect("2 spam move")
        call("a", "mailboxOpen", "Junk")
        call("a", "messageMove", "2:3", "INBOX")
        t.expect("-2 spam move")
        call("a", "messageMove", "1", "Work")
        t.expect("ham move")
        assert count(t, "INBOX", "Junk", "Work") == [2, 0, 1]


def test_connections(t):
    """A mark and the move that follows it come in two connections, and so do
    their opposites: one report, and none"""
    with imapflow(t, "INBOX", "INBOX", "Junk") as call:
        call("a", "mailboxOpen", "INBOX")
        call("a", "messageFlagsAdd", "1", ["$Junk"])
        call("b", "mailboxOpen", "INBOX")
        call("b", "messageMove", "1", "Junk")
        t.expect("spam keyword")
        call("c", "mailboxOpen", "Junk")
        call("c", "messageFlagsAdd", "2", ["$NotJunk"])
        call("c", "messageFlagsRemove", "2", ["$Junk"])
        call("c", "logout")
        call("b", "mailboxOpen", "Junk")
        call("b", "messageMove", "2", "INBOX")
        t.expect("-1 spam keyword")
        assert count(t, "INBOX", "Junk") == [2, 1]


def test_copy(t):
    """A copy to Junk and a deletion of the original are one report, and the
    same back undoes it, also in the next connection"""
    with imapflow(t, "INBOX", "INBOX") as call:
        call("a", "mailboxOpen", "INBOX")
        call("a", "messageCopy", "1:2", "Junk")
        call("a", "messageDelete", "1:2")
        t.expect("2 spam copy")
        call("b", "mailboxOpen", "Junk")
        call("b", "messageCopy", "1", "INBOX")
        call("b", "messageDelete", "1")
        t.expect("-1 spam copy")
        call("a", "logout")
        call("c", "mailboxOpen", "Junk")
        call("c", "messageCopy", "1", "INBOX")
        call("c", "messageDelete", "1")
        t.expect("-1 spam copy")
        assert count(t, "INBOX", "Junk") == [2, 0]


def test_append(t):
    """A message appended to Junk is a report if it is new, or if the same
    message is deleted elsewhere, in whichever connection"""
    with imapflow(t) as call:
        messages = [ham() for _ in range(3)]
        for message in messages[:2]:
            t.client().append("INBOX", message, date=OLD)
        call("a", "append", "Junk", spam().decode())
        t.expect("spam append")
        call("a", "mailboxOpen", "INBOX")
        for message in messages:
            call("a", "append", "Junk", message.decode(), ["\\Seen"], OLD)
        t.expect()
        call("a", "messageDelete", "1")
        t.expect("spam append")
        call("b", "mailboxOpen", "INBOX")
        call("b", "messageDelete", "1")
        t.expect("spam append")
        assert count(t, "INBOX", "Junk") == [0, 4]


def test_delete(t):
    """Moves to Trash and deletions there, in INBOX and in Junk are no reports;
    a move from Junk by way of Trash to INBOX is a report of ham"""
    with imapflow(t, "INBOX", "INBOX", "Junk", "Junk", "Junk") as call:
        for mailbox in ("INBOX", "Junk"):
            call("a", "mailboxOpen", mailbox)
            call("a", "messageMove", "1", "Trash")
            call("a", "messageDelete", "1")
        t.expect()
        assert count(t, "INBOX", "Junk", "Trash") == [0, 1, 2]
        call("b", "mailboxOpen", "Trash")
        call("b", "messageMove", "2", "INBOX")
        t.expect("ham move")
        call("b", "messageDelete", "1")
        call("a", "messageDelete", "1")
        t.expect()
        assert count(t, "INBOX", "Junk", "Trash") == [1, 0, 0]
