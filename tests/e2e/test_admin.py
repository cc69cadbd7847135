"""Administration of what was learned: doveadm junk token, forget, rebuild and
rekey, and who may not use them."""

import json
import os
import socket
import subprocess

import admin
import harness
import junkclient
import testcase

REPORTERS = ("anna", "bert", "cleo")
EACH = 6


def doveadm(t, *args):
    """Return (exit code, rows, stderr)"""
    code, out, err = admin.doveadm(t, "-f", "json", "junk", *args)
    return code, json.loads(out or "[]"), err


def answer(t, *args):
    """Return {item: value}"""
    code, rows, err = doveadm(t, *args)
    assert code == 0 and not err, (code, err)
    return {row["item"]: str(row["value"]) for row in rows}


def move(t, user, message):
    t.deliver(message, user)
    c = t.imap(user, select="INBOX")
    c.cmd("UID MOVE 1:* Junk")


def train(t):
    """Several users report spam, and good mail is learned."""
    before = t.recorded()
    for user in REPORTERS:
        for _ in range(EACH):
            t.deliver(testcase.spam(), user)
            t.deliver(testcase.ham(), user)
        t.d.doveadm("junk", "learn", "-u", t.user(user), "spam", "mailbox",
                    "INBOX", "subject", "medicine")
        t.d.doveadm("junk", "learn", "-u", t.user(user), "ham", "mailbox",
                    "INBOX", "subject", "Meeting")
    assert t.recorded() == before + 2 * EACH * len(REPORTERS)
    admin.wait_fitted(t.d)


def score_sum(t, message):
    """Return the sum of a message's score, as text."""
    admin.wait_fitted(t.d)
    p = subprocess.run(["doveadm", "-c", t.d.config_path, "-f", "tab", "junk",
                        "score"], input=message, stdout=subprocess.PIPE)
    return [line.split("\t")[4] for line in p.stdout.decode().splitlines()
            if "\tsum\t" in line][0]


def test_token(t):
    """token: a host, a word and an address; nothing that only one person
    reported"""
    train(t)
    for word, klass in (("pharma.example", "url-host"),
                        ("medicine", "subject-word"), ("pills", "body-word"),
                        ("anna.weber@example.org", "sender-address")):
        code, rows, err = doveadm(t, "token", word)
        assert code == 0 and not err, (word, code, err)
        found = {row["class"]: row for row in rows}
        assert klass in found, (word, rows)
        assert 2 <= int(found[klass]["people"]) <= 4, rows
        assert max(int(found[klass]["spam"]), int(found[klass]["ham"])) == \
            EACH * len(REPORTERS), rows
        assert float(found[klass]["weight"]) != 0, rows
        # the same number as in the views, which follow soon
        assert harness.wait_for(lambda: t.d.query(
            "SELECT spam, ham FROM shown_tokens WHERE token = ?",
            found[klass]["hash"]), "the view", 15), rows
    # reported by one person only
    move(t, "dora", testcase.ham().replace(b"garden", b"zebrafish"))
    harness.wait_for(lambda: t.recorded() == 37, "dora's report")
    # the last one is longer than the maximum of a token
    for word in ("zebrafish", "never-seen-anywhere", "a" * 80):
        code, rows, err = doveadm(t, "token", word)
        assert code == 68 and not rows and "too few people" in err, \
            (word, code, rows, err)
    for word in ("", "two words", "<a@b>"):
        code, rows, err = doveadm(t, "token", word)
        assert code == 64 and "one word" in err, (word, code, err)


def test_forget(t):
    """forget: one broken client's reports, as if they had never been sent"""
    train(t)
    message = testcase.spam(1)
    before, count = score_sum(t, message), t.recorded()
    for _ in range(10):
        t.deliver(testcase.spam(), "broken")
    c = t.imap("broken")
    for _ in range(10):
        c.append("Junk", testcase.ham())
    harness.wait_for(lambda: t.recorded() == count + 10, "10 reports")
    learned = score_sum(t, message)
    assert learned != before
    args = ("forget", "--since", "1h", "--origin", "append")
    found = answer(t, *args, "--dry-run")
    assert found == {"dry_run": "yes", "forgotten": "10", "exact": "yes"}, \
        found
    assert t.recorded() == count + 10 and score_sum(t, message) == learned
    found = answer(t, *args)
    assert found == {"forgotten": "10", "exact": "yes"}, found
    assert t.recorded() == count
    assert score_sum(t, message) == before
    # nothing is left to forget
    found = answer(t, *args)
    assert found["forgotten"] == "0", found


def test_forget_user(t):
    """forget -u: one user's reports of some hours, and nothing else"""
    train(t)
    message = testcase.spam(1)
    before, count = score_sum(t, message), t.recorded()
    c = t.imap("broken")
    for _ in range(10):
        c.append("Junk", testcase.ham())
    harness.wait_for(lambda: t.recorded() == count + 10, "10 reports")
    args = ("forget", "-u", t.user("broken"), "--since", "2h")
    found = answer(t, *args, "--until", "1h")
    assert found == {"forgotten": "0", "exact": "yes"}, found
    found = answer(t, *args, "-n")
    assert found == {"dry_run": "yes", "forgotten": "10", "exact": "yes"}, \
        found
    assert t.recorded() == count + 10
    found = answer(t, *args)
    assert found == {"forgotten": "10", "exact": "yes"}, found
    assert t.recorded() == count and score_sum(t, message) == before
    # a user who has never reported anything
    found = answer(t, "forget", "-u", t.user("nobody"), "--since", "2h")
    assert found == {"forgotten": "0"}, found
    assert t.recorded() == count


def test_score_people(t):
    """score: about how many people have reported each token and class"""
    train(t)
    p = subprocess.run(["doveadm", "-c", t.d.config_path, "-f", "json",
                        "junk", "score", "-a"], input=testcase.spam(1),
                       stdout=subprocess.PIPE, timeout=60, check=True)
    rows = json.loads(p.stdout)
    people = {row["token"] or row["class"]: row["people"] for row in rows
              if row["item"] in ("token", "class")}
    for name in ("pharma.example", "url-host"):
        assert int(people[name]) >= 2, (name, people)
    # words that only this message has
    assert "" in people.values(), people


def test_rebuild(t):
    """rebuild: the same reports are learned anew and give the same scores"""
    train(t)
    message = testcase.spam(1)
    before = score_sum(t, message)
    found = answer(t, "rebuild")
    assert int(found["model_spam"]) >= EACH * len(REPORTERS), found
    assert score_sum(t, message) == before
    # and the next report is added to that
    count = t.recorded()
    move(t, "erna", testcase.spam())
    harness.wait_for(lambda: t.recorded() == count + 1, "a report")


def test_rekey(t):
    """rekey: scores stay, statistics begin anew, the old key is deleted"""
    train(t)
    message = testcase.spam(1)
    before = score_sum(t, message)
    key_path = os.path.dirname(t.d.database_path) + "/key"
    with open(key_path, "rb") as f:
        key = f.read()
    code, rows, err = doveadm(t, "rekey")
    assert code == 64 and "--yes" in err, (code, err)
    found = answer(t, "rekey", "--yes")
    assert os.path.exists(found["old_database"]), found
    with open(key_path, "rb") as f:
        assert f.read() != key
    assert t.recorded() == 0
    assert score_sum(t, message) == before
    move(t, "fritz", testcase.spam())
    harness.wait_for(lambda: t.recorded() == 1, "a report")
    # reports from before can't be learned anew
    found = answer(t, "forget", "--since", "1h")
    assert found == {"forgotten": "1", "exact": "no"}, found
    # a restart finds the model and the key
    for pid in t.d.children("junk-feedback"):
        os.kill(pid, 15)
    harness.wait_for(lambda: doveadm(t, "status")[0] == 0, "the service")
    move(t, "gerd", testcase.spam())
    harness.wait_for(lambda: t.recorded() == 1, "a report")
    errors = [line for line in t.errors() if "signal 15" not in line]
    assert not errors, errors


def test_only_root(t):
    """a mail process may report, but neither look up nor forget; nor may one
    that runs as the service's own user"""
    with junkclient.Client(t.d.socket_path) as c:
        c.status()
    pid, = t.d.children("junk-feedback")
    own_id = os.stat("/proc/%d" % pid).st_uid
    assert own_id not in (0, harness.VMAIL_ID), own_id
    for kind, uid in [(kind, uid) for kind in (3, 4, 5, 6)
                      for uid in (harness.VMAIL_ID, own_id)]:
        pid = os.fork()
        if pid == 0:
            try:
                os.setgid(uid)
                os.setuid(uid)
                with socket.socket(socket.AF_UNIX) as s:
                    s.settimeout(20)
                    s.connect(t.d.socket_path)
                    payload = bytes(16) if kind == 4 else b""
                    # a second frame after it isn't read
                    s.sendall((len(payload).to_bytes(4, "little") +
                               bytes((1, kind, 0, 0)) + payload) * 2)
                    data = b""
                    while True:
                        more = s.recv(4096)
                        if not more:
                            break
                        data += more
                os._exit(0 if data[5:6] == b"\x8f" and
                         data.count(b"root only") == 1 else 1)
            except OSError:
                os._exit(2)
        assert os.waitpid(pid, 0)[1] == 0, (kind, uid)
