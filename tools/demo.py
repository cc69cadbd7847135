"""The demo, which tools/demo starts after it has installed packages and built
the tree.

The demo doesn't decide what is spam: the corpus' labels stand for the users'
opinions. They are used only to act like the users, and to count at the end.
"""

import argparse
import collections
import glob
import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
sys.dont_write_bytecode = True

import harness  # noqa: E402

USERS = ["anna", "ben", "carla", "david", "emma", "finn", "greta", "hugo"]
DOMAIN = "maildir"
# The number of parts in which mail arrives; users act after each.
TURNS = 24
# Shares of mail with which users do something.
SPAM_MOVED = 0.9
HAM_FILED = 0.15
HAM_FLAGGED = 0.05

Mail = collections.namedtuple("Mail", "key spam user data")


def say(text=""):
    print(text, flush=True)


# --- the mail ---

def message_key(data):
    """Return what identifies a message wherever it is: delivery adds header
    fields at the top, and clients change none of these."""
    header, _, body = data.replace(b"\r", b"").partition(b"\n\n")
    fields = re.findall(rb"(?mi)^(?:date|message-id|subject):.*$", header)
    return hashlib.sha256(b"\n".join(sorted(fields)) + b"\n\n" +
                          body.strip()).digest()


def read_mail(path):
    with open(path, "rb") as f:
        data = f.read()
    if data.startswith(b"From "):
        data = data.partition(b"\n")[2]
    # SMTP allows neither NUL bytes nor lines without an end
    data = data.replace(b"\0", b"")
    return data if data.endswith(b"\n") else data + b"\n"


def corpus_files(small):
    """Return ([spam paths], [ham paths])"""
    if not small:
        p = subprocess.run([TOP + "/tools/corpus"], stdout=subprocess.PIPE,
                           text=True)
        if p.returncode == 0:
            data = p.stdout.strip()
            return (glob.glob(data + "/spam-*/*.txt"),
                    glob.glob(data + "/*-ham-*/*.txt"))
        say("The corpus can't be fetched from the npm registry: this goes on "
            "with the\nmessages of the tree, which are too few to say how good "
            "the filter is.")
    return (glob.glob(TOP + "/tests/data/demo/spam/*.eml"),
            glob.glob(TOP + "/tests/data/demo/ham/*.eml"))


def load_mail(small, rng):
    """Return all mail in the order of delivery, each for one user."""
    mails = {}
    for spam, paths in zip((True, False), corpus_files(small)):
        for path in sorted(paths):
            data = read_mail(path)
            key = message_key(data)
            mails.setdefault(key, Mail(key, spam, rng.choice(USERS), data))
    mails = list(mails.values())
    rng.shuffle(mails)
    return mails


# --- actions ---

def deliver(d, mails):
    """Deliver with LMTP over a few connections at once."""
    def work(part):
        try:
            with harness.smtplib.LMTP("127.0.0.1", d.lmtp_port,
                                      local_hostname="mx.example.net") as lmtp:
                for mail in part:
                    refused = lmtp.sendmail(
                        "sender@example.net",
                        ["%s@%s" % (mail.user, DOMAIN)],
                        harness.to_crlf(mail.data))
                    if refused:
                        raise harness.HarnessError("refused: %r" % refused)
        except Exception as e:  # raised by the main thread
            errors.append(e)

    errors = []
    threads = [threading.Thread(target=work, args=(mails[i::3],))
               for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Mailbox:
    """A user's mail client."""

    def __init__(self, d, user, labels):
        self.client = d.imap("%s@%s" % (user, DOMAIN))
        self.labels = labels

    def list_new(self, folder):
        """Select a folder and return [(uid, mail)] of its new messages"""
        self.client.select(folder)
        found = []
        for uid in self.client.uids("UNSEEN"):
            lines = self.client.wait(self.client.send(
                "UID FETCH %d (BODY.PEEK[])" % uid))[1]
            data = b"".join(lines)
            data = data[data.index(b"}\r\n") + 3:]
            size = int(re.search(rb"\{(\d+)\}\r\n", b"".join(lines)).group(1))
            found.append((uid, self.labels[message_key(data[:size])]))
        return found

    def move(self, uids, folder):
        if uids:
            self.client.cmd("UID MOVE %s %s" % (
                ",".join(map(str, uids)), folder))

    def store(self, uids, flag):
        if uids:
            self.client.cmd("UID STORE %s +FLAGS.SILENT (%s)" % (
                ",".join(map(str, uids)), flag))

    def act(self, rng):
        """Act on new mail like a user. Return where the filter had put it, as
        loop() does, and counts of acts, {act: count}."""
        junk = self.list_new("Junk")
        rescued = [uid for uid, m in junk if not m.spam]
        self.store([uid for uid, _ in junk], "\\Seen")
        self.move(rescued, "INBOX")
        inbox = self.list_new("INBOX")
        spam = [uid for uid, m in inbox if m.spam and rng.random() < SPAM_MOVED]
        ham = [uid for uid, m in inbox if not m.spam]
        filed = [uid for uid in ham if rng.random() < HAM_FILED]
        flagged = [uid for uid in ham
                   if uid not in filed and rng.random() < HAM_FLAGGED]
        self.store([uid for uid, _ in inbox], "\\Seen")
        self.store(flagged, "\\Flagged")
        self.move(spam, "Junk")
        self.move(filed, "Work")
        found = collections.Counter((m.spam, folder) for folder, mails in
                                    (("INBOX", inbox), ("Junk", junk))
                                    for _, m in mails)
        return found, collections.Counter(moved=len(spam), rescued=len(rescued),
                                          kept=len(filed) + len(flagged))


def loop(d, mails, labels, rng):
    """Mail arrives in parts, and the users act after each. Return for each
    part where the filter had put the mail before anybody acted, {(spam,
    folder): count}."""
    size = -(-len(mails) // TURNS)
    say("%4s  %12s %12s  %8s %8s %9s" % (
        "turn", "spam to Junk", "ham to Junk", "moved to", "rescued",
        "filed or"))
    say("%4s  %12s %12s  %8s %8s %9s" % ("", "by filter", "by filter", "Junk",
                                         "", "flagged"))
    tables = []
    for turn in range(TURNS):
        part = mails[turn * size:(turn + 1) * size]
        if not part:
            break
        deliver(d, part)
        table, acts = collections.Counter(), collections.Counter()
        for user in USERS:
            box = Mailbox(d, user, labels)
            found, did = box.act(rng)
            table += found
            acts += did
            box.client.logout()
        if sum(table.values()) != len(part):
            raise harness.HarnessError("%d of %d messages arrived" % (
                sum(table.values()), len(part)))
        tables.append(table)
        say("%4d  %12s %12s  %8d %8d %9d" % (
            turn + 1, "%d of %d" % to_junk(table, True),
            "%d of %d" % to_junk(table, False), acts["moved"],
            acts["rescued"], acts["kept"]))
    return tables


def to_junk(table, spam):
    return table[spam, "Junk"], table[spam, "Junk"] + table[spam, "INBOX"]


# --- output ---

def show_sql(d, title, sql):
    """Run a query with plain sqlite3, like an administrator."""
    say("\n%s\n  $ sqlite3 -readonly stats.sqlite3 \"%s\"" % (title, sql))
    say("  " + harness.run("sqlite3", "-readonly", "-box", d.database_path,
                           sql).strip().replace("\n", "\n  "))


def show_database(d):
    show_sql(d, "What is stored of a report:",
             "SELECT printf('%016x', id) AS reporter_and_message,"
             " datetime(hour, 'unixepoch') AS hour, verdict, origin, score,"
             " hex(substr(sealed, 1, 12)) || '...' AS encrypted"
             " FROM reports ORDER BY seq DESC LIMIT 3")
    show_sql(d, "What is stored of tokens:",
             "SELECT * FROM shown_tokens ORDER BY spam + ham DESC LIMIT 3")
    show_sql(d, "Which kinds of evidence there are:",
             "SELECT * FROM token_classes ORDER BY tokens DESC LIMIT 6")
    show_sql(d, "Reports by verdict and origin:",
             "SELECT verdict, origin, sum(reports) AS reports"
             " FROM report_days GROUP BY 1, 2 ORDER BY 3 DESC")
    show_sql(d, "What would another threshold have done, by the users' own"
             " reports:",
             "SELECT threshold, sum(spam) AS spam, sum(missed) AS missed,"
             " sum(ham) AS ham, sum(caught) AS caught FROM rate_days"
             " GROUP BY 1")


def show_confusion(table):
    say("\nThe later half, as the filter delivered it:")
    say("%12s %12s %12s" % ("", "to Junk", "to INBOX"))
    for name, spam in (("spam", True), ("ham", False)):
        say("%12s %12d %12d" % (name, table[spam, "Junk"],
                                table[spam, "INBOX"]))


# --- a server to connect to ---

class KeptServer:
    """Additions of --keep: fixed ports, TLS with a certificate of its own,
    folders that mail clients show, and a command that reaches the server from
    any shell, although its modules are in a mount namespace of this
    process."""

    def __init__(self, args):
        self.imap_port, self.imaps_port, self.lmtp_port = (
            args.imap_port, args.imaps_port, args.lmtp_port)
        for option in ("imap_port", "imaps_port", "lmtp_port"):
            port = getattr(args, option)
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError as e:
                    sys.exit("tools/demo: port %d: %s; choose another one with "
                             "--%s" % (port, e.strerror,
                                       option.replace("_", "-")))

    def options(self):
        example = harness.EXAMPLE_OPTIONS["extra"]
        return {"auto": "subscribe", "imap_port": self.imap_port,
                "lmtp_port": self.lmtp_port,
                "extra": lambda version, d: example(version, d) +
                self.tls(version, d)}

    def tls(self, version, d):
        cert, key = d.dir + "/cert.pem", d.dir + "/key.pem"
        harness.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-days", "30", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", cert)
        text = "ssl_cert = <%s\nssl_key = <%s\n" if version < (2, 4) else \
            "ssl_server_cert_file = %s\nssl_server_key_file = %s\n"
        return "ssl = yes\n" + text % (cert, key) + """\
service imap-login {
  inet_listener imaps {
    port = %d
    ssl = yes
  }
}
""" % self.imaps_port

    def write_command(self, d):
        path = d.dir + "/doveadm"
        with open(path, "w") as f:
            # --root: this may run in a chroot
            f.write("#!/bin/sh\nexec nsenter --target %d --mount --root --wd "
                    "doveadm -c %s \"$@\"\n" % (d.process.pid, d.config_path))
        os.chmod(path, 0o755)
        return path

    def wait(self, d):
        command = self.write_command(d)
        say("\nThe server is left running (pid %d). Connect your mail client:" %
            d.process.pid)
        say("  IMAP     127.0.0.1 port %d (STARTTLS, or none), or port %d (TLS)" %
            (self.imap_port, self.imaps_port))
        say("  user     %s@%s, password %s" % (USERS[0], DOMAIN,
                                               harness.PASSWORD))
        say("           as well: %s" % " ".join(USERS[1:]))
        say("  TLS      the certificate is self-signed: %s/cert.pem" % d.dir)
        say("Deliver a message (swaks is a Debian package):")
        say("  swaks --protocol LMTP --server 127.0.0.1:%d --from you@example.org "
            "--to %s@%s" % (self.lmtp_port, USERS[0], DOMAIN))
        say("Ask it, as root in another shell:")
        say("  %s junk status" % command)
        say("  %s junk score -u %s@%s mailbox INBOX 1" % (command, USERS[0],
                                                      DOMAIN))
        say("Configuration and log: %s" % d.dir)
        say("Press Ctrl-C to end it.")
        try:
            signal.pause()
        except KeyboardInterrupt:
            say()


def end_on_signal(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--imap-port", type=int, default=10143)
    parser.add_argument("--imaps-port", type=int, default=10993)
    parser.add_argument("--lmtp-port", type=int, default=10024)
    args = parser.parse_args()
    kept = KeptServer(args) if args.keep else None
    # a shell that starts this in the background makes SIGINT ignored
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end_on_signal)

    rng = random.Random(args.seed)
    mails = load_mail(args.small, rng)
    labels = {m.key: m for m in mails}
    say("%d messages (%d spam, %d ham) for %d users, in random order "
        "(seed %d)" % (len(mails), sum(m.spam for m in mails),
                       sum(not m.spam for m in mails), len(USERS), args.seed))

    harness.enter_overlay(harness.stage(args.build))
    start = time.monotonic()
    options = {**harness.EXAMPLE_OPTIONS, **(kept.options() if kept else {})}
    with harness.Dovecot("demo", keep=bool(os.environ.get("DEMO_DEBUG")),
                         **options) as d:
        # as the example says, since users can't compile a global script
        harness.run("sievec", "-c", d.config_path,
                    "/etc/dovecot/sieve/junk.sieve")
        say("\nUsers move spam from INBOX to Junk (%d %% of it), and good mail "
            "from Junk back\nto INBOX; of other good mail they file or flag "
            "%d %%.\n" % (SPAM_MOVED * 100, (HAM_FILED + HAM_FLAGGED) * 100))
        tables = loop(d, mails, labels, rng)
        later = sum(tables[len(tables) // 2:], collections.Counter())
        show_database(d)
        say("\n$ doveadm junk status")
        say(d.doveadm("junk", "status").rstrip())
        show_confusion(later)
        errors = d.log_errors()
        if errors:
            say("\nThe log has %d errors, the first: %s" % (len(errors),
                                                           errors[0]))
        say("\n%.0f seconds. The same seed gives the same mail; run with "
            "--keep to connect\nyour own mail client to this server." %
            (time.monotonic() - start))
        if kept:
            kept.wait(d)
        say("later spam filed to Junk: %d of %d; later ham filed to Junk: "
            "%d of %d" % (to_junk(later, True) + to_junk(later, False)))
        return 1 if errors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except harness.HarnessError as e:
        sys.exit("tools/demo: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
