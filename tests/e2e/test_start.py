"""doveadm junk start: learning from existing mail."""

import os
import re
import signal

import admin
from testcase import ALL_FORMATS, barrier, ham, numbered, spam
from test_kept import seen

MESSAGES = 600

OPTIONS = {
    # kept mail would be reported by the sessions as well
    "settings": {"junk_feedback_kept_age": "0"},
    "imap_plugins": (),
    "users": {
        "off@maildir": {"junk_feedback": "no"},
        "none@maildir": {"junk_feedback_kept": "0"},
        "young@maildir": {"junk_feedback_kept_age": "1d"},
    },
}


def start(t, *users):
    """Return [[spam, kept, unreadable]]"""
    args = ("-u", users[0])
    if len(users) > 1:
        path = os.path.join(t.d.dir, "start-users")
        with open(path, "w") as f:
            f.write("".join(user + "\n" for user in users))
        args = ("-F", path)
    out = t.d.doveadm("-f", "tab", "junk", "start", *args)
    rows = [line.split("\t") for line in out.splitlines()]
    head = [n for n, row in enumerate(rows) if row[-1] == "unreadable"]
    return [[int(n) for n in row[-3:]] for row in rows[head[0] + 1:]
            if len(row) >= 3], out


def origins(t):
    """Return {verdict: number of reports} of what was learned"""
    barrier(t.d)
    return dict(t.d.query(
        "SELECT verdict, count(*) FROM reports WHERE undone IS NULL "
        "AND origin = 7 AND verdict != 2 GROUP BY verdict"))


def learned(t, before):
    now = origins(t)
    return [now.get(v, 0) - before.get(v, 0) for v in (1, 3)]


@ALL_FORMATS
def test_start(t):
    """start: Junk up to the last message that was seen, and kept mail; when it
    is repeated, each message counts once"""
    before = origins(t)
    for n in range(5):
        t.deliver(spam(), mailbox="Junk")
    seen(t, "Junk", "4")
    seen(t, "Junk", "2", flags="$NotJunk")
    for n in range(4):
        t.deliver(ham())
    seen(t, "INBOX", "1:3")
    seen(t, "INBOX", "3", flags="$Junk")
    for mailbox in ("Work", "Trash", "Sent"):
        t.deliver(ham(), mailbox=mailbox)
        seen(t, mailbox)
    assert start(t, t.user())[0] == [[3, 3, 0]]
    assert learned(t, before) == [3, 3]
    assert start(t, t.user())[0] == [[3, 3, 0]]
    assert learned(t, before) == [3, 3]


def test_not_looked_into(t):
    """start: a Junk mailbox that nobody opens isn't evidence"""
    before = origins(t)
    for n in range(3):
        t.deliver(spam(), mailbox="Junk")
    assert start(t, t.user())[0] == [[0, 0, 0]]
    assert learned(t, before) == [0, 0]


def test_users(t):
    """start: several users, their total, and what each of them allows"""
    before = origins(t)
    users = [t.user("one"), t.user("two"), "off@maildir", "none@maildir",
             "young@maildir"]
    for user in users:
        for mailbox, message in (("INBOX", ham()), ("Junk", spam())):
            name = user if mailbox == "INBOX" else \
                user.replace("@", "+Junk@")
            t.d.deliver(name, message)
            t.d.doveadm("flags", "add", "-u", user, "\\Seen", "mailbox",
                        mailbox, "all")
    rows, out = start(t, *users)
    assert sorted(rows) == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0]], out
    assert "learned 3 spam messages and 2 kept messages of 4 users" in \
        out, out
    assert learned(t, before) == [3, 2]


def test_interrupted(t):
    """start: progress on a terminal; interrupted and repeated, both classes in
    proportion"""
    before = origins(t)
    c = t.imap()
    for mailbox, count in (("Junk", MESSAGES * 3 // 4),
                           ("Work", MESSAGES // 4)):
        for first in range(0, count, 50):
            parts = ["APPEND %s (\\Seen) " % mailbox]
            for n in range(first, first + 50):
                message = numbered(n + (mailbox == "Work") * 10000)
                parts += [message.replace(b"\n", b"\r\n"), " (\\Seen) "]
            c.cmd(parts[:-1])
    c.logout()

    service, = t.d.children("junk-feedback")

    def on_output(p, text):
        if "\r100 of %d messages" % MESSAGES in text:
            p.send_signal(signal.SIGINT)

    code, text = admin.on_terminal(t.d, ("start", "-u", t.user()), on_output)
    assert code == 75, text
    assert "repeat the command to continue" in text, text
    now = learned(t, before)
    assert 100 <= sum(now) < MESSAGES, now
    assert abs(now[0] - 3 * now[1]) <= 4, now
    assert [int(n) for n in re.search(r"(\d+)\t(\d+)\t0", text).groups()] == \
        now, (now, text)
    assert service in t.d.children("junk-feedback")

    want = [MESSAGES * 3 // 4, MESSAGES // 4]
    assert start(t, t.user())[0] == [want + [0]]
    assert learned(t, before) == want
