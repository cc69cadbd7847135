"""The queries for administrators, run while the service writes."""

import glob
import os
import subprocess
import threading
import time

import admin
import junkclient

SECS = 5
TOKENS = 100
# A single read in which the statistics must agree with the reports.
CONSISTENT = """
SELECT (SELECT count(*) FROM reports WHERE undone IS NULL),
  (SELECT sum(reports) FROM hours),
  (SELECT sum(reports) FROM report_days),
  (SELECT sum(spam) + sum(ham) FROM rate_hours WHERE threshold = 90);
"""


def sqlite(t, text):
    """Run a query as doc/schema.md says"""
    p = subprocess.run(["sqlite3", "-readonly", t.d.database_path],
                       input=text, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=60)
    assert p.returncode == 0 and not p.stderr, (text, p.stderr)
    return p.stdout


class Stream(threading.Thread):
    """Send reports of different people until stop() is called"""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.ending = threading.Event()
        self.sent = self.durable = 0
        self.start()

    def run(self):
        with junkclient.Client(self.path) as client:
            while not self.ending.is_set():
                for n in range(self.sent, self.sent + 50):
                    client.send(junkclient.report(
                        n, n, 1 + n % 2, words=range(n % 7, n % 7 + TOKENS)))
                self.sent = n + 1
                client.wait_acks(50)
                self.durable = self.sent

    def stop(self):
        self.ending.set()
        self.join()
        assert 0 < self.sent == self.durable, "the service doesn't answer"


def test_while_writing(t):
    """sql/queries while reports stream in: no query is locked out, and each
    answer is consistent"""
    queries = {}
    for path in glob.glob(admin.TOP + "/sql/queries/*.sql"):
        with open(path) as f:
            queries[os.path.basename(path)] = f.read()
    assert len(queries) > 5
    # this creates the database
    with junkclient.Client(t.d.socket_path) as client:
        client.report("first", "first", junkclient.HAM)
    stream = Stream(t.d.socket_path)
    end = time.monotonic() + SECS
    counts = [0]
    # on a busy machine it takes longer until the counts have differed
    while (time.monotonic() < end or
           (len(set(counts)) <= 3 and time.monotonic() < end + 60)):
        for text in queries.values():
            sqlite(t, text)
        reports, *others = map(int, sqlite(t, CONSISTENT).split("|"))
        assert set(others) == {reports}, (reports, others)
        counts.append(reports)
    stream.stop()
    assert counts == sorted(counts) and len(set(counts)) > 3, counts
    # plus the first one
    assert t.d.query("SELECT count(*) FROM reports") == [(stream.sent + 1,)]
    for name in ("reports-by-day.sql", "missed-and-caught.sql"):
        assert sqlite(t, queries[name]), name
    assert not t.errors(), t.errors()
