"""mutt has no command for junk: its users save a message to another mailbox."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402
from testcase import ham, spam  # noqa: E402

OPTIONS = {"debug": True}
# the first start takes more than 10 seconds on a busy machine
RUN_SECS = 60
RC = """\
set imap_user = "{user}"
set imap_pass = "{password}"
set folder = "imap://127.0.0.1:{port}/"
set spoolfile = "+INBOX"
set ssl_starttls = no
set ssl_force_tls = no
set imap_check_subscribed = no
set record = ""
set header_cache = ""
set confirmappend = no
set confirmcreate = no
set delete = yes
set quit = yes
set move = no
set wait_key = no
set sleep_time = 0
set mark_old = no
set timeout = 1
{more}
"""


def mutt(t, mailbox, keys, more=""):
    """Open a mailbox, press keys (by mutt's names), and quit."""
    home = t.d.dir + "/mutt"
    os.makedirs(home, exist_ok=True)
    with open(home + "/muttrc", "w") as f:
        f.write(RC.format(user=t.user(), password=harness.PASSWORD,
                          port=t.d.imap_port, more=more))
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 40, 120, 0, 0))
        os.environ.update(HOME=home, TERM="xterm", LANG="C.UTF-8")
        os.execvp("mutt", ["mutt", "-n", "-F", home + "/muttrc", "-f",
                           "+" + mailbox, "-e", 'push "%s<quit>"' % keys])
    screen = b""
    end = time.monotonic() + RUN_SECS
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            # mutt has ended and closed the terminal
            break
        if not data:
            break
        screen += data
    else:
        os.kill(pid, 9)
    os.close(terminal)
    status = os.waitpid(pid, 0)[1]
    assert status == 0, "mutt: %d\n%s" % (
        status, screen[-3000:].decode(errors="replace"))


def count(t, mailbox):
    return len(t.client(select=mailbox).uids())


def test_save(t):
    """Saving to Junk is a report of spam, and saving back to INBOX undoes it;
    saving mail that the filter had filed to Junk is a rescue"""
    t.deliver(ham())
    mutt(t, "INBOX", "<save-message>+Junk<enter>")
    t.expect("spam copy")
    assert (count(t, "INBOX"), count(t, "Junk")) == (0, 1)
    mutt(t, "Junk", "<save-message>+INBOX<enter>")
    t.expect("-1 spam copy")
    t.deliver(spam(), mailbox="Junk")
    mutt(t, "Junk", "<last-entry><save-message>+Work<enter>")
    t.expect("ham copy")


def test_tagged(t):
    """Tagged messages are saved to Junk in one command, and back in another"""
    for _ in range(3):
        t.deliver(spam())
        t.deliver(ham())
    mutt(t, "INBOX", "<tag-pattern>~s medicine<enter>"
         "<tag-prefix><save-message>+Junk<enter>")
    t.expect("3 spam copy")
    assert (count(t, "INBOX"), count(t, "Junk")) == (3, 3)
    mutt(t, "Junk", "<tag-pattern>~A<enter>"
         "<tag-prefix><save-message>+INBOX<enter>")
    t.expect("-3 spam copy")


def test_undeleted(t):
    """A message is saved to Junk and undeleted before mutt quits: the copy in
    Junk is a report, also after it is deleted there"""
    t.deliver(spam())
    mutt(t, "INBOX", "<save-message>+Junk<enter><first-entry>"
         "<undelete-message>")
    assert (count(t, "INBOX"), count(t, "Junk")) == (1, 1)
    t.expect("spam copy")
    mutt(t, "Junk", "<delete-message>")
    t.expect()


def test_delete(t):
    """A deletion is no report, with or without Trash, nor is emptying Junk"""
    for mailbox in ("INBOX", "INBOX", "Junk", "Junk", "Junk"):
        t.deliver(spam(), mailbox=mailbox)
    trash = 'set trash = "+Trash"\n'
    mutt(t, "INBOX", "<delete-message>", trash)
    mutt(t, "Junk", "<delete-message>", trash)
    assert count(t, "Trash") == 2
    mutt(t, "INBOX", "<delete-message>")
    mutt(t, "Junk", "<delete-pattern>~A<enter>")
    assert (count(t, "INBOX"), count(t, "Junk")) == (0, 0)
    t.expect()


def test_copy(t):
    """A copy to Junk counts as a move; a flag is weak ham"""
    t.deliver(spam())
    mutt(t, "INBOX", "<copy-message>+Junk<enter>")
    assert (count(t, "INBOX"), count(t, "Junk")) == (1, 1)
    t.expect("spam copy")
    t.deliver(ham())
    mutt(t, "INBOX", "<first-entry><flag-message>")
    t.expect("weak-ham action")
