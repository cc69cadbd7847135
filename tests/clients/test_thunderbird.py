"""Thunderbird's buttons, and its own junk filter, whose marks are no
person's."""

import time

import harness
import thunderbird
from testcase import ham, spam

SLOW = True
# it shows subscribed mailboxes
OPTIONS = {"debug": True, "auto": "subscribe"}
# settings of the account and of all accounts: what is marked goes to Junk
MOVE_MARKED = {"mail.spam.manualMark": True, "mail.spam.manualMarkMode": 0}
STAY_MARKED = {"mail.spam.manualMark": False}
# a person doesn't read a message before it is shown
READER_SECS = 2.1


def put(t, *mailboxes):
    """Put a message into each mailbox: spam into Junk, ham into others."""
    t.imap()
    for mailbox in mailboxes:
        t.deliver(spam() if mailbox == "Junk" else ham(), mailbox=mailbox)


def wait_flags(t, mailbox, search, count):
    """Wait until this number of messages in a mailbox match a search. What
    Thunderbird does reaches the server some time after the click."""
    harness.wait_for(
        lambda: len(t.client(select=mailbox).uids(search)) == count,
        "%d messages in %s with %s" % (count, mailbox, search))


def test_mark(t):
    """Junk without a move, for one message, read or not, and for several, is a
    report of spam, and Not junk undoes it"""
    put(t, *["INBOX"] * 3)
    with thunderbird.Program(t, STAY_MARKED) as program:
        program.open("INBOX", 3)
        program.choose(0)
        program.press("cmd_markAsJunk")
        wait_flags(t, "INBOX", "KEYWORD Junk", 1)
        t.expect("spam keyword")
        program.press("cmd_markAsNotJunk")
        wait_flags(t, "INBOX", "KEYWORD NonJunk", 1)
        t.expect("-1 spam keyword")
        program.choose(1, 2)
        program.press("cmd_markAsJunk")
        wait_flags(t, "INBOX", "KEYWORD Junk", 2)
        t.expect("2 spam keyword")


def test_mark_and_move(t):
    """The same with a move to Junk: one report each; Not junk in Junk brings
    the message back to INBOX, a rescue if the server had filed it"""
    put(t, "INBOX", "INBOX", "INBOX", "Junk")
    with thunderbird.Program(t, MOVE_MARKED) as program:
        program.open("INBOX", 3)
        program.choose(0)
        program.press("cmd_markAsJunk")
        wait_flags(t, "Junk", "ALL", 2)
        t.expect("spam keyword")
        program.open("INBOX", 2)
        program.choose(0, 1)
        program.press("cmd_markAsJunk")
        wait_flags(t, "Junk", "ALL", 4)
        t.expect("2 spam keyword")
        program.open("Junk", 4)
        program.choose(program.find("Meeting"))
        program.press("cmd_markAsNotJunk")
        wait_flags(t, "INBOX", "ALL", 1)
        wait_flags(t, "Junk", "ALL", 3)
        t.expect("-1 spam keyword")
        program.open("Junk", 3)
        program.choose(program.find("medicine"))
        program.press("cmd_markAsNotJunk")
        wait_flags(t, "INBOX", "SUBJECT medicine", 1)
        wait_flags(t, "Junk", "ALL", 2)
        t.expect("ham move")


def test_drag(t):
    """Messages are dragged to Junk, which Undo takes back, and out of it"""
    put(t, "INBOX", "INBOX", "Junk")
    with thunderbird.Program(t) as program:
        program.open("INBOX", 2)
        program.choose(0, 1)
        program.drag("Junk")
        wait_flags(t, "Junk", "ALL", 3)
        t.expect("2 spam move")
        program.undo()
        wait_flags(t, "INBOX", "UNDELETED", 2)
        wait_flags(t, "Junk", "UNDELETED", 1)
        t.expect("-2 spam move")
        program.open("Junk", 1)
        program.choose(0)
        program.drag("Work")
        wait_flags(t, "Work", "ALL", 1)
        t.expect("ham move")


def test_delete(t):
    """Delete in INBOX, taken back with Undo, and in Junk is no report; a drag
    from Trash of what was deleted in Junk is one of ham"""
    put(t, "INBOX", "Junk")
    with thunderbird.Program(t) as program:
        program.open("INBOX", 1)
        program.choose(0)
        program.press("cmd_delete")
        wait_flags(t, "Trash", "ALL", 1)
        program.undo()
        wait_flags(t, "INBOX", "UNDELETED", 1)
        program.open("Junk", 1)
        program.choose(0)
        program.press("cmd_delete")
        wait_flags(t, "Junk", "ALL", 0)
        t.expect()
        wait_flags(t, "Trash", "UNDELETED SUBJECT medicine", 1)
        program.open("Trash", 1)
        program.choose(program.find("medicine"))
        program.drag("INBOX")
        wait_flags(t, "INBOX", "SUBJECT medicine", 1)
        t.expect("ham move")


def train(t, program, move):
    """Mark messages as junk and as not junk, which Thunderbird's filter learns
    from, and turn it on. These are three reports of spam."""
    for make in (ham, spam):
        for _ in range(3):
            t.deliver(make())
    program.open("INBOX", 6)
    # the newest date comes first
    program.choose(0, 1, 2)
    program.press("cmd_markAsJunk")
    wait_flags(t, "INBOX", "KEYWORD Junk SUBJECT medicine", 3)
    program.choose(3, 4, 5)
    program.press("cmd_markAsNotJunk")
    wait_flags(t, "INBOX", "KEYWORD NonJunk SUBJECT Meeting", 3)
    t.expect("3 spam keyword")
    program.use_filter(move)


def test_filter(t):
    """Thunderbird's own filter marks new mail: no report, nor when the user
    reads it; the user's own Not junk is one of ham"""
    t.imap()
    with thunderbird.Program(t, STAY_MARKED) as program:
        train(t, program, False)
        t.deliver(spam())
        t.deliver(spam())
        program.get_messages()
        wait_flags(t, "INBOX", "KEYWORD Junk", 5)
        t.expect()
        time.sleep(READER_SECS)
        program.choose(0)
        wait_flags(t, "INBOX", "KEYWORD Junk SEEN", 4)
        t.expect()
        program.press("cmd_markAsNotJunk")
        wait_flags(t, "INBOX", "KEYWORD Junk", 4)
        t.expect("ham keyword")


def test_filter_moves(t):
    """Thunderbird's own filter moves new mail to Junk: no report; the user's
    Not junk there is one of ham"""
    t.imap()
    with thunderbird.Program(t, STAY_MARKED) as program:
        train(t, program, True)
        t.deliver(spam())
        t.deliver(spam())
        program.get_messages()
        wait_flags(t, "Junk", "ALL", 2)
        t.expect()
        program.open("Junk", 2)
        program.choose(0)
        t.expect()
        program.press("cmd_markAsNotJunk")
        wait_flags(t, "INBOX", "ALL", 7)
        t.expect("ham move")
