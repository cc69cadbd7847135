"""The whole loop with the example configuration: mail is delivered with LMTP,
users report it over IMAP, and later mail is filed by what was learned."""

import json
import mmap
import os
import re
import struct
import subprocess
import time

import harness
import testcase

REPORTS = 12


OPTIONS = harness.EXAMPLE_OPTIONS


def compile_global(t):
    p = subprocess.run(["sievec", "-c", t.d.config_path,
                        "/etc/dovecot/sieve/junk.sieve"],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True)
    assert p.returncode == 0, p.stdout


def status(t):
    p = subprocess.run(["doveadm", "-c", t.d.config_path, "-f", "json",
                        "junk", "status"], stdout=subprocess.PIPE, text=True)
    return p.returncode, {row["item"]: (row["state"], row["value"])
                          for row in json.loads(p.stdout)}


def wait_counted(t, count):
    harness.wait_for(lambda: t.recorded() >= count, "%d reports" % count)


def move_all(t, user, source, target):
    c = t.imap(user, select=source)
    uids = c.uids()
    if uids:
        c.cmd('UID MOVE 1:* "%s"' % target)
    return len(uids)


def save(t, user, mailbox, messages):
    """Put a message into a mailbox without a report, since doveadm isn't a
    user."""
    for message in messages:
        t.d.doveadm("save", "-u", t.user(user), "-m", mailbox,
                    input=message.decode())


def generation(t):
    with open(t.d.segment_path, "rb") as f:
        m = mmap.mmap(f.fileno(), 128, prot=mmap.PROT_READ)
        return struct.unpack_from("=I", m, 76)[0]


def train(t):
    """Three users report spam and rescue good mail."""
    if getattr(t.d, "trained", False):
        return
    t.d.trained = True
    for user in ("anna", "bert", "cleo"):
        before = t.recorded()
        for _ in range(REPORTS):
            t.deliver(testcase.spam(), user)
        reported = move_all(t, user, "INBOX", "Junk")
        save(t, user, "Junk", [testcase.ham() for _ in range(REPORTS)])
        c = t.imap(user, select="Junk")
        c.cmd('UID MOVE %s INBOX' % ",".join(
            str(uid) for uid in c.uids("SUBJECT Meeting")))
        wait_counted(t, before + reported + REPORTS)


def scores(t, mailbox, user, search="ALL"):
    """{uid: X-Junk-Score}"""
    found = {}
    c = t.imap(user, select=mailbox)
    for uid in c.uids(search):
        text = c.cmd("UID FETCH %d BODY.PEEK[HEADER.FIELDS (X-Junk-Score)]"
                     % uid)
        found[uid] = text.split("X-Junk-Score: ")[1].split("\r")[0]
    return found


def test_status_before(t):
    """doveadm junk status: everything is configured before the first report"""
    compile_global(t)
    harness.wait_for(lambda: status(t)[0] == 0, "status")
    code, rows = status(t)
    for item in ("plugin file", "imap mail_plugins", "lmtp sieve_plugins",
                 "lda sieve_plugins", "service", "socket", "segment",
                 "state"):
        assert rows[item][0] == "ok", rows
    assert rows["model"][0] == "note", rows


def check(t):
    p = subprocess.run(["doveadm", "-c", t.d.config_path, "-f", "json",
                        "junk", "check"], stdout=subprocess.PIPE, text=True)
    return p.returncode, {row["item"]: (row["state"], row["value"])
                          for row in json.loads(p.stdout)}


def test_check(t):
    """doveadm junk check: a report and its undo, and nothing is left"""
    compile_global(t)
    code, rows = check(t)
    assert code == 0, rows
    for item in ("report", "scores", "take back", "database",
                 "are moves learned", "is new mail scored"):
        assert rows[item][0] == "ok", rows
    assert t.recorded() == 0


def reason(t, mailbox, user):
    """Return the last message's X-Junk-Reason"""
    text = t.imap(user, select=mailbox).cmd(
        "FETCH * BODY.PEEK[HEADER.FIELDS (X-Junk-Reason)]")
    return text.split("X-Junk-Reason: ")[1].split("\r")[0]


def test_unknown_before(t):
    """the first message of all: unknown, delivered, stamped"""
    compile_global(t)
    t.deliver(testcase.spam(), "first")
    assert list(scores(t, "INBOX", "first").values()) == ["unknown"]
    assert reason(t, "INBOX", "first") in ("there are no scores",
                                           "too few spam reports")


TRAPPED = b"""\
From: %s
To: trap@example.net
Subject: %s
Date: Tue, 3 Mar 2026 12:00:0%d +0000

%s
"""


def trapped(n):
    return TRAPPED % ((
        (b"Casino <win@casino.example>", b"Roulette bonus waits", 1,
         b"Spin now, double your deposit tonight at the golden table"),
        (b"Dr. Okoro <okoro@bank.example>", b"Confidential transfer", 2,
         b"Kindly assist in moving eighteen million dollars abroad"),
        (b"Uhren <shop@replica.example>", b"Luxusuhren guenstig", 3,
         b"Schweizer Modelle ab neunzig Euro, Versand kostenlos"))[n])


def test_spam_trap(t):
    """junkreport in a spam trap: reported, not stored (before there are
    scores, as the global script files mail before the trap's own script)"""
    compile_global(t)
    with open(harness.EXAMPLES + "/spamtrap.sieve") as f:
        t.d.sieve(t.user("trap"), f.read())
    # nor is there a report by "check", which has undone it
    harness.wait_for(lambda: status(t)[1]["model"][0] == "note", "no scores")

    def reports():
        return t.d.query("SELECT coalesce(sum(reports), 0) FROM hours "
                         "WHERE origin = 6 AND verdict = 1")[0][0]

    t.deliver(trapped(0), "trap")
    t.deliver(trapped(1), "trap")
    harness.wait_for(lambda: reports() == 2, "two reports")
    c = t.imap("trap", select="INBOX")
    assert c.uids() == []
    # the same message again counts once
    t.deliver(trapped(1), "trap")
    t.deliver(trapped(2), "trap")
    harness.wait_for(lambda: reports() == 3, "three reports")
    assert not t.errors(), t.errors()


def test_loop(t):
    """moved to Junk by users: the next such message is filed to Junk, also for
    users who never reported anything; good mail isn't"""
    compile_global(t)
    train(t)
    for user in ("anna", "dora"):
        for _ in range(5):
            t.deliver(testcase.spam(), user)
            t.deliver(testcase.ham(), user)
    new = scores(t, "Junk", "dora")
    assert len(new) == 5 and all(int(s) >= 90 for s in new.values()), new
    assert re.search(r"(^|, )[a-z-]+ \+[0-9.]+, ", reason(t, "Junk", "dora"))
    new = scores(t, "INBOX", "dora")
    assert len(new) == 5 and all(int(s) < 90 for s in new.values()), new
    assert len(scores(t, "Junk", "anna", "UNSEEN RECENT") or
               scores(t, "Junk", "anna")) >= 5
    assert not t.errors(), t.errors()


def secs_until_visible(t, c, uid):
    """Return the time from the response to a move until the scores change"""
    before, count = generation(t), t.recorded()
    c.cmd("UID MOVE %d Junk" % uid)
    start = time.monotonic()
    while generation(t) == before:
        assert time.monotonic() - start < 5, "no change"
        time.sleep(0.001)
    took = time.monotonic() - start
    wait_counted(t, count + 1)
    return took


def test_visible_at_once(t):
    """a report changes the scores within 200 ms of its acknowledgement"""
    compile_global(t)
    train(t)
    for _ in range(5):
        t.deliver(testcase.ham(), "hugo")
    c = t.imap("hugo", select="INBOX")
    # other load of the machine may delay some of them
    took = min(secs_until_visible(t, c, uid) for uid in range(1, 6))
    assert took < 0.2, "%.0f ms" % (took * 1000)


def test_personal_taste(t):
    """one user's reports count for that user at once"""
    compile_global(t)
    train(t)
    letter = testcase.ham().replace(b"garden plans", b"newsletter offers")

    def score(user):
        out = t.d.doveadm("-f", "tab", "junk", "score", "-u", t.user(user),
                          input=letter.decode())
        return float([line.split("\t")[4] for line in out.splitlines()
                      if "\tsum\t" in line][0])

    t.deliver(letter, "emil")
    before, other = score("emil"), score("dora")
    assert abs(before - other) < 0.002, (before, other)
    c = t.imap("emil", select="INBOX")
    c.cmd("UID MOVE 1:* Junk")
    harness.wait_for(lambda: score("emil") > before + 0.01, "own score")
    assert score("emil") > score("dora"), (score("emil"), score("dora"))


def test_learn(t):
    """doveadm junk learn: each message counts once, also when it is
    repeated"""
    compile_global(t)
    for _ in range(5):
        t.deliver(testcase.ham(), "fritz")
    before = t.recorded()
    args = ("junk", "learn", "-u", t.user("fritz"), "ham", "mailbox", "INBOX")
    t.d.doveadm(*args)
    assert t.recorded() == before + 5
    t.d.doveadm(*args)
    assert t.recorded() == before + 5
    assert t.d.query("SELECT sum(reports) FROM hours WHERE origin = 7") == \
        [(5,)]


def test_service_gone(t):
    """the service's segment is deleted, then the service is killed: mail
    works, and the next report restores both"""
    compile_global(t)
    train(t)
    os.unlink(t.d.segment_path)
    for pid in t.d.children("junk-feedback"):
        os.kill(pid, 9)
    harness.wait_for(lambda: "killed with signal 9" in t.log(), "its death")
    t.log_start = len(t.d.log())
    t.deliver(testcase.spam(), "greta")
    c = t.imap("greta", select="INBOX")
    uids = c.uids()
    if uids:
        c.cmd("UID MOVE 1:* Junk")
    harness.wait_for(lambda: status(t)[0] == 0, "the service again")
    t.deliver(testcase.spam(), "greta")
    found = scores(t, "Junk", "greta")
    assert any(s.isdigit() and int(s) >= 90 for s in found.values()), found


def test_status_after(t):
    """doveadm junk status and stats after all these tests"""
    compile_global(t)
    train(t)
    code, rows = status(t)
    assert code == 0 and rows["model"][0] == "ok", rows
    out = json.loads(t.d.doveadm("-f", "json", "junk", "stats"))
    # mail that was already filed wasn't reported again
    assert int(out[-1]["spam"]) >= REPORTS, out
    assert int(out[-1]["ham"]) >= 3 * REPORTS, out


def test_mapped_once(t):
    """deliveries of one process map the segment once, not for each message"""
    user = t.user()
    with harness.smtplib.LMTP("127.0.0.1", t.d.lmtp_port,
                              local_hostname="mx.example.net") as lmtp:
        for i in range(20):
            lmtp.sendmail("sender@example.com", [user],
                          harness.to_crlf(testcase.spam()))
        mapped = []
        for pid in t.d.children("lmtp"):
            with open("/proc/%d/maps" % pid) as f:
                mapped.append(f.read().count(t.d.segment_path))
    assert mapped and max(mapped) == 1, mapped
