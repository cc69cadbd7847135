"""The forms of commands that clients send for an action (edge cases 13-27)."""

import glob
import os
import re
import time

import harness
import testcase
from testcase import ALL_FORMATS, ham, numbered, spam

SLOW = True
OPTIONS = {
    "debug": True,
    "mailboxes": harness.DEFAULT_MAILBOXES + (("Junk/sub", None),),
}
# How long the plugin waits for a move to Trash after a not-junk keyword.
HELD_SECS = 2.2


# --- moves ---

@ALL_FORMATS
def test_copy_delete_expunge(t):
    """case 13: COPY, \\Deleted and EXPUNGE, at once, late or never"""
    t.deliver(ham())
    t.deliver(ham())
    t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("UID COPY 1 Junk")
    c.cmd("UID STORE 1 +FLAGS (\\Deleted \\Seen)")
    c.cmd("EXPUNGE")
    t.expect("spam copy")
    c.cmd("UID COPY 2 Junk")
    t.expect("spam copy")
    c.select("INBOX")
    c.cmd("UID STORE 2 +FLAGS (\\Deleted)")
    c.cmd("UID EXPUNGE 2")
    t.expect()
    c.cmd("UID COPY 3 Junk")
    t.expect("spam copy")
    c.cmd("CLOSE")
    t.expect()


@ALL_FORMATS
def test_copy_back(t):
    """case 13: COPY out of Junk, then \\Deleted and EXPUNGE there"""
    t.deliver(spam(), mailbox="Junk")
    c = t.client(select="Junk")
    c.cmd("UID COPY 1 INBOX")
    c.cmd("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.cmd("EXPUNGE")
    t.expect("ham copy")


@ALL_FORMATS
def test_copy_stays(t):
    """case 14: a copy that stays counts once, however often it is copied"""
    t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("UID COPY 1 Junk")
    c.cmd("UID COPY 1 Junk")
    c.cmd("UID MOVE 1 Junk")
    t.expect("spam copy")


@ALL_FORMATS
def test_sequence_numbers(t):
    """MOVE and COPY of sets, without UID"""
    for _ in range(5):
        t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("MOVE 2,4 Junk")
    t.expect("2 spam move")
    c.cmd("COPY 1:* Junk")
    t.expect("3 spam copy")


# --- APPEND ---

@ALL_FORMATS
def test_append_junk(t):
    """case 15: APPEND into Junk and a deletion in INBOX, in either order"""
    for first in ("append", "delete"):
        message = ham()
        t.deliver(message)
        c = t.client(select="INBOX")
        uid = c.uids()[-1]
        if first == "append":
            c.append("Junk", message)
        c.cmd("UID STORE %d +FLAGS (\\Deleted)" % uid)
        c.cmd("EXPUNGE")
        if first == "delete":
            c.append("Junk", message)
        t.expect("spam append")


@ALL_FORMATS
def test_append_inbox(t):
    """case 15: a deletion in Junk and APPEND into INBOX, in either order, on
    one connection or two"""
    for first in ("append", "delete"):
        for other in (False, True):
            message = spam()
            t.deliver(message, mailbox="Junk")
            c = t.client(select="Junk")
            appending = t.imap() if other else c
            uid = c.uids()[-1]
            if first == "append":
                appending.append("INBOX", message)
            c.cmd("UID STORE %d +FLAGS (\\Deleted)" % uid)
            if first == "delete":
                appending.append("INBOX", message)
            c.cmd("EXPUNGE")
            t.expect("ham append")


def delete_meanwhile(t, source, target, message, date=""):
    """Delete the last message of a mailbox while another session, which has
    stored the first message of a MULTIAPPEND, is appending it."""
    trail = t.control_file(t.user(), "junk-feedback.trail")

    def size():
        return os.path.getsize(trail) if os.path.exists(trail) else 0

    message = harness.to_crlf(message)
    c = t.client(select=source)
    other = t.imap()
    other.sock.sendall(b"x APPEND %s%s {%d+}\r\n%s%s {11}\r\n" % (
        target.encode(), date.encode(), len(message), message, date.encode()))
    assert other.read_line().startswith(b"+")
    before = size()
    c.cmd("UID STORE %d +FLAGS (\\Deleted)" % c.uids()[-1])
    harness.wait_for(lambda: size() > before, "the note of the deletion")
    t.expect()
    other.sock.sendall(b"Subject: x\n\r\n")
    status, _, text = other.wait("x")
    assert status == "OK", text


@ALL_FORMATS
def test_append_meanwhile(t):
    """case 15: a deletion by another session during the APPEND"""
    message = spam()
    t.deliver(message, mailbox="Junk")
    delete_meanwhile(t, "Junk", "INBOX", message)
    t.expect("ham append")
    # old mail, which goes to Junk
    date = "01-Feb-2020 12:00:00 +0000"
    message = spam()
    t.client().append("INBOX", message, date=date)
    delete_meanwhile(t, "INBOX", "Junk", message, ' "%s"' % date)
    t.expect("spam append")


@ALL_FORMATS
def test_append_before(t):
    """case 15: a message that was appended before it went to Junk doesn't
    count as moved there when Junk is emptied"""
    t.imap().append("INBOX", spam())
    time.sleep(1.1)
    c = t.client(select="INBOX")
    c.cmd("UID MOVE 1 Junk")
    t.expect("spam move")
    c.select("Junk")
    c.cmd("STORE 1:* +FLAGS (\\Deleted)")
    c.cmd("EXPUNGE")
    t.expect()


def test_append_alone(t):
    """case 15: only APPEND elsewhere, or only a deletion in Junk: nothing"""
    c = t.client()
    for mailbox in ("INBOX", "Work", "Trash", "Drafts", "Sent"):
        c.append(mailbox, ham())
    t.deliver(spam(), mailbox="Junk")
    c.select("Junk")
    c.cmd("STORE 1 +FLAGS (\\Deleted)")
    c.cmd("EXPUNGE")
    c.append("INBOX", ham())
    t.expect()


def test_append_between_junk(t):
    """case 1, case 15: deleted in Junk and appended to Junk/sub: nothing"""
    message = spam()
    t.deliver(message, mailbox="Junk")
    c = t.client(select="Junk")
    c.cmd("STORE 1 +FLAGS (\\Deleted)")
    c.append("Junk/sub", message)
    t.expect()


def test_append_rewritten(t):
    """case 15: a client's copy with a new Message-ID and other line ends is
    the same message"""
    message = spam()
    t.deliver(message, mailbox="Junk")
    c = t.client(select="Junk")
    c.append("INBOX", message.replace(b"Message-ID: <pills",
                                      b"Message-ID: <rewritten-pills"))
    c.cmd("STORE 1 +FLAGS (\\Deleted)")
    t.expect("ham append")


def test_append_off(t):
    """case 15: junk_feedback_append = no"""
    p = t.private(debug=True, settings={"junk_feedback_append": "no"})
    p.client().append("Junk", spam())
    p.expect()
    p.deliver(ham())
    p.move("INBOX", "Junk")
    p.expect("spam move")


@ALL_FORMATS
def test_multiappend(t):
    """case 16: MULTIAPPEND and CATENATE"""
    c = t.client()
    messages = [harness.to_crlf(spam()) for _ in range(3)]
    c.cmd(["APPEND Junk ", messages[0], " (\\Seen) ", messages[1], " ",
           messages[2]])
    t.expect("3 spam append")
    c.cmd(["APPEND Junk CATENATE (TEXT ", messages[0][:100] + b"x", " TEXT ",
           messages[0][100:], ")"])
    t.expect("spam append")


def test_replace(t):
    """case 16: REPLACE, where the server has it"""
    c = t.client()
    if "REPLACE" not in c.cmd("CAPABILITY").split():
        return
    t.deliver(ham())
    c.select("INBOX")
    c.cmd(["UID REPLACE 1 Junk ", harness.to_crlf(spam())])
    t.expect("spam append")
    c.select("Junk")
    c.cmd(["UID REPLACE 1 Work ", harness.to_crlf(ham())])
    t.expect()


# --- keywords ---

@ALL_FORMATS
def test_keyword_only(t):
    """case 17: only a junk keyword, in four spellings and any letter case"""
    for keyword in ("$Junk", "Junk", "$JUNK", "junk"):
        t.deliver(ham())
        c = t.client(select="INBOX")
        c.cmd("STORE * +FLAGS (%s)" % keyword)
        t.expect("spam keyword")


@ALL_FORMATS
def test_not_junk_keyword(t):
    """case 17: a not-junk keyword in Junk, in all spellings, without a move"""
    before = t.recorded()
    for keyword in ("$NotJunk", "NonJunk", "$notjunk", "NONJUNK"):
        t.deliver(spam(), mailbox="Junk")
        c = t.client(select="Junk")
        c.cmd("STORE * +FLAGS (%s)" % keyword)
    # not reported at once, since a move to Trash may follow
    assert t.recorded() == before
    t.expect("4 ham keyword")


def test_not_junk_logout(t):
    """case 17: a not-junk keyword in Junk, then LOGOUT at once"""
    t.deliver(spam(), mailbox="Junk")
    c = t.imap(select="Junk")
    c.cmd("STORE * +FLAGS ($NotJunk)")
    c.logout()
    harness.wait_for(lambda: t.reports(), "the report")
    t.expect("ham keyword")


@ALL_FORMATS
def test_keyword_and_move(t):
    """case 18: keyword and move, as clients send them, count once"""
    clients = {
        "Roundcube": ["+FLAGS (Junk)", "-FLAGS (NonJunk)"],
        "FairEmail": ["-FLAGS ($NotJunk)", "+FLAGS ($Junk)"],
        "SnappyMail": ["+FLAGS ($Junk)", "-FLAGS ($NotJunk)"],
        "Nextcloud": ["+FLAGS.SILENT ($junk)"],
    }
    for stores in clients.values():
        t.deliver(ham())
        c = t.client(select="INBOX")
        uid = c.uids()[-1]
        for store in stores:
            c.cmd("UID STORE %d %s" % (uid, store))
        c.cmd("UID MOVE %d Junk" % uid)
    t.expect("4 spam keyword")


@ALL_FORMATS
def test_keyword_and_move_back(t):
    """case 18: not-junk keyword and move out of Junk count once"""
    clients = {
        "Roundcube": ["+FLAGS (NonJunk)", "-FLAGS (Junk)"],
        "FairEmail": ["-FLAGS ($Junk)", "+FLAGS ($NotJunk)"],
        "Thunderbird": ["-FLAGS (Junk)", "+FLAGS (NonJunk)"],
    }
    for stores in clients.values():
        t.deliver(spam(), mailbox="Junk")
        c = t.client(select="Junk")
        uid = c.uids()[-1]
        for store in stores:
            c.cmd("UID STORE %d %s" % (uid, store))
        c.cmd("UID MOVE %d INBOX" % uid)
    t.expect("3 ham move")
    time.sleep(HELD_SECS)
    t.expect()


def test_keyword_and_trash(t):
    """case 2, case 18: FairEmail sets $NotJunk also on what it moves to Trash
    """
    t.deliver(spam(), mailbox="Junk")
    c = t.client(select="Junk")
    c.cmd("UID STORE 1 -FLAGS ($Junk)")
    c.cmd("UID STORE 1 +FLAGS ($NotJunk)")
    c.cmd("UID MOVE 1 Trash")
    time.sleep(HELD_SECS)
    t.expect()


def test_keyword_and_trash_many(t):
    """case 18: both in turn, then all to Trash at once: nothing, however long
    it takes"""
    for _ in range(6):
        t.deliver(spam(), mailbox="Junk")
    c = t.client(select="Junk")
    for uid in range(1, 7):
        c.cmd("UID STORE %d +FLAGS ($NotJunk)" % uid)
        time.sleep(HELD_SECS / 4)
    c.cmd("UID MOVE 1:6 Trash")
    time.sleep(HELD_SECS)
    t.expect()


@ALL_FORMATS
def test_left_over_keyword(t):
    """case 18: $Junk that was carried out of Junk is removed later: still ham
    """
    t.deliver(ham(), mailbox="Junk")
    c = t.client(select="Junk")
    c.cmd("UID STORE 1 +FLAGS.SILENT ($Junk)")
    c.cmd("UID MOVE 1 INBOX")
    t.expect("ham move")
    c = t.client(select="INBOX")
    c.cmd("UID STORE 1 -FLAGS.SILENT ($Junk)")
    t.expect()


@ALL_FORMATS
def test_both_keywords(t):
    """case 19: both keywords are neutral; the remaining one decides"""
    t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("STORE 1 +FLAGS ($Junk NonJunk)")
    t.expect()
    c.cmd("STORE 1 -FLAGS (NonJunk)")
    t.expect("spam keyword")
    t.deliver(ham())
    c.cmd("NOOP")
    c.cmd("STORE 2 +FLAGS (NonJunk)")
    c.cmd("STORE 2 +FLAGS (Junk)")
    t.expect()
    c.cmd("STORE 2 -FLAGS (Junk)")
    t.expect("ham keyword")


@ALL_FORMATS
def test_flip_flop(t):
    """case 19: to and fro; STORE FLAGS that replaces"""
    t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("STORE 1 +FLAGS ($Junk)")
    t.expect("spam keyword")
    # removed again, as if it had never been set
    c.cmd("STORE 1 -FLAGS ($Junk)")
    t.expect("-1 spam keyword")
    c.cmd("STORE 1 FLAGS ($Junk \\Seen)")
    t.expect("spam keyword")
    c.cmd("STORE 1 FLAGS (NonJunk)")
    t.expect("-1 spam keyword")
    c.cmd("STORE 1 FLAGS ($Junk)")
    t.expect("spam keyword")
    # an additional flag changes nothing
    c.cmd("STORE 1 +FLAGS (\\Seen $Label1)")
    c.cmd("STORE 1 +FLAGS ($Junk)")
    t.expect()


@ALL_FORMATS
def test_keywords_carried(t):
    """case 20: keywords that a copy carries along are not a second report"""
    t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("STORE 1 +FLAGS ($Junk)")
    t.expect("spam keyword")
    c.cmd("COPY 1 Work")
    t.expect()
    # Apple Mail: the junk keyword stays on messages that leave Junk
    t.deliver(spam(), mailbox="Junk")
    c.select("Junk")
    c.cmd("STORE 1 +FLAGS ($Junk)")
    t.expect()
    c.cmd("UID COPY 1 INBOX")
    t.expect("ham copy")
    # like a client that restores mail
    c.append("Work", spam(), "$Junk")
    c.append("INBOX", spam(), "Junk")
    t.expect()


@ALL_FORMATS
def test_automatic_not_junk(t):
    """case 21: a NonJunk that Thunderbird sets on new mail by itself: nothing;
    in Trash: nothing"""
    t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("STORE 1 +FLAGS (NonJunk)")
    t.deliver(ham(), mailbox="Trash")
    c.select("Trash")
    c.cmd("STORE 1 +FLAGS ($NotJunk)")
    t.deliver(ham(), mailbox="Trash")
    c.cmd("NOOP")
    c.cmd("STORE 2 +FLAGS ($Junk)")
    t.expect()


def test_keywords_off(t):
    """case 17: junk_feedback_keywords = no"""
    p = t.private(debug=True, settings={"junk_feedback_keywords": "no"})
    p.deliver(ham())
    c = p.client(select="INBOX")
    c.cmd("STORE 1 +FLAGS ($Junk)")
    p.expect()
    c.cmd("MOVE 1 Junk")
    p.expect("spam move")


# --- oddities ---

@ALL_FORMATS
def test_same_mailbox(t):
    """case 22: moved or copied into the same mailbox: nothing"""
    t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("UID COPY 1 INBOX")
    c.cmd("UID MOVE 1 INBOX")
    t.deliver(spam(), mailbox="Junk")
    c.select("Junk")
    c.cmd("UID COPY 1 Junk")
    c.cmd("UID MOVE 1 Junk")
    t.expect()


def append_many(c, mailbox, count, first=0):
    for start in range(first, first + count, 500):
        parts = ['APPEND "%s" ' % mailbox]
        for n in range(start, min(start + 500, first + count)):
            parts += [harness.to_crlf(numbered(n)), " "]
        parts.pop()
        c.cmd(parts)


def test_many(t):
    """case 23: a MOVE of thousands that fails in the middle: only what Dovecot
    had committed by then is reported"""
    c = t.client()
    append_many(c, "INBOX", 2500)
    c.select("INBOX")
    assert len(c.uids()) == 2500
    # expunged without Dovecot
    mail_dir = os.path.join(t.d.home(t.user()), "mail")
    with open(mail_dir + "/dovecot-uidlist") as f:
        name = re.search(r"^1500 .*:(\S+)$", f.read(), re.M).group(1)
    victim, = glob.glob("%s/*/%s*" % (mail_dir, name))
    os.unlink(victim)
    c.cmd("UID MOVE 1:* Junk", expect=None)
    c.select("Junk")
    moved = len(c.uids())
    assert moved >= 1000, moved
    t.expect("%d spam move" % moved)
    # the remaining messages
    c.select("INBOX")
    rest = len(c.uids())
    if rest:
        c.cmd("UID MOVE 1:* Junk")
        t.expect("%d spam move" % rest)
    assert moved + rest == 2499, (moved, rest)


@ALL_FORMATS
def test_rollback_copy(t):
    """case 24: a COPY that fails as a whole reports nothing"""
    for _ in range(3):
        t.deliver(ham())
    c = t.client(select="INBOX")
    other = t.imap(select="INBOX")
    other.cmd("STORE 2 +FLAGS (\\Deleted)")
    other.cmd("EXPUNGE")
    # c still sees three messages
    answer = c.cmd("COPY 1:3 Junk", expect=None)
    c.select("Junk")
    copied = len(c.uids())
    t.expect(*["%d spam copy" % copied] if copied else [])
    assert copied in (0, 2), answer


def test_append_broken_off(t):
    """case 24: a disconnect in the middle of an APPEND"""
    c = t.imap()
    c.sock.sendall(b"x APPEND Junk {5000+}\r\nFrom: a@example.com\r\n\r\nhalf")
    c.close()
    # the second message of a MULTIAPPEND never comes
    c = t.imap()
    message = harness.to_crlf(spam())
    c.sock.sendall(b"x APPEND Junk {%d+}\r\n%s {100+}\r\nhalf" % (
        len(message), message))
    c.close()
    time.sleep(0.2)
    t.expect()
    assert t.client(select="Junk").uids() == []


def quota_config(version, d):
    if version == (2, 3):
        return "plugin {\n  quota = count:User quota\n  quota_rule = *:messages=3\n" \
            "  quota_vsizes = yes\n}\n"
    return "quota \"User quota\" {\n  driver = count\n" \
        "  quota_message_count = 3\n}\n"


@ALL_FORMATS
def test_over_quota(t):
    """case 24: a COPY or an APPEND over quota reports nothing"""
    p = t.private(debug=True, plugins=("quota",), extra=quota_config)
    for _ in range(3):
        p.deliver(ham())
    c = p.client(select="INBOX")
    c.cmd("COPY 1 Junk", expect="NO")
    c.cmd(["APPEND Junk ", harness.to_crlf(spam())], expect="NO")
    p.expect()
    # a MOVE needs no space
    c.cmd("MOVE 1 Junk")
    p.expect("spam move")
    # a failed command doesn't undo earlier reports
    c = p.client(select="Junk")
    c.cmd("STORE 1 +FLAGS ($NotJunk)")
    c.cmd("COPY 1 INBOX", expect="NO")
    p.expect("-1 spam move")


def test_acl_denied(t):
    """case 24: a command that an ACL forbids"""
    p = t.private(debug=True, plugins=("acl",),
                  settings={"acl": "vfile"} if harness.dovecot_version() ==
                  (2, 3) else {"acl_driver": "vfile"})
    p.deliver(ham())
    c = p.client(select="Junk")
    path = os.path.join(p.d.home(p.user()), "mail", ".Junk", "dovecot-acl")
    with open(path, "w") as f:
        f.write("owner lr\n")
    os.chown(path, harness.VMAIL_ID, harness.VMAIL_ID)
    c.logout()
    c = p.imap(select="INBOX")
    for command in ("COPY 1 Junk", "MOVE 1 Junk"):
        c.cmd(command, expect="NO")
    c.cmd(["APPEND Junk ", harness.to_crlf(spam())], expect="NO")
    p.expect()


def test_read_only(t):
    """case 24: in a mailbox opened by EXAMINE"""
    t.deliver(ham())
    c = t.client()
    c.cmd("EXAMINE INBOX")
    c.cmd("STORE 1 +FLAGS ($Junk)", expect=None)
    t.expect()
    c.cmd("COPY 1 Junk")
    t.expect("spam copy")


@ALL_FORMATS
def test_two_clients(t):
    """case 25: two clients move the same message; a client repeats a move
    whose OK was lost"""
    t.deliver(ham())
    a = t.imap(select="INBOX")
    b = t.imap(select="INBOX")
    a.cmd("UID MOVE 1 Junk")
    b.cmd("UID MOVE 1 Junk", expect=None)
    t.expect("spam move")
    t.deliver(ham())
    a.cmd("NOOP")
    b.cmd("NOOP")
    tags = [(c, c.send("UID COPY 2 Junk")) for c in (a, b)]
    for c, tag in tags:
        c.wait(tag)
    t.expect("spam copy")
    # the connection is lost before the OK
    t.deliver(ham())
    c = t.imap(select="INBOX")
    uid = c.uids()[-1]
    c.send("UID MOVE %d Junk" % uid)
    c.close()
    again = t.imap(select="INBOX")
    again.cmd("UID MOVE %d Junk" % uid, expect=None)
    t.expect("spam move")


@ALL_FORMATS
def test_pipelined(t):
    """case 26: pipelined: moved, then deleted and expunged before the client
    reads a response"""
    count = 8
    for _ in range(count):
        t.deliver(ham())
    c = t.imap(select="INBOX")
    tags = [c.send("UID MOVE %d Junk" % (n + 1)) for n in range(count)]
    tags += [c.send(command) for command in (
        "SELECT Junk", "STORE 1:* +FLAGS (\\Deleted)", "EXPUNGE", "CLOSE")]
    for tag in tags:
        assert c.wait(tag)[0] == "OK"
    t.expect("%d spam move" % count)


@ALL_FORMATS
def test_pipelined_burst(t):
    """case 26: pipelined in one packet, with LOGOUT at its end"""
    for _ in range(3):
        t.deliver(ham())
    c = t.imap(select="INBOX")
    c.sock.sendall(b"a UID MOVE 1 Junk\r\nb UID STORE 2 +FLAGS ($Junk)\r\n"
                   b"c UID COPY 3 Junk\r\nd LOGOUT\r\n")
    while c.file.readline():
        pass
    t.expect("spam move", "spam keyword", "spam copy")


IMAPSIEVE = """\
require ["imap4flags", "fileinto", "copy", "mailbox"];
addflag "$Junk";
fileinto :copy :create "Work";
"""


def imapsieve_config(version, d):
    script = d.dir + "/imapsieve.sieve"
    with open(script, "w") as f:
        f.write(IMAPSIEVE)
    if version == (2, 3):
        return """
plugin {
  sieve_plugins = sieve_imapsieve
  imapsieve_mailbox1_name = *
  imapsieve_mailbox1_causes = COPY APPEND FLAG
  imapsieve_mailbox1_before = file:%s
}
""" % script
    return """
sieve_plugins {
  sieve_imapsieve = yes
}
mailbox * {
  sieve_script imapsieve {
    type = before
    cause = copy append flag
    path = %s
  }
}
""" % script


@ALL_FORMATS
def test_imapsieve(t):
    """case 27, case 37: imapsieve that marks and files in the same
    transaction: only the user's own action counts"""
    p = t.private(debug=True, extra=imapsieve_config,
                  imap_plugins=("notify", "junk_feedback", "imap_sieve"))
    p.deliver(ham())
    p.move("INBOX", "Junk")
    p.expect("spam move")
    c = p.client(select="Work")
    assert c.uids(), "imapsieve has run: " + p.log()
    p.deliver(spam(), mailbox="Junk")
    p.move("Junk", "INBOX")
    p.expect("ham move")
    c.append("INBOX", ham())
    p.expect()


def test_content(t):
    """empty and malformed messages are moved as usual, and count once"""
    c = t.client()
    messages = (b"\r\n", b"no header at all", b"Subject: x\r\n",
                b"\xff\xfe\x00\x01" * 100,
                b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" *
                50, b"Subject: =?x?q?=\r\n\r\n" + b"a" * 3000000)
    for message in messages:
        c.append("INBOX", message)
    c.select("INBOX")
    for _ in messages:
        c.cmd("MOVE 1 Junk")
    testcase.barrier(t.d)
    harness.wait_for(
        lambda: t.debug_log().count("Reported as spam (move)") ==
        len(messages), "a report of each")
