"""Directions: what moving or copying between kinds of mailboxes means (edge
cases 1-12)."""

import base64
import os

import harness
from testcase import ALL_FORMATS, ham, numbered, spam

OPTIONS = {
    "debug": True,
    "mailboxes": harness.DEFAULT_MAILBOXES + (
        ("Junk/sub", None),
        ("Spamverdacht", "\\Junk"),
        ("Templates", None),
        ("Unsure", None),
        ("Work/Project", None),
    ),
    "settings": {"junk_feedback_unsure": "Unsure"},
}


def moved(t, source, target, *expected, command="UID MOVE", message=None):
    t.deliver(message or ham(), mailbox=source)
    t.move(source, target, command)
    t.expect(*expected)


@ALL_FORMATS
def test_inbox_to_junk(t):
    """case 3, case 13: INBOX to Junk is spam, by MOVE and by COPY"""
    moved(t, "INBOX", "Junk", "spam move")
    moved(t, "INBOX", "Junk", "spam copy", command="UID COPY")
    moved(t, "Work", "Junk", "spam move")


def test_command_case(t):
    """case 3: commands in any letter case, since Thunderbird sends lower
    case"""
    moved(t, "INBOX", "Junk", "spam move", command="uid move")
    moved(t, "INBOX", "Junk", "spam copy", command="Uid Copy")
    moved(t, "Junk", "Work", "ham move", command="UID move")
    t.deliver(spam())
    c = t.client(select="INBOX")
    c.cmd("store * +flags ($Junk)")
    t.expect("spam keyword")
    c.cmd("move * Junk")
    t.expect()
    c.cmd(["append Junk ", spam()])
    t.expect("spam append")


def test_names_with_spaces(t):
    """case 9: a name with a space is one mailbox"""
    p = t.private(mailboxes=(("Junk E-mail", None), ("E-mail", None)),
                  settings={"junk_feedback_junk": "Junk E-mail"})
    moved(p, "INBOX", "Junk E-mail", "spam move")
    moved(p, "INBOX", "E-mail", "weak-ham action")


@ALL_FORMATS
def test_junk_to_junk(t):
    """case 1: Junk to another Junk mailbox, or to Junk/sub: nothing"""
    moved(t, "Junk", "Junk/sub")
    moved(t, "Junk/sub", "Junk")
    moved(t, "Junk", "Spamverdacht")
    moved(t, "Junk/sub", "Spamverdacht", command="UID COPY")
    moved(t, "INBOX", "Junk/sub", "spam move")
    moved(t, "Junk/sub", "INBOX", "ham move")


@ALL_FORMATS
def test_junk_to_trash(t):
    """case 2: Junk to Trash, and expunging in Junk: nothing"""
    moved(t, "Junk", "Trash")
    moved(t, "Junk", "Trash", command="UID COPY")
    t.deliver(spam(), mailbox="Junk")
    c = t.client(select="Junk")
    c.cmd("STORE 1:* +FLAGS (\\Deleted)")
    c.cmd("EXPUNGE")
    t.expect()


def test_autoexpunge(t):
    """case 2, case 40: autoexpunge in Junk and lazy_expunge from Junk: nothing
    """
    p = t.private(
        debug=True,
        imap_plugins=("notify", "junk_feedback", "lazy_expunge"),
        settings={"lazy_expunge": "EXPUNGED/"} if harness.dovecot_version() ==
        (2, 3) else {"lazy_expunge_mailbox": "EXPUNGED"},
        extra=lazy_expunge_config)
    for mailbox in ("Junk", "INBOX", "Work"):
        p.deliver(spam(), mailbox=mailbox)
        c = p.client(select=mailbox)
        c.cmd("STORE 1:* +FLAGS (\\Deleted)")
        c.cmd("EXPUNGE")
    p.expect()
    # an expunged message can be restored, which means the same as from Trash
    c = p.client(select="EXPUNGED/Junk" if p.d.version == (2, 3) else "EXPUNGED")
    assert c.uids(), "lazy_expunge keeps it"
    c.cmd("UID MOVE %d Junk" % c.uids()[0])
    p.expect("spam move")


def lazy_expunge_config(version, d):
    if version != (2, 3):
        return "mailbox EXPUNGED {\n  auto = create\n}\n"
    return """
namespace expunged {
  prefix = EXPUNGED/
  separator = /
  location = %d:~/expunged
  hidden = yes
  list = no
}
"""


@ALL_FORMATS
def test_trash_to_junk(t):
    """case 3: Trash to Junk: spam"""
    moved(t, "Trash", "Junk", "spam move", message=spam())


@ALL_FORMATS
def test_put_back(t):
    """case 3: deleted in Junk and restored (Ctrl-Z): nothing; then rescued:
    ham
    """
    t.deliver(ham(), mailbox="Junk")
    t.move("Junk", "Trash")
    t.move("Trash", "Junk")
    t.expect()
    t.move("Junk", "INBOX")
    t.expect("ham move")


@ALL_FORMATS
def test_junk_trash_inbox(t):
    """case 4: Junk to Trash to INBOX: ham at the end, also by COPY and in
    another session"""
    moved(t, "Junk", "Trash")
    t.move("Trash", "INBOX")
    t.expect("ham move")
    moved(t, "Junk", "Trash", command="UID COPY")
    t.move("Trash", "Work", command="UID COPY")
    t.expect("ham copy")


def other_storage(driver, imapc_port):
    """Return a configuration: a namespace with a Trash in another storage."""
    def config(version, d):
        return """
namespace other {
  prefix = Other/
  separator = /
  %s
  mailbox Eimer {
    auto = create
    special_use = \\Trash
  }
}
imapc_host = 127.0.0.1
imapc_port = %d
imapc_user = remote@maildir
imapc_password = %s
""" % ("location = %s:~/other" % driver if version == (2, 3) else
       "mail_driver = %s\n  mail_path = ~/other" % driver,
       imapc_port, harness.PASSWORD)
    return config


def test_trash_in_other_storage(t):
    """case 4: from Junk to a Trash in another mail format, or on another
    server, and from there to INBOX: ham"""
    remote = t.private(imap_plugins=(), service=None,
                       mailboxes=(("Eimer", None),))
    for driver in ("mbox", "mdbox", "imapc"):
        p = t.private(debug=True,
                      extra=other_storage(driver, remote.d.imap_port),
                      mailboxes=(("Junk", "\\Junk"), ("Work", None)))
        for command in ("UID MOVE", "UID COPY"):
            moved(p, "Junk", "Other/Eimer", command=command)
            p.client().logout()
            p.same_clients.clear()
            p.move("Other/Eimer", "INBOX", command)
            p.expect("ham " + command[4:].lower())


@ALL_FORMATS
def test_inbox_trash(t):
    """case 5: INBOX to Trash, and back: nothing"""
    moved(t, "INBOX", "Trash")
    t.move("Trash", "INBOX")
    t.expect()


def test_own_mail(t):
    """case 6: Drafts, Sent and Templates to Junk: nothing"""
    for source in ("Drafts", "Sent", "Templates"):
        moved(t, source, "Junk")
        moved(t, source, "Junk", command="UID COPY")


@ALL_FORMATS
def test_junk_to_other(t):
    """case 7: Junk to any other folder: ham"""
    for target in ("INBOX", "Work", "Work/Project", "Archive"):
        moved(t, "Junk", target, "ham move")
    moved(t, "Junk", "INBOX", "ham copy", command="UID COPY")


def test_junk_to_drafts(t):
    """case 8: Junk to Drafts: nothing"""
    moved(t, "Junk", "Drafts")
    moved(t, "Junk", "Sent")


def test_letter_case(t):
    """case 9: INBOX in any letter case; several Junk mailboxes"""
    moved(t, "Junk", "inBoX", "ham move")
    t.deliver(ham())
    c = t.client(select="inbox")
    c.cmd("UID MOVE %d Spamverdacht" % c.uids()[-1])
    t.expect("spam move")


def test_namespaces(t):
    """case 9: another separator, INBOX as prefix, a second namespace"""
    p = t.private(
        debug=True, separator=".",
        settings={"junk_feedback_junk": "Junk, Spam, Bulk*"},
        extra=second_namespace)
    moved(p, "INBOX", "Junk", "spam move")
    # by SPECIAL-USE in the other namespace, regardless of its name
    p.deliver(ham())
    p.move("INBOX", "Other.Verdacht")
    p.expect("spam move")
    # by name
    c = p.imap()
    c.cmd("CREATE Other.Bulk2")
    c.cmd("CREATE INBOX.Spam")
    p.deliver(ham())
    p.move("INBOX", "Other.Bulk2")
    p.expect("spam move")
    p.move("Other.Bulk2", "Other.Verdacht")
    p.expect()
    p.deliver(ham())
    p.move("INBOX", "INBOX.Spam")
    p.expect("spam move")


def second_namespace(version, d):
    location = ("location = %d:~/other" if version == (2, 3) else
                "mail_path = ~/other")
    return """
namespace other {
  prefix = Other.
  separator = .
  %s
  mailbox Verdacht {
    auto = create
    special_use = \\Junk
  }
}
""" % location


def second_prefix(version, d):
    """The same mail with another prefix, as an old client may use."""
    return """
namespace old {
  prefix = Old/
  separator = /
  hidden = yes
  list = no
  inbox = no
}
"""


def test_second_prefix(t):
    """case 9: a mailbox is of the kind of its special use, also with another
    prefix"""
    p = t.private(debug=True, mailboxes=(("Verdacht", "\\Junk"),
                                         ("Eimer", "\\Trash")),
                  extra=second_prefix)
    c = p.imap()
    for mailbox in ("Verdacht", "Verdacht/sub", "Eimer"):
        c.cmd("CREATE " + mailbox, expect=None)
    moved(p, "INBOX", "Old/Verdacht", "spam move")
    moved(p, "Verdacht", "Old/Eimer")
    moved(p, "INBOX", "Verdacht", "spam move")
    p.deliver(ham())
    p.move("INBOX", "Old/Verdacht/sub")
    p.expect("spam move")


def test_alias_link(t):
    """case 9: a mailbox with another name through a link (mailbox_alias)"""
    p = t.private(debug=True, mailboxes=(("Verdacht", "\\Junk"),))
    moved(p, "INBOX", "Verdacht", "spam move")
    mail_dir = os.path.join(p.d.home(p.user()), "mail")
    os.symlink(".Verdacht", mail_dir + "/.Aussortiert")
    moved(p, "INBOX", "Aussortiert", "spam move")


def utf7(name):
    """Return modified UTF-7 of a name without ASCII (RFC 3501, 5.1.3)."""
    data = base64.b64encode(name.encode("utf-16-be")).decode()
    return "&%s-" % data.rstrip("=").replace("/", ",")


def test_other_letters(t):
    """case 9: clients' names in other languages, in any letter case and
    normalisation; a mailbox that only has such a name never makes a message
    ham"""
    c = t.imap()
    for name in ("\u0421\u043f\u0430\u043c", "\u0441\u041f\u0410\u041c",
                 "\u5783\u573e\u90ae\u4ef6",
                 "\u8ff7\u60d1\u30e1\u30fc\u30eb", "\uc2a4\ud338"):
        c.cmd('CREATE "%s"' % utf7(name))
        moved(t, "INBOX", utf7(name), "spam move")
    for name in ("Lixo Eletr&APQ-nico", "Lixo Eletro&AwI-nico",
                 "LEV&AMk-LSZEM&AMk-T", "Spam-Verdacht"):
        c.cmd('CREATE "%s"' % name)
        moved(t, "INBOX", name, "spam move")
    c.cmd('CREATE "Old spam"')
    moved(t, "INBOX", "Old spam")
    p = t.private(debug=True, mailboxes=(("Unrat", None), ("Junk", None)),
                  settings={"junk_feedback_junk": "Unrat"})
    moved(p, "INBOX", "Junk")


@ALL_FORMATS
def test_rename(t):
    """case 10: renaming Junk, or a folder under it: nothing"""
    t.deliver(spam(), mailbox="Junk")
    c = t.imap()
    c.select("Junk/sub")
    c.cmd("UNSELECT")
    c.cmd("CREATE Junk/old")
    c.cmd("RENAME Junk/old Junk/older")
    c.cmd("RENAME Junk Rubbish")
    t.expect()
    # it is an ordinary folder now
    c.select("Rubbish")
    c.cmd("UID MOVE 1 INBOX")
    t.expect()


def test_unsure(t):
    """case 11: moves out of an unsure folder are reported in both directions,
    moves into it aren't"""
    moved(t, "INBOX", "Unsure")
    moved(t, "Junk", "Unsure")
    moved(t, "Unsure", "Junk", "spam move")
    moved(t, "Unsure", "INBOX", "ham move")
    moved(t, "Unsure", "Work", "ham move")
    moved(t, "Unsure", "Trash")
    t.deliver(ham(), mailbox="Unsure")
    c = t.client(select="Unsure")
    # as Thunderbird's own filter moves new mail
    c.cmd("STORE * +FLAGS (NonJunk)")
    t.expect()


def test_no_junk(t):
    """case 12: no Junk folder at all, then one that is recognised by its
    name"""
    p = t.private(debug=True, mailboxes=(("Trash", "\\Trash"),
                                         ("Work", None)))
    moved(p, "INBOX", "Work", "weak-ham action")
    moved(p, "INBOX", "Trash")
    for name in ("Spam", "Junk E-mail", "Pourriel", "JUNK"):
        p.imap().cmd('CREATE "%s"' % name)
        moved(p, "INBOX", name, "spam move")
        # and moved back
        p.move(name, "INBOX")
        p.expect("-1 spam move")


def test_names_setting(t):
    """case 9: configured names replace the default ones"""
    p = t.private(
        debug=True, mailboxes=(("Unrat", None), ("Eimer", None),
                               ("Junk", None), ("Nie", None)),
        settings={"junk_feedback_junk": "Unrat",
                  "junk_feedback_trash": "Eimer",
                  "junk_feedback_ignore": "Nie"})
    moved(p, "INBOX", "Unrat", "spam move")
    moved(p, "Unrat", "Eimer")
    moved(p, "Unrat", "Junk", "ham move")
    moved(p, "Nie", "Unrat")
    moved(p, "INBOX", "Nie")


def test_weak_ham(t):
    """filed from INBOX into a user's folder, answered, flagged: weak ham,
    unless it is marked as junk"""
    moved(t, "INBOX", "Work", "weak-ham action")
    moved(t, "Work", "Work/Project")
    for flag in ("\\Answered", "\\Flagged"):
        t.deliver(ham())
        c = t.client(select="INBOX")
        c.cmd("STORE * +FLAGS (%s)" % flag)
        t.expect("weak-ham action")
        c.cmd("STORE * -FLAGS (%s)" % flag)
        t.expect()
    t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("STORE * +FLAGS ($Junk)")
    t.expect("spam keyword")
    c.cmd("STORE * +FLAGS (\\Flagged)")
    c.cmd("UID MOVE %d Work" % c.uids()[-1])
    t.expect()


def test_weak_ham_off(t):
    """weak ham and the whole plugin can be switched off"""
    p = t.private(debug=True, settings={"junk_feedback_weak_ham": "no"},
                  users={"off@maildir": {"junk_feedback": "no"}})
    moved(p, "INBOX", "Work")
    p.deliver(ham())
    c = p.client(select="INBOX")
    c.cmd("STORE 1 +FLAGS (\\Flagged)")
    p.expect()
    c.cmd("UID MOVE %d Junk" % c.uids()[-1])
    p.expect("spam move")
    p.d.deliver("off@maildir", ham())
    c = p.imap("off@maildir", select="INBOX")
    c.cmd("UID MOVE 1 Junk")
    p.expect()


def test_wrong_setting(t):
    """an invalid setting: logged, while mail works (2.3), or refused at the
    start (2.4)"""
    settings = {"junk_feedback_append": "perhaps"}
    wrong = "Invalid boolean value: perhaps"
    if t.d.version != (2, 3):
        # refused at the start
        try:
            t.private(settings=settings)
        except harness.HarnessError as e:
            assert "junk_feedback_append: " + wrong in str(e), e
            return
        raise AssertionError("a wrong setting is accepted")
    p = t.private(debug=True, settings=settings)
    moved(p, "INBOX", "Junk", "spam move")
    assert "junk_feedback_append = perhaps: " + wrong in p.log(), p.log()


def test_bulk(t):
    """many messages at once: each counts"""
    c = t.imap()
    for n in range(30):
        c.append("INBOX", numbered(n))
    c.select("INBOX")
    c.cmd("UID MOVE 1:* Junk")
    t.expect("30 spam move")
