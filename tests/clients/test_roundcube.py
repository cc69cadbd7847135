"""The buttons of Debian's Roundcube with its plugin markasjunk."""

import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import chromium  # noqa: E402
import roundcube  # noqa: E402
from testcase import ham, spam  # noqa: E402

SLOW = True
OPTIONS = {"debug": True}


@contextlib.contextmanager
def webmail(t):
    """Log in as the test's user, and yield the page."""
    with roundcube.Server(t.d) as server, chromium.Chromium() as browser:
        try:
            yield server.log_in(browser, t.user())
        except Exception:
            print(server.log())
            raise


def put(t, *mailboxes):
    """Put a message into each mailbox: spam into Junk, ham into others."""
    t.imap()
    for mailbox in mailboxes:
        t.deliver(spam() if mailbox == "Junk" else ham(), mailbox=mailbox)


def last(t, mailbox):
    return t.client(select=mailbox).uids()[-1]


def test_buttons(t):
    """The button Junk is a report of spam, Not junk one of ham, and each undoes
    the other"""
    put(t, "INBOX", "Junk")
    with webmail(t) as page:
        page.choose("INBOX", last(t, "INBOX"))
        page.press("junk")
        t.expect("spam keyword")
        page.choose("Junk", last(t, "Junk"))
        page.press("notjunk")
        t.expect("-1 spam keyword")
        # mail that the filter had filed to Junk
        page.choose("Junk", last(t, "Junk"))
        page.press("notjunk")
        t.expect("ham keyword")
        page.choose("INBOX", last(t, "INBOX"))
        page.press("junk")
        t.expect("-1 ham keyword")


def test_several(t):
    """Several messages at once are reported by buttons and by dragging"""
    put(t, *["INBOX"] * 4)
    c = t.client(select="INBOX")
    with webmail(t) as page:
        page.choose("INBOX", *c.uids()[:2])
        page.press("junk")
        t.expect("2 spam keyword")
        page.choose("INBOX", *t.client(select="INBOX").uids())
        page.drag("Junk")
        t.expect("2 spam move")
        page.choose("Junk", *t.client(select="Junk").uids())
        page.drag("INBOX")
        t.expect("-2 spam move", "-2 spam keyword")


def test_drag(t):
    """Messages are dragged to Junk and out of it, back, and to the user's own
    mailbox"""
    put(t, "INBOX", "Junk")
    with webmail(t) as page:
        page.choose("INBOX", last(t, "INBOX"))
        page.drag("Junk")
        t.expect("spam move")
        page.choose("Junk", last(t, "Junk"))
        page.drag("INBOX")
        t.expect("-1 spam move")
        page.choose("Junk", last(t, "Junk"))
        page.drag("Work")
        t.expect("ham move")


def test_delete(t):
    """A deletion in INBOX or in Junk is no report, nor is emptying Junk;
    earlier reports stay"""
    put(t, "INBOX", "INBOX", "Junk", "Junk")
    with webmail(t) as page:
        page.choose("INBOX", last(t, "INBOX"))
        page.press("delete")
        page.choose("Junk", last(t, "Junk"))
        page.press("delete")
        t.expect()
        page.choose("INBOX", last(t, "INBOX"))
        page.press("junk")
        t.expect("spam keyword")
        page.empty("Junk")
        t.expect()
        assert not t.client(select="Junk").uids()


def test_flag(t):
    """A flag is weak ham; reading a message is no report"""
    put(t, "INBOX", "INBOX")
    with webmail(t) as page:
        first, second = t.client(select="INBOX").uids()
        page.choose("INBOX", first)
        page.mark("read")
        t.expect()
        page.choose("INBOX", second)
        page.mark("flagged")
        t.expect("weak-ham action")
