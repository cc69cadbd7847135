"""mbsync synchronises Maildirs on the user's own disk with the server's
mailboxes. The user's actions reach the server as APPEND and \\Deleted."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import local  # noqa: E402

OPTIONS = {"debug": True}
RC = """\
IMAPAccount server
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
{tls} None
# its other mechanisms are in a package that it only recommends
AuthMechs LOGIN

IMAPStore far
Account server

MaildirStore near
Path {dir}/
Inbox {dir}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX Junk Trash Work
Create Near
Expunge Both
SyncState *
"""


def has(version):
    """Tell whether mbsync has at least this version."""
    text = subprocess.run(["mbsync", "--version"], stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    return tuple(int(n) for n in text.split()[1].split(".")[:2]) >= version


class Mbsync(local.Maildirs):
    def configure(self):
        self.rc = self.dir + ".rc"
        self.write(self.rc, RC, tls="TLSType" if has((1, 5)) else "SSLType")

    def sync(self):
        self.run(["mbsync", "-c", self.rc, "-a"])


def test_moves(t):
    local.check_moves(t, Mbsync(t))


def test_deletes(t):
    local.check_deletes(t, Mbsync(t))


def test_first(t):
    local.check_first(t, Mbsync(t))


for function, check in ((test_moves, local.check_moves),
                        (test_deletes, local.check_deletes),
                        (test_first, local.check_first)):
    function.__doc__ = check.__doc__
