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
# PostgreSQL's clock is behind for connections that begin after this
OLD_CLOCK = """
CREATE SCHEMA old;
CREATE FUNCTION old.now() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$SELECT pg_catalog.now() - interval '10 days'$$;
ALTER ROLE junk SET search_path = public, old, pg_catalog;
"""


class Cluster(contextlib.ExitStack):
    """Three servers and their PostgreSQL"""

    def __init__(self, sql=None):
        super().__init__()
        self.postgres = Postgres()
        self.callback(self.postgres.close)
        self.hosts = []
        try:
            if sql is not None:
                self.postgres.query(sql)
            for i in range(HOSTS):
                self.add(i)
            self.wait_connected()
        except BaseException:
            self.close()
            raise

    def add(self, i, *files):
        """Start a host with the key, and these files, of the first one"""
        d = harness.Dovecot("cluster%d" % i, settings={
            "sieve_plugins": "sieve_vnd_junk_feedback",
            "junk_feedback_min_reporters": "1",
            "junk_feedback_publish_delay": "0",
            "junk_feedback_retention": "7d",
            "junk_feedback_cluster": self.postgres.conninfo})
        host = testcase.Test(d, "host%d" % i, "maildir")
        if self.hosts:
            copy_state(self.hosts[0].d, d, "key", *files)
        self.enter_context(d)
        # the service starts with its first client
        wait_for_status(host, lambda s: s.get("state") == "ready")
        if i == 0:
            code, out, err = doveadm(host, "junk", "cluster", "init")
            assert code == 0 and "created" in out, (code, out, err)
        self.hosts.append(host)
        return host

    def wait_connected(self):
        for host in self.hosts:
            wait_for_status(host, lambda s: s.get("cluster") == "connected")

    def wait_same_state(self):
        """Let a checkpoint be due, and compare the hosts' states there"""
        self.postgres.query("UPDATE junk_head SET checkpoint_time = "
                            "now() - interval '1 hour'")
        last = harness.wait_for(lambda: self.postgres.query(
            "SELECT checkpoint FROM junk_head WHERE checkpoint = seq"),
            "a checkpoint", 20)[0][0]
        harness.wait_for(lambda: all(
            status(host).get("cluster_state", "").startswith(last + " ")
            for host in self.hosts), "the hosts' checkpoint")
        states = {status(host)["cluster_state"] for host in self.hosts}
        assert len(states) == 1, states

    def wait_equal(self, reports):
        """Wait until each host has recorded so many reports"""
        for host in self.hosts:
            harness.wait_for(lambda: count(host) == reports,
                             "%d reports" % reports)


def copy_state(source, target, *names):
    """Copy files of the state directory, the database as doc/cluster.md says"""
    source = os.path.join(source.state_dir, "junk-feedback")
    state = os.path.join(target.state_dir, "junk-feedback")
    stat = os.stat(source)
    os.makedirs(state, mode=0o700, exist_ok=True)
    os.chown(state, stat.st_uid, stat.st_gid)
    for name in names:
        path = os.path.join(state, name)
        if name == "key":
            shutil.copy(os.path.join(source, name), path)
        else:
            harness.run("sqlite3", os.path.join(source, name),
                        ".backup " + path)
        os.chown(path, stat.st_uid, stat.st_gid)
        os.chmod(path, 0o600)


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
        cluster.wait_connected()
        report(a, "anna", testcase.spam(3000), "INBOX", "Junk")
        cluster.wait_equal(21)
        rows = [host.d.query("SELECT seq, id, hour, verdict, origin, score "
                             "FROM reports ORDER BY seq")
                for host in cluster.hosts]
        assert rows[0] == rows[1] == rows[2], rows
        cluster.wait_same_state()
        code, out, err = doveadm(b, "junk", "forget", "--since", "1h")
        assert code == 0, (out, err)
        cluster.wait_equal(0)
        report(c, "bert", testcase.ham(4000), "INBOX", "Archive")
        cluster.wait_equal(1)


def test_expiry(t):
    """cluster: reports expire on all hosts and in the log, and a host joins with
    the database of another"""
    with Cluster(OLD_CLOCK) as cluster:
        a, b, c = cluster.hosts
        for i in range(4):
            report(a, "anna", testcase.spam(1000 + i), "INBOX", "Junk")
            report(b, "bert", testcase.ham(1000 + i), "INBOX", "Archive")
        cluster.wait_equal(8)
        cluster.postgres.query("SET client_min_messages = warning; "
                               "DROP SCHEMA old CASCADE")
        cluster.postgres.stop("fast")
        cluster.postgres.start()
        cluster.wait_connected()
        harness.wait_for(lambda: cluster.postgres.query(
            "SELECT count(*) FROM junk_log WHERE hour < extract(epoch FROM "
            "now() - interval '8 days')") == [["0"]], "the log's expiry", 40)
        for host in cluster.hosts:
            wait_for_status(host, lambda s: "cluster_state" in s)
            # rows whose tokens are counted are deleted every ten minutes, and
            # after a start
            harness.wait_for(lambda: status(host)["tokens_pending"] == "0",
                             "counted tokens", 30)
            host.d.restart()
        cluster.wait_connected()
        cluster.wait_equal(0)
        report(c, "bert", testcase.ham(2000), "INBOX", "Archive")
        cluster.wait_equal(1)
        cluster.wait_same_state()
        late = cluster.add(3)
        wait_for_status(late, lambda s: "copy the database of another" in
                        s.get("cluster", ""))
        assert count(late) == 0
        cluster.hosts.pop()
        cluster.add(4, "stats.sqlite3")
        cluster.wait_connected()
        report(cluster.hosts[-1], "carl", testcase.spam(3000), "INBOX", "Junk")
        cluster.wait_equal(2)
        cluster.wait_same_state()
