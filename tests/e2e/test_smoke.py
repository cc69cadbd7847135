"""Mail comes first: delivery and every kind of mailbox access work as
usual."""

import harness
import testcase

OPTIONS = {"service": None}
FORMATS = harness.FORMATS


def test_deliver_and_move(t):
    """a message is delivered by LMTP and moved by IMAP"""
    t.deliver(testcase.ham())
    c = t.imap(select="INBOX")
    assert c.uids() == [1]
    c.cmd("UID MOVE 1 Work")
    assert c.uids() == []
    c.select("Work")
    assert c.uids() == [1]


def test_append(t):
    """a message is appended with a keyword"""
    c = t.imap()
    uid = c.append("Junk", testcase.spam(), "$Junk")
    c.select("Junk")
    assert c.uids("KEYWORD $Junk") == [int(uid)]
