"""doveadm junk learn on a terminal: progress, an interruption, and the same
command again."""

import os
import re
import signal
import time

import admin
import testcase

MESSAGES = 1500
# messages at the first progress
SHOWN = 100


def learned(d):
    """Return how many reports count, after all pending ones are recorded"""
    testcase.barrier(d)
    return d.query("SELECT count(*) FROM reports WHERE undone IS NULL "
                   "AND verdict = 1")[0][0]


def interrupt_waiting(d, learn):
    """Interrupt the command while it waits for the service"""
    service, = d.children("junk-feedback")
    os.kill(service, signal.SIGSTOP)
    time.sleep(0.5)  # it sends as many as may be unacknowledged
    learn.send_signal(signal.SIGINT)
    time.sleep(0.1)
    os.kill(service, signal.SIGCONT)


def learn(t, interrupt):
    """Run the command on a terminal; return (exit code, output)."""
    def on_output(p, text):
        nonlocal interrupt
        if interrupt and "\r%d messages" % SHOWN in text:
            interrupt_waiting(t.d, p)
            interrupt = False
    return admin.on_terminal(t.d, ("learn", "-u", t.user(), "spam", "mailbox",
                                   "Junk"), on_output)


def test_interrupted(t):
    """learn: progress on a terminal; interrupted and repeated, each message
    counts once"""
    c = t.imap()
    for start in range(0, MESSAGES, 100):
        parts = ["APPEND Work "]
        for n in range(start, start + 100):
            parts += [testcase.numbered(n).replace(b"\n", b"\r\n"), " "]
        c.cmd(parts[:-1])
    c.select("Work")
    # not a user's move: nothing is reported
    t.d.doveadm("move", "-u", t.user(), "Junk", "mailbox", "Work", "all")
    assert learned(t.d) == 0

    code, text = learn(t, True)
    assert code == 75 and "repeat the command to continue" in text, (code, text)
    assert "failed" not in text, text
    first = learned(t.d)
    assert SHOWN <= first < MESSAGES, first
    assert int(re.search(r"spam\t(\d+)\t0", text).group(1)) == first, text

    code, text = learn(t, False)
    assert code == 0 and "spam\t%d\t0" % MESSAGES in text, (code, text)
    shown = [int(n) for n in re.findall(r"\r(\d+) messages", text)]
    assert shown == list(range(SHOWN, MESSAGES + 1, SHOWN)), shown
    assert learned(t.d) == MESSAGES
