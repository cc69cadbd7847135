"""Shared mailboxes and logins (edge cases 33-35)."""

import os

import harness
from testcase import ALL_FORMATS, ham, spam

IDENTITY = "junk-feedback.id"


def config(version, d):
    if version == (2, 3):
        return """
namespace shared {
  type = shared
  prefix = shared/%%%%u/
  separator = /
  location = %%d:%(home)s/%%%%u/mail:INDEXPVT=~/shared/%%%%u
  subscriptions = no
  list = children
}
namespace public {
  type = public
  prefix = Public/
  separator = /
  location = maildir:%(dir)s/public:INDEXPVT=~/public
  subscriptions = no
  mailbox Abfall {
    special_use = \\Junk
  }
}
plugin {
  acl = vfile
  acl_shared_dict = file:%(home)s/shared-mailboxes.db
}
""" % {"home": d.home_dir, "dir": d.dir}
    return """
namespace shared {
  type = shared
  prefix = shared/$user/
  separator = /
  mail_driver = %%{user | domain}
  mail_path = %%{owner_home}/mail
  mail_index_private_path = ~/shared/%%{owner_user}
  subscriptions = no
  list = children
}
namespace public {
  type = public
  prefix = Public/
  separator = /
  mail_driver = maildir
  mail_path = %(dir)s/public
  mail_index_private_path = ~/public
  subscriptions = no
  mailbox Abfall {
    special_use = \\Junk
  }
}
acl_driver = vfile
acl_sharing_map {
  dict file {
    path = %(home)s/shared-mailboxes.db
  }
}
""" % {"home": d.home_dir, "dir": d.dir}


OPTIONS = {
    "debug": True,
    "plugins": ("acl",),
    "imap_plugins": ("imap_acl", "notify", "junk_feedback"),
    "extra": config,
}


def has_identity(t, user):
    return os.path.exists(t.control_file(t.user(user), IDENTITY))


@ALL_FORMATS
def test_shared(t):
    """case 33: in a shared mailbox the actor reports, not the owner"""
    t.deliver(ham(), user="owner")
    t.deliver(ham(), user="owner")
    t.deliver(spam(), user="owner", mailbox="Junk")
    owner = t.client("owner")
    for mailbox in ("INBOX", "Junk", "Work"):
        owner.cmd("SETACL %s %s lrwstipekxa" % (mailbox, t.user("actor")))
    prefix = "shared/%s/" % t.user("owner")
    # within the owner's mailboxes
    t.move(prefix + "INBOX", prefix + "Junk", user="actor")
    t.expect("spam move")
    # from the owner's mailboxes to one's own
    t.move(prefix + "INBOX", "Junk", user="actor")
    t.expect("spam move")
    t.move(prefix + "Junk", "INBOX", user="actor")
    # which the same actor has just reported as spam
    t.expect("-1 spam move")
    assert has_identity(t, "actor") and not has_identity(t, "owner")
    # two people, two reports
    t.deliver(ham(), user="owner")
    actor = t.client("actor", prefix + "INBOX")
    actor.cmd("STORE * +FLAGS ($Junk)")
    t.expect("spam keyword")
    t.move("INBOX", "Junk", user="owner")
    t.expect("spam move")
    assert has_identity(t, "owner")


@ALL_FORMATS
def test_first_act(t):
    """case 33: a new user's first action, whatever it is, in a shared mailbox,
    before the user has mailboxes: no error is logged"""
    prefix = "shared/%s/" % t.user("owner")
    owner = t.client("owner")
    for mailbox in ("INBOX", "Junk"):
        t.deliver(spam(), user="owner", mailbox=mailbox)
    owner.select("INBOX")
    owner.cmd("STORE 1 +FLAGS ($Junk)")
    t.expect("spam keyword")
    acts = (
            ("unmarks", "INBOX", "UID STORE * -FLAGS.SILENT ($Junk)"),
            ("marks", "INBOX", "UID STORE * +FLAGS.SILENT ($Junk)"),
            ("copies", "INBOX", "UID COPY * %sJunk" % prefix),
            ("appends", "INBOX", ["APPEND %sINBOX " % prefix, ham()]),
            ("rescues", "Junk", "UID COPY * %sINBOX" % prefix),
            ("deletes", "Junk", "UID STORE * +FLAGS.SILENT (\\Deleted)"))
    for name, mailbox, command in acts:
        for shared in ("INBOX", "Junk"):
            owner.cmd("SETACL %s %s lrwstipekxa" % (shared, t.user(name)))
        c = t.imap(name)
        c.select(prefix + mailbox)
        c.cmd(command)
        c.cmd("CLOSE")
        c.logout()
    harness.wait_for(lambda: t.log().count("Logged out in=") == len(acts),
                     "the sessions' ends")
    t.reports()
    errors = [line for line in t.errors() if "junk-feedback" in line]
    assert not errors, errors


def test_public(t):
    """case 33: in a public namespace, too"""
    public = t.d.dir + "/public"
    for name in ("", "/.Liste", "/.Abfall"):
        for sub in ("cur", "new", "tmp"):
            os.makedirs(public + name + "/" + sub, exist_ok=True)
    with open(public + "/dovecot-acl", "w") as f:
        f.write("anyone lrwstipek\n")
    for root, dirs, files in os.walk(public):
        for name in [root] + [os.path.join(root, f) for f in files]:
            os.chown(name, harness.VMAIL_ID, harness.VMAIL_ID)
    for name in (".Liste", ".Abfall"):
        path = "%s/%s/dovecot-acl" % (public, name)
        with open(path, "w") as f:
            f.write("anyone lrwstipek\n")
        os.chown(path, harness.VMAIL_ID, harness.VMAIL_ID)
    c = t.client("anna")
    c.append("Public/Liste", ham())
    t.expect()
    t.move("Public/Liste", "Public/Abfall", user="anna")
    t.expect("spam move")
    t.move("Public/Abfall", "Public/Liste", user="bob")
    t.expect("ham move")
    assert has_identity(t, "anna") and has_identity(t, "bob")


def test_master(t):
    """case 34: a login as another user with a master password acts for that
    user, and adds no second vote"""
    p = t.private(debug=True, masters=("boss",))
    message = ham()
    p.deliver(message)
    c = p.imap(p.user() + "*boss", select="INBOX")
    c.cmd("UID MOVE 1 Junk")
    p.expect("spam move")
    assert has_identity(p, "user")
    assert not os.path.exists(p.d.home("boss"))
    p.deliver(message)
    p.move("INBOX", "Junk")
    p.expect()


def test_group(t):
    """case 35: a group's mailbox that many people use has one vote per
    message"""
    message = ham()
    for _ in range(4):
        t.deliver(message)
    for _ in range(4):
        c = t.imap(select="INBOX")
        c.cmd("UID MOVE %d Junk" % c.uids()[-1])
    t.expect("spam move")
