"""The score in other filters, with the files in examples/: Debian's
SpamAssassin reads the milter's header, its rspamd reads the header or the
segment."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import urllib.request

import harness
import sanitizer
import segment
import test_postfix
import testcase

SLOW = True
OPTIONS = {"service": None}

EXAMPLES = os.path.abspath(__file__ + "/../../../examples")

# It uses libm without being linked with it. A preloaded libasan, which is
# linked with it, would change the order of libraries, and rspamd wouldn't
# start.
KANN = "/usr/lib/rspamd/librspamd-kann.so"

RSPAMD_CONF = """\
options {
  pidfile = "%(dir)s/rspamd.pid";
  filters = "regexp";
  tempdir = "%(dir)s";
  dns { nameserver = ["127.0.0.1:1"]; }
}
logging { type = "file"; filename = "%(dir)s/rspamd.log"; }
worker "normal" { bind_socket = "127.0.0.1:%(port)d"; count = 2; }
lua = "%(dir)s/rules.lua";
junk_feedback {
  %(more)s
  scores = "%(scores)s";
  weight = 4.0;
}
"""


class Rspamd:
    """Debian's rspamd with only our rules"""

    def __init__(self, d, more=""):
        if shutil.which("rspamd") is None:
            raise harness.HarnessError("rspamd isn't installed: "
                                       "tools/packages test")
        self.dir = d.dir + "/rspamd"
        os.mkdir(self.dir)
        self.port = harness.free_port()
        with open(self.dir + "/rspamd.conf", "w") as f:
            f.write(RSPAMD_CONF % {"dir": self.dir, "port": self.port,
                                   "more": more, "scores": d.segment_path})
        with open(self.dir + "/rules.lua", "w") as f:
            f.write("config = { regexp = {} }\n")
            f.writelines("dofile('%s/rspamd/%s')\n" % (EXAMPLES, name)
                         for name in ("junk-feedback.lua",
                                      "junk-feedback-header.lua"))

    def __enter__(self):
        with open(self.dir + "/rspamd.log", "w") as log:
            self.process = subprocess.Popen(
                ["rspamd", "-i", "-f", "-c", self.dir + "/rspamd.conf"],
                stdout=log, stderr=log, env=sanitizer.preloading(KANN))
        try:
            # at its first start on a host it compiles its own data
            harness.wait_for(self._listens, "rspamd", 60)
        except harness.HarnessError as e:
            log = self.log()
            self.__exit__()
            raise harness.HarnessError("%s\n%s" % (e, log))
        return self

    def _listens(self):
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(harness.TIMEOUT_SECS)
        shutil.rmtree(self.dir)

    def log(self):
        with open(self.dir + "/rspamd.log", errors="replace") as f:
            return f.read()

    def symbols(self, message):
        """Return {name: symbol} of rspamd's answer"""
        request = urllib.request.Request(
            "http://127.0.0.1:%d/checkv2" % self.port, message)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["symbols"]


def scored(rspamd, message, score):
    """Return the symbol if the message has this score"""
    found = rspamd.symbols(message).get("JUNK_FEEDBACK")
    return found and found["options"][0] == str(score) and found


def test_rspamd_segment(t):
    """rspamd reads the segment, as doveadm does"""
    path = t.d.segment_path
    with Rspamd(t.d) as rspamd:
        # without a segment the score is unknown, which gives no symbol
        assert "JUNK_FEEDBACK" not in rspamd.symbols(testcase.spam())
        for score, points in ((99, 3.92), (75, 2.0), (50, 0.0), (1, -0.784)):
            segment.write(path, segment.content(score, weight=3000))
            # it looks for the segment again within a second
            found = harness.wait_for(
                lambda: scored(rspamd, testcase.spam(), score),
                "a score of %d" % score)
            assert abs(found["score"] - points) < 0.01, found
            assert re.match(r"[a-z-]+ [+-][\d.]+", found["options"][1]), found
        segment.write(path, segment.varied())
        score = t.d.doveadm("-f", "tab", "junk", "score",
                            input=testcase.ham().decode())
        score = int(re.search(r"\bscore\t+(\d+)", score).group(1))
        harness.wait_for(lambda: scored(rspamd, testcase.ham(), score),
                         "doveadm's score")
    os.unlink(path)


def test_rspamd_header(t):
    """rspamd reads the milter's header"""
    with Rspamd(t.d) as rspamd:
        for value, found in (("90", True), ("100", True), ("89", False),
                             ("900", False), ("9", False)):
            message = b"X-Junk-Score: %s\n" % value.encode() + testcase.ham()
            assert ("JUNK_FEEDBACK_HEADER" in rspamd.symbols(message)) == \
                found, value


def test_rspamd_without_library(t):
    """without libjunkscore, rspamd logs it and continues"""
    with Rspamd(t.d, 'library = "/nonexistent/lib.so";') as rspamd:
        assert "JUNK_FEEDBACK" not in rspamd.symbols(testcase.spam())
        assert "not available: /nonexistent/lib.so" in rspamd.log(), \
            rspamd.log()


@contextlib.contextmanager
def spamassassin(t):
    """Yield run(message, *arguments), which returns its output"""
    if shutil.which("spamassassin") is None:
        raise harness.HarnessError("spamassassin isn't installed: "
                                   "tools/packages test")
    config = t.d.dir + "/spamassassin"
    shutil.copytree("/etc/spamassassin", config)
    shutil.copy(EXAMPLES + "/spamassassin/junk-feedback.cf", config)

    def run(message, *args):
        p = subprocess.run(
            ["spamassassin", "--siteconfigpath=" + config, "--prefspath=" +
             config + "/user_prefs", "--local", "--nocreate-prefs", *args],
            input=message, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=120)
        text = p.stdout.decode(errors="replace")
        assert p.returncode == 0, text
        return text
    yield run
    shutil.rmtree(config)


def test_spamassassin(t):
    """SpamAssassin reads the header that the milter has stamped"""
    with spamassassin(t) as run:
        assert run(b"", "--lint") == ""
        with test_postfix.scored(t, 95) as (postfix, _):
            header = test_postfix.delivered(t, postfix).split("\r\n", 1)[1]
        header = re.sub(r"(?s)\r\n\r\n.*", "\r\n", header)
        assert "X-Junk-Score: 95\r\n" in header, header
        mails = [header.replace("\r", "").encode() + b"\nsome words\n"]
        mails += [b"X-Junk-Score: %d\n" % score + testcase.ham()
                  for score in (98, 99, 100, 89, 9, 0)]
        reports = run(b"".join(b"From a@b Thu Jan  1 00:00:00 2026\n%s\n" % mail
                               for mail in mails), "--test-mode", "--mbox")
        found = {}
        for report in re.split("(?m)^From ", reports)[1:]:
            score = re.search(r"(?m)^X-Junk-Score: (\d+)$", report).group(1)
            status = re.search(r"(?s)\nX-Spam-Status: .*? version", report)
            found[score] = re.findall(r"JUNK_FEEDBACK_(\d+)", status.group(0))
        assert found == {"95": ["90"], "98": ["90"], "99": ["99"],
                         "100": ["99"], "89": [], "9": [], "0": []}, found
