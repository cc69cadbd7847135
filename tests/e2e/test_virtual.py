"""Virtual mailboxes as source and as destination (edge case 36)."""

import os
import re
import time

import harness
from testcase import ALL_FORMATS, ham, spam

# How long the plugin waits for a move to Trash after a not-junk keyword.
HELD_SECS = 2.2


def config(version, d):
    return """
namespace virtual {
  prefix = Virtual/
  separator = /
  %s
}
""" % ("location = virtual:~/virtual" if version == (2, 3) else
       "mail_driver = virtual\n  mail_path = ~/virtual")


OPTIONS = {"debug": True, "plugins": ("virtual",), "extra": config}


def virtual_mailbox(t, user, name, text):
    home = t.d.home(t.user(user or "user"))
    path = os.path.join(home, "virtual", name)
    os.makedirs(path, exist_ok=True)
    with open(path + "/dovecot-virtual", "w") as f:
        f.write(text)
    for directory in (home, os.path.join(home, "virtual"), path,
                      path + "/dovecot-virtual"):
        os.chown(directory, harness.VMAIL_ID, harness.VMAIL_ID)


@ALL_FORMATS
def test_virtual_source(t):
    """case 36: from a virtual All mailbox: the mailbox in which the message
    really is decides"""
    virtual_mailbox(t, None, "All", "*\n-Virtual/*\n  all\n")
    c = t.client()

    def store(message, mailbox, command):
        t.deliver(message, mailbox=mailbox)
        c.select("Virtual/All")
        number = re.search(rb"number (\d+)", message).group(1).decode()
        uid, = c.uids('SUBJECT "number %s"' % number)
        c.cmd("UID " + command % uid)

    store(ham(), "INBOX", "MOVE %d Junk")
    t.expect("spam move")
    store(spam(), "Junk", "COPY %d Work")
    t.expect("ham copy")
    # Junk to Junk, seen through All
    store(spam(), "Junk", "COPY %d Junk")
    t.expect()
    # keywords and flags
    store(ham(), "INBOX", "STORE %d +FLAGS ($Junk)")
    t.expect("spam keyword")
    store(ham(), "INBOX", "STORE %d +FLAGS (\\Flagged)")
    t.expect("weak-ham action")
    store(spam(), "Junk", "STORE %d +FLAGS ($NotJunk)")
    time.sleep(HELD_SECS)
    t.expect("ham keyword")


@ALL_FORMATS
def test_virtual_destination(t):
    """case 36: into a virtual mailbox that saves to Junk"""
    virtual_mailbox(t, None, "Bad", "!Junk\n  all\n")
    t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("UID COPY 1 Virtual/Bad")
    t.expect("spam copy")
    c.append("Virtual/Bad", spam())
    t.expect("spam append")
