"""A private PostgreSQL server, for the tests of a cluster."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile

import harness
import sanitizer


class Postgres:
    """A private server on a TCP port of the loopback address."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="junk-cluster-")
        os.chmod(self.dir, 0o755)
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        user = pwd.getpwnam("postgres")
        self.data = os.path.join(self.dir, "data")
        os.mkdir(self.data, 0o700)
        os.chown(self.data, user.pw_uid, user.pw_gid)
        self.command("initdb", "-U", "junk", "-A", "trust", "-D", self.data)
        self.sockets = os.path.join(self.dir, "run")
        os.mkdir(self.sockets)
        os.chown(self.sockets, user.pw_uid, user.pw_gid)
        self.port = harness.free_port()
        self.conninfo = ("host=127.0.0.1 port=%d user=junk dbname=postgres" %
                         self.port)
        self.start()

    def command(self, program, *args):
        subprocess.run(["setpriv", "--reuid=postgres", "--regid=postgres",
                        "--clear-groups", os.path.join(self.bin, program),
                        *args], check=True, cwd="/", env=sanitizer.without(),
                       stdout=subprocess.DEVNULL)

    def start(self):
        self.command("pg_ctl", "-D", self.data, "-w", "-l",
                     os.path.join(self.data, "log"), "-o",
                     "-c listen_addresses=127.0.0.1 -c port=%d "
                     "-c unix_socket_directories=%s" % (
                         self.port, self.sockets), "start")

    def stop(self, mode):
        self.command("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def processes(self):
        with open(os.path.join(self.data, "postmaster.pid"),
                  encoding="ascii") as f:
            pid = int(f.readline())
        return [pid] + [child for child, _ in harness.children_of(pid)]

    def signal(self, number):
        for pid in self.processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def query(self, sql):
        """Return the rows as lists of strings"""
        out = subprocess.run([os.path.join(self.bin, "psql"), "-XAtq", "-d",
                              self.conninfo, "-c", sql], check=True,
                             env=sanitizer.without(),
                             stdout=subprocess.PIPE, text=True).stdout
        return [line.split("|") for line in out.splitlines()]

    def close(self):
        self.stop("immediate")
        shutil.rmtree(self.dir)
