"""A private Dovecot for tests and the demo, with its own base_dir, users, mail
and log in a temporary folder, and IMAP and LMTP on free loopback ports.

The modules under test come from a staged "make install". The staged tree is
laid over Dovecot's folder in a mount namespace of this process, so that the
system isn't changed (see enter_overlay()).

    harness.enter_overlay(harness.stage(build_dir))
    with harness.Dovecot("name") as d:
        d.deliver("anna@maildir", message)
        c = d.imap("anna@maildir")
        c.cmd("SELECT INBOX")
        c.cmd("UID MOVE 1 Junk")

A user exists as soon as it is named. The domain is the mail format (maildir,
sdbox, mdbox), the password is "pass".

staging.py installs and mounts, configuration.py has the differences between
Dovecot 2.3 and 2.4, imap_client.py and processes.py have helpers for tests.
All of their names are also available here.
"""

import imaplib
import os
import re
import shutil
import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import sanitizer
from configuration import (  # noqa: F401
    DEFAULT_MAILBOXES, EXAMPLE_OPTIONS, EXAMPLES, PASSWORD, VMAIL_ID, Options,
    config_text)
from imap_client import Imap, ImapError, to_crlf  # noqa: F401
from processes import (  # noqa: F401
    TIMEOUT_SECS, children_of, free_port, is_listening, memory_kbytes,
    process_status, wait_for, wait_gone)
from staging import (  # noqa: F401
    HarnessError, dovecot_version, enter_overlay, library_dir, run, stage)

imaplib.Commands.setdefault("MOVE", ("SELECTED",))
imaplib.Commands.setdefault("UNSELECT", ("SELECTED",))

FORMATS = ("maildir", "sdbox", "mdbox")


class Dovecot:
    """A private server. Use it as a context manager, or call start() and
    stop(). home_dir: another server's, to share its users' mail. Other keyword
    arguments: see Options."""

    def __init__(self, name, keep=False, directory=None, home_dir=None,
                 **options):
        self.options = Options(**options)
        self.version = dovecot_version()
        self.keep = keep
        self.dir = directory or tempfile.mkdtemp(prefix="junk-%s-" % name)
        os.chmod(self.dir, 0o755)
        self.base_dir = self.dir + "/run"
        self.state_dir = self.dir + "/state"
        self.home_dir = home_dir or self.dir + "/home"
        self.config_path = self.dir + "/dovecot.conf"
        self.log_path = self.dir + "/dovecot.log"
        self.debug_log_path = self.dir + "/debug.log"
        self.masters_path = self.dir + "/masters"
        self.users_path = self.dir + "/users"
        self.socket_path = self.base_dir + "/junk-feedback"
        self.database_path = self.state_dir + "/junk-feedback/stats.sqlite3"
        self.segment_path = self.base_dir + "/junk-feedback.scores"
        self.imap_port = self.options.imap_port or free_port()
        self.lmtp_port = self.options.lmtp_port or free_port()
        self.process = None
        self.clients = []
        self._make_files()

    def _make_files(self):
        for path in (self.base_dir, self.state_dir):
            os.makedirs(path, exist_ok=True)
        os.makedirs(self.home_dir, exist_ok=True)
        os.chown(self.home_dir, VMAIL_ID, VMAIL_ID)
        for path in (self.log_path, self.debug_log_path):
            open(path, "a").close()
            # sieve and doveadm log as the user
            os.chmod(path, 0o666)
        with open(self.masters_path, "w") as f:
            for name in self.options.masters:
                f.write("%s:{PLAIN}%s\n" % (name, PASSWORD))
        self.write_users()
        self.write_config()

    def write_users(self):
        with open(self.users_path, "w") as f:
            for name, fields in self.options.users.items():
                extra = " ".join("userdb_%s=%s" % kv for kv in fields.items())
                f.write("%s::%d:%d::%s/%s::%s\n" % (
                    name, VMAIL_ID, VMAIL_ID, self.home_dir, name, extra))

    def write_config(self):
        with open(self.config_path, "w") as f:
            f.write(config_text(self.version, self, self.options))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    # -- processes

    def start(self):
        self.process = subprocess.Popen(
            ["dovecot", "-F", "-c", self.config_path],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        for port in (self.imap_port, self.lmtp_port):
            self._wait_port(port)
        # not all listeners open at the same time
        if self.options.service is not None:
            wait_for(lambda: is_listening(self.socket_path) or
                     self.process.poll() is not None, self.socket_path)

    def _wait_port(self, port):
        end = time.monotonic() + TIMEOUT_SECS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise HarnessError("dovecot doesn't start:\n%s%s" % (
                    self.process.stdout.read(), self.log()))
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise HarnessError("dovecot doesn't listen:\n" + self.log())

    def stop(self):
        for client in self.clients:
            client.close()
        self.clients = []
        if self.process is None:
            return
        children = self.children()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(TIMEOUT_SECS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.process = None
        wait_gone(children)
        for report in sanitizer.reports(self):
            raise HarnessError("found by a sanitizer:\n" + report)

    def kill(self):
        """Stop it now, when a test is done with it."""
        pids = self.children()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_gone(pids)

    def restart(self):
        """Restart it with the present options."""
        self.stop()
        self.write_config()
        self.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def children(self, name=None):
        """Return pids of the master's children, of one program or of all"""
        if self.process is None:
            return []
        return [pid for pid, comm in children_of(self.process.pid)
                if name is None or comm == name[:15]]

    # -- mail

    def imap(self, user, password=PASSWORD):
        """Return a logged-in Imap."""
        client = Imap(self.imap_port)
        self.clients.append(client)
        client.cmd('LOGIN "%s" "%s"' % (user, password))
        return client

    def imap_process(self, user):
        """Return a logged-in Imap and the pid of its process."""
        before = set(self.children("imap"))
        client = self.imap(user)
        pid, = set(self.children("imap")) - before
        return client, pid

    def imaplib(self, user, password=PASSWORD):
        """Return a logged-in imaplib.IMAP4."""
        client = imaplib.IMAP4("127.0.0.1", self.imap_port, TIMEOUT_SECS)
        client.login(user, password)
        return client

    def deliver(self, recipients, message, sender="sender@example.com"):
        """Deliver with LMTP. Raises smtplib's exceptions if it is refused."""
        if isinstance(recipients, str):
            recipients = [recipients]
        with smtplib.LMTP("127.0.0.1", self.lmtp_port,
                          local_hostname="client.example.org") as lmtp:
            lmtp.ehlo_or_helo_if_needed()
            replies = [lmtp.mail(sender)]
            replies += [lmtp.rcpt(rcpt) for rcpt in recipients]
            # smtplib reads one reply to DATA; LMTP sends one for each
            # recipient
            replies.append(lmtp.data(to_crlf(message)))
            replies += [lmtp.getreply() for rcpt in recipients[1:]]
        refused = [reply for reply in replies if reply[0] // 100 != 2]
        if refused:
            raise HarnessError("LMTP refused: %r" % refused)

    def doveadm(self, *args, **kwargs):
        return run("doveadm", "-c", self.config_path, *args, **kwargs)

    def home(self, user):
        return os.path.join(self.home_dir, user)

    def sieve(self, user, script):
        """Activate a script for the user."""
        path = self.home(user)
        os.makedirs(path, exist_ok=True)
        with open(path + "/.dovecot.sieve", "w") as f:
            f.write(script)
        for name in (path, path + "/.dovecot.sieve"):
            os.chown(name, VMAIL_ID, VMAIL_ID)

    # -- results

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def debug_log(self):
        with open(self.debug_log_path, errors="replace") as f:
            return f.read()

    def log_errors(self):
        """Return lines of the log with an error, a warning or a crash."""
        return [line for line in self.log().splitlines()
                if re.search(r"(Error|Warning|Panic|Fatal): ", line)]

    def query(self, sql, *args):
        """Return rows of the service's database; [] if it doesn't exist
        yet."""
        if not os.path.exists(self.database_path):
            return []
        db = sqlite3.connect("file:%s?mode=ro" % self.database_path, uri=True,
                             timeout=TIMEOUT_SECS)
        try:
            return db.execute(sql, args).fetchall()
        except sqlite3.OperationalError as e:
            if "no such table" in str(e):
                return []
            raise
        finally:
            db.close()


if __name__ == "__main__":
    sys.exit("this is a module; tests/e2e/run runs the tests")
