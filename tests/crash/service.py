"""The service is killed while clients report, while it rebuilds its model, and
while it upgrades its database."""

import os
import sqlite3
import tempfile
import time

import crashlib
import harness
import junkclient
from crashlib import check

CLIENTS = 6
REBUILD = 5
DATABASE_KILLS = 200
# enough reports for snapshots in each turn
TURN_REPORTS = 24000
MAX_TURNS = 10
# Enough for a rebuild to take a while, which is repeated many times.
MANY_REPORTS = 12000
# Including undone reports, this is less than REBUILD_REPORTS, so that no
# snapshot is written however slow the machine is
UNDO_REPORTS = 400
UNDO_KILLS = 25
# Enough reports for a snapshot, and the number of reports per kill
SNAPSHOTS_REPORTS = 9000
KILL_REPORTS = 15


def make_senders(d, count, rnd, people="c"):
    """Return (senders, reports that count in the end) of this number of
    reports"""
    stamp = time.time_ns() // 1000
    made = [crashlib.make_frames("%s%d" % (people, i), count // CLIENTS, rnd,
                                 stamp)
            for i in range(CLIENTS)]
    return ([crashlib.Sender(d.socket_path, frames) for frames, _ in made],
            sum(live for _, live in made))


def test_exactly_once(args, rnd):
    """Several clients, with snapshots in between. With more reports, each
    start of the service takes longer, so the number of kills per database is
    limited."""
    for left in range(args.kills, 0, -DATABASE_KILLS):
        yield from exactly_once(args, rnd, min(left, DATABASE_KILLS))


def exactly_once(args, rnd, wanted):
    """The number of reports in each life depends on the machine, so clients
    report until the service was killed as often as wanted."""
    with harness.Dovecot("crash") as d:
        crashlib.status(d)
        kills = live = connections = 0
        for turn in range(MAX_TURNS):
            senders, added = make_senders(d, TURN_REPORTS, rnd,
                                          "t%dc" % turn)
            kills += crashlib.run_senders(d, senders, wanted - kills, rnd)
            live += added
            connections += sum(s.connections for s in senders)
            if kills == wanted:
                break
        print("     killed %d times, %d connections, %d reports" % (
            kills, connections, live))
        yield check("it was killed under load", kills == wanted, kills)
        yield from crashlib.check_database(d, live)
        # a replay must give what was learned
        before = crashlib.model(d)
        crashlib.kill_service(d)
        yield check("a replay gives the same model",
                    crashlib.model(d) == before)


def test_all_at_once(args, rnd):
    """Kill it while it processes all reports at once: a rebuild, and an
    upgrade."""
    with harness.Dovecot("crash") as d:
        crashlib.status(d)
        senders, live = make_senders(d, MANY_REPORTS, rnd)
        crashlib.run_senders(d, senders, 0, rnd)
        yield from learn_anew(args, rnd, d)
        yield from upgrade(args, rnd, d, live)


def connect(d):
    """Connect; the master listens a moment after the socket exists."""
    def client():
        try:
            return junkclient.Client(d.socket_path)
        except OSError:
            return None
    return harness.wait_for(client, "the socket")


def timed(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began


def learn_anew(args, rnd, d):
    """A rebuild drops the snapshot, learns all reports, writes another
    snapshot and replaces the segment."""
    def ask():
        with junkclient.Client(d.socket_path) as c:
            c.send(junkclient.frame(REBUILD))
            c.read_frame()

    took = timed(ask)
    # learned in another order, it isn't equal bit by bit
    expected = crashlib.model(d)
    unanswered = 0
    for _ in range(max(args.kills // 10, 5)):
        crashlib.status(d)
        with junkclient.Client(d.socket_path) as c:
            c.send(junkclient.frame(REBUILD))
            c.sock.settimeout(rnd.uniform(0, 1.1 * took))
            try:
                c.read_frame()
            except TimeoutError:
                unanswered += 1
            crashlib.kill_service(d)
    print("     killed %d times while it learned anew (%.2f s)" % (
        unanswered, took))
    yield check("killed while it writes a snapshot and replaces the segment:"
                " the same model", unanswered > 0 and
                crashlib.model(d) == expected)
    yield check("the database is whole", d.query("PRAGMA integrity_check") ==
                [("ok",)])


def downgrade(path):
    """Downgrade to schema version 1"""
    db = sqlite3.connect(path)
    # the views refer to dropped tables; they are recreated
    for name, in db.execute("SELECT name FROM sqlite_master WHERE type = "
                            "'view'").fetchall():
        db.execute('DROP VIEW "%s"' % name)
    db.executescript("DROP TABLE identities; DROP TABLE report_ids;"
                     "CREATE INDEX reports_id ON reports (id);"
                     "DROP INDEX reports_burst;"
                     "UPDATE tokens SET day = day * 86400, sketch = "
                     "iif(reporters = 1, 1 << sketch, sketch);"
                     "ALTER TABLE tokens DROP COLUMN age;"
                     "DELETE FROM meta WHERE name = 'views';"
                     "PRAGMA user_version = 1;")
    db.close()


def upgrade(args, rnd, d, live):
    """Kill the service at random moments from its start with a database of the
    first version, until it is upgraded."""
    expected = crashlib.model(d)
    owner = os.stat(d.database_path)
    took = downgraded = early = 0
    for i in range(max(args.kills // 10, 5)):
        d.stop()
        if d.query("PRAGMA user_version") != [(1,)]:
            downgrade(d.database_path)
            downgraded += 1
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(d.database_path + suffix):
                    os.chown(d.database_path + suffix, owner.st_uid,
                             owner.st_gid)
        d.start()
        if i == 0:
            took = timed(lambda: crashlib.status(d))
            continue
        with connect(d) as c:
            c.send(junkclient.frame(junkclient.STATUS))
            c.sock.settimeout(rnd.uniform(0, took))
            try:
                c.read_frame()
            except TimeoutError:
                early += 1
            crashlib.kill_service(d)
    crashlib.status(d)
    print("     killed %d times while it started, %d upgrades (%.2f s)" % (
        early, downgraded, took))
    # it takes milliseconds, so most kills come before or after it
    yield check("killed while it upgrades: the same model", early > 0 and
                downgraded > 1 and crashlib.model(d) == expected)
    yield from crashlib.check_database(d, live)


def run_once(initial, frames, kills, rnd):
    """Return the model after the reports, starting from a copy of an initial
    state directory."""
    with harness.Dovecot("crash") as d:
        crashlib.copy_state(initial, d.state_dir + "/junk-feedback")
        crashlib.status(d)
        done = crashlib.run_senders(
            d, [crashlib.Sender(d.socket_path, frames)], kills, rnd)
        return done, crashlib.model(d)


def test_same_model(args, rnd):
    """One client sends the same reports with and without kills, with the same
    key and seed: some of them undone, and enough that snapshots are written.
    Not both at once: undoing a report that is in a snapshot is only
    approximate, and kills change when snapshots are written."""
    for _ in range(max(args.kills // DATABASE_KILLS, 1)):
        yield same_model("some reports taken back", UNDO_REPORTS, UNDO_KILLS,
                         rnd, undo=True)
    yield same_model("with snapshots",
                     max(KILL_REPORTS * args.kills, SNAPSHOTS_REPORTS),
                     args.kills // 4, rnd, undo=False)


def same_model(name, count, kills, rnd, undo):
    frames, _ = crashlib.make_frames("anna", count, rnd,
                                     time.time_ns() // 1000, undo)
    with tempfile.TemporaryDirectory(prefix="junk-crash-") as directory:
        initial = directory + "/initial"
        crashlib.make_initial(initial)
        _, expected = run_once(initial, frames, 0, rnd)
        done, got = run_once(initial, frames, kills, rnd)
    print("     killed %d times" % done)
    return check("the model is that of an uninterrupted run, " + name,
                 got == expected and done > 0)


TESTS = (test_exactly_once, test_all_at_once, test_same_model)
