"""Mail that was read and kept is weak evidence of good mail."""

import os
import struct
import time

import harness
import test_sharing
from testcase import ALL_FORMATS, barrier, formats, ham, spam

STATE = "junk-feedback.kept"
DAY_SECS = 86400
# the limit of messages per day
KEPT = 5
# as in plugin/junk-kept.c
WINDOW = 8
LAST = 256

OPTIONS = {
    "plugins": ("acl",),
    "imap_plugins": ("imap_acl", "notify", "junk_feedback"),
    "extra": test_sharing.config,
    "settings": {"junk_feedback_kept_age": "0"},
    "users": {
        "off@maildir": {"junk_feedback_kept": "0"},
        "age@maildir": {"junk_feedback_kept_age": "1d"},
    },
}


def path_of(t, user="user"):
    user = user if "@" in user else t.user(user)
    return t.control_file(user, STATE)


def state(t, user="user"):
    """Return (day, reported, looked, turn)"""
    with open(path_of(t, user), "rb") as f:
        return struct.unpack("<IIII", f.read(20)[4:])


def set_state(t, user="user", **values):
    fields = ("day", "reported", "looked", "turn")
    with open(path_of(t, user), "r+b") as f:
        for name, value in values.items():
            f.seek(4 + 4 * fields.index(name))
            f.write(struct.pack("<I", value))


def next_hour(t, user="user"):
    set_state(t, user, looked=state(t, user)[2] - 3600)


def next_day(t, user="user"):
    day, _, looked, _ = state(t, user)
    set_state(t, user, day=day - 1, looked=looked - 3600)


def seen(t, mailbox="INBOX", which="all", user="user", flags="\\Seen"):
    """Set flags, not as a user's action"""
    t.d.doveadm("flags", "add", "-u", t.user(user), flags, "mailbox", mailbox,
                *which.split())


def fill(t, count, mailbox="INBOX"):
    for _ in range(count):
        t.deliver(ham(), mailbox=mailbox)


def make_public(t):
    """A mailbox Public/Team for everybody"""
    path = t.d.dir + "/public"
    for name in ("/cur", "/new", "/tmp"):
        os.makedirs(path + "/.Team" + name)
    for name in ("", "/.Team"):
        with open(path + name + "/dovecot-acl", "w") as f:
            f.write("anyone lrwstipekxa\n")
    for root, _, files in os.walk(path):
        for name in [root] + [root + "/" + name for name in files]:
            os.chown(name, harness.VMAIL_ID, harness.VMAIL_ID)


def wait_ended(t):
    harness.wait_for(lambda: not t.d.children("imap"), "the session's end")


def session(t, user="user"):
    """Run a session that does nothing until its end"""
    t.imap(user).logout()
    wait_ended(t)


@ALL_FORMATS
def test_which(t):
    """kept: mail that was seen and stayed in INBOX or a user's folder; not
    unread or deleted mail, drafts or mail marked as junk, and nothing in Junk,
    Trash, Drafts and Sent"""
    for flags in ("\\Seen", None, "\\Seen $Junk", "\\Seen JUNK",
                  "\\Seen \\Deleted", "\\Seen \\Draft", "\\Flagged",
                  "\\Seen $NotJunk"):
        t.deliver(ham())
        if flags is not None:
            seen(t, "INBOX", "*", flags=flags)
    t.deliver(ham(), mailbox="Work")
    seen(t, "Work")
    for mailbox in ("Junk", "Trash", "Drafts", "Sent"):
        t.deliver(ham(), mailbox=mailbox)
        seen(t, mailbox)
    for _ in range(5):
        session(t)
        next_hour(t)
    # the other two changed their flags, but not by a user's action
    t.expect("3 weak-ham kept")
    assert state(t)[1] == 3


def test_which_off(t):
    """kept: nothing if the user doesn't want it, or the mail is too young"""
    for user in ("off@maildir", "age@maildir"):
        t.d.deliver(user, ham())
        t.d.doveadm("flags", "add", "-u", user, "\\Seen", "mailbox", "INBOX",
                    "all")
        session(t, user)
    t.expect()
    assert not os.path.exists(path_of(t, "off@maildir"))
    assert state(t, "age@maildir")[1] == 0


@ALL_FORMATS
def test_how_many(t):
    """kept: a daily limit for any number of sessions, one search an hour, and
    each message once"""
    fill(t, 2)
    seen(t)
    session(t)
    t.expect("2 weak-ham kept")
    session(t)
    next_hour(t)
    session(t)
    t.expect()
    fill(t, 12)
    seen(t)
    # in the same hour
    session(t)
    t.expect()
    next_hour(t)
    session(t)
    t.expect("3 weak-ham kept")
    next_hour(t)
    session(t)
    t.expect()
    assert state(t)[1] == KEPT
    # messages that were passed over aren't reported later
    next_day(t)
    session(t)
    t.expect()
    fill(t, KEPT + 1)
    seen(t)
    next_hour(t)
    session(t)
    t.expect("5 weak-ham kept")


def test_first(t):
    """kept: answered or flagged mail comes first; a later report of it
    replaces the old one"""
    fill(t, WINDOW)
    seen(t)
    seen(t, which="6", flags="\\Answered")
    session(t, "other")  # a user without mail
    session(t)
    t.expect("5 weak-ham kept")
    c = t.imap(select="INBOX")
    c.cmd("MOVE %d Junk" % WINDOW)  # wasn't among them
    t.expect("spam move")
    c.cmd("MOVE 6 Junk")
    t.expect("-1 weak-ham kept", "spam move")
    c.logout()


def test_many(t):
    """kept: the search begins with the newest messages of a large mailbox"""
    c = t.imap()
    for _ in range(LAST // 64 + 1):
        parts = ["APPEND Work (\\Seen) "]
        for _ in range(64):
            parts += [ham().replace(b"\n", b"\r\n"), " (\\Seen) "]
        c.cmd(parts[:-1])
    c.logout()
    for _ in range(3):
        session(t)
        next_hour(t)
    t.expect("5 weak-ham kept")
    # the oldest message isn't one of them
    c = t.imap(select="Work")
    c.cmd("MOVE 1:64 Junk")
    t.expect("64 spam move")
    c.logout()


@formats("maildir")
def test_others(t):
    """kept: nothing in public mailboxes and those of other users"""
    make_public(t)
    t.deliver(ham(), user="owner")
    seen(t, user="owner")
    owner = t.imap("owner")
    for mailbox in ("INBOX", "Work"):
        owner.cmd("SETACL %s %s lrwstipekxa" % (mailbox, t.user("actor")))
    c = t.imap("actor")
    shared = "shared/%s/INBOX" % t.user("owner")
    c.select(shared)
    c.cmd("STORE 1 +FLAGS (\\Seen)")
    c.cmd(["APPEND Public/Team (\\Seen) ", ham().replace(b"\n", b"\r\n")])
    c.cmd('LIST "" *')
    c.logout()
    owner.logout()
    wait_ended(t)
    t.expect("weak-ham kept")  # the owner's
    for _ in range(4):
        next_hour(t, "actor")
        session(t, "actor")
    t.expect()


def test_idle(t):
    """kept: done while a session is idle, not before the client has an
    answer"""
    t.deliver(ham())
    seen(t)
    c = t.imap(select="INBOX")
    start = time.monotonic()
    harness.wait_for(lambda: os.path.exists(path_of(t)), "a look")
    assert time.monotonic() - start > 5
    t.expect("weak-ham kept")
    c.logout()


def test_contradicted(t):
    """kept: a message that the user has reported isn't reported again, nor is
    it contradicted"""
    for _ in range(2):
        t.deliver(spam())
    seen(t)
    c = t.imap(select="INBOX")
    c.cmd("STORE 1 +FLAGS ($Junk)")
    t.expect("spam keyword")
    seen(t, which="1", flags="\\Flagged")
    t.d.doveadm("flags", "remove", "-u", t.user(), "$Junk", "mailbox",
                "INBOX", "1")
    c.cmd("STORE 2 +FLAGS (\\Flagged)")
    t.expect("weak-ham action")
    c.logout()
    wait_ended(t)
    t.expect()
    assert state(t)[1] == 2


def test_state(t):
    """kept: whatever its file contains, mail works"""
    fill(t, 3)
    seen(t)
    path = path_of(t)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.mkfifo(path)
    os.chown(path, harness.VMAIL_ID, harness.VMAIL_ID)
    session(t)
    t.expect()
    assert sum(STATE in line for line in t.errors()) == 1, t.errors()
    for content in (b"", b"JFK1", os.urandom(20), os.urandom(5000),
                    b"JFK1" + b"\xff" * 2000, b"\0" * 800):
        if os.path.exists(path):
            os.unlink(path)
        with open(path, "wb") as f:
            f.write(content)
        os.chown(path, harness.VMAIL_ID, harness.VMAIL_ID)
        session(t)
        assert state(t)[0] == int(time.time()) // DAY_SECS
        barrier(t.d)
    t.expect("3 weak-ham kept")
