"""imap processes are killed at random moments while clients move mail to Junk,
also while the service isn't reachable and reports are spooled.

A client that got its OK has reported. One whose connection broke can't know
whether it has. So "doveadm junk learn" reports everything in Junk afterwards,
which counts nothing twice.
"""

import contextlib
import glob
import os
import re
import tempfile
import threading
import time

import crashlib
import harness
from crashlib import check
from testcase import numbered

USERS = 4
# Without mdbox: if it is killed while it writes its map, Dovecot 2.3 rebuilds
# the map and loses mail (thousands in 1,000 kills), or restores moved mail,
# even without this plugin. tests/e2e/test_spool.py tests single kills.
FORMATS = ("maildir", "sdbox")
SEQUENTIAL = 60
# a fraction of the time of a move
KILL_WITHIN_SECS = 0.002
# maximum time for which the service's socket is unreachable
AWAY_SECS = 0.3


def fill(d, user, count):
    c = d.imap(user)
    for start in range(0, count, 100):
        parts = ["APPEND INBOX "]
        for n in range(start, min(start + 100, count)):
            parts += [harness.to_crlf(numbered(n)), " "]
        c.cmd(parts[:-1])
    c.logout()


class Mover(threading.Thread):
    """A user's client. It moves all mail to Junk, a few messages per command,
    and reconnects whenever its connection breaks."""

    def __init__(self, d, user, rnd):
        super().__init__(daemon=True)
        self.d, self.user = d, user
        self.sizes = [rnd.randint(1, 2) for _ in range(1000)]
        self.confirmed = self.broken = 0
        self.over = False

    def run(self):
        while not self.over:
            try:
                self.move_all()
            except (OSError, harness.ImapError):
                self.broken += 1

    def move_all(self):
        c = harness.Imap(self.d.imap_port)
        try:
            c.cmd('LOGIN "%s" "%s"' % (self.user, harness.PASSWORD))
            c.select("INBOX")
            uids = c.uids()
            self.over = not uids
            while uids:
                size = self.sizes.pop()
                self.sizes.insert(0, size)
                some, uids = uids[:size], uids[size:]
                c.cmd("UID MOVE %s Junk" % ",".join(map(str, some)))
                self.confirmed += len(some)
        finally:
            c.close()


def kill_one(d, rnd):
    pids = d.children("imap")
    if not pids:
        return False
    crashlib.kill([rnd.choice(pids)])
    return True


@contextlib.contextmanager
def service_away(d):
    """Make the socket unreachable by its mode, so that new sessions spool. A
    reload, which creates it anew, can only end that early."""
    mode = os.stat(d.socket_path).st_mode & 0o777
    os.chmod(d.socket_path, 0)
    try:
        yield
    finally:
        os.chmod(d.socket_path, mode)


def kill_imap(d, movers, kills, rnd):
    """Return (number of kills, number of those while the socket was
    unreachable)."""
    done = away = 0
    waker = crashlib.Waker(d)
    while (done < kills or away == 0) and any(m.is_alive() for m in movers):
        waker.look(d.children("imap"))
        time.sleep(rnd.uniform(0, 0.02))
        if rnd.random() < 0.9:
            done += kill_one(d, rnd)
            continue
        end = time.monotonic() + rnd.uniform(0, AWAY_SECS)
        # no socket: a reload is in progress
        with contextlib.suppress(FileNotFoundError), service_away(d):
            while time.monotonic() < end:
                killed = kill_one(d, rnd)
                done, away = done + killed, away + killed
                time.sleep(rnd.uniform(0, 0.02))
    return done, away


def files_with_content(d, name):
    found = []
    for path in glob.glob("%s/*/mail/junk-feedback.%s" % (d.home_dir, name)):
        with contextlib.suppress(FileNotFoundError):
            if os.path.getsize(path) > 0:
                found.append(path)
    return found


def spools(d):
    return files_with_content(d, "spool")


def intents(d):
    return files_with_content(d, "intent.*")


def recorded(d):
    rows = d.query("SELECT coalesce(sum(reports), 0) FROM hours")
    return rows[0][0] if rows else 0


def send_spools(d, users):
    """A login of each user sends the spools, and reports the intents of killed
    sessions unless the service is away just then. Sessions whose clients have
    just disconnected may be doing that, may still be spooling, or may wait for
    the service with reports in memory."""
    def sent():
        try:
            for user in users:
                d.imap(user).logout()
        except (OSError, harness.ImapError):
            # not yet, because of the last kills or the reload
            return False
        return not intents(d) and not spools(d) and not d.children("imap")
    try:
        harness.wait_for(sent, "the spools", 60)
    except harness.HarnessError as e:
        raise harness.HarnessError("%s: %s\n%s" % (
            e, intents(d) + spools(d), d.log()))


def settle(d):
    last = -1
    while last != (last := recorded(d)):
        time.sleep(0.5)
    return last


def in_junk(d, user):
    """Return the subjects in Junk"""
    text = d.doveadm("-f", "flow", "fetch", "-u", user, "hdr.subject",
                     "mailbox", "Junk")
    return set(text.splitlines())


def mail_state(d, users):
    """Return the numbers of messages in all mailboxes, and what Dovecot logs
    about damage"""
    counts = ["%s: %s" % (user, d.doveadm(
        "-f", "flow", "mailbox", "status", "-u", user, "messages", "*")
        .replace("\n", ", ")) for user in users]
    damage = [line for line in d.log().splitlines()
              if re.search("corrupt|rebuil|fsck|broken", line, re.I)]
    return "\n".join(counts + damage[:20])


def report_state(d, users):
    """Return what tells where reports are: the service's counters, the files of
    each user, and what was logged about reports"""
    lines = ["%s=%s" % item for item in crashlib.status(d).items()
             if item[0].startswith("reports_")]
    for user in users:
        folder = "%s/%s/mail" % (d.home_dir, user)
        lines += ["%s: %s %d" % (user, name,
                                 os.path.getsize(folder + "/" + name))
                  for name in sorted(os.listdir(folder))
                  if name.startswith("junk-feedback")]
    lines += [line for line in d.log().splitlines() if "junk-feedback" in line]
    return "\n".join(lines)


def test_imap_killed(args, rnd):
    """Kill processes of several clients"""
    with harness.Dovecot("crash") as d:
        crashlib.status(d)
        # enough for a few moves in each life
        count = 3 * args.kills
        users = ["user%d@%s" % (i, FORMATS[i % len(FORMATS)])
                 for i in range(USERS)]
        for user in users:
            fill(d, user, count)
        movers = [Mover(d, user, rnd) for user in users]
        for mover in movers:
            mover.start()
        done, away = kill_imap(d, movers, args.kills // 2, rnd)
        waker = crashlib.Waker(d)
        while any(m.is_alive() for m in movers):
            waker.look(d.children("imap"))
            time.sleep(0.1)
        # this ends a pause of the master (crashlib.Waker)
        d.reload()
        send_spools(d, users)
        total = settle(d)
        confirmed = sum(m.confirmed for m in movers)
        print("     killed %d times, %d of them with the service away; "
              "%d moves of %d confirmed, %d reported" % (
                  done, away, confirmed, USERS * count, total))
        yield check("imap was killed under load", done > args.kills // 8 and
                    away > 0 and all(m.over for m in movers), done)
        complete = confirmed <= total <= USERS * count
        yield check("each confirmed move is reported, none twice", complete,
                    "" if complete else report_state(d, users))
        moved = all(len(in_junk(d, user)) == count for user in users)
        yield check("all mail is in Junk", moved,
                    "" if moved else mail_state(d, users))
        for user in users:
            d.doveadm("junk", "learn", "spam", "-u", user, "mailbox", "Junk")
        settle(d)
        yield from crashlib.check_database(d, USERS * count)


# --- the same model ---

def try_move(d, user, uid, kill_after):
    """Return whether the client got its OK; False if the message isn't in
    INBOX any more. Raises if the connection broke, or if Dovecot must first
    repair the mailbox after the last kill."""
    c = harness.Imap(d.imap_port)
    try:
        c.cmd('LOGIN "%s" "%s"' % (user, harness.PASSWORD))
        c.select("INBOX")
        if uid not in c.uids():
            return False
        pids = d.children("imap")
        tag = c.send("UID MOVE %d Junk" % uid)
        if kill_after is not None:
            time.sleep(kill_after)
            crashlib.kill(pids)
        status, _, text = c.wait(tag)
        if status != "OK":
            raise harness.ImapError(text)
        return True
    finally:
        c.close()


def move_one(d, user, uid, kill_after):
    """Move a message until it is in Junk. Return (whether the client got its
    OK, how often it had to reconnect)"""
    broken = 0
    while True:
        try:
            return try_move(d, user, uid, kill_after), broken
        except (OSError, harness.ImapError):
            broken += 1
            kill_after = None


def move_in_order(initial, identity, kills, rnd):
    """Move one message after the other. Return the model, and how often a
    connection broke"""
    user, broken = "anna@sdbox", 0
    with harness.Dovecot("crash") as d:
        crashlib.copy_state(initial, d.state_dir + "/junk-feedback")
        crashlib.status(d)
        fill(d, user, SEQUENTIAL)
        path = d.home(user) + "/mail/junk-feedback.id"
        with open(path, "w") as f:
            f.write(identity)
        os.chmod(path, 0o600)
        os.chown(path, harness.VMAIL_ID, harness.VMAIL_ID)
        for uid in range(1, SEQUENTIAL + 1):
            # a move takes a third of a millisecond, so half of the kills are
            # immediate
            kill_after = rnd.choice((0, rnd.uniform(0, KILL_WITHIN_SECS))) \
                if kills else None
            confirmed, times = move_one(d, user, uid, kill_after)
            broken += times
            if not confirmed:
                d.doveadm("junk", "learn", "spam", "-u", user, "mailbox",
                          "Junk")
            send_spools(d, [user])
            harness.wait_for(lambda: recorded(d) == uid,
                             "report %d of %d" % (uid, recorded(d)))
        crashlib.kill_service(d)
        return crashlib.model(d), broken


def make_identity():
    with harness.Dovecot("crash") as d:
        crashlib.status(d)
        user = "anna@sdbox"
        fill(d, user, 1)
        move_one(d, user, 1, None)
        # created with the first report, after the client's response
        path = d.home(user) + "/mail/junk-feedback.id"
        harness.wait_for(lambda: os.path.exists(path), path)
        with open(path) as f:
            return f.read()


def test_same_model(args, rnd):
    """The same moves with and without kills, with the same key and seed"""
    with tempfile.TemporaryDirectory(prefix="junk-crash-") as directory:
        initial = directory + "/initial"
        crashlib.make_initial(initial)
        identity = make_identity()
        expected, _ = move_in_order(initial, identity, False, rnd)
        got, broken = move_in_order(initial, identity, True, rnd)
        print("     killed %d times, %d moves broken off" % (
            SEQUENTIAL, broken))
        yield check("with imap killed, the model is that of an uninterrupted "
                    "run", got == expected and broken > 0)


TESTS = (test_imap_killed, test_same_model)
