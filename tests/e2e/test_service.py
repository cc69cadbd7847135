"""The service on its own: a client uses its protocol; database and segment are
checked."""

import os

import harness
import junkclient
from junkclient import HAM, RETRACT, SPAM

OPTIONS = {}
FORMATS = ("maildir",)


def client(t):
    harness.wait_for(lambda: os.path.exists(t.d.socket_path), "the socket")
    return junkclient.Client(t.d.socket_path)


def count(t):
    rows = t.d.query("SELECT coalesce(sum(reports), 0) FROM hours")
    return rows[0][0] if rows else 0


def test_files(t):
    "owner and mode of everything that the service makes"
    with client(t) as c:
        c.report("anna", "files", SPAM)
        status = c.status()
    assert status["state"] == "ready", status
    uid = os.stat(t.d.state_dir + "/junk-feedback").st_uid
    assert uid != 0
    for name, mode in (("", 0o700), ("/key", 0o600), ("/lock", 0o600),
                       ("/stats.sqlite3", 0o600)):
        st = os.stat(t.d.state_dir + "/junk-feedback" + name)
        assert st.st_uid == uid and st.st_mode & 0o7777 == mode, name
    st = os.stat(t.d.segment_path)
    assert st.st_uid == uid and st.st_mode & 0o7777 == 0o644


def test_acknowledged_is_durable(t):
    "an acknowledged report is in the database, for any other reader"
    before = count(t)
    with client(t) as c:
        for i in range(20):
            c.report("anna", "durable%d" % i, SPAM)
            assert count(t) == before + i + 1


def test_repetition(t):
    "the same report again, also from another connection, counts once"
    before = count(t)
    data = junkclient.report("anna", "again", SPAM)
    with client(t) as c, client(t) as c2:
        c.send(data * 3)
        c2.send(data * 2)
        c.wait_acks(3)
        c2.wait_acks(2)
    assert count(t) == before + 1


def test_undo(t):
    "case 28: in and out at once is as if it never was"
    before = count(t)
    with client(t) as c:
        c.report("anna", "undo", SPAM)
        c.report("anna", "undo", HAM)
        assert count(t) == before
        c.report("anna", "undo", SPAM)
        assert count(t) == before + 1
        c.report("anna", "undo", RETRACT)
        assert count(t) == before


def test_client_that_dies(t):
    "what a client has written before it died is recorded"
    before = count(t)
    c = client(t)
    for i in range(100):
        c.send(junkclient.report("bert", "dies%d" % i, SPAM))
    c.close()
    harness.wait_for(lambda: count(t) == before + 100, "100 reports")
