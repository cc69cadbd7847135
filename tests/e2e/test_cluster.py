"""Several hosts with one model: a log in PostgreSQL (doc/cluster.md)."""

import contextlib
import os
import shutil
import time

import harness
import testcase
from admin import doveadm
from junkclient import Client
from postgres import Postgres

OPTIONS = {"settings": {"sieve_plugins": "sieve_vnd_junk_feedback"}}
HOSTS = 3


class Cluster(contextlib.ExitStack):
    """Three servers and their PostgreSQL"""

    def __init__(self):
        super().__init__()
        self.postgres = Postgres()
        self.callback(self.postgres.close)
        self.hosts = []
        try:
            for i in range(HOSTS):
                self.add(i)
        except BaseException:
            self.close()
            raise

    def add(self, i):
        d = harness.Dovecot("cluster%d" % i, settings={
            "sieve_plugins": "sieve_vnd_junk_feedback",
            "junk_feedback_min_reporters": "1",
            "junk_feedback_publish_delay": "0",
            "junk_feedback_cluster": self.postgres.conninfo})
        host = testcase.Test(d, "host%d" % i, "maildir")
        state = os.path.join(d.state_dir, "junk-feedback")
        if self.hosts:
            first = os.path.join(self.hosts[0].d.state_dir, "junk-feedback")
            stat = os.stat(first)
            os.makedirs(state, mode=0o700, exist_ok=True)
            shutil.copy(os.path.join(first, "key"), state)
            for path in (state, os.path.join(state, "key")):
                os.chown(path, stat.st_uid, stat.st_gid)
            os.chmod(os.path.join(state, "key"), 0o600)
        self.hosts.append(host)
        self.enter_context(d)
        # the service starts with its first client
        wait_for_status(host, lambda s: s.get("state") == "ready")
        if i == 0:
            code, out, err = doveadm(host, "junk", "cluster", "init")
            assert code == 0 and "created" in out, (code, out, err)
        wait_for_status(host, lambda s: s.get("cluster") == "connected")

    def wait_equal(self, reports):
        """Wait until each host has recorded so many reports"""
        for host in self.hosts:
            harness.wait_for(lambda: count(host) == reports,
                             "%d reports" % reports)


def wait_for_status(host, condition):
    harness.wait_for(lambda: condition(status(host)), "the status")


def status(host):
    with Client(host.d.socket_path) as c:
        return c.status()


def count(host):
    return host.d.query("SELECT count(*) FROM reports WHERE undone IS NULL")[
        0][0]


def report(host, user, data, source, target):
    host.deliver(data, user)
    c = host.imap(user, select=source)
    c.cmd("UID MOVE * %s" % target)
    c.logout()


def test_one_model(t):
    """cluster: what is reported on one host is known on all; the log away, and back"""
    with Cluster() as cluster:
        a, b, c = cluster.hosts
        for i in range(8):
            report(a if i % 2 else b, "anna", testcase.spam(1000 + i), "INBOX",
                   "Junk")
            report(b if i % 2 else c, "bert", testcase.ham(1000 + i), "INBOX",
                   "Archive")
        cluster.wait_equal(16)
        cluster.postgres.stop("immediate")
        code, out, _ = doveadm(a, "junk", "status")
        assert code != 0 and "junk_feedback_cluster: " in out, out
        for i in range(4):
            report(a, "anna", testcase.spam(2000 + i), "INBOX", "Junk")
        time.sleep(1)
        assert count(a) == 16
        cluster.postgres.start()
        for host in cluster.hosts:
            wait_for_status(host, lambda s: s.get("cluster") == "connected")
        report(a, "anna", testcase.spam(3000), "INBOX", "Junk")
        cluster.wait_equal(21)
        rows = [host.d.query("SELECT seq, id, hour, verdict, origin, score "
                             "FROM reports ORDER BY seq")
                for host in cluster.hosts]
        assert rows[0] == rows[1] == rows[2], rows
        cluster.postgres.query("UPDATE junk_head SET checkpoint_time = "
                               "now() - interval '1 hour'")
        harness.wait_for(lambda: all("cluster_state" in status(host)
                                     for host in cluster.hosts),
                         "a checkpoint", 20)
        states = {status(host)["cluster_state"] for host in cluster.hosts}
        assert len(states) == 1, states
        code, out, err = doveadm(b, "junk", "forget", "--since", "1h")
        assert code == 0, (out, err)
        cluster.wait_equal(0)
        report(c, "bert", testcase.ham(4000), "INBOX", "Archive")
        cluster.wait_equal(1)
