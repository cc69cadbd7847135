"""Changes of mind (edge cases 28-32)."""

import os

import harness
import testcase
from testcase import ALL_FORMATS, ham, spam

OPTIONS = {"debug": True}
DAY_USECS = 86400 * 1000000


@ALL_FORMATS
def test_in_and_back(t):
    """case 28: quickly moved in and back: as if it had never happened"""
    t.deliver(ham())
    t.move("INBOX", "Junk")
    t.expect("spam move")
    t.move("Junk", "INBOX")
    t.expect("-1 spam move")
    # the other way round
    t.deliver(spam(), mailbox="Junk")
    t.move("Junk", "INBOX")
    t.expect("ham move")
    t.move("INBOX", "Junk")
    t.expect("-1 ham move")


@ALL_FORMATS
def test_repeatedly(t):
    """case 29: in and out repeatedly: the last verdict counts, once"""
    t.deliver(ham())
    for _ in range(3):
        t.move("INBOX", "Junk")
        t.move("Junk", "INBOX")
    t.expect()
    t.move("INBOX", "Junk")
    t.expect("spam move")
    # in two sessions, by copies
    t.deliver(ham())
    for _ in range(2):
        t.move("INBOX", "Junk", "UID COPY")
        testcase.wait_reported(t.d)
        other = t.imap(select="Junk")
        other.cmd("UID COPY %d INBOX" % other.uids()[-1])
        testcase.wait_reported(t.d)
    t.move("INBOX", "Junk", "UID COPY")
    t.expect("spam copy")


def age_spool(path, days):
    """Make the reports in a spool older."""
    with open(path, "r+b") as f:
        data = bytearray(f.read())
        for offset, _, stamp, _, _ in testcase.parse_frames(bytes(data)):
            data[offset + 8:offset + 16] = (
                stamp - days * DAY_USECS).to_bytes(8, "little")
        f.seek(0)
        f.write(data)


def test_months_later(t):
    """case 30: rescued weeks after it was reported: ham in the end"""
    p = t.private(debug=True, service=None)
    p.deliver(spam())
    c = p.imap(select="INBOX")
    c.cmd("UID MOVE 1 Junk")
    c.logout()
    spool = p.control_file(p.user(), "junk-feedback.spool")
    harness.wait_for(lambda: os.path.exists(spool), "the spool")
    wait_for_imap(p)
    age_spool(spool, 40)
    # the service comes, and the spool goes to it
    p.d.options.service = ""
    p.d.restart()
    p.imap()
    harness.wait_for(lambda: not os.path.exists(spool), "the spool to go")
    p.expect("spam move")
    p.move("Junk", "INBOX")
    p.expect("-1 spam move", "ham move")


def wait_for_imap(t):
    harness.wait_for(lambda: not t.d.children("imap"), "imap to end")


def test_same_message_id(t):
    """case 31: the same Message-ID with other content is another message; a
    duplicate delivery is the same one"""
    one = ham(1)
    two = one.replace(b"garden plans", b"kitchen sink and nothing else")
    t.deliver(one)
    t.deliver(two)
    c = t.client(select="INBOX")
    c.cmd("MOVE 1:2 Junk")
    t.expect("2 spam move")
    for _ in range(3):
        t.deliver(one)
    c.select("INBOX")
    c.cmd("MOVE 1:* Junk")
    t.expect()


def test_disagree(t):
    """case 32: two users disagree about the same message: both count"""
    message = ham()
    t.deliver(message, user="anna")
    t.deliver(message, user="bob", mailbox="Junk")
    t.move("INBOX", "Junk", user="anna")
    t.move("Junk", "INBOX", user="bob")
    t.expect("spam move", "ham move")
