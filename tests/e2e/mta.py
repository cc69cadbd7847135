"""A private Postfix in front of a private Dovecot, with our milter in between.

Configuration and queue are in the test's folder, and it listens on loopback.
It can deliver only to that Dovecot: everything else is an error.
"""

import contextlib
import grp
import json
import os
import pwd
import shutil
import signal
import smtplib
import socket
import struct
import subprocess
import time

import harness
import staging

HOSTNAME = "mx.example.org"

MAIN_CF = """\
compatibility_level = 3.6
config_directory = {etc}
queue_directory = {queue}
data_directory = {data}
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {dir}
maillog_file = {log}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {hostname}
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
virtual_mailbox_domains = {domains}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
default_transport = error:this test delivers nowhere else
relay_transport = error:this test delivers nowhere else
local_transport = error:this test delivers nowhere else
smtp_dns_support_level = disabled
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_relay_restrictions = reject_unauth_destination
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_milters = {{ unix:{milter}, default_action=accept, \
connect_timeout={milter_timeout}, command_timeout={milter_timeout}, \
content_timeout={milter_timeout} }}
# Dovecot takes 10 at once for a user, and defers the others by minutes
default_destination_concurrency_limit = 5
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
lmtp unix - - n - - lmtp
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
flush unix n - n 1000? 0 flush
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Keyword arguments other than name are settings of main.cf."""

    def __init__(self, d, milter_socket, name="postfix", milter_timeout="10s",
                 **settings):
        for program in ("postfix", "swaks"):
            if shutil.which(program) is None:
                raise harness.HarnessError(
                    "%s isn't installed: tools/packages test" % program)
        self.dir = "%s/%s" % (d.dir, name)
        self.port = harness.free_port()
        names = {name: "%s/%s" % (self.dir, name)
                 for name in ("etc", "queue", "data")}
        for path in [self.dir, *names.values()]:
            os.mkdir(path)
        os.chown(names["data"], pwd.getpwnam("postfix").pw_uid, -1)
        self.etc = names["etc"]
        self.log_path = self.dir + "/postfix.log"
        values = dict(names, hostname=HOSTNAME, dir=self.dir, log=self.log_path, port=self.port,
                      lmtp_port=d.lmtp_port, milter=milter_socket,
                      milter_timeout=milter_timeout,
                      domains=", ".join(harness.FORMATS))
        for file, text in (("main.cf", MAIN_CF), ("master.cf", MASTER_CF)):
            with open("%s/%s" % (self.etc, file), "w") as f:
                f.write(text.format(**values))
        with open(self.etc + "/main.cf", "a") as f:
            f.writelines("%s = %s\n" % kv for kv in settings.items())

    def start(self):
        harness.run("postfix", "-c", self.etc, "start",
                    stdin=subprocess.DEVNULL)

    def stop(self):
        # stop at once: a test needs nothing of it any more
        subprocess.run(["postfix", "-c", self.etc, "abort"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=60)

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def smtp(self, name="[UNAVAILABLE]"):
        """Return a smtplib.SMTP with an external client address, and
        optionally a host name"""
        smtp = smtplib.SMTP("127.0.0.1", self.port, timeout=60,
                            local_hostname="client.example.com")
        smtp.ehlo()
        smtp.docmd("XCLIENT", "ADDR=192.0.2.1 NAME=" + name)
        smtp.ehlo()
        return smtp

    def send_all(self, recipient, messages, **client):
        """Send messages over one connection. Raises smtplib's exceptions."""
        with self.smtp(**client) as smtp:
            for message in messages:
                smtp.sendmail("sender@example.com", [recipient],
                              harness.to_crlf(message), ["BODY=8BITMIME"])

    def queued(self):
        """Return postqueue's information about each message, by its queue
        id"""
        lines = harness.run("postqueue", "-c", self.etc, "-j").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return {message["queue_id"]: message for message in found}

    def release(self, queue_id):
        """Release a message that is held"""
        harness.run("postsuper", "-c", self.etc, "-H", queue_id)
        self.flush()

    def flush(self):
        """Retry deferred messages"""
        harness.run("postqueue", "-c", self.etc, "-f")

    def send(self, recipient, message, client="ADDR=192.0.2.1"):
        """Return (exit code, transcript) of swaks with this XCLIENT."""
        p = subprocess.run(
            ["swaks", "--server", "127.0.0.1:%d" % self.port,
             "--from", "sender@example.com", "--to", recipient,
             "--xclient", client, "--data", "-"],
            input=message.decode(), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=60)
        return p.returncode, p.stdout


class Mta:
    """The MTA's side of the milter protocol, valid and invalid."""

    OFFER = struct.pack(">III", 6, 0x1ff, 0)

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def fileno(self):
        return self.sock.fileno()

    @staticmethod
    def packet(command, data=b""):
        return struct.pack(">I", len(data) + 1) + command + data

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise ConnectionError("the milter has closed the connection")
            data += more
        return data

    def ask(self, command, data=b""):
        """Send a command and return the answer: (its letter, its data)"""
        self.sock.sendall(self.packet(command, data))
        return self.answer()

    def answer(self):
        answer = self._read(struct.unpack(">I", self._read(4))[0])
        return answer[:1], answer[1:]

    def connect(self, family=b"4", address=b"192.0.2.1"):
        """Return the answer to a client's connection: b"a" = its mail is
        accepted without a check"""
        self.ask(b"O", self.OFFER)
        return self.ask(b"C", b"client\0%s\0\x19%s\0" % (family, address))[0]

    def begin(self, lines):
        """Send a session up to the end of its message"""
        self.connect()
        self.ask(b"M", b"<a@example.com>\0")
        self.ask(b"R", b"<anna@example.org>\0")
        self.ask(b"L", b"Subject\0a message\0")
        self.ask(b"N")
        self.ask(b"B", lines)

    def send_end(self):
        """Send the end of the message; answered_score() reads the answer"""
        self.sock.sendall(self.packet(b"E"))

    def answered_score(self):
        """Read the X-Junk-Score that the milter inserts"""
        letter, data = self.answer()
        return letter == b"i" and data[4:].rstrip(b"\0").split(b"\0")[1]

    def end(self):
        """Read the X-Junk-Score that the milter inserts"""
        self.send_end()
        return self.answered_score()

    def score(self, lines):
        """Run a whole session and return the score"""
        self.begin(lines)
        return self.end()


class Milter:
    """The staged junk-feedback-milter with a test's own settings."""

    def __init__(self, d, **settings):
        found = [os.path.join(root, name)
                 for root, _, names in os.walk(staging.stage_dir) for name in names
                 if name == "junk-feedback-milter" and root.endswith("sbin")]
        if not found:
            raise harness.HarnessError("the milter isn't built: "
                                       "tools/packages build")
        self.program = found[0]
        self.dir = d.dir + "/milter"
        os.mkdir(self.dir)
        os.chown(self.dir, -1, grp.getgrnam("postfix").gr_gid)
        os.chmod(self.dir, 0o2750)
        self.socket = self.dir + "/milter.sock"
        self.config_path = self.dir + "/milter.conf"
        self.log_path = self.dir + "/milter.log"
        self.settings = dict({"socket": "unix:" + self.socket,
                              "scores": d.segment_path}, **settings)
        self.process = None

    def start(self):
        with open(self.config_path, "w") as f:
            f.writelines("%s = %s\n" % kv for kv in self.settings.items())
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(
                [self.program, "-e", "-c", self.config_path],
                stdin=subprocess.DEVNULL, stderr=log)
        harness.wait_for(lambda: os.path.exists(self.socket), "the milter")
        os.chown(self.socket, -1, grp.getgrnam("postfix").gr_gid)
        time.sleep(0.1)

    def stop(self):
        """Return its exit code"""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(harness.TIMEOUT_SECS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        code, self.process = self.process.wait(), None
        return code

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def kill(self):
        self.process.kill()
        self.process.wait()
