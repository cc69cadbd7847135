"""Roundcube in a real browser, used like by a user."""

import hashlib
import hmac
import json
import os
import subprocess
import struct
import time

import chromium
import host as mailhost
import internet as inet
import space

URL = "https://mail.example.org/webmail/"


def code(secret=mailhost.TOTP, step=0):
    """Return the one-time code of the current time step, or of one that is this
    number of steps later (RFC 6238)."""
    import base64
    number = int(time.time()) // 30 + step
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", number),
                   hashlib.sha1).digest()
    at = mac[19] & 15
    return "%06d" % ((struct.unpack(">I", mac[at:at + 4])[0] & 0x7fffffff) %
                     1000000)


class Browser(chromium.Chromium):
    """A browser that trusts the certificate authority of internet.py."""

    def __enter__(self):
        database = "sql:%s/.pki/nssdb" % self.dir
        os.makedirs(self.dir + "/.pki/nssdb")
        subprocess.run(["certutil", "-d", database, "-N", "--empty-password"],
                       check=True)
        subprocess.run(["certutil", "-d", database, "-A", "-t", "C,,", "-n",
                        "ca", "-i", inet.CA], check=True)
        return super().__enter__()

    def tab(self):
        return super().tab(Tab)


class Tab(chromium.Tab):
    TIMEOUT_SECS = space.TIMEOUT_SECS

    def log_in(self, user, one_time, password=mailhost.PASSWORD):
        """Try to log in, and tell whether it succeeded."""
        self.call("Network.clearBrowserCookies")
        self.go(URL)
        self.fill("#rcmloginuser", user + "@example.org")
        self.fill("#rcmloginpwd", password)
        self.fill("#rcmlogincode", one_time)
        self.evaluate("window.old = true")
        self.click("#rcmloginsubmit")
        self.wait("!window.old && document.readyState == 'complete' && "
                  "typeof rcmail == 'object'")
        return self.ask("rcmail.env.task") == "mail"

    def open_message(self, uid, mailbox="INBOX"):
        self.go("%s?_task=mail&_mbox=%s&_uid=%s&_action=show" % (
            URL, mailbox, uid))
        self.wait("rcmail.env.uid == %s && document.readyState == 'complete'"
                  % uid)

    def report(self, uid, mailbox, kind):
        """Press the button Junk (junk) or Not junk (not_junk) for a message."""
        self.open_message(uid, mailbox)
        name = json.dumps("plugin.markasjunk." + kind)
        self.wait("rcmail.commands[%s]" % name)
        self.evaluate("rcmail.command(%s)" % name)

    def import_key(self, path, owner):
        """Import the user's private key into Enigma."""
        self.go(URL + "?_task=settings&_action=plugin.enigmakeys&_a=import")
        document = self.call("DOM.getDocument")["root"]["nodeId"]
        self.wait("!!document.querySelector('input[type=file]')")
        node = self.call("DOM.querySelector", nodeId=document,
                         selector="input[type=file]")["nodeId"]
        self.call("DOM.setFileInputFiles", files=[path], nodeId=node)
        self.evaluate("rcmail.command('plugin.enigma-import')")

        # The answer goes to the surrounding frame, so the key list is checked instead.
        time.sleep(5)
        self.go(URL + "?_task=settings&_action=plugin.enigmakeys")
        self.wait("document.body.textContent.includes(%s)"
                  % json.dumps(owner), "the key in the list")

    def unlock_key(self, phrase, done, what):
        """Enter the key's passphrase whenever Enigma asks, until the
        expression done is true."""
        asked = ".ui-dialog input[type=password]"

        def step():
            if self.ask(done):
                return True
            if self.ask("!!document.querySelector('%s')" % asked):
                self.fill(asked, phrase)
                self.click(".ui-dialog button.mainaction")
                time.sleep(2)
            return False
        try:
            space.wait_for(step, what)
        except space.Failure as e:
            raise space.Failure("%s; the page is:\n%s" % (
                e, self.ask("location.href + document.body.innerText"))) from e

    def compose(self, to, subject, text, phrase):
        """Write a message and send it signed and encrypted."""
        self.go(URL + "?_task=mail&_action=compose&_to=" + to)
        self.wait("rcmail.env.action == 'compose' && "
                  "document.readyState == 'complete'")
        self.fill("#compose-subject", subject)
        self.fill("#composebody", text)
        for option in ("sign", "encrypt"):
            self.click("#enigma%sopt" % option)
            assert self.ask("document.querySelector('#enigma%sopt').checked"
                            % option)
        self.evaluate("rcmail.command('send', {})")
        # Roundcube shows the message list when the message is sent
        self.unlock_key(phrase, "rcmail.env.action != 'compose' && "
                        "document.readyState == 'complete'", "it is sent")
