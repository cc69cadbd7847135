"""The service reads the same settings as the plugin and logs errors in
them."""

import grp
import os
import stat
import subprocess
import time

import harness
import junkclient
import testcase
from junkclient import LEARN, SPAM

# 2.3 accepts anything in plugin { }, so the service logs errors. 2.4 refuses
# to start.
WRONG = {
    "junk_feedback_retention": "soon",
    "junk_feedback_database_size": "1M",
    "junk_feedback_state_dir": "junk",
    "junk_feedback_treshold": "90",
}
REFUSED_AT_START = harness.dovecot_version() >= (2, 4)
OPTIONS = {"settings": {
    "junk_feedback_rate": "3",
    "junk_feedback_min_reporters": "4",
    **({} if REFUSED_AT_START else WRONG),
}}
FORMATS = ("maildir",)


def client(t):
    harness.wait_for(lambda: os.path.exists(t.d.socket_path), "the socket")
    return junkclient.Client(t.d.socket_path)


def test_rate(t):
    "case 38, 41: more than junk_feedback_rate in an hour is a burst"
    with client(t) as c:
        for i in range(5):
            c.report("anna", "rate%d" % i, SPAM)
        c.report("bert", "rate", SPAM)
        c.report("anna", "learn", SPAM, origin=LEARN)
        status = c.status()
    assert status["reports_recorded"] == "7", status
    assert status["reports_burst"] == "2", status
    rows = t.d.query("SELECT sum(reports), sum(burst) FROM report_hours")
    assert rows == [(7, 2)], rows


def test_crafted_spool(t):
    """what a user has written into the spool counts as the user's, even when
    root sends it: it doesn't escape the limits"""
    user = t.user()
    t.deliver(testcase.spam())
    path = t.control_file(user, "junk-feedback.spool")
    owner = os.stat(os.path.dirname(path))
    with client(t) as c:
        # doveadm becomes the one user, and root again after each of several
        users = t.d.dir + "/users"
        with open(users, "w") as f:
            f.write(user + "\n")
        for scope in (["-u", user], ["-F", users]):
            before = int(c.status()["reports_burst"])
            with open(path, "wb") as f:
                for i in range(5):
                    f.write(junkclient.report("mallory" + scope[0],
                                              "crafted%d" % i, SPAM,
                                              origin=LEARN))
            os.chmod(path, 0o600)
            os.chown(path, owner.st_uid, owner.st_gid)
            subprocess.run(["doveadm", "-c", t.d.config_path, "junk", "spool",
                            "--send", *scope], check=True, timeout=60)
            assert not os.path.exists(path)
            assert int(c.status()["reports_burst"]) == before + 2, c.status()


def test_min_reporters(t):
    "the views know who is shown"
    with client(t) as c:
        c.status()
    rows = t.d.query("SELECT value FROM meta WHERE name = 'min_reporters'")
    assert rows == [(4,)], rows


def check_refused(t, name, value):
    """doveconf names an invalid setting and exits with an error."""
    path = t.d.dir + "/wrong.conf"
    with open(t.d.config_path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write("%s\n%s = %s\n" % (text, name, value))
    p = subprocess.run(["doveconf", "-n", "-c", path],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True)
    assert p.returncode != 0 and name in p.stdout, p.stdout


def test_wrong_values(t):
    "a wrong setting is named, with what is used instead (2.4: refused)"
    if REFUSED_AT_START:
        for name, value in WRONG.items():
            check_refused(t, name, value)
        return
    with client(t) as c:
        c.status()
    log = t.d.log()
    assert "junk_feedback_retention = soon: Invalid" in log, log
    assert "junk_feedback_database_size must be at least 64M" in log, log
    assert "junk_feedback_state_dir must be a full path" in log, log
    assert "junk_feedback_treshold: unknown setting" in log, log
    assert "junk_feedback_rate" not in log, log


def test_publish_delay(t):
    """other users' reports are in the segment after the delay and not before;
    a user's own report at once"""
    p = t.private(settings={"junk_feedback_publish_delay": "6 s",
                            "junk_feedback_min_reporters": "1"})
    testcase.barrier(p.d)

    def weights():
        with open(p.d.segment_path, "rb") as f:
            data = f.read()
        end = 128 + 2 * (1 << data[28])
        return data[128:end], data[end:end + 2 * (1 << data[29])]
    shared, personal = weights()
    p.deliver(testcase.spam())
    p.move("INBOX", "Junk")
    began = time.monotonic()
    harness.wait_for(lambda: weights()[1] != personal, "the user's own")
    assert time.monotonic() - began < 2
    assert weights()[0] == shared
    harness.wait_for(lambda: weights()[0] != shared, "the shared ones")
    assert 4 < time.monotonic() - began < 12, time.monotonic() - began


def test_segment_mode(t):
    """the settings decide who may read the segment"""
    p = t.private(settings={"junk_feedback_segment_mode": "0640",
                            "junk_feedback_segment_group": "postfix"})
    testcase.barrier(p.d)
    st = os.stat(p.d.segment_path)
    assert stat.S_IMODE(st.st_mode) == 0o640, oct(st.st_mode)
    assert st.st_gid == grp.getgrnam("postfix").gr_gid
