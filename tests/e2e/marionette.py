"""A real Thunderbird on a virtual display, controlled with the Marionette
protocol.

    with marionette.Thunderbird({"mail.spam.manualMark": True}) as program:
        program.run("return Services.appinfo.version")
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile

import harness
import sanitizer

# long enough for a busy machine
START_SECS = 180
SCRIPT_SECS = 110
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
    def __init__(self, preferences=None):
        self.preferences = dict(PREFERENCES, **preferences or {})
        self.port = harness.free_port()
        self.preferences["marionette.port"] = self.port
        self.processes = []
        self.sock = None

    def prepare(self, profile):
        """Add to the new profile. For subclasses."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="thunderbird-")
        self.log_path = self.dir + "/log"
        profile = self.dir + "/profile"
        os.mkdir(profile)
        with open(profile + "/user.js", "w") as f:
            f.writelines("user_pref(%s, %s);\n" % (
                json.dumps(name), json.dumps(value))
                for name, value in self.preferences.items())
        try:
            self.prepare(profile)
            display = self._start_display()
            self._start(["thunderbird", "--marionette",
                         "--remote-allow-system-access", "--no-remote",
                         "--profile", profile], DISPLAY=display,
                        GDK_BACKEND="x11")
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, command, stdout=None, **environment):
        with open(self.log_path, "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout or log,
                stderr=log, start_new_session=True,
                env=dict(sanitizer.without(), HOME=self.dir, **environment))
        self.processes.append(process)
        return process

    def _start_display(self):
        """Start a display, which chooses its number and prints it when it is
        ready."""
        process = self._start(["Xvfb", "-displayfd", "1", "-screen", "0",
                               "1280x1024x24", "-nolisten", "tcp"],
                              subprocess.PIPE)
        with process.stdout:
            number = process.stdout.readline().decode().strip()
        if not number:
            self._fail("no display")
        return ":" + number

    def _open(self):
        self.serial = 0
        self.sock = harness.wait_for(self._connect, "Thunderbird", START_SECS)
        self.sock.settimeout(SCRIPT_SECS + 10)
        self.file = self.sock.makefile("rb")
        self._read()
        self.call("WebDriver:NewSession", {})
        self.call("Marionette:SetContext", {"value": "chrome"})
        self.call("WebDriver:SetTimeouts", {"script": SCRIPT_SECS * 1000})
        self.wait("Services.wm.getMostRecentWindow('mail:3pane')?.gMailInit"
                  "?.delayedStartupFinished ?? true", START_SECS)

    def __exit__(self, *exc):
        if self.sock is not None:
            self.sock.close()
        for process in reversed(self.processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _connect(self):
        try:
            return socket.create_connection(("127.0.0.1", self.port), 5)
        except OSError:
            if self.processes[-1].poll() is not None:
                self._fail("it doesn't start")
            return None

    def _fail(self, what):
        with open(self.log_path, errors="replace") as f:
            raise harness.HarnessError("Thunderbird: %s\n%s" % (
                what, f.read()[-2000:]))

    def _read(self):
        size = b""
        while not size.endswith(b":"):
            byte = self.file.read(1)
            if not byte:
                self._fail("it has ended")
            size += byte
        return json.loads(self.file.read(int(size[:-1])))

    def call(self, command, parameters):
        self.serial += 1
        data = json.dumps([0, self.serial, command, parameters]).encode()
        self.sock.sendall(b"%d:%s" % (len(data), data))
        answer = self._read()
        if answer[2]:
            self._fail("%s: %s" % (command, answer[2]))
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
            const given = [...arguments];
            const done = given.pop();
            (async (...args) => { %s })(...given).then(
                value => done({value}), error => done({error: "" + error}));
        """ % script
        answer = self.call("WebDriver:ExecuteAsyncScript", {
            "script": body, "args": list(args), "newSandbox": False,
            "sandbox": "system"})["value"]
        if "error" in answer:
            self._fail(answer["error"])
        return answer.get("value")

    def wait(self, expression, secs=harness.TIMEOUT_SECS):
        return harness.wait_for(lambda: self.run("return " + expression),
                                expression, secs)
