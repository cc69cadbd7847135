"""A real Thunderbird on a virtual display, controlled by the Marionette
protocol."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile

import host as mailhost
import internet as inet
import space

DISPLAY = ":7"
PORT = 2828
PREFERENCES = {
    "mail.accounthub.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mailnews.start_page.enabled": False,
    "mail.shell.checkDefaultClient": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "network.dns.disableIPv6": True,
    "mail.server.default.check_new_mail": True,
    "mail.phishing.detection.enabled": False,
}


class Thunderbird:
    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="thunderbird-")
        profile = self.dir + "/profile"
        os.mkdir(profile)
        with open(profile + "/user.js", "w") as f:
            f.writelines("user_pref(%s, %s);\n" % (
                json.dumps(name), json.dumps(value))
                for name, value in PREFERENCES.items())
        for options in (("-N", "--empty-password"),
                        ("-A", "-t", "C,,", "-n", "ca", "-i", inet.CA)):
            subprocess.run(["certutil", "-d", "sql:" + profile, *options],
                           check=True)
        self.log_path = self.dir + "/log"
        self.sock = None
        log = open(self.log_path, "wb")
        self.processes = [
            subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log, start_new_session=True,
                             env=dict(os.environ, HOME=self.dir,
                                      DISPLAY=DISPLAY, GDK_BACKEND="x11"))
            for args in (["Xvfb", DISPLAY, "-screen", "0", "1280x1024x24",
                          "-nolisten", "tcp"],
                         ["sh", "-c", "sleep 2; exec thunderbird --marionette "
                          "--remote-allow-system-access "
                          "--no-remote --profile " + profile])]
        log.close()
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _open(self):
        self.serial = 0
        self.sock = space.wait_for(self._connect, "Thunderbird", 180)
        self.sock.settimeout(120)
        self.file = self.sock.makefile("rb")
        self._read()
        self.call("WebDriver:NewSession", {})
        self.call("Marionette:SetContext", {"value": "chrome"})
        self.wait("Services.wm.getMostRecentWindow('mail:3pane')?.gMailInit"
                  "?.delayedStartupFinished ?? true")

    def __exit__(self, *exc):
        if self.sock is not None:
            self.sock.close()
        for process in reversed(self.processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    @staticmethod
    def _connect():
        try:
            return socket.create_connection(("127.0.0.1", PORT), 5)
        except OSError:
            return None

    def _read(self):
        size = b""
        while not size.endswith(b":"):
            byte = self.file.read(1)
            if not byte:
                raise space.Failure("Thunderbird has ended")
            size += byte
        return json.loads(self.file.read(int(size[:-1])))

    def call(self, command, parameters):
        self.serial += 1
        data = json.dumps([0, self.serial, command, parameters]).encode()
        self.sock.sendall(b"%d:%s" % (len(data), data))
        answer = self._read()
        if answer[2]:
            raise space.Failure("%s: %s" % (command, answer[2]))
        return answer[3]

    def run(self, script, *args):
        """Run the body of a function in Thunderbird's main process, and return its
        value."""
        return self.call("WebDriver:ExecuteScript", {
            "script": script, "args": list(args), "newSandbox": False,
            "sandbox": "system"})["value"]

    def run_async(self, script, *args):
        """Do the same as run(), with a body that may use await."""
        body = """
            const done = arguments[arguments.length - 1];
            (async (...args) => { %s })(...arguments).then(
                value => done({value}), error => done({error: "" + error}));
        """ % script
        answer = self.call("WebDriver:ExecuteAsyncScript", {
            "script": body, "args": list(args), "newSandbox": False,
            "sandbox": "system", "scriptTimeout": 110000})["value"]
        if "error" in answer:
            raise space.Failure("Thunderbird: " + answer["error"])
        return answer.get("value")

    def wait(self, expression, secs=space.TIMEOUT_SECS):
        return space.wait_for(lambda: self.run("return " + expression),
                              expression, secs)

    def set_up(self, address, password):
        """Create an account in the dialog for new accounts, from name, address
        and password only. Return the servers that Thunderbird has found."""
        self.run("""
            const window = Services.wm.getMostRecentWindow("mail:3pane");
            window.document.getElementById("tabmail").openTab("contentTab",
                {url: "about:accountsetup"});
        """)
        page = """
            const window = Services.wm.getMostRecentWindow("mail:3pane");
            const doc = window.document.getElementById("tabmail")
                .currentTabInfo.browser.contentDocument;
        """
        space.wait_for(lambda: self.run(
            page + "return !!doc.getElementById('continueButton')"),
            "the dialog")
        self.run(page + """
            const values = {realname: "Anna", email: arguments[0],
                            password: arguments[1]};
            for (const [id, value] of Object.entries(values)) {
                const input = doc.getElementById(id);
                input.focus();
                input.value = value;
                input.dispatchEvent(new doc.defaultView.Event("input",
                    {bubbles: true}));
            }
            doc.getElementById("continueButton").click();
        """, address, password)
        self._press(page, "createButton")
        self.wait("MailServices.accounts.accounts.some("
                  "a => a.incomingServer.type == 'imap')", 120)
        return self.run("""
            const account = MailServices.accounts.accounts.find(
                a => a.incomingServer.type == "imap");
            const server = account.incomingServer;
            const smtp = MailServices.outgoingServer.defaultServer;
            return {imap: [server.hostName, server.port, server.socketType,
                           server.username],
                    smtp: [smtp.serverURI.host, smtp.serverURI.port,
                           smtp.socketType, smtp.username]};
        """)

    def _press(self, page, button):
        """Press a button as soon as it is enabled and visible."""
        shown = page + """
            const button = doc.getElementById(arguments[0]);
            return !button.disabled && !button.hidden &&
                button.getClientRects().length > 0;
        """
        try:
            space.wait_for(lambda: self.run(shown, button), button, 120)
        except space.Failure as failure:
            raise space.Failure("%s\n%s" % (failure, self.run(
                page + "return doc.body.innerText"))) from None
        self.run(page + "doc.getElementById(arguments[0]).click()", button)

    def move(self, subject, source, target):
        """Move a message to another mailbox by the code that runs after a drag."""
        self.run_async("""
            const [subject, source, target] = args;
            const root = MailServices.accounts.accounts.find(
                a => a.incomingServer.type == "imap").incomingServer.rootFolder;
            const until = async (what, test) => {
                for (let i = 0; i < 400; i++) {
                    const value = test();
                    if (value) return value;
                    await new Promise(resolve => setTimeout(resolve, 200));
                }
                throw new Error("timed out: " + what);
            };
            const folder = name => root.subFolders.find(
                f => f.name.toLowerCase() == name.toLowerCase());
            root.server.performExpand(null);
            const from = await until(source, () => folder(source));
            const to = await until(target, () => folder(target));
            const find = () => {
                from.updateFolder(null);
                return [...from.messages].find(m => m.mime2DecodedSubject ==
                                                    subject);
            };
            const header = await until(subject, find);
            await new Promise((resolve, reject) =>
                MailServices.copy.copyMessages(from, [header], to, true, {
                    onStopCopy: status => status == 0 ? resolve() :
                        reject(new Error("status " + status)),
                    QueryInterface: ChromeUtils.generateQI([
                        "nsIMsgCopyServiceListener"])}, null, false));
        """, subject, source, target)
