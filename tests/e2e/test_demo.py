"""tools/demo --keep as a newcomer uses it: a mail client over TLS that shows
the Junk folder, and doveadm in another shell."""

import os
import re
import signal
import ssl
import subprocess
import sys
import imaplib

import harness

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
OPTIONS = {"service": None}


class Demo:
    def __init__(self, build_dir):
        self.ports = [harness.free_port() for _ in range(3)]
        self.process = subprocess.Popen(
            [sys.executable, TOP + "/tools/demo.py", "--build", build_dir,
             "--small", "--keep", "--imap-port", str(self.ports[0]),
             "--imaps-port", str(self.ports[1]),
             "--lmtp-port", str(self.ports[2])],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.text = ""
        for line in self.process.stdout:
            self.text += line
            if line.startswith("Press Ctrl-C"):
                break

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGINT)
        self.process.stdout.read()
        self.code = self.process.wait(harness.TIMEOUT_SECS)

    def words(self, pattern):
        found = re.search(pattern, self.text)
        assert found, (pattern, self.text)
        return found.groups()


def test_keep(t):
    """tools/demo --keep: requested ports, TLS, subscribed folders, and the
    command that it prints; a port in use is named"""
    build_dir = os.environ["JUNK_BUILD_DIR"]
    with Demo(build_dir) as demo:
        user, password = demo.words(r"user +(\S+), password (\S+)")
        certificate, = demo.words(r"self-signed: (\S+)")
        context = ssl.create_default_context(cafile=certificate)
        with imaplib.IMAP4_SSL("127.0.0.1", demo.ports[1],
                               ssl_context=context) as c:
            c.login(user, password)
            shown = b" ".join(c.lsub()[1])
            for folder in (b"Junk", b"Trash", b"Sent", b"Drafts"):
                assert folder in shown, shown
        with imaplib.IMAP4("127.0.0.1", demo.ports[0]) as c:
            c.login("hugo@maildir", password)
        command, = demo.words(r"(?m)^ +(\S+/doveadm) junk status$")
        status = subprocess.run([command, "junk", "status"],
                                stdout=subprocess.PIPE, text=True)
        assert re.search(r"service +ok", status.stdout), status.stdout
        second = subprocess.run(
            [sys.executable, TOP + "/tools/demo.py", "--build", build_dir,
             "--keep", "--imap-port", str(demo.ports[0])],
            stderr=subprocess.PIPE, text=True)
        assert second.returncode == 1 and "port %d: Address already in use; " \
            "choose another one with --imap-port" % demo.ports[0] in \
            second.stderr, second.stderr
        folder = os.path.dirname(command)
    assert demo.code == 0, demo.code
    assert not os.path.exists(folder)
