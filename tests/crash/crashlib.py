"""Common parts of the crash tests: sending reports until they are
acknowledged, killing the service, and checks afterwards."""

import os
import random
import shutil
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../e2e")
sys.dont_write_bytecode = True

import harness  # noqa: E402
import junkclient  # noqa: E402
from junkclient import HAM, RETRACT, SPAM  # noqa: E402

MASTER_PATIENCE_SECS = 1
# small, so that each life of the service is short
WINDOW = 12
# parts of the segment that must be equal: all except times and generation
FIXED = (slice(32, 40), slice(68, 76), slice(88, 100), slice(128, None))


class Sender:
    """Sends reports in their order until all are acknowledged, however often
    the service dies. Unacknowledged reports are sent again, as by the
    spool."""

    def __init__(self, path, frames):
        self.path, self.frames = path, frames
        self.acked = 0
        self.connections = 0

    def run(self):
        while self.acked < len(self.frames):
            try:
                with junkclient.Client(self.path) as c:
                    self.connections += 1
                    self.send_all(c)
            except (OSError, junkclient.Closed):
                time.sleep(0.02)

    def send_all(self, c):
        sent = self.acked
        while self.acked < len(self.frames):
            n = min(len(self.frames), self.acked + WINDOW)
            if sent < n:
                c.send(b"".join(self.frames[sent:n]))
                sent = n
            kind, payload = c.read_frame()
            if kind == junkclient.ACK:
                self.acked += int.from_bytes(payload, "little")


def make_frames(reporter, count, rnd, stamp, undo=True):
    """Return reports of one person, some of which are retracted or replaced if
    undo is set, and how many of them count in the end."""
    frames, live = [], 0
    for i in range(count):
        words = junkclient.tokens("%s %d" % (reporter, i), 20)
        steps = [rnd.choice((SPAM, HAM))]
        kind = rnd.random() if undo else 1
        if kind < 0.05:
            steps.append(RETRACT)
        elif kind < 0.10:
            # spam and back, or ham and back
            steps.append(HAM if steps[0] == SPAM else SPAM)
        else:
            live += 1
        for verdict in steps:
            stamp += 1
            frames.append(junkclient.report(
                reporter, i, verdict, stamp_usecs=stamp, words=words,
                origin=junkclient.LEARN))
    return frames, live


def service_pids(d):
    return d.children("junk-feedback")


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        harness.wait_gone([pid])


def kill_service(d):
    kill(service_pids(d))


def run_senders(d, senders, kills, rnd):
    """Return how often the service was killed while reports were sent."""
    threads = [threading.Thread(target=s.run, daemon=True) for s in senders]
    for thread in threads:
        thread.start()
    done, acked, waker = 0, -1, Waker(d)
    while done < kills and any(t.is_alive() for t in threads):
        now = sum(s.acked for s in senders)
        waker.look(service_pids(d))
        # kill it only after it has acknowledged something
        if now == acked or not service_pids(d):
            time.sleep(0.002)
            continue
        time.sleep(rnd.uniform(0, 0.02))
        acked = sum(s.acked for s in senders)
        kill_service(d)
        done += 1
    for thread in threads:
        thread.join(300)
        if thread.is_alive():
            raise harness.HarnessError("reports aren't acknowledged:\n" +
                                       d.log())
    return done


class Waker:
    """Dovecot doubles its pause, up to a minute, each time a process dies
    before it has reported its status; a reload ends the pause."""

    def __init__(self, d):
        self.d = d
        self.alive = time.monotonic()

    def look(self, is_there):
        if is_there:
            self.alive = time.monotonic()
        elif self.alive < time.monotonic() - MASTER_PATIENCE_SECS:
            self.d.reload()
            self.alive = time.monotonic()


def status(d):
    """Connect, which starts the service, and wait until its status is
    ready."""
    waker = Waker(d)

    def ready():
        waker.look(service_pids(d))
        try:
            with junkclient.Client(d.socket_path) as c:
                s = c.status()
        except (OSError, junkclient.Closed):
            # the master has created the socket, but doesn't listen yet
            return None
        # undone reports leave the model a moment later, and a fit publishes
        # its weights when it ends
        return s if s["state"] == "ready" and \
            s["rebuild_pending"] == s["fit_pending"] == "0" else None
    harness.wait_for(lambda: os.path.exists(d.socket_path), "the socket")
    try:
        return harness.wait_for(ready, "the service")
    except harness.HarnessError as error:
        raise harness.HarnessError("%s:\n%s" % (error, d.log()[-3000:]))


def model(d):
    status(d)
    with open(d.segment_path, "rb") as f:
        data = f.read()
    return [data[s] for s in FIXED]


def check(name, ok, detail=""):
    print("%s %s%s" % ("ok  " if ok else "FAIL", name,
                       "" if ok else ": %s" % detail), flush=True)
    return ok


def check_database(d, live):
    rows = d.query("SELECT coalesce(sum(reports), 0) FROM hours")
    yield check("every report counts once", rows == [(live,)],
                "%r, expected %d" % (rows, live))
    rows = d.query("SELECT count(*) FROM reports WHERE undone IS NULL "
                   "AND verdict <> 4")
    yield check("the rows agree with the hours", rows == [(live,)], rows)
    rows = d.query("SELECT count(*) FROM (SELECT id FROM reports WHERE "
                   "undone IS NULL GROUP BY id HAVING count(*) > 1)")
    yield check("no pair is there twice", rows == [(0,)], rows)
    rows = d.query("PRAGMA integrity_check")
    yield check("the database is whole", rows == [("ok",)], rows)


def copy_state(source, target):
    """Copy a state directory with its owner"""
    shutil.copytree(source, target)
    st = os.stat(source)
    for name in os.listdir(target) + [""]:
        os.chown(os.path.join(target, name), st.st_uid, st.st_gid)


def make_initial(target):
    """Create a state directory that has a key and a seed, and no reports
    yet"""
    with harness.Dovecot("crash") as d:
        status(d)
        d.stop()
        copy_state(d.state_dir + "/junk-feedback", target)
