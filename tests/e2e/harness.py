"""A private Dovecot for tests and the demo: its own base_dir, users, mail and
log in one temporary folder, IMAP and LMTP on free loopback ports.

The modules under test come from a staged "make install": the staged tree is
laid over Dovecot's folder in a mount namespace of our own, so that the system
is never changed (see enter_overlay()).

    harness.enter_overlay(harness.stage(build_dir))
    with harness.Dovecot("name") as d:
        d.deliver("anna@maildir", message)
        c = d.imap("anna@maildir")
        c.cmd("SELECT INBOX")
        c.cmd("UID MOVE 1 Junk")

A user exists as soon as it is named: the domain says the mail format (maildir,
sdbox, mdbox), the password is "pass".

What differs between the configurations of Dovecot 2.3 and 2.4 is in
_config_23() and _config_24() alone.
"""

import ctypes
import fcntl
import glob
import imaplib
import os
import re
import shutil
import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import sanitizer

imaplib.Commands.setdefault("MOVE", ("SELECTED",))
imaplib.Commands.setdefault("UNSELECT", ("SELECTED",))

PASSWORD = "pass"
FORMATS = ("maildir", "sdbox", "mdbox")
# Nobody's number on a fresh system; all users share it, as virtual users do.
VMAIL_ID = 5000
TIMEOUT_SECS = 20

DEFAULT_MAILBOXES = (
    ("Junk", "\\Junk"),
    ("Trash", "\\Trash"),
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Archive", "\\Archive"),
    ("Work", None),
)


class HarnessError(Exception):
    pass


# --- the installed tree ---

def run(*args, **kwargs):
    """Run a command; its output (text), or HarnessError with all it said."""
    kwargs.setdefault("timeout", 300)
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace", **kwargs)
    if p.returncode != 0:
        raise HarnessError("%s: exit code %d\n%s" % (
            " ".join(args), p.returncode, p.stdout))
    return p.stdout


# Where stage() has installed the build, and the file that says so to others.
stage_dir = _stage_fd = None


def _hold(path):
    """A locked folder's file descriptor, None if somebody else has it."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def stage(build_dir):
    """"make install" the build into a folder of this process' own, which the
    next one removes; returns its path."""
    global stage_dir, _stage_fd
    build_dir = os.path.abspath(build_dir)
    for left in glob.glob(build_dir + "/stage.*"):
        fd = _hold(left)
        if fd is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(fd)
    stage_dir = path = "%s/stage.%d" % (build_dir, os.getpid())
    os.mkdir(path)
    _stage_fd = _hold(path)
    run("make", "-s", "-C", build_dir, "install", "DESTDIR=" + path)
    if sanitizer.is_sanitized(build_dir):
        sanitizer.enable(path, library_dir())
    return path


def library_dir():
    """Dovecot's own folder of programs and modules."""
    for path in ("/usr/lib/dovecot", "/usr/lib64/dovecot",
                 "/usr/local/lib/dovecot"):
        if os.path.isdir(os.path.join(path, "modules")):
            return path
    raise HarnessError("Dovecot isn't installed: apt-get install "
                       "dovecot-imapd dovecot-lmtpd dovecot-sieve")


MS_RDONLY = 1
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
CLONE_NEWNS = 0x00020000


def _mount(source, target, fstype, flags, data=None):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), fstype.encode(),
                  ctypes.c_ulong(flags), data.encode() if data else None) != 0:
        err = ctypes.get_errno()
        raise OSError(err, "mount %s: %s" % (target, os.strerror(err)))


def enter_overlay(staged_tree):
    """Lay the staged tree over Dovecot's folder, for this process and its
    children only. Needs root. Where a container forbids overlays, a copy of
    both is mounted instead; where it forbids mounting at all, HarnessError."""
    lib = library_dir()
    staged = staged_tree + lib
    if not os.path.isdir(staged):
        raise HarnessError("nothing is installed in %s" % staged)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise HarnessError(
            "can't make a mount namespace (%s): run as root, in a container "
            "with CAP_SYS_ADMIN" % os.strerror(ctypes.get_errno()))
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    try:
        _mount("overlay", lib, "overlay", MS_RDONLY,
               "lowerdir=%s:%s" % (staged, lib))
    except OSError:
        merged = staged_tree + "/merged"
        shutil.rmtree(merged, ignore_errors=True)
        shutil.copytree(lib, merged, symlinks=True)
        shutil.copytree(staged, merged, symlinks=True, dirs_exist_ok=True)
        _mount(merged, lib, "", MS_BIND)


def dovecot_version():
    """(2, 3) or (2, 4)"""
    text = run("dovecot", "--version")
    major, minor = re.match(r"(\d+)\.(\d+)", text).groups()
    return int(major), int(minor)


# --- configuration ---

class Options:
    """What a Dovecot is made of; each can be given to Dovecot(...)."""

    # (name, SPECIAL-USE or None) in the INBOX namespace
    mailboxes = DEFAULT_MAILBOXES
    separator = "/"
    # mail plugins of all protocols, of IMAP and of deliveries
    plugins = ()
    imap_plugins = ("notify", "junk_feedback")
    lmtp_plugins = ("sieve",)
    # settings of plugins: plugin { } on 2.3, plain ones on 2.4
    settings = {}
    # the text of the junk-feedback service block; None = no such service,
    # "" = the example's
    service = ""
    # more configuration: a text, or a function of the version
    extra = ""
    # user -> {userdb field: value}, beside the users made up on the way
    users = {}
    # names that may log in as anybody (user*master)
    masters = ()
    # IMAP: seconds until an IDLEing connection hibernates; 0 = never
    hibernate_secs = 0
    debug = False

    def __init__(self, **kwargs):
        for key, value in kwargs.items():
            if not hasattr(Options, key):
                raise TypeError("no such option: " + key)
            setattr(self, key, value)


def _mailboxes_text(mailboxes):
    text = ""
    for name, special_use in mailboxes:
        text += "  mailbox \"%s\" {\n    auto = create\n" % name
        if special_use is not None:
            text += "    special_use = %s\n" % special_use
        text += "  }\n"
    return text


def _config_23(d, o):
    lda = " ".join(("$mail_plugins",) + tuple(o.lmtp_plugins))
    imap = " ".join(("$mail_plugins",) + tuple(o.imap_plugins))
    text = """\
base_dir = {d.base_dir}
state_dir = {d.state_dir}
instance_name = junk-e2e
log_path = {d.log_path}
info_log_path = {d.log_path}
debug_log_path = {d.debug_log_path}
log_timestamp = "%Y-%m-%d %H:%M:%S.%{{usecs}} "
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
postmaster_address = postmaster@example.org
hostname = mx.example.org
first_valid_uid = 1
mail_plugins = {plugins}
protocol imap {{
  mail_plugins = {imap}
  mail_max_userip_connections = 100
}}
protocol lmtp {{
  mail_plugins = {lda}
}}
protocol lda {{
  mail_plugins = {lda}
}}
mail_home = {d.home_dir}/%u
mail_location = %d:~/mail
mail_fsync = never
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  master = yes
  args = scheme=PLAIN username_format=%u {d.masters_path}
  result_success = continue
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {d.users_path}
}}
userdb {{
  driver = static
  args = uid={id} gid={id} home={d.home_dir}/%u
}}
namespace inbox {{
  inbox = yes
  separator = {o.separator}
{mailboxes}}}
service imap-login {{
  inet_listener imap {{
    port = {d.imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {d.lmtp_port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener auth-userdb {{
    mode = 0666
  }}
}}
service imap-hibernate {{
  unix_listener imap-hibernate {{
    mode = 0666
  }}
}}
service imap {{
  unix_listener imap-master {{
    mode = 0666
  }}
}}
lmtp_save_to_detail_mailbox = yes
imap_hibernate_timeout = {o.hibernate_secs} s
""".format(d=d, o=o, id=VMAIL_ID, imap=imap, lda=lda, password=PASSWORD,
           plugins=" ".join(o.plugins), mailboxes=_mailboxes_text(o.mailboxes))
    if o.debug:
        text += "log_debug = category=junk-feedback\n"
    settings = _all_settings(o)
    if settings:
        text += "plugin {\n%s}\n" % "".join(
            "  %s = %s\n" % kv for kv in settings.items())
    return text


def _all_settings(o):
    """Tests look at what is learned at once, but for those of the delay."""
    if o.service is None:
        return o.settings
    return {"junk_feedback_publish_delay": "0", **o.settings}


def _plugins_24(names):
    return "mail_plugins {\n%s  }" % "".join(
        "    %s = yes\n" % name for name in names)


def _settings_24(settings):
    """Plugins' settings are plain ones in 2.4; a name with a folder of values
    stays a text of its own."""
    return "".join("%s = %s\n" % kv for kv in settings.items())


def _config_24(d, o):
    text = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {d.base_dir}
state_dir = {d.state_dir}
instance_name = junk-e2e
log_path = {d.log_path}
info_log_path = {d.log_path}
debug_log_path = {d.debug_log_path}
log_timestamp = "%Y-%m-%d %H:%M:%S.%{{usecs}} "
protocols {{
  imap = yes
  lmtp = yes
}}
listen = 127.0.0.1
ssl = no
auth_allow_cleartext = yes
postmaster_address = postmaster@example.org
hostname = mx.example.org
first_valid_uid = 1
{plugins}
protocol imap {{
  {imap}
  mail_max_userip_connections = 100
  imap_hibernate_timeout = {o.hibernate_secs} s
}}
protocol lmtp {{
  {lda}
}}
protocol lda {{
  {lda}
}}
mail_home = {d.home_dir}/%{{user}}
mail_driver = %{{user | domain}}
mail_path = ~/mail
mail_fsync = never
auth_master_user_separator = *
passdb masters {{
  driver = passwd-file
  master = yes
  default_password_scheme = PLAIN
  passwd_file_path = {d.masters_path}
  result_success = continue
}}
passdb static {{
  password = {password}
}}
userdb users {{
  driver = passwd-file
  passwd_file_path = {d.users_path}
}}
userdb static {{
  fields {{
    uid = {id}
    gid = {id}
    home = {d.home_dir}/%{{user}}
  }}
}}
namespace inbox {{
  inbox = yes
  separator = {o.separator}
{mailboxes}}}
service imap-login {{
  inet_listener imap {{
    port = {d.imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {d.lmtp_port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener auth-userdb {{
    mode = 0666
  }}
}}
service imap-hibernate {{
  unix_listener imap-hibernate {{
    mode = 0666
  }}
}}
service imap {{
  unix_listener imap-master {{
    mode = 0666
  }}
}}
lmtp_save_to_detail_mailbox = yes
""".format(d=d, o=o, id=VMAIL_ID, password=PASSWORD,
           plugins=_plugins_24(o.plugins),
           imap=_plugins_24(o.imap_plugins), lda=_plugins_24(o.lmtp_plugins),
           mailboxes=_mailboxes_text(o.mailboxes))
    if o.debug:
        text += "log_debug = category=junk-feedback\n"
    return text + _settings_24(_all_settings(o))


CONFIGS = {(2, 3): _config_23, (2, 4): _config_24}

SERVICE = """\
service junk-feedback {
  executable = junk-feedback
  user = dovecot
  process_limit = 1
  client_limit = 1000
  unix_listener junk-feedback {
    mode = 0666
  }
}
"""


def config_text(version, d, o):
    if version not in CONFIGS:
        raise HarnessError("no configuration for Dovecot %d.%d" % version)
    text = CONFIGS[version](d, o)
    if o.service is not None:
        text += o.service or SERVICE
    text += o.extra(version, d) if callable(o.extra) else o.extra
    return text + sanitizer.config(version, d)


# --- the example configuration, as it stands ---

EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "examples")


def _etc_dovecot():
    """A /etc/dovecot of this process's mount namespace, with the example's
    script where the example says that it is."""
    if os.path.ismount("/etc/dovecot"):
        return
    _mount("tmpfs", "/etc/dovecot", "tmpfs", 0, "mode=755")
    os.mkdir("/etc/dovecot/sieve")
    shutil.copy(EXAMPLES + "/junk.sieve", "/etc/dovecot/sieve/junk.sieve")


def _example_config(version, d):
    _etc_dovecot()
    name = "dovecot-%d.%d/95-junk-feedback.conf" % version
    path = d.dir + "/95-junk-feedback.conf"
    with open(os.path.join(EXAMPLES, name)) as f:
        text = f.read()
    # see _all_settings()
    delay = "junk_feedback_publish_delay = "
    assert "#" + delay in text
    with open(path, "w") as f:
        f.write(text.replace("#" + delay + "2 mins", delay + "0"))
    personal = ("sieve_script personal {\n  path = ~/.dovecot.sieve\n}\n"
                if version >= (2, 4) else
                "plugin {\n  sieve = ~/.dovecot.sieve\n}\n")
    return "!include %s\n%s" % (path, personal)


# Options of a Dovecot that has nothing of ours but examples/.
EXAMPLE_OPTIONS = {"service": None, "imap_plugins": (), "lmtp_plugins": (),
                   "extra": _example_config}


# --- the server ---

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Dovecot:
    """One private server. Use it as a context manager, or start() and
    stop(). home_dir: another server's, to share its users' mail. Other keyword
    arguments: see Options."""

    def __init__(self, name, keep=False, directory=None, home_dir=None,
                 **options):
        self.options = Options(**options)
        self.version = dovecot_version()
        self.keep = keep
        self.dir = directory or tempfile.mkdtemp(prefix="junk-%s-" % name)
        os.chmod(self.dir, 0o755)
        self.base_dir = self.dir + "/run"
        self.state_dir = self.dir + "/state"
        self.home_dir = home_dir or self.dir + "/home"
        self.config_path = self.dir + "/dovecot.conf"
        self.log_path = self.dir + "/dovecot.log"
        self.debug_log_path = self.dir + "/debug.log"
        self.masters_path = self.dir + "/masters"
        self.users_path = self.dir + "/users"
        self.socket_path = self.base_dir + "/junk-feedback"
        self.database_path = self.state_dir + "/junk-feedback/stats.sqlite3"
        self.segment_path = self.base_dir + "/junk-feedback.scores"
        self.imap_port = free_port()
        self.lmtp_port = free_port()
        self.process = None
        self.clients = []
        self._make_files()

    def _make_files(self):
        for path in (self.base_dir, self.state_dir):
            os.makedirs(path, exist_ok=True)
        os.makedirs(self.home_dir, exist_ok=True)
        os.chown(self.home_dir, VMAIL_ID, VMAIL_ID)
        for path in (self.log_path, self.debug_log_path):
            open(path, "a").close()
            # sieve and doveadm log by themselves as the user
            os.chmod(path, 0o666)
        with open(self.masters_path, "w") as f:
            for name in self.options.masters:
                f.write("%s:{PLAIN}%s\n" % (name, PASSWORD))
        self.write_users()
        self.write_config()

    def write_users(self):
        with open(self.users_path, "w") as f:
            for name, fields in self.options.users.items():
                extra = " ".join("userdb_%s=%s" % kv for kv in fields.items())
                f.write("%s::%d:%d::%s/%s::%s\n" % (
                    name, VMAIL_ID, VMAIL_ID, self.home_dir, name, extra))

    def write_config(self):
        with open(self.config_path, "w") as f:
            f.write(config_text(self.version, self, self.options))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    # -- processes

    def start(self):
        self.process = subprocess.Popen(
            ["dovecot", "-F", "-c", self.config_path],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        for port in (self.imap_port, self.lmtp_port):
            self._wait_port(port)
        # listeners come one after the other
        if self.options.service is not None:
            wait_for(lambda: is_listening(self.socket_path) or
                     self.process.poll() is not None, self.socket_path)

    def _wait_port(self, port):
        end = time.monotonic() + TIMEOUT_SECS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise HarnessError("dovecot doesn't start:\n%s%s" % (
                    self.process.stdout.read(), self.log()))
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise HarnessError("dovecot doesn't listen:\n" + self.log())

    def stop(self):
        for client in self.clients:
            client.close()
        self.clients = []
        if self.process is None:
            return
        children = self.children()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(TIMEOUT_SECS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.process = None
        wait_gone(children)
        for report in sanitizer.reports(self):
            raise HarnessError("found by a sanitizer:\n" + report)

    def kill(self):
        """Stop it at once, for a test that is done with it."""
        pids = self.children()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_gone(pids)

    def restart(self):
        """With the options as they are now."""
        self.stop()
        self.write_config()
        self.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def children(self, name=None):
        """pids of the master's children, of one program or of all"""
        if self.process is None:
            return []
        return [pid for pid, comm in children_of(self.process.pid)
                if name is None or comm == name[:15]]

    # -- mail

    def imap(self, user, password=PASSWORD):
        """A logged-in Imap."""
        client = Imap(self.imap_port)
        self.clients.append(client)
        client.cmd('LOGIN "%s" "%s"' % (user, password))
        return client

    def imap_process(self, user):
        """A logged-in Imap, and the pid of its process."""
        before = set(self.children("imap"))
        client = self.imap(user)
        pid, = set(self.children("imap")) - before
        return client, pid

    def imaplib(self, user, password=PASSWORD):
        """A logged-in imaplib.IMAP4."""
        client = imaplib.IMAP4("127.0.0.1", self.imap_port, TIMEOUT_SECS)
        client.login(user, password)
        return client

    def deliver(self, recipients, message, sender="sender@example.com"):
        """Deliver by LMTP; raises smtplib's exceptions if it is refused."""
        if isinstance(recipients, str):
            recipients = [recipients]
        with smtplib.LMTP("127.0.0.1", self.lmtp_port,
                          local_hostname="client.example.org") as lmtp:
            lmtp.ehlo_or_helo_if_needed()
            replies = [lmtp.mail(sender)]
            replies += [lmtp.rcpt(rcpt) for rcpt in recipients]
            # smtplib reads one reply to the data; LMTP has one a recipient
            replies.append(lmtp.data(to_crlf(message)))
            replies += [lmtp.getreply() for rcpt in recipients[1:]]
        refused = [reply for reply in replies if reply[0] // 100 != 2]
        if refused:
            raise HarnessError("LMTP refused: %r" % refused)

    def doveadm(self, *args, **kwargs):
        return run("doveadm", "-c", self.config_path, *args, **kwargs)

    def home(self, user):
        return os.path.join(self.home_dir, user)

    def sieve(self, user, script):
        """Make script the user's active one."""
        path = self.home(user)
        os.makedirs(path, exist_ok=True)
        with open(path + "/.dovecot.sieve", "w") as f:
            f.write(script)
        for name in (path, path + "/.dovecot.sieve"):
            os.chown(name, VMAIL_ID, VMAIL_ID)

    # -- what happened

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def debug_log(self):
        with open(self.debug_log_path, errors="replace") as f:
            return f.read()

    def log_errors(self):
        """Lines of the log that name an error, a warning or a crash."""
        return [line for line in self.log().splitlines()
                if re.search(r"(Error|Warning|Panic|Fatal): ", line)]

    def query(self, sql, *args):
        """Rows of the service's database; [] if there is none yet."""
        if not os.path.exists(self.database_path):
            return []
        db = sqlite3.connect("file:%s?mode=ro" % self.database_path, uri=True,
                             timeout=TIMEOUT_SECS)
        try:
            return db.execute(sql, args).fetchall()
        except sqlite3.OperationalError as e:
            if "no such table" in str(e):
                return []
            raise
        finally:
            db.close()


def children_of(pid):
    """[(pid, program)] of a process's children"""
    result = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name) as f:
                stat = f.read()
        except OSError:
            continue
        comm = stat[stat.index("(") + 1:stat.rindex(")")]
        if int(stat[stat.rindex(")") + 2:].split()[1]) == pid:
            result.append((int(name), comm))
    return result


def wait_gone(pids, timeout_secs=TIMEOUT_SECS):
    """Wait until processes have ended; what is left is killed."""
    end = time.monotonic() + timeout_secs
    for pid in pids:
        while os.path.exists("/proc/%d" % pid):
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.01)


def process_status(pid):
    """{name: value} of /proc/PID/status"""
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def memory_kbytes(pid):
    """What of a process is in memory"""
    return int(process_status(pid)["VmRSS"].split()[0])


def wait_for(condition, what="a condition", timeout_secs=TIMEOUT_SECS):
    """Wait until condition() is true; returns its value."""
    end = time.monotonic() + timeout_secs
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise HarnessError("timeout: " + what)
        time.sleep(0.01)


def is_listening(path):
    """Is there a UNIX socket that takes connections? Without making one."""
    with open("/proc/net/unix") as f:
        sockets = [line.split() for line in f]
    # SO_ACCEPTCON in the flags
    return any(fields[-1] == path and int(fields[3], 16) & 0x10000
               for fields in sockets[1:])


def to_crlf(message):
    if isinstance(message, str):
        message = message.encode()
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


# --- IMAP ---

class ImapError(Exception):
    pass


class Imap:
    """A plain IMAP client: says what it is told to, so that tests can pipeline
    and break off."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port),
                                             TIMEOUT_SECS)
        self.file = self.sock.makefile("rb")
        self.tag = 0
        self.greeting = self.read_line()

    def read_line(self):
        """One response line, with its literals."""
        line = self.file.readline()
        if not line:
            raise ImapError("connection closed")
        m = re.search(rb"\{(\d+)\}\r\n$", line)
        if m:
            return line + self.file.read(int(m.group(1))) + self.read_line()
        return line

    def send(self, command):
        """Send a command without waiting; returns its tag. A command is a
        text, or a list of texts and literals (bytes), sent as LITERAL+."""
        self.tag += 1
        tag = "a%d" % self.tag
        data = [tag.encode() + b" "]
        for part in command if isinstance(command, list) else [command]:
            if isinstance(part, bytes):
                data += [b"{%d+}\r\n" % len(part), part]
            else:
                data.append(part.encode())
        self.sock.sendall(b"".join(data) + b"\r\n")
        return tag

    def wait(self, tag):
        """Read up to the tagged answer: (status, [untagged lines], text)"""
        lines = []
        prefix = tag.encode() + b" "
        while True:
            line = self.read_line()
            if line.startswith(prefix):
                words = line[len(prefix):].decode(errors="replace").split(" ", 1)
                return words[0], lines, words[1].strip()
            lines.append(line)

    def cmd(self, command, expect="OK"):
        """Send and wait; raises ImapError if the answer isn't as expected.
        Returns the untagged lines and the tagged one, as one text."""
        status, lines, text = self.wait(self.send(command))
        if expect is not None and status != expect:
            raise ImapError("%s: %s %s" % (
                command if isinstance(command, str) else command[0],
                status, text))
        return (b"".join(lines).decode(errors="replace") +
                "%s %s\r\n" % (status, text))

    def append(self, mailbox, message, flags="", expect="OK"):
        """APPEND; returns the UID (UIDPLUS)."""
        text = self.cmd(['APPEND "%s" (%s) ' % (mailbox, flags),
                         to_crlf(message)], expect)
        m = re.search(r"APPENDUID \d+ (\S+)\]", text)
        return m.group(1) if m else None

    def append_many(self, mailbox, messages, flags=""):
        """By MULTIAPPEND, some hundreds at once."""
        for start in range(0, len(messages), 500):
            parts = ['APPEND "%s" ' % mailbox]
            for message in messages[start:start + 500]:
                parts += ["(%s) " % flags, to_crlf(message), " "]
            parts.pop()
            self.cmd(parts)

    def select(self, mailbox):
        return self.cmd('SELECT "%s"' % mailbox)

    def uids(self, search="ALL"):
        text = self.cmd("UID SEARCH " + search)
        m = re.search(r"^\* SEARCH([ \d]*)\r$", text, re.M)
        return [int(uid) for uid in m.group(1).split()] if m else []

    def logout(self):
        self.cmd("LOGOUT")
        self.close()

    def close(self):
        """Break the connection off."""
        try:
            self.file.close()
            self.sock.close()
        except OSError:
            pass


if __name__ == "__main__":
    sys.exit("this is a module; tests/e2e/run runs the tests")
