"""Two systems in separate namespaces: the Internet (this process) and the mail
host. One virtual cable connects them.

Each system has overlays in memory over the machine's /etc, /usr, /var and /srv.
Configuration and mail are at their usual paths there, and are gone afterwards.
"""

import glob
import os
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OVERLAID = ("/etc", "/usr", "/var", "/srv")
GATEWAY, HOST = "198.19.0.1", "198.19.0.25"
# all addresses of the Internet
INTERNET = "198.18.0.0/15"
# long enough for a busy machine
TIMEOUT_SECS = 180

PREPARE = """
set -eu
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs tmpfs /mnt
for folder in $OVERLAID; do
	upper=/mnt$folder
	mkdir -p $upper
	# small enough to be filled by a test
	mount -t tmpfs -o size=1g tmpfs $upper
	mkdir $upper/upper $upper/work
	lower=$folder
	[ ! -d "$STAGE$folder" ] || lower=$STAGE$folder:$folder
	mount -t overlay -o lowerdir=$lower,upperdir=$upper/upper,workdir=$upper/work overlay $folder
done
ip link set lo up
# it may be a link to where nothing is any more
rm -f /etc/resolv.conf /etc/nsswitch.conf
echo 'hosts: files dns' >/etc/nsswitch.conf
rm -f /usr/sbin/policy-rc.d
"""


class Failure(Exception):
    pass


def wait_for(condition, what, secs=TIMEOUT_SECS):
    """Wait for a true value of condition(), and return it."""
    end = time.monotonic() + secs
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure("timed out waiting for " + what)
        time.sleep(0.1)


class System:
    """A system in the namespaces of the process pid, or in our own (None)."""

    def __init__(self, pid=None):
        self.pid = pid
        self.processes = {}
        self.began = time.time()
        self.root = "" if pid is None else "/proc/%d/root" % pid

    def command(self, args):
        if self.pid is None:
            return list(args)
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-u", "-r", "-w",
                "--",
                *args]

    def run(self, *args, check=True, **kwargs):
        """Run a command in the system, and return its output."""
        kwargs.setdefault("timeout", 180)
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        if "input" in kwargs:
            del kwargs["stdin"]
        p = subprocess.run(self.command(args), stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True,
                           errors="replace", **kwargs)
        if check and p.returncode != 0:
            raise Failure("%s: exit code %d\n%s" % (
                " ".join(args), p.returncode, p.stdout[-3000:]))
        return p.stdout

    def prepare(self, stage):
        env = dict(os.environ, OVERLAID=" ".join(OVERLAID), STAGE=stage)
        self.run("sh", "-c", PREPARE, env=env)

    def path(self, path):
        """Return the path by which this process reaches a file of the
        system."""
        return self.root + path

    def read(self, path):
        try:
            with open(self.path(path), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def logs(self):
        """Return the last lines of each log."""
        text = ""
        for pattern in ("*.out", "*.log", "*/*.log"):
            for path in glob.glob(self.path("/var/log/" + pattern)):
                with open(path, errors="replace") as f:
                    lines = f.readlines()
                if lines and os.path.getmtime(path) > self.began:
                    text += "--- %s\n%s" % (path, "".join(lines[-12:]))
        return text

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w") as f:
            f.write(text)

    def start(self, name, *args, ready=None, user=None):
        """Start a process that stays in the foreground, and wait until it is
        ready: until this path exists or this condition is true."""
        if user is not None:
            args = ("runuser", "-u", user, "--", *args)
        if isinstance(ready, str) and os.path.exists(self.path(ready)):
            os.unlink(self.path(ready))
        log_path = self.path("/var/log/%s.out" % name)
        with open(log_path, "ab") as log:
            process = subprocess.Popen(
                self.command(args), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        self.processes[name] = process

        def is_ready():
            if process.poll() is not None:
                raise Failure("%s has ended\n%s" % (name, self.logs()))
            if ready is None:
                return True
            if callable(ready):
                return ready()
            return os.path.exists(self.path(ready))
        wait_for(is_ready, name)

    def stop(self, name, signo=signal.SIGTERM):
        process = self.processes.pop(name)
        os.killpg(process.pid, signo)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def make(stage):
    """Create both systems. Return (Internet, host)."""
    holder = subprocess.Popen(
        ["unshare", "--net", "--mount", "--uts", "--propagation", "private",
         "sleep", "infinity"])
    host = System(holder.pid)
    ours = os.readlink("/proc/self/ns/net")
    wait_for(lambda: os.readlink("/proc/%d/ns/net" % holder.pid) != ours and
             os.readlink("/proc/%d/ns/mnt" % holder.pid) !=
             os.readlink("/proc/self/ns/mnt"), "a namespace")
    internet = System()
    host.prepare(stage)
    internet.prepare("/nowhere")
    internet.run("ip", "link", "add", "wire", "type", "veth", "peer", "name",
                 "eth0", "netns", str(holder.pid))
    for command in ("ip link set wire up",
                    "ip addr add %s/24 dev wire" % GATEWAY,
                    # all addresses of the Internet are local here
                    "ip route add local 198.18.0.0/16 dev lo"):
        internet.run(*command.split())
    for command in ("ip link set eth0 up", "ip addr add %s/24 dev eth0" % HOST,
                    "ip route add default via " + GATEWAY,
                    "hostname mail.example.org"):
        host.run(*command.split())
    return internet, host
