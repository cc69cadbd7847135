"""offlineimap synchronises Maildirs like mbsync, with a thread for each
mailbox."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import local  # noqa: E402

OPTIONS = {"debug": True}
RC = """\
[general]
accounts = all
metadata = {dir}.state
ui = quiet

[Account all]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {dir}

[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = no
starttls = no
auth_mechanisms = PLAIN
folderfilter = lambda name: name in ("INBOX", "Junk", "Trash", "Work")
"""


class Offlineimap(local.Maildirs):
    def configure(self):
        self.rc = self.dir + ".rc"
        self.write(self.rc, RC)

    def sync(self):
        self.run(["offlineimap", "-c", self.rc, "-o", "-1"])


def test_moves(t):
    local.check_moves(t, Offlineimap(t))


def test_deletes(t):
    local.check_deletes(t, Offlineimap(t))


def test_first(t):
    local.check_first(t, Offlineimap(t))


for function, check in ((test_moves, local.check_moves),
                        (test_deletes, local.check_deletes),
                        (test_first, local.check_first)):
    function.__doc__ = check.__doc__
