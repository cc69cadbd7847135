"""Permissions: the minimal modes that work with one uid for all mail and with
a uid for each user, what a single peer can't do to others, and what the
service itself may do."""

import contextlib
import json
import os
import pwd
import socket
import stat
import subprocess
import time

import harness
import junkclient
import sanitizer
import testcase
from junkclient import HAM, SPAM
from testcase import spam

OPTIONS = {}
# Dovecot needs a name for a socket's owner: one that every system has
MAIL_NAME = "mail"
MAIL_ID = pwd.getpwnam(MAIL_NAME).pw_uid
# users with their own uids and Dovecot's mail group in common, and a user who
# has nothing to do with mail
USER_IDS = {"ulla": 5101, "vera": 5102}
STRANGER_ID = 5999

SERVICE = """\
service junk-feedback {
  executable = junk-feedback
  user = dovecot
  process_limit = 1
  client_limit = %(client_limit)d
  %(more)s
  unix_listener junk-feedback {
    %(listener)s
  }
}
"""


def service(listener="mode = 0666", more="", client_limit=1000):
    return SERVICE % {"listener": listener, "more": more,
                      "client_limit": client_limit}


def as_user(uid, function, gid=None):
    """Run a function in a process of another user. Return the text of its
    exception, or None."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(gid or uid)
            os.setuid(uid)
            function()
            os._exit(0)
        except Exception as e:  # pass any exception to the parent
            os.write(writer, repr(e).encode())
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as f:
        text = f.read().decode()
    return None if os.waitpid(pid, 0)[1] == 0 else text


def denied(uid, function, gid=None):
    return "PermissionError" in (as_user(uid, function, gid) or "")


def connect(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def listens(p):
    with contextlib.suppress(OSError):
        connect(p.d.socket_path)
        return True


def start(t, **options):
    p = t.private(**options)
    harness.wait_for(lambda: listens(p), "the socket")
    return p


def move(p, user):
    p.d.deliver(user, spam())
    c = p.imap(user, select="INBOX")
    c.cmd("UID MOVE %d Junk" % c.uids()[-1])
    c.logout()


def service_pid(p):
    with junkclient.Client(p.d.socket_path) as c:
        return int(c.status()["pid"])


def service_files(p):
    state = p.d.state_dir + "/junk-feedback"
    return state, [os.path.join(state, name) for name in os.listdir(state)]


def check_service_files(p, strangers):
    """Only the service may read its files and write the segment."""
    state, files = service_files(p)
    uid = os.stat(state).st_uid
    assert uid not in [0] + strangers, uid
    assert mode(state) == 0o700
    names = {os.path.basename(path) for path in files}
    assert {"key", "stats.sqlite3", "lock"} <= names, names
    for path in files:
        assert mode(path) == 0o600 and os.stat(path).st_uid == uid, path
    assert mode(p.d.segment_path) == 0o644
    for stranger in strangers:
        assert denied(stranger, lambda: os.listdir(state))
        assert denied(stranger, lambda: open(state + "/key"))
        assert denied(stranger, lambda: open(p.d.segment_path, "r+b"))


def check_user_files(p, user, uid, strangers):
    """Only the user may read the user's identity and spool."""
    harness.wait_for(lambda: not p.d.children("imap"), "imap to end")
    control = os.path.join(p.d.home(user), "mail")
    found = [name for name in os.listdir(control) if "junk-feedback" in name]
    assert any("spool" in name for name in found) and len(found) >= 2, found
    for name in found:
        path = os.path.join(control, name)
        assert mode(path) == 0o600 and os.stat(path).st_uid == uid, path
        for stranger in strangers:
            assert denied(stranger, lambda: open(path)), path


def check_spool(p, user, uid, strangers):
    """A report that can't be sent is spooled, and arrives later."""
    os.unlink(p.d.socket_path)
    before = p.recorded()
    move(p, user)
    check_user_files(p, user, uid, strangers)
    p.d.restart()
    harness.wait_for(lambda: listens(p), "the socket")
    harness.wait_for(lambda: p.imap(user) and p.recorded() == before + 1,
                     "the spool")


def own_uids(t, uids, service_text, **options):
    """Start a Dovecot whose users have these uids and a common group"""
    p = start(t, service=service_text, users={
        user: {"uid": uid, "gid": MAIL_ID} for user, uid in uids.items()},
        **options)
    for user, uid in uids.items():
        os.makedirs(p.d.home(user))
        os.chown(p.d.home(user), uid, MAIL_ID)
    return p


def test_one_uid(t):
    """access: one uid for all mail: socket 0600 of that uid, all files closed
    to others"""
    user = t.user()
    p = own_uids(t, {user: MAIL_ID},
                 service("mode = 0600\n    user = " + MAIL_NAME))
    assert mode(p.d.socket_path) == 0o600
    move(p, user)
    harness.wait_for(lambda: p.recorded() == 1, "a report")
    assert denied(STRANGER_ID, lambda: connect(p.d.socket_path))
    check_service_files(p, [MAIL_ID, STRANGER_ID])
    check_spool(p, user, MAIL_ID, [STRANGER_ID])
    assert p.recorded() == 2


def segment_mode_row(p):
    """Return the row of doveadm junk status about the segment's mode, or
    None"""
    run = subprocess.run(["doveadm", "-c", p.d.config_path, "-f", "json",
                          "junk", "status"], stdout=subprocess.PIPE, text=True,
                         timeout=60)
    return next((row for row in json.loads(run.stdout)
                 if row["item"] == "segment mode"), None)


def test_segment_width(t):
    """access: doveadm says when more people may read the segment than
    necessary, and the mode that it suggests is enough"""
    user, socket_text = t.user(), service("mode = 0600\n    user = " + MAIL_NAME)
    p = own_uids(t, {user: MAIL_ID}, socket_text)
    testcase.barrier(p.d)
    row = segment_mode_row(p)
    assert row and row["state"] == "note", row
    assert "only the group %s of the mail" % MAIL_NAME in row["value"], row
    p.d.stop()
    p = own_uids(t, {user: MAIL_ID}, socket_text, settings={
        "junk_feedback_segment_mode": "0640",
        "junk_feedback_segment_group": MAIL_NAME})
    testcase.barrier(p.d)
    assert segment_mode_row(p) is None
    assert not denied(MAIL_ID, lambda: open(p.d.segment_path))
    assert denied(STRANGER_ID, lambda: open(p.d.segment_path))


def test_uid_per_user(t):
    """access: a uid per user: socket 0660 of their group, each user's files
    closed to the others"""
    p = own_uids(t, {name + "@maildir": uid for name, uid in USER_IDS.items()},
                 service("mode = 0660\n    group = " + MAIL_NAME))
    assert mode(p.d.socket_path) == 0o660
    for name in USER_IDS:
        move(p, name + "@maildir")
    harness.wait_for(lambda: p.recorded() == 2, "two reports")
    assert denied(STRANGER_ID, lambda: connect(p.d.socket_path))
    check_service_files(p, list(USER_IDS.values()) + [STRANGER_ID])
    check_spool(p, "ulla@maildir", USER_IDS["ulla"],
                [USER_IDS["vera"], STRANGER_ID])
    assert p.recorded() == 3


def identity(p, user):
    with open(os.path.join(p.d.home(user), "mail/junk-feedback.id")) as f:
        return bytes.fromhex(f.read())


def test_own_identity(t):
    """access: a uid per user: nobody can report as another user, or as many"""
    p = own_uids(t, {name + "@maildir": uid for name, uid in USER_IDS.items()},
                 service(), settings={"junk_feedback_uid_identities": "1"})
    for name in USER_IDS:
        move(p, name + "@maildir")
    harness.wait_for(lambda: p.recorded() == 2, "two reports")
    ulla = identity(p, "ulla@maildir")

    def report_as(reporter, number):
        with junkclient.Client(p.d.socket_path) as c:
            c.send(testcase.report_frame(1, 1, reporter, bytes([number]) * 16))
            # acknowledged nevertheless, so that a spool isn't stuck with it
            c.wait_acks(1)

    def reports_from(uid, reporter, number):
        before = p.recorded()
        failure = as_user(uid, lambda: report_as(reporter, number), MAIL_ID)
        assert failure is None, failure
        return p.recorded() - before

    assert reports_from(USER_IDS["ulla"], ulla, 1) == 1
    assert reports_from(USER_IDS["vera"], ulla, 2) == 0
    assert reports_from(USER_IDS["ulla"], os.urandom(16), 3) == 0
    # an administrator may, and doveadm is one even when it reads a user's mail
    assert reports_from(0, os.urandom(16), 4) == 1
    p.d.deliver("vera@maildir", spam())
    os.unlink(os.path.join(p.d.home("vera@maildir"), "mail/junk-feedback.id"))
    p.d.doveadm("junk", "learn", "-u", "vera@maildir", "spam", "mailbox",
                "INBOX", "all")
    assert p.recorded() == 5, p.recorded()
    assert p.log().count("reports were refused") == 1, p.log()


# --- what the service may do ---

def check_privileges(p, pid):
    """The process has no root privileges, no other groups, no capabilities and
    no core dumps."""
    found = harness.process_status(pid)
    uid = os.stat(p.d.state_dir + "/junk-feedback").st_uid
    assert found["Uid"].split() == [str(uid)] * 4 and uid != 0, found["Uid"]
    assert "0" not in found["Gid"].split(), found["Gid"]
    assert "0" not in found["Groups"].split(), found["Groups"]
    for name in ("CapEff", "CapPrm"):
        assert int(found[name], 16) == 0, (name, found[name])
    # files in /proc belong to root if the own user can't dump or trace it
    assert os.stat("/proc/%d/mem" % pid).st_uid == 0


def grow(path):
    with open(path, "r+b") as f:
        os.posix_fallocate(f.fileno(), 0, 64 << 20)


def test_counter_page_grows(t):
    """access: a user can fill the tmpfs through the counter page for a second
    at most"""
    p = start(t, service=service())
    path = os.path.join(os.path.dirname(p.d.segment_path),
                        "junk-feedback.counts")
    with junkclient.Client(p.d.socket_path) as c:
        # when it answers, the page has its size
        c.status()
        size = os.stat(path).st_size
        assert size > 0
        assert as_user(STRANGER_ID, lambda: grow(path)) is None
        began = time.monotonic()
        harness.wait_for(lambda: os.stat(path).st_size == size, "its size")
        assert time.monotonic() - began < 5


def test_privileges(t):
    """access: the service runs without root, capabilities and core dumps"""
    p = start(t)
    pid = service_pid(p)
    check_privileges(p, pid)
    assert os.readlink("/proc/%d/root" % pid) == "/"


def test_shared_service_user(t):
    """access: mail processes that run as the service's user could read its
    key: this is logged, and they aren't administrators"""
    p = start(t)
    uid = os.stat("/proc/%d" % service_pid(p)).st_uid

    def act():
        with junkclient.Client(p.d.socket_path) as c:
            c.send(testcase.report_frame(1, 1, b"r" * 16, b"m" * 16))
            c.wait_acks(1)
    for _ in range(2):
        assert as_user(uid, act) is None
    harness.wait_for(lambda: "can read its key" in p.log(), "the line")
    assert p.log().count("can read its key") == 1, p.log()


def test_root_is_refused(t):
    """access: the service doesn't run as root"""
    p = start(t, service=service().replace("user = dovecot", "user = root"))
    with contextlib.suppress(OSError, junkclient.Closed):
        service_pid(p)
    harness.wait_for(lambda: "must not run as root" in p.log(), p.log())
    # it ends with "Fatal", which is intended
    assert "Panic" not in p.log()


def doveadm(p, *args):
    return p.d.doveadm("-f", "tab", "junk", *args)


def test_chroot(t):
    """access: chrooted to its state directory, the service works completely"""
    p = t.private()
    p.d.stop()
    state = p.d.state_dir + "/junk-feedback"
    p.d.options.service = service(more="chroot = " + state)
    p.d.write_config()
    p.d.start()
    harness.wait_for(lambda: listens(p), "the socket")
    pid = service_pid(p)
    assert os.readlink("/proc/%d/root" % pid) == state
    check_privileges(p, pid)
    move(p, p.user())
    harness.wait_for(lambda: p.recorded() == 1, "a report")
    check_service_files(p, [harness.VMAIL_ID])
    # administration: paths are those outside of the chroot
    text = doveadm(p, "status")
    assert p.d.database_path in text, text
    doveadm(p, "rebuild")
    doveadm(p, "rekey", "--yes")
    assert [n for n in os.listdir(state) if "rekeyed" in n]
    # the segment's file is removed: the service restarts, as root at first
    os.unlink(p.d.segment_path)
    harness.wait_for(lambda: "was deleted: restarting" in p.log(),
                     "the warning", 40)
    harness.wait_for(lambda: listens(p) and os.path.exists(p.d.segment_path),
                     "the segment")
    move(p, p.user())
    harness.wait_for(lambda: p.recorded() == 1, "a report")
    ours = [line for line in p.errors() if " junk-feedback: " in line]
    assert len(ours) == 1 and "was deleted: restarting" in ours[0], ours


def test_chroot_elsewhere(t):
    """access: a chroot without the state directory is refused, and the error
    names it"""
    p = start(t, service=service(more="chroot = /var/empty/nowhere"))

    def is_said():
        """Each start logs the error: a message was once lost 23 ms after
        Dovecot's own start."""
        with contextlib.suppress(OSError, junkclient.Closed):
            service_pid(p)
        return "must be junk_feedback_state_dir" in p.log()

    harness.wait_for(is_said, "the error")


# --- what one peer can't do to others ---

def test_connections(t):
    """access: a user who holds all connections open keeps nobody out"""
    limit = 10
    p = start(t, service=service(client_limit=limit))

    def hold():
        held = []
        for _ in range(3 * limit):
            held.append(junkclient.Client(p.d.socket_path))
            time.sleep(0.02)
        # another uid's report is accepted while all connections are held
        with junkclient.Client(p.d.socket_path) as c:
            c.report("mallory", "own", SPAM)
        time.sleep(2)
        assert held

    with junkclient.Client(p.d.socket_path) as early:
        early.report("anna", "first", SPAM)
        pid = os.fork()
        if pid == 0:
            os._exit(0 if as_user(STRANGER_ID, hold) is None else 1)
        time.sleep(1)
        # an early connection is kept, and a new one is accepted
        early.report("anna", "second", SPAM)
        began = time.monotonic()
        with junkclient.Client(p.d.socket_path) as c:
            c.report("bert", "third", HAM)
            status = c.status()
        assert time.monotonic() - began < 2
        assert int(status["connections"]) <= limit, status
        assert os.waitpid(pid, 0)[1] == 0
    assert p.recorded() == 4


def flood(path, data, stop):
    """Send without reading answers until told to stop, or disconnected."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.settimeout(0.1)
        while not os.path.exists(stop):
            try:
                s.send(data)
            except socket.timeout:
                continue
            except OSError:
                return


@contextlib.contextmanager
def flooding(p, data, count):
    """Flood the service with this number of processes"""
    stop = p.d.dir + "/stop"
    pids = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            flood(p.d.socket_path, data, stop)
            os._exit(0)
        pids.append(pid)
    try:
        yield pids
    finally:
        open(stop, "w").close()
        for pid in pids:
            os.waitpid(pid, 0)
        os.unlink(stop)


def longest_wait(p, name):
    """Return the longest time that another client waits for an
    acknowledgement"""
    longest = 0
    with junkclient.Client(p.d.socket_path) as c:
        for i in range(5):
            began = time.monotonic()
            c.report(name, "%s%d" % (name, i), SPAM)
            longest = max(longest, time.monotonic() - began)
    return longest


def test_unread_answers(t):
    """access: a client that sends requests and doesn't read the answers is
    disconnected: it costs the others neither time nor memory"""
    p = start(t)
    pid = service_pid(p)
    longest_wait(p, "warm")
    before = harness.memory_kbytes(pid)
    asked = junkclient.frame(junkclient.STATUS) * 5000
    with flooding(p, asked, 4) as pids:
        longest = longest_wait(p, "anna")
        for flooder in pids:
            harness.wait_for(lambda: not alive(flooder), "the end of the flood")
    assert longest < 2 * sanitizer.slowness(), longest
    grown = harness.memory_kbytes(pid) - before
    assert grown < 8 * 1024 + sanitizer.memory_kbytes(), grown
    assert service_pid(p) == pid


def alive(pid):
    """Tell whether a child is alive: one that has ended exists until it is
    waited for."""
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_report_flood(t):
    """access: a client that reports as fast as possible doesn't delay
    others"""
    p = start(t)
    pid = service_pid(p)
    longest_wait(p, "warm")
    before = harness.memory_kbytes(pid)
    data = b"".join(junkclient.report("mallory", "flood%d" % i, SPAM)
                    for i in range(2000))
    with flooding(p, data, 4):
        time.sleep(0.5)
        longest = longest_wait(p, "anna")
    assert longest < 5, longest
    assert harness.memory_kbytes(pid) - before < 64 * 1024, (
        before, harness.memory_kbytes(pid))
    assert service_pid(p) == pid
