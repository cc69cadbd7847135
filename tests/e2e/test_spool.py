"""A service that isn't running, hangs or dies, and clients that do: no report
is lost, and no client waits (edge case 50, on the plugin's side)."""

import contextlib
import ctypes
import glob
import os
import shutil
import signal
import socket
import struct
import time

import harness
import sanitizer
import testcase
from testcase import ALL_FORMATS, ham, numbered, spam

SLOW = True
OPTIONS = {"debug": True}
SPOOL = "junk-feedback.spool"
IDENTITY = "junk-feedback.id"
# A session that waited for the service or a spool would wait until the test
# continues. Without the plugin a command takes 0.01 s, on a machine that is
# busy with other tests a second.
PATIENCE_SECS = 5


def spool_size(t, user="user"):
    try:
        return os.path.getsize(t.control_file(t.user(user), SPOOL))
    except FileNotFoundError:
        return 0


def service_pid(t):
    testcase.barrier(t.d)
    pid, = t.d.children("junk-feedback")
    return pid


@contextlib.contextmanager
def hung_service(t):
    """The service hangs inside of the block, and continues after it."""
    pid = service_pid(t)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def wait_imap_gone(t):
    harness.wait_for(lambda: not t.d.children("imap"), "imap to end")


def wait_spool_gone(t, user="user"):
    harness.wait_for(lambda: spool_size(t, user) == 0, "the spool to go")


def wait_spool(t, user="user"):
    harness.wait_for(lambda: spool_size(t, user) > 0, "the spool")


def timed(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began


def big(n):
    """Return a message with as many tokens as a report may have."""
    words = b" ".join(b"word%dx%d" % (n, i) for i in range(1500))
    return numbered(n) + words + b"\n"


def test_service_away(t):
    """case 50: without the service, reports wait in the spool; the next login
    sends them once"""
    p = t.private(debug=True, service=None)
    for _ in range(3):
        p.deliver(ham())
    c = p.imap(select="INBOX")
    assert timed(lambda: c.cmd("UID MOVE 1:2 Junk")) < PATIENCE_SECS
    wait_spool(p)
    c.cmd("UID COPY 3 Junk")
    testcase.wait_reported(p.d)
    assert p.log().count("is the service junk-feedback configured") == 1
    c.logout()
    wait_imap_gone(p)
    p.d.options.service = ""
    p.d.restart()
    p.imap()
    wait_spool_gone(p)
    p.expect("2 spam move", "spam copy")


def test_service_hangs(t):
    """case 50: a service that hangs delays nobody, and catches up"""
    c = t.imap()
    for n in range(150):
        c.append("INBOX", big(n))
    c.select("INBOX")
    with hung_service(t):
        took = timed(lambda: c.cmd("UID MOVE 1:100 Junk"))
        assert took < PATIENCE_SECS, took
        # some reports fit into the socket, the rest is spooled
        wait_spool(t)
        # each single move is quick
        for uid in range(101, 151):
            took = timed(lambda: c.cmd("UID MOVE %d Junk" % uid))
            assert took < PATIENCE_SECS, took
        c.logout()
        # and so is a new session
        assert timed(lambda: t.imap(select="INBOX")) < PATIENCE_SECS
    t.imap()
    wait_spool_gone(t)
    t.expect("150 spam move")


def test_service_hangs_briefly(t):
    """case 50: the same session sends the rest when the service continues"""
    c = t.imap()
    for n in range(150, 300):
        c.append("INBOX", big(n))
    c.select("INBOX")
    with hung_service(t):
        c.cmd("UID MOVE 1:* Junk")
        wait_spool(t)
    wait_spool_gone(t)
    t.expect("150 spam move")


def test_service_dies(t):
    """case 50: the service is killed with reports in its socket: the next one
    records them while the client idles"""
    p = t.private(debug=True)
    for _ in range(10):
        p.deliver(ham())
    c = p.imap(select="INBOX")
    c.cmd("UID MOVE 1 Junk")
    p.expect("spam move")
    pid = service_pid(p)
    os.kill(pid, signal.SIGSTOP)
    c.cmd("UID MOVE 2:5 Junk")
    os.kill(pid, signal.SIGKILL)
    harness.wait_gone([pid])
    c.cmd("UID MOVE 6 Junk")
    harness.wait_for(lambda: sum(p.reports().values()) >= 5, "the reports")
    p.expect("5 spam move")
    wait_spool_gone(p)
    c.cmd("UID MOVE 7:10 Junk")
    p.expect("4 spam move")


def test_reload(t):
    """case 50: a reload of the configuration loses nothing"""
    p = t.private(debug=True)
    for _ in range(20):
        p.deliver(ham())
    c = p.imap(select="INBOX")
    for uid in range(1, 21):
        c.cmd("UID MOVE %d Junk" % uid)
        if uid % 5 == 0:
            p.d.reload()
            time.sleep(0.1)
    # reports that an ended process did not acknowledge are in the spool
    c.logout()
    wait_imap_gone(p)
    p.imap()
    wait_spool_gone(p)
    p.expect("20 spam move")


def pipeline(c, *commands):
    """Send all commands in one write, and wait for each response"""
    c.sock.sendall("".join("p%d %s\r\n" % command
                           for command in enumerate(commands)).encode())
    waiting = {b"p%d" % n for n in range(len(commands))}
    while waiting:
        waiting.discard(c.read_line().split()[0])


def session(t, select=None):
    """Return a client, and the pid of its process"""
    c, pid = t.d.imap_process(t.user())
    t.clients.append(c)
    if select is not None:
        c.select(select)
    return c, pid


def kill_imap(t, pid, number=signal.SIGKILL):
    os.kill(pid, number)
    harness.wait_gone([pid])
    # the test did this, so it isn't a fault
    t.log_start = len(t.d.log()) + 200


@ALL_FORMATS
def test_imap_killed(t):
    """the imap process is killed right after its OK, and so is the next one,
    which was to catch up: reported by the session after that"""
    for _ in range(3):
        t.deliver(ham())
        c, pid = session(t, "INBOX")
        c.cmd("UID MOVE %d Junk" % c.uids()[-1])
        kill_imap(t, pid)
    t.imap()
    t.expect("3 spam move")


@ALL_FORMATS
def test_imap_killed_at_mass(t):
    """the imap process is killed right after moving, copying and marking many
    messages: reported by the next session, once"""
    c, pid = session(t)
    for n in range(1000, 1120):
        c.append("INBOX", numbered(n))
    c.select("INBOX")
    pipeline(c, "UID MOVE 1:100 Junk", "UID COPY 101:110 Junk",
             "UID STORE 111:120 +FLAGS ($Junk)")
    kill_imap(t, pid)
    t.imap()
    t.expect("100 spam move", "10 spam copy", "10 spam keyword")
    t.imap()
    t.expect()


@ALL_FORMATS
def test_imap_killed_while_waiting(t):
    """case 18: the imap process is killed while it waits for a move to Trash
    after a not-junk keyword: reported by the next session, unless that move
    has followed"""
    for _ in range(2):
        t.deliver(spam(), mailbox="Junk")
    t.deliver(ham())
    c, pid = session(t, "Junk")
    c.cmd("STORE 1:2 +FLAGS ($NotJunk)")
    # other reports are acknowledged meanwhile, and those two aren't yet
    before = t.recorded()
    c.select("INBOX")
    c.cmd("MOVE 1 Junk")
    harness.wait_for(lambda: t.recorded() > before, "the report")
    time.sleep(0.1)
    c.select("Junk")
    c.cmd("MOVE 2 Trash")
    kill_imap(t, pid)
    t.imap()
    t.expect("spam move", "ham keyword")


def intent(record, uid, last_uid, guid=None):
    """Return a record of the intents, changed as its user may change it"""
    xxhash = ctypes.CDLL("libxxhash.so.0")
    xxhash.XXH3_64bits.restype = ctypes.c_uint64
    data = record[:16] + (guid or record[16:32]) + record[32:36] + \
        struct.pack("<II", uid, last_uid) + record[44:48]
    return data + struct.pack("<Q", xxhash.XXH3_64bits(data, len(data)))


def test_crafted_intents(t):
    """intents that name all possible UIDs, or mailboxes that don't exist: no
    session takes long, and existing messages are reported"""
    t.deliver(ham())
    c, pid = session(t, "INBOX")
    c.cmd("UID MOVE 1 Junk")
    kill_imap(t, pid)
    path, = glob.glob(t.control_file(t.user(), "junk-feedback.intent.*"))
    with open(path, "r+b") as f:
        record = f.read(56)
        f.seek(0)
        f.write(intent(record, 1, 0xffffffff))
        f.write(intent(record, 0, 0xffffffff))
        for _ in range(2000):
            f.write(intent(record, 1, 0xffffffff, os.urandom(16)))
    c = t.imap(select="INBOX")
    t.expect("spam move")
    harness.wait_for(lambda: os.stat(path).st_size == 0
                     if os.path.exists(path) else True, "all to be done")
    assert timed(lambda: c.cmd("NOOP")) < 1


def test_imap_killed_then_gone(t):
    """the imap process is killed, and the message or its mailbox no longer
    exists: sessions work"""
    other = t.imap()
    other.cmd("CREATE Target")
    for command, undo in (("STORE * +FLAGS ($Junk)", "EXPUNGE"),
                          ("MOVE * Target", "DELETE Target")):
        t.deliver(ham())
        c, pid = session(t, "INBOX")
        c.cmd(command)
        kill_imap(t, pid)
        other.select("INBOX")
        if undo == "EXPUNGE":
            other.cmd("STORE 1:* +FLAGS (\\Deleted)")
        other.cmd(undo)
        t.imap().cmd("NOOP")
        t.expect()
        assert not t.errors(), t.errors()


def test_imap_terminated(t):
    """SIGTERM right after many messages were moved: the process still reports
    them"""
    c, pid = session(t)
    for n in range(1200, 1500):
        c.append("INBOX", numbered(n))
    c.select("INBOX")
    c.cmd("UID MOVE 1:* Junk")
    kill_imap(t, pid, signal.SIGTERM)
    t.expect("300 spam move")


def test_imap_killed_with_hung_service(t):
    """the imap process is killed while the service hangs"""
    c, imap = session(t)
    for n in range(300, 400):
        c.append("INBOX", big(n))
    c.select("INBOX")
    with hung_service(t):
        c.cmd("UID MOVE 1:* Junk")
        wait_spool(t)
        kill_imap(t, imap)
    t.imap()
    wait_spool_gone(t)
    t.expect("100 spam move")


def test_all_killed(t):
    """all of Dovecot is killed while the service hangs: what was sent and isn't
    acknowledged is reported by the next session"""
    p = t.private(debug=True)
    for n in range(5):
        p.deliver(numbered(n))
    c = p.imap(select="INBOX")
    os.kill(service_pid(p), signal.SIGSTOP)
    c.cmd("UID MOVE 1:* Junk")
    # until the reports are made, held for two seconds, and sent
    time.sleep(3)
    p.d.kill()
    p.d.start()
    p.imap()
    p.expect("5 spam move")


def shared_imap(version, _):
    count = "service_count = 0" if version == (2, 3) else \
        "restart_request_count = unlimited"
    return """
service imap {
  client_limit = 100
  process_limit = 1
  %s
}
""" % count


def test_shared_process(t):
    """several clients share an imap process: a logout while the service hangs
    keeps no other client waiting"""
    p = t.private(debug=True, extra=shared_imap)
    clients = []
    for n in range(12):
        p.deliver(numbered(n))
        clients.append(p.imap(select="INBOX"))
    other = p.imap()
    assert len(p.d.children("imap")) == 1
    with hung_service(p):
        for n, c in enumerate(clients):
            c.cmd("UID MOVE %d Junk" % (n + 1))
        for c in clients:
            c.sock.sendall(b"z LOGOUT\r\n")
        # half a second each, if they waited for the service
        took = timed(lambda: [other.cmd("NOOP") for _ in range(20)])
        assert took < 3, took
    p.imap()
    p.expect("12 spam move")


@ALL_FORMATS
def test_logout(t):
    """LOGOUT or a lost connection right after the move"""
    for end in ("logout", "close"):
        t.deliver(ham())
        c = t.imap(select="INBOX")
        uid = c.uids()[-1]
        if end == "logout":
            c.sock.sendall(b"a UID MOVE %d Junk\r\nb LOGOUT\r\n" % uid)
            while c.file.readline():
                pass
        else:
            c.cmd("UID MOVE %d Junk" % uid)
            c.close()
        t.expect("spam move")


def test_hibernation(t):
    """an idle client hibernates; no report is lost before or after that"""
    p = t.private(debug=True, hibernate_secs=1)
    p.deliver(ham())
    p.deliver(spam(), mailbox="Junk")
    c = p.imap(select="INBOX")
    c.cmd("UID MOVE 1 Junk")
    c.select("Junk")
    c.cmd("UID STORE 1 +FLAGS (NonJunk)")
    c.sock.sendall(b"idle IDLE\r\n")
    c.read_line()
    wait_imap_gone(p)
    assert p.d.children("imap-hibernate")
    p.expect("spam move", "ham keyword")
    # it wakes up
    c.sock.sendall(b"DONE\r\n")
    while not c.read_line().startswith(b"idle OK"):
        pass
    c.cmd("UID MOVE 2 Trash")
    c.cmd("UID MOVE 1 Work")
    p.expect()
    p.deliver(ham())
    c.select("INBOX")
    c.cmd("UID MOVE 2 Junk")
    p.expect("spam move")


@ALL_FORMATS
def test_pipelined(t):
    """case 26: moved and expunged, or moved again, in one write: all
    reported"""
    for _ in range(8):
        t.deliver(ham())
    c = t.imap(select="INBOX")
    pipeline(c, "MOVE 1:4 Junk", "SELECT Junk",
             "STORE 1:* +FLAGS.SILENT (\\Deleted)", "EXPUNGE",
             "SELECT INBOX", "MOVE 1:2 Junk", "SELECT Junk", "MOVE 1:* Trash",
             "SELECT INBOX", "MOVE 1:* Junk", "SELECT Junk",
             "STORE 1:* +FLAGS.SILENT (\\Deleted)", "CLOSE", "LOGOUT")
    t.expect("8 spam move")


@ALL_FORMATS
def test_pipelined_singles(t):
    """case 26: many single moves in one write, each message then expunged"""
    for _ in range(20):
        t.deliver(ham())
    c = t.imap(select="INBOX")
    pipeline(c, *["UID MOVE %d Junk" % (n + 1) for n in range(20)],
             "SELECT Junk", "STORE 1:* +FLAGS.SILENT (\\Deleted)", "EXPUNGE")
    t.expect("20 spam move")


@ALL_FORMATS
def test_expunged_by_another(t):
    """another session expunges the messages just when they were moved, or
    deletes the mailbox"""
    for _ in range(5):
        t.deliver(ham())
    c, other = t.imap(select="INBOX"), t.imap(select="Junk")
    c.cmd("MOVE 1:* Junk")
    other.select("Junk")
    other.cmd("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    other.cmd("EXPUNGE")
    assert not other.uids()
    t.expect("5 spam move")
    t.deliver(spam(), mailbox="Junk")
    c.select("Junk")
    c.cmd("CREATE Target")
    c.cmd("MOVE 1:* Target")
    other.cmd("DELETE Target")
    t.expect("ham move")


def test_mass_of_large(t):
    """more bytes in one command than are kept until after the response: memory
    stays bounded"""
    c, _ = session(t)
    filler = b"x" * 70 + b"\n"
    for n in range(1550, 1600):
        c.append("INBOX", numbered(n) + filler * 18000)
    c.logout()
    c, pid = session(t, "INBOX")
    before = harness.memory_kbytes(pid)
    c.cmd("UID MOVE 1:* Junk")
    peak = int(harness.process_status(pid)["VmHWM"].split()[0])
    assert peak - before < 32 * 1024 + sanitizer.memory_kbytes(), \
        (before, peak)
    t.expect("50 spam move")


def test_many_sessions(t):
    """more sessions report at once than there are places for intents"""
    clients = []
    for _ in range(12):
        t.deliver(ham())
        clients.append(t.imap(select="INBOX"))
    for n, c in enumerate(clients):
        c.send("UID MOVE %d Junk" % (n + 1))
    for c in clients:
        c.wait("a%d" % c.tag)
        c.close()
    t.expect("12 spam move")


def test_damaged_spool(t):
    """a spool that is truncated, or damaged in its middle: valid reports are
    sent, and it is logged once"""
    p = t.private(debug=True, service=None)
    for _ in range(4):
        p.deliver(ham())
    c = p.imap(select="INBOX")
    for uid in range(1, 5):
        c.cmd("UID MOVE %d Junk" % uid)
    c.logout()
    wait_imap_gone(p)
    path = p.control_file(p.user(), SPOOL)
    with open(path, "r+b") as f:
        frames = testcase.parse_frames(f.read())
        assert len(frames) == 4, frames
        f.seek(frames[1][0])
        f.write(b"\0" * 30)
        f.truncate(frames[3][0] + 20)
    p.d.options.service = ""
    p.d.restart()
    p.imap()
    wait_spool_gone(p)
    p.expect("2 spam move")
    harness.wait_for(lambda: "was damaged" in p.log(), "the error")
    assert p.log().count("was damaged") == 1, p.log()


def test_no_place(t):
    """no place for the spool, or a damaged identity: logged, and mail works"""
    p = t.private(debug=True, service=None)
    p.deliver(ham())
    p.deliver(ham())
    c = p.imap(select="INBOX")
    path = p.control_file(p.user(), SPOOL)
    os.mkdir(path)
    os.mkdir(path + ".aside")
    with open(path + ".aside/full", "w"):
        pass
    c.cmd("UID MOVE 1 Junk")
    c.logout()
    harness.wait_for(lambda: "Report lost" in p.log(), "the error")
    shutil.rmtree(path)
    shutil.rmtree(path + ".aside")
    identity = p.control_file(p.user(), IDENTITY)
    with open(identity, "w") as f:
        f.write("broken\n")
    os.chown(identity, harness.VMAIL_ID, harness.VMAIL_ID)
    c = p.imap(select="INBOX")
    c.cmd("UID MOVE 2 Junk")
    c.logout()
    harness.wait_for(lambda: "isn't a valid identity: delete the file" in
                     p.log(), "the error")
    os.unlink(identity)
    p.d.options.service = ""
    p.d.restart()
    p.deliver(ham())
    p.move("INBOX", "Junk")
    p.expect("spam move")


def make_fifo(path):
    os.mkfifo(path)
    os.chown(path, harness.VMAIL_ID, harness.VMAIL_ID)


def make_socket(path):
    # a socket's name has at most 107 bytes
    here = os.getcwd()
    os.chdir(os.path.dirname(path))
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(os.path.basename(path))
    finally:
        os.chdir(here)
    os.chown(path, harness.VMAIL_ID, harness.VMAIL_ID)


def make_sparse(path):
    with open(path, "wb") as f:
        f.truncate(1 << 40)
    os.chown(path, harness.VMAIL_ID, harness.VMAIL_ID)


def make_others(path):
    with open(path, "w") as f:
        f.write("root's\n")
    os.chmod(path, 0o666)


PLANTS = {
    "fifo": make_fifo,
    "socket": make_socket,
    "directory": lambda path: os.mkdir(path),
    "device": lambda path: os.symlink("/dev/zero", path),
    "dangling": lambda path: os.symlink("nothing", path),
    "sparse": make_sparse,
    "others": make_others,
}


def clear(path):
    for name in (path, path + ".aside"):
        if os.path.isdir(name) and not os.path.islink(name):
            os.rmdir(name)
        elif os.path.lexists(name):
            os.unlink(name)


def test_planted(t):
    """whatever a user puts in place of our files, nobody waits: mail is
    delivered and moved, and reported if possible"""
    p = t.private(debug=True,
                  settings={"sieve_plugins": "sieve_vnd_junk_feedback"})
    p.d.sieve(p.user(), 'require ["vnd.junk-feedback", "fileinto", '
              '"relational", "comparator-i;ascii-numeric"];\n'
              'if junkscore :value "ge" :comparator "i;ascii-numeric" "90" '
              '{ fileinto "Junk"; }\n')
    for _ in range(3):
        p.deliver(ham())
    c = p.imap(select="INBOX")
    c.cmd("UID MOVE %d Junk" % c.uids()[-1])
    c.logout()
    p.expect("spam move")
    files = [p.control_file(p.user(), name) for name in
             (SPOOL, IDENTITY, "junk-feedback.trail", "junk-feedback.kept")]
    files += [p.control_file(p.user(), "junk-feedback.intent.%d" % i)
              for i in range(9)]
    kept = p.control_file(p.user(), "kept.id")
    os.rename(files[1], kept)
    wait_imap_gone(p)
    for name, plant in PLANTS.items():
        for path in files:
            clear(path)
            plant(path)
        assert timed(lambda: p.deliver(ham())) < PATIENCE_SECS, name
        c = p.imap(select="INBOX")
        assert timed(lambda: c.cmd("UID MOVE %d Junk" % c.uids()[-1])) < \
            PATIENCE_SECS, name
        assert timed(lambda: c.cmd("NOOP")) < PATIENCE_SECS, name
        c.select("Junk")
        c.cmd("UID MOVE %d Trash" % c.uids()[-1])
        c.logout()
        wait_imap_gone(p)
        assert not os.path.exists(p.control_file(p.user(), "nothing")), name

    # lmtp looks for a segment that wasn't there at most once in a second
    def said():
        p.deliver(ham())
        return "scored without the user's own reports" in p.log()
    harness.wait_for(said, "the line about the identity")
    for path in files:
        clear(path)
    # only the identity stays, since the rest is replaced
    os.rename(kept, files[1])
    p.d.options.service = None
    p.d.restart()
    make_fifo(files[0])
    log_size = len(p.log())
    p.deliver(ham())
    c = p.imap(select="INBOX")
    c.cmd("UID MOVE %d Junk" % c.uids()[-1])
    c.logout()
    wait_spool(p)
    harness.wait_for(lambda: "was renamed" in p.log()[log_size:], "the line")
    assert p.log()[log_size:].count("was renamed") == 1, p.log()
    p.d.options.service = ""
    p.d.restart()
    p.imap()
    wait_spool_gone(p)
    p.expect("spam move")


def test_spool_behind_the_end(t):
    """a spool of a terabyte: reports in it are sent, the rest is set aside"""
    p = t.private(debug=True, service=None)
    for _ in range(3):
        p.deliver(ham())
    c = p.imap(select="INBOX")
    c.cmd("UID MOVE 1:3 Junk")
    testcase.wait_reported(p.d)
    c.logout()
    wait_imap_gone(p)
    path = p.control_file(p.user(), SPOOL)
    os.truncate(path, 1 << 40)
    p.d.options.service = ""
    p.d.restart()
    c = p.imap(select="INBOX")
    for _ in range(3):
        assert timed(lambda: c.cmd("NOOP")) < PATIENCE_SECS
    wait_spool_gone(p)
    p.expect("3 spam move")
    assert os.path.getsize(path + ".aside") == 1 << 40
    harness.wait_for(lambda: "larger than the maximum of" in p.log(), "the log")
    assert p.log().count("larger than the maximum of") == 1, p.log()


def test_modes(t):
    """only the user may read what the plugin writes"""
    t.deliver(ham())
    t.move("INBOX", "Junk")
    t.deliver(spam(), mailbox="Junk")
    t.move("Junk", "Trash")
    t.expect("spam move")
    for name in (IDENTITY, "junk-feedback.trail", "junk-feedback.intent.0"):
        st = os.stat(t.control_file(t.user(), name))
        assert st.st_mode & 0o777 == 0o600, (name, oct(st.st_mode))
        assert st.st_uid == harness.VMAIL_ID
