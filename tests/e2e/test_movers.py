"""Programs that move mail without a user (edge cases 37-41)."""

import email.utils
import os
import subprocess
import time

import harness
import testcase
from testcase import ALL_FORMATS, ham, numbered, spam

# Loaded in all protocols, as an administrator may do: case 58.
OPTIONS = {
    "debug": True,
    "plugins": ("notify", "junk_feedback"),
    "imap_plugins": (),
}
SIEVE = """\
require ["fileinto", "imap4flags", "copy"];
if header :contains "subject" "medicine" {
  addflag "$Junk";
  fileinto "Junk";
} else {
  addflag ["\\\\Flagged", "NonJunk"];
  fileinto :copy "Work";
}
"""


@ALL_FORMATS
def test_deliveries(t):
    """case 37, case 58: LMTP, LDA and Sieve fileinto with flags: never a
    report; in other protocols the plugin does nothing and logs that"""
    t.d.sieve(t.user(), SIEVE)
    t.deliver(spam())
    t.deliver(ham())
    t.deliver(spam(), mailbox="Junk")
    # one delivery to several users: the second one is a copy of the first
    t.d.deliver([t.user(), t.user("second"), t.user("third")], ham())
    t.expect()
    c = t.client(select="Junk")
    assert len(c.uids("KEYWORD $Junk")) == 2
    assert "the plugin has no function in lmtp" in t.d.log()


def deliver_lda(t, message, *args):
    path = os.path.join(harness.library_dir(), "dovecot-lda")
    p = subprocess.run([path, "-c", t.d.config_path, "-d", t.user(), *args],
                       input=message, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    assert p.returncode == 0, p.stdout


def test_lda(t):
    """case 37: dovecot-lda, also straight into Junk"""
    deliver_lda(t, ham())
    deliver_lda(t, spam(), "-m", "Junk")
    t.expect()
    assert t.client(select="Junk").uids() == [1]


@ALL_FORMATS
def test_doveadm(t):
    """case 39: doveadm move, copy, import, save, flags, force-resync, dsync:
    never a report"""
    user, other = t.user(), t.user("other")
    for _ in range(3):
        t.deliver(ham())
    t.d.doveadm("move", "-u", user, "Junk", "mailbox", "INBOX", "1")
    t.d.doveadm("copy", "-u", user, "Junk", "mailbox", "INBOX", "1")
    t.d.doveadm("flags", "add", "-u", user, "$Junk", "mailbox", "INBOX",
                "ALL")
    t.d.doveadm("move", "-u", user, "INBOX", "mailbox", "Junk", "ALL")
    t.d.doveadm("force-resync", "-u", user, "*")
    t.d.doveadm("import", "-u", other,
                "%s:%s/mail" % (t.format, t.d.home(user)), "Imported", "ALL")
    t.d.doveadm("save", "-u", other, "-m", "Junk",
                input=spam().decode())
    t.d.doveadm("sync", "-u", user, "-1",
                "%s:%s/mail" % (t.format, t.d.home(t.user("backup"))))
    t.d.doveadm("expunge", "-u", user, "mailbox", "INBOX", "1")
    t.expect()


TRASH_23 = """
plugin {
  quota = count:User quota
  quota_rule = *:messages=5
  quota_vsizes = yes
  trash = %(dir)s/trash.conf
}
"""
TRASH_24 = """
quota "User quota" {
  driver = count
  quota_message_count = 5
}
mailbox Junk {
  trash_priority = 1
}
mailbox Trash {
  trash_priority = 2
}
"""


def trash_config(version, d):
    with open(d.dir + "/trash.conf", "w") as f:
        f.write("1 Junk\n2 Trash\n")
    return (TRASH_23 if version == (2, 3) else TRASH_24) % {"dir": d.dir} \
        if version == (2, 3) else TRASH_24


def test_trash_plugin(t):
    """case 40: the trash plugin empties Junk and Trash to make room"""
    p = t.private(debug=True, plugins=("quota", "trash"), extra=trash_config)
    for _ in range(5):
        p.deliver(spam(), mailbox="Junk")
    for _ in range(3):
        p.deliver(ham())
    c = p.client(select="Junk")
    assert len(c.uids()) < 5, p.log()
    c.append("Work", ham())
    p.expect()


def autoexpunge_config(version, d):
    # the INBOX namespace has this name in both versions
    return """
namespace inbox {
  mailbox Junk {
    autoexpunge = 1 s
    autoexpunge_max_mails = 1
  }
}
"""


def test_autoexpunge(t):
    """case 2, case 40: autoexpunge in Junk at the end of a session"""
    p = t.private(debug=True, extra=autoexpunge_config)
    for _ in range(3):
        p.deliver(spam(), mailbox="Junk")
    p.imap(select="INBOX").logout()

    def emptied():
        out = p.d.doveadm("mailbox", "status", "-u", p.user(), "messages",
                          "Junk")
        return "messages=3" not in out
    harness.wait_for(emptied, "autoexpunge")
    p.expect()


def burst(t, action):
    """Reports beyond the hourly limit are kept, marked, and not learned."""
    action()
    testcase.barrier(t.d)
    rows = t.d.query("SELECT burst <> 0, count(*) FROM reports "
                     "WHERE origin != ? GROUP BY burst <> 0",
                     testcase.ORIGIN_LEARN)
    assert sorted(rows) == [(0, 20), (1, 30)], rows


def test_migration(t):
    """case 38: imapsync appends thousands of messages into Junk: limited and
    marked"""
    p = t.private(debug=True, settings={"junk_feedback_rate": "20"})

    def action():
        c = p.client()
        for n in range(50):
            c.append("Junk", numbered(n))
    burst(p, action)


OLD = "03-Mar-2026 10:00:00 +0000"


def test_import(t):
    """case 38: the first sync or a restore of a Junk folder with old mail
    (interimap, imapsync) isn't reported; a move by APPEND, in either order,
    is"""
    c = t.imap()
    for message in [testcase.spam() for _ in range(5)]:
        c.append("Junk", message, "\\Seen", date=OLD)
    t.expect()
    for first in ("append", "delete"):
        for other in (False, True):
            message = testcase.ham()
            c.append("INBOX", message, date=OLD)
            mover = t.imap(select="INBOX")
            appending = t.imap() if other else mover
            uid = mover.uids()[-1]
            # it was in the mailbox before
            time.sleep(1.1)
            if first == "append":
                appending.append("Junk", message, date=OLD)
            mover.cmd("UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
            mover.cmd("EXPUNGE")
            if first == "delete":
                appending.append("Junk", message, date=OLD)
            t.expect("spam append")


RECEIVED = b"Received: from a.example by mx.example.net (Postfix) with ESMTP\n" \
    b"\tid 4Zq; %s (UTC)\n"


def test_import_without_date(t):
    """case 38: the same with a program that sends no date (mbsync): the
    topmost Received field tells the age. Mail without one, or with a recent
    one, is taken for new."""
    c = t.imap()
    old = RECEIVED % b"Tue, 3 Mar 2026 10:00:00 +0000"
    new = RECEIVED % email.utils.formatdate().encode()
    c.append_many("Junk", [old + testcase.spam() for _ in range(5)])
    c.append("Junk", old + new + testcase.spam())
    t.expect()
    for fields in (b"", new, new + old, b"Received: by mx; tomorrow\n"):
        c.append("Junk", fields + testcase.spam())
    t.expect("4 spam append")
    # a person moves an old message
    message = old + testcase.ham()
    c.append("INBOX", message, date=OLD)
    c.select("INBOX")
    time.sleep(1.1)
    c.append("Junk", message)
    t.expect()
    c.cmd("STORE * +FLAGS.SILENT (\\Deleted)")
    c.cmd("EXPUNGE")
    t.expect("spam append")


# A person takes longer than a program to mark a message as seen.
READER_SECS = 2.1


def test_automatic_marks(t):
    """case 21: Thunderbird's own filter marks unread mail that it has just
    fetched, and moves it: nothing, nor when the user reads it. A person's mark
    comes with \\Seen."""
    c = t.imap(select="INBOX")
    for person in (False, True):
        for move in (None, "UID MOVE %d Junk", "UID COPY %d Junk"):
            t.deliver(testcase.ham())
            c.cmd("NOOP")
            uid = c.uids()[-1]
            c.cmd("UID FETCH %d (UID RFC822.SIZE BODY.PEEK[])" % uid)
            c.cmd("UID STORE %d +FLAGS (Junk)" % uid)
            if person:
                c.cmd("UID STORE %d +FLAGS (\\Seen)" % uid)
            if move:
                c.cmd(move % uid)
            t.expect(*["spam keyword"] if person else [])
    # the user reads what the filter has marked
    t.deliver(testcase.ham())
    c.cmd("NOOP")
    c.cmd("FETCH * BODY.PEEK[]")
    c.cmd("STORE * +FLAGS (Junk)")
    time.sleep(READER_SECS)
    c.cmd("STORE * +FLAGS (\\Seen)")
    t.expect()
    # in one command, after fetching only headers
    t.deliver(testcase.ham())
    c.cmd("NOOP")
    c.cmd("STORE * +FLAGS (Junk \\Seen)")
    t.expect("spam keyword")
    t.deliver(testcase.ham())
    other = t.imap(select="INBOX")
    other.cmd("FETCH * (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)])")
    other.cmd("STORE * +FLAGS (Junk)")
    t.expect("spam keyword")


def test_automatic_marks_count(t):
    """case 21: junk_feedback_automatic = yes"""
    p = t.private(debug=True, settings={"junk_feedback_automatic": "yes"})
    p.deliver(testcase.ham())
    c = p.imap(select="INBOX")
    c.cmd("FETCH * BODY.PEEK[]")
    c.cmd("STORE * +FLAGS (Junk)")
    p.expect("spam keyword")


def test_rescue_many(t):
    """case 15: a set of any size is rescued by APPEND and one deletion"""
    count = 100
    c = t.imap()
    messages = [numbered(n) for n in range(count)]
    c.append_many("Drafts", messages)
    c.select("Drafts")
    c.cmd("MOVE 1:* Junk")
    # Maildir messages get their date of arrival when they are first seen
    c.select("Junk")
    time.sleep(1.1)
    c.append_many("INBOX", messages)
    c.cmd("STORE 1:* +FLAGS (\\Deleted)")
    t.expect("%d ham append" % count)


def test_bot(t):
    """case 41: a bot that moves mail all day has one person's influence"""
    p = t.private(debug=True, settings={"junk_feedback_rate": "20"})
    for n in range(50):
        p.client().append("INBOX", numbered(n))

    def action():
        c = p.client(select="INBOX")
        for uid in c.uids():
            c.cmd("UID MOVE %d Junk" % uid)
    burst(p, action)
