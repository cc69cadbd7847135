"""Debian's Roundcube in PHP's built-in web server, used by a headless browser.

    with roundcube.Server(d) as server, chromium.Chromium() as browser:
        page = server.log_in(browser, "anna@maildir")
        page.choose("INBOX", uid)
        page.press("junk")
"""

import glob
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import urllib.request

import chromium
import harness

ROOT = "/var/lib/roundcube/public_html"
SYSTEM_CONFIG = "/etc/roundcube"
SCHEMA = "/usr/share/roundcube/SQL/sqlite.initial.sql"
CONFIG = """\
<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///{dir}/roundcube.sqlite?mode=0640';
$config['imap_host'] = '127.0.0.1:{port}';
$config['des_key'] = '{key}';
$config['plugins'] = ['markasjunk'];
$config['skin'] = 'elastic';
$config['log_driver'] = 'file';
$config['log_dir'] = '{dir}/logs';
$config['temp_dir'] = '{dir}/temp';
$config['enable_spellcheck'] = false;
$config['create_default_folders'] = false;
$config['junk_mbox'] = 'Junk';
$config['trash_mbox'] = 'Trash';
$config['drafts_mbox'] = 'Drafts';
$config['sent_mbox'] = 'Sent';
// what a page asks for by itself would come between the test's steps
$config['refresh_interval'] = 0;
"""


class Server:
    """PHP's built-in web server, with a private configuration and database."""

    def __init__(self, d):
        self.dir = d.dir + "/roundcube"
        self.port = harness.free_port()
        self.url = "http://127.0.0.1:%d/" % self.port
        config = self.dir + "/config"
        for name in ("", "/config", "/logs", "/temp"):
            os.mkdir(self.dir + name)
        for path in glob.glob(SYSTEM_CONFIG + "/*.php"):
            os.symlink(path, "%s/%s" % (config, os.path.basename(path)))
        os.unlink(config + "/config.inc.php")
        with open(config + "/config.inc.php", "w") as f:
            f.write(CONFIG.format(dir=self.dir, port=d.imap_port,
                                  key=secrets.token_hex(12)))
        db = sqlite3.connect(self.dir + "/roundcube.sqlite")
        with open(SCHEMA) as f:
            db.executescript(f.read())
        db.close()

    def __enter__(self):
        with open(self.dir + "/php.log", "wb") as log:
            self.process = subprocess.Popen(
                ["php", "-S", "127.0.0.1:%d" % self.port, "-t", ROOT],
                env=dict(os.environ, PHP_CLI_SERVER_WORKERS="3",
                         ROUNDCUBE_CONFIG_DIR=self.dir + "/config"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        try:
            harness.wait_for(self._answers, "Roundcube's page", 60)
        except harness.HarnessError as error:
            text = self.log()
            self.__exit__()
            raise harness.HarnessError("%s\n%s" % (error, text)) from None
        return self

    def __exit__(self, *exc):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _answers(self):
        try:
            with urllib.request.urlopen(self.url, timeout=20) as page:
                return b"rcmloginuser" in page.read()
        except OSError:
            return False

    def log(self):
        text = ""
        for path in [self.dir + "/php.log"] + glob.glob(self.dir + "/logs/*"):
            with open(path, errors="replace") as f:
                text += f.read()[-3000:]
        return text

    def log_in(self, browser, user):
        page = browser.tab(Page)
        page.server = self
        page.call("Network.clearBrowserCookies")
        page.go(self.url)
        page.fill("#rcmloginuser", user)
        page.fill("#rcmloginpwd", harness.PASSWORD)
        page.leave("document.querySelector('#rcmloginsubmit').click()")
        page.wait("rcmail.env.task == 'mail'", "the list of messages")
        return page


class Page(chromium.Tab):
    """A page of Roundcube, and a user's actions in it."""

    TIMEOUT_SECS = 60

    def leave(self, expression):
        """Run JavaScript that loads another page, and wait for the page."""
        self.evaluate("window.old = true")
        self.evaluate(expression)
        self.wait("!window.old && document.readyState == 'complete' && "
                  "typeof rcmail == 'object' && !rcmail.busy")

    def settle(self):
        """Wait until all requests of the page are answered."""
        self.wait("!rcmail.busy && jQuery.active == 0", "Roundcube's answer")

    def choose(self, mailbox, *uids):
        """Open a mailbox, and select messages in its list."""
        self.leave("location.href = '?_task=mail&_mbox=%s'" % mailbox)
        for uid in uids:
            self.wait("!!rcmail.message_list.rows[%d]" % uid, "message %d" % uid)
        self.settle()
        self.evaluate("rcmail.message_list.clear_selection()")
        for uid in uids:
            self.evaluate("rcmail.message_list.highlight_row(%d, true)" % uid)
        self.evaluate("rcmail.message_list.triggerEvent('select')")

    def press(self, button):
        """Press the visible toolbar button of this class."""
        found = "Array.from(document.querySelectorAll('a.%s')).find(" \
            "a => a.offsetParent !== null && " \
            "!a.classList.contains('disabled'))" % button
        self.wait("!!" + found, "the button " + button)
        self.evaluate(found + ".click()")
        # after the answer to a mark, the page requests the move
        self.wait("rcmail.message_list.get_selection().length == 0",
                  "%s to be done" % button)
        self.settle()

    def drag(self, mailbox):
        """Run the same command as dropping the selected messages onto a
        mailbox."""
        self.evaluate("rcmail.command('move', %s)" % json.dumps(mailbox))
        self.wait("rcmail.message_list.get_selection().length == 0",
                  "the move")
        self.settle()

    def mark(self, flag):
        """Choose an entry of the menu Mark."""
        self.evaluate("rcmail.command('mark', %s)" % json.dumps(flag))
        self.settle()

    def empty(self, mailbox):
        """Choose Empty in the mailbox's menu, and confirm it."""
        self.choose(mailbox)
        self.evaluate("rcmail.command('purge')")
        self.click(".ui-dialog .ui-dialog-buttonpane button.mainaction")
        self.wait("Object.keys(rcmail.message_list.rows).length == 0",
                  "the empty folder")
        self.settle()
