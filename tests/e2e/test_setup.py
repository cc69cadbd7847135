"""doveadm junk setup and --remove: the existing configuration stays, and is
restored."""

import os
import shutil
import subprocess

import harness

SLOW = True

VERSION = harness.dovecot_version()
OURS = "95-junk-feedback.conf"

STOCK = {
    "dovecot.conf": "protocols = imap lmtp\n!include conf.d/*.conf\n"
                    "!include_try local.conf\n",
    "conf.d/20-imap.conf": "protocol imap {\n"
                           "  mail_plugins = $mail_plugins imap_quota\n}\n",
    "conf.d/90-sieve.conf": "plugin {\n"
                            "  sieve = ~/.dovecot.sieve\n}\n",
}
if VERSION >= (2, 4):
    STOCK = {
        "dovecot.conf": "dovecot_config_version = 2.4.0\n"
                        "dovecot_storage_version = 2.4.0\n"
                        "protocols = imap lmtp\n!include conf.d/*.conf\n"
                        "!include_try local.conf\n",
        "conf.d/20-imap.conf": "protocol imap {\n  mail_plugins {\n"
                               "    imap_quota = yes\n  }\n}\n",
        "conf.d/90-sieve.conf": "sieve_script personal {\n"
                                "  path = ~/.dovecot.sieve\n}\n",
    }


class Config:
    """A configuration in its own folder, without a running Dovecot."""

    def __init__(self, t, name, files):
        self.dir = os.path.join(t.d.dir, name)
        os.makedirs(self.dir + "/conf.d", exist_ok=True)
        for path, text in files.items():
            self.write(path, text)
        self.path = self.dir + "/dovecot.conf"

    def write(self, path, text):
        with open(os.path.join(self.dir, path), "w") as f:
            f.write(text)

    def read(self, path):
        with open(os.path.join(self.dir, path)) as f:
            return f.read()

    def has(self, path):
        return os.path.exists(os.path.join(self.dir, path))

    def files(self):
        found = {}
        for folder, _, names in os.walk(self.dir):
            for name in names:
                if not name.endswith((".removed", ".svbin")):
                    path = os.path.join(folder, name)
                    with open(path, "rb") as f:
                        found[os.path.relpath(path, self.dir)] = f.read()
        return found

    def setup(self, *args):
        p = subprocess.run(
            ["doveadm", "-c", self.path, "junk", "setup", "--examples",
             harness.EXAMPLES, *args], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=120)
        return p.returncode, p.stdout, p.stderr

    def conf(self, protocol, *args):
        return subprocess.run(
            ["doveconf", "-c", self.path, "-f", "protocol=" + protocol, *args],
            stdout=subprocess.PIPE, text=True, check=True).stdout

    def plugins(self, protocol):
        name = "sieve_plugins" if VERSION >= (2, 4) else \
            "plugin/sieve_plugins"
        return self.conf(protocol, name).replace("{", "").split()


def setup_ok(c):
    """Set up; a second time changes nothing"""
    before = c.files()
    code, out, err = c.setup()
    assert code == 0 and "No files were changed" in out and not err, (out, err)
    assert c.files() == before, out
    assert "+++" in out, out
    code, out, err = c.setup("--yes")
    assert code == 0, (code, out, err)
    after = c.files()
    code, out, err = c.setup("--yes")
    assert code == 0 and "No changes are needed" in out, (out, err)
    assert c.files() == after
    return before


def remove_ok(c, before):
    """Remove; nothing of it is left"""
    code, out, err = c.setup("--remove")
    assert code == 0 and "No files were changed" in out, (code, out, err)
    code, out, err = c.setup("--remove", "--yes")
    assert code == 0, (code, out, err)
    assert c.files() == before, set(c.files()) ^ set(before)
    code, out, err = c.setup("--remove", "--yes")
    assert code == 0 and "has no settings of junk-feedback" in out, (out, err)


def test_stock(t):
    """setup: the stock layout, twice, and removed again"""
    c = Config(t, "stock", STOCK)
    before = setup_ok(c)
    assert c.has("conf.d/" + OURS) and c.has("sieve/junk.svbin")
    assert "imap_quota" in c.conf("imap", "mail_plugins")
    assert "junk_feedback" in c.conf("imap", "mail_plugins")
    remove_ok(c, before)


def test_lists_stay(t):
    """setup: existing sieve_plugins, extensions and sieve_before stay"""
    if VERSION >= (2, 4):
        text = ("sieve_plugins {\n  sieve_imapsieve = yes\n}\n"
                "sieve_global_extensions {\n  vnd.dovecot.pipe = yes\n}\n"
                "sieve_script quota {\n  type = before\n"
                "  path = %s/quota.sieve\n}\n")
    else:
        text = ("plugin {\n  sieve_plugins = sieve_imapsieve "
                "sieve_extprograms\n"
                "  sieve_global_extensions = +vnd.dovecot.pipe\n"
                "  sieve_before = %s/quota.sieve\n"
                "  sieve_before2 = file:/srv/second.sieve;name=x\n}\n")
    c = Config(t, "lists", STOCK)
    c.write("conf.d/90-sieve.conf", text % c.dir)
    before = setup_ok(c)
    found = c.plugins("lmtp")
    assert "sieve_imapsieve" in " ".join(found), found
    assert "sieve_vnd_junk_feedback" in " ".join(found), found
    text = c.conf("lmtp", "sieve_script" if VERSION >= (2, 4) else "plugin")
    assert c.dir + "/quota.sieve" in text, text
    assert c.dir + "/sieve/junk.sieve" in text, text
    if VERSION < (2, 4):
        assert "sieve_before3 = %s/sieve/junk.sieve" % c.dir in text, text
        assert "vnd.dovecot.pipe" in text and "editheader" in text, text
    remove_ok(c, before)


def test_changed_before(t):
    """setup: run again after the earlier configuration has changed; the
    administrator's changes in our file stay"""
    c = Config(t, "again", STOCK)
    setup_ok(c)
    text = c.read("conf.d/" + OURS)
    assert "#junk_feedback_threshold = 90" in text
    c.write("conf.d/" + OURS, text.replace("#junk_feedback_threshold = 90",
                                           "junk_feedback_threshold = 77"))
    c.write("conf.d/90-sieve.conf", "plugin {\n"
            "  sieve_plugins = sieve_extprograms\n}\n" if VERSION < (2, 4) else
            "sieve_plugins {\n  sieve_extprograms = yes\n}\n")
    code, out, err = c.setup("--yes")
    assert code == 0, (out, err)
    found = " ".join(c.plugins("lmtp"))
    assert "sieve_extprograms" in found, found
    assert "sieve_vnd_junk_feedback" in found, found
    assert "junk_feedback_threshold = 77" in c.read("conf.d/" + OURS)
    # and after a removal
    assert c.setup("--remove", "--yes")[0] == 0
    assert not c.has("conf.d/" + OURS)
    assert c.setup("--yes")[0] == 0
    assert "junk_feedback_threshold = 77" in c.read("conf.d/" + OURS)


def test_single_file(t):
    """setup: a single dovecot.conf, which has to include the new file"""
    files = {"dovecot.conf": STOCK["dovecot.conf"].replace(
        "!include conf.d/*.conf\n", "").replace(
        "!include_try local.conf\n", "") + STOCK["conf.d/90-sieve.conf"]}
    c = Config(t, "single", files)
    before = setup_ok(c)
    assert "!include junk-feedback.conf" in c.read("dovecot.conf")
    assert "sieve_vnd_junk_feedback" in " ".join(c.plugins("lda"))
    code, out, err = c.setup("--remove", "--yes")
    assert code == 0, (out, err)
    assert c.read("dovecot.conf").rstrip() == \
        before["dovecot.conf"].decode().rstrip()
    assert not c.has("junk-feedback.conf")


def test_later_file(t):
    """setup: a later file that overrides ours is named, and nothing is
    changed"""
    c = Config(t, "later", STOCK)
    later = ("sieve_plugins = sieve_extprograms\n" if VERSION >= (2, 4) else
             "plugin {\n  sieve_plugins = sieve_extprograms\n}\n")
    c.write("conf.d/99-local.conf", later)
    before = c.files()
    code, out, err = c.setup("--yes")
    assert code == 78 and "99-local.conf line" in err, (code, err)
    assert "sieve_plugins of lmtp" in err, err
    assert c.files() == before, set(c.files()) ^ set(before)


def test_broken(t):
    """setup: an unknown configuration is refused, and nothing is changed"""
    bad = {
        "junk": "no_such_setting = x\n",
        "theirs": None,
    }
    if VERSION < (2, 4):
        bad["list"] = "plugin {\n  sieve_plugins = a%{b}\n}\n"
        bad["lmtp"] = ("protocol lmtp {\n  plugin {\n"
                       "    sieve_plugins = sieve_extprograms\n  }\n}\n")
    for name, text in bad.items():
        c = Config(t, "broken-" + name, STOCK)
        if text is None:
            c.write("conf.d/" + OURS, "# somebody else's\n")
        else:
            c.write("conf.d/91-bad.conf", text)
        before = c.files()
        code, out, err = c.setup("--yes")
        if name == "junk":
            # doveadm itself reports that
            assert code != 0 and "no_such_setting" in err, (code, err)
        else:
            assert code == 78 and err.startswith("junk setup: "), \
                (name, code, err)
        assert c.files() == before, name
    assert c.setup("--nonsense")[0] == 64
    c.path += ".missing"
    assert c.setup()[0] != 0


def test_merged_by_hand(t):
    """setup --remove: settings that were moved into other files"""
    c = Config(t, "merged", STOCK)
    with open("%s/dovecot-%d.%d/%s" % ((harness.EXAMPLES,) + VERSION +
                                       (OURS,))) as f:
        lines = f.readlines()
    os.mkdir(c.dir + "/sieve")
    script = shutil.copy(harness.EXAMPLES + "/junk.sieve", c.dir + "/sieve")
    text = "".join(line for line in lines
                   if not line.startswith("# dovecot-junk-feedback on"))
    text = text.replace("/etc/dovecot/sieve/junk.sieve", script)
    if VERSION < (2, 4):
        text = text.replace("sieve_plugins = ",
                            "sieve_plugins = sieve_extprograms ")
    c.write("conf.d/92-merged.conf", text)
    code, out, err = c.setup("--remove", "--yes")
    assert code == 0, (code, out, err)
    text = c.conf("lmtp", "-n")
    for word in ("sieve_vnd_junk_feedback", "junk_feedback =",
                 "service junk-feedback"):
        assert word not in text, text
    if VERSION < (2, 4):
        assert "sieve_plugins = sieve_extprograms\n" in text, text
    # the script is still configured, and does nothing
    assert c.read("sieve/junk.sieve").count("\n") == 1
    assert c.has("sieve/junk.sieve.removed") and c.has("sieve/junk.svbin")
    # another script that still asks for the score: removal is refused
    c.write("sieve/junk.sieve", "require \"vnd.junk-feedback\";\nstop;\n")
    before = c.files()
    code, out, err = c.setup("--remove", "--yes")
    assert code == 78 and "still requires the extension" in err, (code, err)
    assert c.files() == before


ISPMAIL = {
    "conf.d/10-mail.conf": "mail_location = maildir:~/Maildir\n"
                           "mail_plugins = quota\nmail_uid = 5000\n",
    "conf.d/20-imap.conf": "protocol imap {\n  mail_plugins = $mail_plugins "
                           "quota imap_quota imap_sieve\n}\n",
    "conf.d/20-lmtp.conf": "protocol lmtp {\n"
                           "  mail_plugins = $mail_plugins sieve\n}\n",
    "conf.d/90-sieve.conf":
        "plugin {\n  sieve = ~/.dovecot.sieve\n"
        "  sieve_before = %(dir)s/sieve-before\n"
        "  sieve_after = %(dir)s/sieve-after\n"
        "  sieve_plugins = sieve_imapsieve sieve_extprograms\n"
        "  sieve_pipe_bin_dir = /etc/dovecot/sieve\n"
        "  sieve_global_extensions = +vnd.dovecot.pipe\n"
        "  imapsieve_mailbox1_name = Junk\n"
        "  imapsieve_mailbox1_causes = COPY\n"
        "  imapsieve_mailbox1_before = file:%(dir)s/learn-spam.sieve\n}\n",
}
ISPMAIL_24 = {
    "conf.d/10-mail.conf": "mail_driver = maildir\nmail_path = ~/Maildir\n"
                           "mail_uid = 5000\nmail_plugins {\n"
                           "  quota = yes\n}\n",
    "conf.d/20-imap.conf": "protocol imap {\n  mail_plugins {\n"
                           "    imap_quota = yes\n    imap_sieve = yes\n"
                           "  }\n}\n",
    "conf.d/90-sieve.conf":
        "sieve_script personal {\n  path = ~/.dovecot.sieve\n}\n"
        "sieve_script after {\n  type = after\n"
        "  path = %(dir)s/sieve-after\n}\n"
        "sieve_plugins {\n  sieve_imapsieve = yes\n"
        "  sieve_extprograms = yes\n}\n"
        "sieve_global_extensions {\n  vnd.dovecot.pipe = yes\n}\n",
}


def test_ispmail(t):
    """setup: ISPmail's layout: vmail, quota, imapsieve, global scripts"""
    files = ISPMAIL_24 if VERSION >= (2, 4) else ISPMAIL
    c = Config(t, "ispmail", STOCK)
    for path, text in files.items():
        c.write(path, text % {"dir": c.dir})
    for folder in ("sieve-before", "sieve-after"):
        os.mkdir(c.dir + "/" + folder)
    before = setup_ok(c)
    imap = c.conf("imap", "mail_plugins")
    for name in ("quota", "imap_quota", "imap_sieve", "junk_feedback"):
        assert name in imap, imap
    found = " ".join(c.plugins("lmtp"))
    for name in ("sieve_imapsieve", "sieve_extprograms",
                 "sieve_vnd_junk_feedback"):
        assert name in found, found
    text = c.conf("lmtp", "sieve_script" if VERSION >= (2, 4) else "plugin")
    assert c.dir + "/sieve-after" in text, text
    assert c.dir + "/sieve/junk.sieve" in text, text
    remove_ok(c, before)


def test_iredmail(t):
    """setup: iRedMail's layout: one dovecot.conf, LDA by a pipe, and an
    optional include folder"""
    if VERSION >= (2, 4):
        # without mailbox_alias, which doveadm would refuse
        text = ("dovecot_config_version = 2.4.0\n"
                "dovecot_storage_version = 2.4.0\n"
                "protocols = imap lmtp\nmail_uid = 2000\n"
                "mail_plugins = quota acl mail_log notify\n"
                "sieve_script before {\n  type = before\n"
                "  path = %(dir)s/dovecot.sieve\n}\n"
                "protocol lda {\n  mail_plugins {\n    sieve = yes\n  }\n}\n"
                "!include_try %(dir)s/iredmail/*.conf\n")
    else:
        text = ("protocols = imap lmtp\nmail_uid = 2000\n"
                "mail_plugins = quota mailbox_alias acl mail_log notify\n"
                "plugin {\n  sieve_before = %(dir)s/dovecot.sieve\n"
                "  sieve = ~/sieve/dovecot.sieve\n}\n"
                "protocol lda {\n  mail_plugins = $mail_plugins sieve\n}\n"
                "protocol imap {\n  mail_plugins = $mail_plugins imap_quota "
                "imap_acl\n}\n!include_try %(dir)s/iredmail/*.conf\n")
    c = Config(t, "iredmail", {})
    c.write("dovecot.conf", text % {"dir": c.dir})
    before = setup_ok(c)
    assert c.has("iredmail/" + OURS), c.files().keys()
    text = c.conf("lda", "sieve_script" if VERSION >= (2, 4) else "plugin")
    for path in ("/dovecot.sieve", "/sieve/junk.sieve"):
        assert c.dir + path in text, text
    # on 2.4 a protocol adds to the global list, and doveconf shows only its
    # part
    assert "mail_log" in c.conf("imap", "mail_plugins") + c.conf(
        "none", "mail_plugins")
    remove_ok(c, before)
