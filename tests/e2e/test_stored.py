"""A message gives the same tokens however it is stored."""

import os
import signal
import subprocess

import harness
import test_same_score
from test_spool import session
from testcase import ALL_FORMATS, formats, ham, spam


def compressed(version, _):
    return "mail_compress_write_method = gz\n" if version == (2, 4) else \
        "plugin {\n  zlib_save = gz\n}\n"


def stored(d):
    """Return the content of all message files"""
    data = b""
    for folder, _, names in os.walk(d.home_dir):
        for name in names:
            if name.startswith(("u.", "m.")) or \
                    os.path.basename(folder) in ("cur", "new"):
                with open(os.path.join(folder, name), "rb") as f:
                    data += f.read()
    return data


@ALL_FORMATS
def test_compressed(t):
    """compressed files"""
    name = "zlib" if harness.dovecot_version() == (2, 3) else "mail_compress"
    p = t.private(plugins=(name,), extra=compressed)
    p.client().append("Junk", spam())
    # while it is being saved
    p.expect("spam append")
    data = stored(p.d)
    assert data and b"Lowest prices" not in data
    # the stored one takes the first report back if they are of one message
    p.move("Junk", "INBOX")
    p.expect("-1 spam append")


WITH_ATTACHMENT = (
    b"From: a@example.com\r\nSubject: offer\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nLowest prices of all offers\r\n"
    b"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=a.png\r\n\r\n" +
    b"\r\n" + b"\r\n".join([b"QUJD" * 18] * 200) +
    b"\r\n--b--\r\n")


def attachments(version, d):
    if version == (2, 4):
        return "mail_ext_attachment_path = %s/attachments\n" \
            "mail_ext_attachment_min_size = 1\n" \
            "mail_ext_attachment {\n  fs posix {\n  }\n}\n" % d.home_dir
    return "mail_attachment_dir = %s/attachments\n" \
        "mail_attachment_min_size = 1\n" % d.home_dir


@formats("sdbox", "mdbox")
def test_attachments(t):
    """attachments in separate files; sdbox can't read such a message before it
    is saved"""
    p = t.private(extra=attachments)
    p.client().append("Junk", WITH_ATTACHMENT)
    p.expect("spam append")
    p.move("Junk", "INBOX")
    p.expect("-1 spam append")


def with_archive(seed):
    return test_same_score.multipart(
        ("text/plain", "7bit", test_same_score.words(20, seed)),
        test_same_score.archive(1000, seed))


def test_archive(t):
    """an archive: its library is loaded for the first one, not at each
    login"""
    def libraries():
        with open("/proc/%d/maps" % pid) as f:
            return "libarchive" in f.read()

    t.deliver(ham())
    t.deliver(with_archive(1))
    c, pid = session(t, "INBOX")
    c.cmd("UID MOVE 1 Junk")
    t.expect("spam move")
    assert not libraries()
    c.cmd("UID MOVE 2 Junk")
    t.expect("spam move")
    assert libraries()


def no_libarchive(version, d):
    """Another library of this name is found first."""
    folder = d.dir + "/broken"
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/libarchive.so.13", "w") as f:
        f.write("no library")
    if version == (2, 4):
        return "import_environment {\n  LD_LIBRARY_PATH = %s\n}\n" % folder
    return "import_environment = LD_LIBRARY_PATH=%s\n" % folder


def test_no_libarchive(t):
    """the library for archives can't be loaded: logged once, and the message
    is reported without it"""
    p = t.private(extra=no_libarchive)
    for seed in (1, 2):
        p.deliver(with_archive(seed))
    p.client(select="INBOX").cmd("UID MOVE 1:* Junk")
    p.expect("2 spam move")
    lines = [line for line in p.d.log().splitlines()
             if "imap(" in line and "archive" in line]
    assert len(lines) == 1 and "are not evaluated" in lines[0], p.d.log()


@ALL_FORMATS
def test_sizes(t):
    """larger than a block that is read at once, and the maximum size"""
    text = b"".join(b"<p>Offer w%dx.</p>\n" % n for n in range(200000))
    c = t.client()
    for size in (100, 8000, 9000, 100000, len(text)):
        c.append("Junk", spam() + text[:size])
        t.expect("spam append")
        t.move("Junk", "INBOX")
        t.expect("-1 spam append")


def open_files(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


@ALL_FORMATS
def test_gone(t):
    """moved, and expunged before the plugin has read it"""
    for _ in range(5):
        t.deliver(spam())
    c, pid = session(t, "INBOX")
    c.cmd("UID MOVE 1:* Junk")
    os.kill(pid, signal.SIGSTOP)
    t.d.doveadm("expunge", "-u", t.user(), "mailbox", "Junk", "all")
    if t.format == "mdbox":
        t.d.doveadm("purge", "-u", t.user())
    os.kill(pid, signal.SIGCONT)
    t.expect("5 spam move")


@ALL_FORMATS
def test_few_files(t):
    """more messages in a command than a process may have open files: all are
    reported, and none stays open"""
    for _ in range(80):
        t.deliver(ham())
    c, pid = session(t, "INBOX")
    before = open_files(pid)
    # the process's user may always do that, root only in some containers
    subprocess.run(["prlimit", "--pid=%d" % pid, "--nofile=%d" % (before + 50)],
                   user=harness.VMAIL_ID, group=harness.VMAIL_ID,
                   extra_groups=[], check=True)
    c.cmd("UID MOVE 1:* Junk")
    t.expect("80 spam move")
    # files of the mailboxes, at most
    assert open_files(pid) < before + 10, (before, open_files(pid))
