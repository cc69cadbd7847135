"""Mail comes first: something that the service needs is missing, full,
damaged, locked or hostile. IMAP and LMTP continue, the log names the fix once,
and after the fix everything is recorded."""

import contextlib
import os
import shutil
import signal
import sqlite3
import time

import harness
import staging
import junkclient
import test_spool
from testcase import spam

OPTIONS = {}
# the service's message about a fault, once in FAULT_LOG_SECS
WAIT_IN_SPOOLS = "reports wait in the users' spools"
PATIENCE_SECS = test_spool.PATIENCE_SECS


def state_dir(t):
    return t.d.state_dir + "/junk-feedback"


def make_state_dir(t):
    """Create the segment as the service does, so that a test can replace
    it."""
    with junkclient.Client(t.d.socket_path) as c:
        c.status()
    return os.stat(state_dir(t))


def start(t, **options):
    p = t.private(**options)
    harness.wait_for(lambda: os.path.exists(p.d.socket_path), "the socket")
    return p


def deliver_some(p, count):
    began = time.monotonic()
    for _ in range(count):
        p.deliver(spam())
    assert time.monotonic() - began < PATIENCE_SECS * count


def move_some(p, count):
    """Deliver and move this number of messages, each without a wait."""
    deliver_some(p, count)
    move_last(p, count)


def move_last(p, count):
    c = p.imap(select="INBOX")
    for uid in c.uids()[-count:]:
        began = time.monotonic()
        c.cmd("UID MOVE %d Junk" % uid)
        took = time.monotonic() - began
        assert took < PATIENCE_SECS, took
    c.logout()


def errors_said(p):
    return [line for line in p.log().splitlines()
            if "Error: " in line and WAIT_IN_SPOOLS in line]


def wait_said(p, *words):
    """Expect the service's error with these words, logged once."""
    found = harness.wait_for(lambda: [
        line for line in errors_said(p)
        if all(word in line for word in words)],
        "an error with %r:\n%s" % (words, p.log()))
    time.sleep(1.5)
    assert len(errors_said(p)) == len(found) == 1, errors_said(p)


def catch_up(p, count):
    """A new session sends the spooled reports; each counts once."""
    def caught_up():
        # the number of connections per user is limited
        p.imap().logout()
        try:
            rows = p.d.query("SELECT coalesce(sum(reports), 0) FROM hours")
        except sqlite3.DatabaseError:
            # the service hasn't moved a damaged file aside yet
            return False
        return rows == [(count,)]
    harness.wait_for(caught_up, "%d reports:\n%s" % (count, p.log()), 40)


def mount_tmpfs(path, owner, size):
    staging.mount("tmpfs", path, "tmpfs", 0, "size=%s,mode=0700,uid=%d,gid=%d"
                   % (size, owner.st_uid, owner.st_gid))


def umount(path):
    harness.run("umount", "-l", path)


@contextlib.contextmanager
def state_on_tmpfs(t):
    """Start a Dovecot with one recorded report, whose state directory is a
    file system of its own"""
    p = start(t)
    owner = make_state_dir(p)
    p.d.stop()
    shutil.rmtree(state_dir(p))
    os.mkdir(state_dir(p))
    mount_tmpfs(state_dir(p), owner, "64m")
    try:
        p.d.start()
        move_some(p, 1)
        catch_up(p, 1)
        yield p
    finally:
        p.d.stop()
        umount(state_dir(p))


def fill(path):
    """Fill a file system."""
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            pass


def test_full_disk(t):
    """fault: the disk of the state directory is full"""
    with state_on_tmpfs(t) as p:
        fill(state_dir(p) + "/filler")
        # the first reports may find room in the WAL
        moved = 0
        while not errors_said(p):
            assert moved < 1000, p.log()
            move_some(p, 30)
            moved += 30
        wait_said(p, "disk or quota is full: free some space")
        os.unlink(state_dir(p) + "/filler")
        catch_up(p, moved + 1)
        # said after the report is in the database
        harness.wait_for(lambda: "Reports are recorded again" in p.log(),
                         "the line")
        assert p.log().count("Reports are recorded again") == 1, p.log()


def test_readonly_mount(t):
    """fault: the state directory's file system is mounted read-only"""
    with state_on_tmpfs(t) as p:
        p.d.stop()
        harness.run("mount", "-o", "remount,ro", state_dir(p))
        p.d.start()
        move_some(p, 3)
        wait_said(p, state_dir(p))
        harness.run("mount", "-o", "remount,rw", state_dir(p))
        catch_up(p, 4)


def test_locked_database(t):
    """fault: another process holds a lock on the database"""
    p = start(t)
    move_some(p, 1)
    catch_up(p, 1)
    db = sqlite3.connect(p.d.database_path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    move_some(p, 3)
    wait_said(p, "another process has locked the database")
    db.execute("ROLLBACK")
    db.close()
    catch_up(p, 4)


def test_corrupt_database(t):
    """fault: the database is overwritten, while the service runs or before it
    starts: it is moved aside, and counting begins anew"""
    p = start(t)
    move_some(p, 2)
    catch_up(p, 2)
    p.d.stop()
    with open(p.d.database_path, "r+b") as f:
        f.write(os.urandom(os.path.getsize(p.d.database_path)))
    p.d.start()
    move_some(p, 3)
    catch_up(p, 3)
    assert p.log().count("a new database is created") == 1, p.log()
    kept = [name for name in os.listdir(state_dir(p)) if ".corrupt-" in name]
    assert kept, os.listdir(state_dir(p))


def test_missing_key(t):
    """fault: the key is missing: the database isn't changed until the key is
    back"""
    p = start(t)
    move_some(p, 1)
    catch_up(p, 1)
    p.d.stop()
    key = state_dir(p) + "/key"
    os.rename(key, key + ".away")
    p.d.start()
    move_some(p, 2)
    wait_said(p, "/key is missing", "restore it from a backup")
    os.rename(key + ".away", key)
    catch_up(p, 3)


def test_full_control_dir(t):
    """fault: no service, and the user's control directory is full: the move
    works, and the loss of reports is logged once per session"""
    fields = ({"mail_driver": "sdbox", "mail_path": "~/mail",
               "mail_control_path": "~/control"}
              if harness.dovecot_version() >= (2, 4) else
              {"mail": "sdbox:~/mail:CONTROL=~/control"})
    p = t.private(service=None, users={t.user(): fields})
    for n in range(3):
        p.deliver(test_spool.big(n))
    control = p.d.home(p.user()) + "/control"
    owner = os.stat(p.d.home(p.user()) + "/mail")
    os.makedirs(control, exist_ok=True)
    mount_tmpfs(control, owner, "64k")
    try:
        move_last(p, 1)
        spool = control + "/junk-feedback.spool"
        harness.wait_for(lambda: os.path.exists(spool) and
                         os.path.getsize(spool) > 0, "the spool")
        fill(control + "/filler")
        move_last(p, 2)
        harness.wait_for(lambda: "Report lost" in p.log(), "the error")
        assert p.log().count("Report lost") == 1, p.log()
        os.unlink(control + "/filler")
        p.d.options.service = ""
        p.d.restart()
        catch_up(p, 1)
    finally:
        p.d.stop()
        umount(control)


def test_slow_and_stopped_service(t):
    """fault: a service that is stopped again and again: every report arrives
    once"""
    p = start(t)
    make_state_dir(p)
    for round_ in range(5):
        pids = p.d.children("junk-feedback")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        move_some(p, 4)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.2)
    catch_up(p, 20)


def test_reload_overlap(t):
    """fault: the old service is still busy when a reload starts the new one"""
    p = start(t)
    move_some(p, 1)
    catch_up(p, 1)
    old, = p.d.children("junk-feedback")
    deliver_some(p, 3)
    os.kill(old, signal.SIGSTOP)
    p.d.reload()
    # login and LMTP processes end, too
    time.sleep(1)
    move_last(p, 3)
    harness.wait_for(lambda: [pid for pid in p.d.children("junk-feedback")
                              if pid != old], "the new service")
    os.kill(old, signal.SIGCONT)
    harness.wait_gone([old])
    catch_up(p, 4)
    # this is normal at a reload: nobody has to act
    assert "is locked by another process" not in p.log(), p.log()


def test_hostile_segment(t):
    """fault: the segment is missing, truncated, garbage or a FIFO: mail is
    delivered to INBOX"""
    p = t.private(service=None)
    p.d.sieve(p.user(), 'require ["vnd.junk-feedback", "fileinto", '
              '"relational", "comparator-i;ascii-numeric"];\n'
              'if junkscore :value "ge" :comparator "i;ascii-numeric" "90" '
              '{ fileinto "Junk"; }\n')
    path = p.d.segment_path
    delivered = 0
    for content in (None, b"", b"JUNKSCOR", os.urandom(5000), "fifo", "dir"):
        if content == "fifo":
            os.mkfifo(path)
        elif content == "dir":
            os.mkdir(path)
        elif content is not None:
            with open(path, "wb") as f:
                f.write(content)
        began = time.monotonic()
        p.deliver(spam())
        assert time.monotonic() - began < PATIENCE_SECS, content
        delivered += 1
        if content == "dir":
            os.rmdir(path)
        elif content is not None:
            os.unlink(path)
    c = p.imap(select="INBOX")
    assert len(c.uids()) == delivered, c.uids()
