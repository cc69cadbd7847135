"""The whole loop at SMTP time: swaks, Postfix, the milter, LMTP, Sieve, a move
over IMAP, the service, the segment, and the next copy is refused."""

import contextlib
import re

import harness
import mta
import testcase

OPTIONS = harness.EXAMPLE_OPTIONS

REPORTS = 12


@contextlib.contextmanager
def chain(t, **settings):
    """(Dovecot's test, Postfix, milter) with the milter's settings"""
    other = t.private(**harness.EXAMPLE_OPTIONS)
    milter = mta.Milter(other.d, **settings)
    postfix = mta.Postfix(other.d, milter.socket)
    harness.run("sievec", "-c", other.d.config_path,
                "/etc/dovecot/sieve/junk.sieve")
    try:
        milter.start()
        postfix.start()
        yield other, postfix, milter
    finally:
        postfix.stop()
        milter.stop()


def arrived(t, user, count):
    c = t.imap(user, select="INBOX")

    def found():
        c.cmd("NOOP")
        return len(c.uids()) >= count
    harness.wait_for(found, "%d messages" % count)
    return c


def recorded(t):
    return sum(n for n, in t.d.query("SELECT reports FROM hours"))


def train(t, postfix):
    """Two users get spam, also through Postfix, and report it; they rescue
    ham as well. Both together make it count for others."""
    for user in ("anna", "bert"):
        before = recorded(t)
        for _ in range(REPORTS):
            t.d.doveadm("save", "-u", t.user(user), "-m", "Junk",
                        input=testcase.ham().decode())
        code, text = postfix.send(t.user(user), testcase.spam())
        assert code == 0, text
        for _ in range(REPORTS - 1):
            t.deliver(testcase.spam(), user)
        c = arrived(t, user, 1)
        c.cmd("UID MOVE 1:* Junk")
        c.select("Junk")
        c.cmd("UID MOVE %s INBOX" % ",".join(
            str(uid) for uid in c.uids("SUBJECT Meeting")))
        harness.wait_for(lambda: recorded(t) >= before + REPORTS + 1,
                         "reports of " + user)


def refused(t, postfix):
    """Send spam until it is refused; the transcript"""
    def send():
        code, text = postfix.send(t.user("spammed"), testcase.spam())
        return code != 0 and text
    return harness.wait_for(send, "a message that is refused")


def test_loop(t):
    """issue 8: a move to Junk, and the next copy is refused in two languages"""
    with chain(t, reject="90") as (other, postfix, milter):
        train(other, postfix)
        text = refused(other, postfix)
        assert re.search(r"550-5\.7\.1 Your message was not accepted", text), \
            text
        assert re.search(r"550[- ]5\.7\.1 Ihre Nachricht wurde nicht "
                         r"angenommen", text), text
        # the same from this host is passed over
        code, text = postfix.send(other.user("emil"), testcase.spam(),
                                  "127.0.0.1")
        assert code == 0, text
        # what is no spam is delivered, with a score
        code, text = postfix.send(other.user("dora"), testcase.ham())
        assert code == 0, text
        c = arrived(other, "dora", 1)
        assert "X-Junk-Score: " in c.cmd("FETCH 1 BODY.PEEK[HEADER]")
        assert milter.stop() == 0


def test_dry_run(t):
    """dry_run: what would be refused is delivered, and marked"""
    with chain(t, reject="90", dry_run="yes") as (other, postfix, milter):
        train(other, postfix)
        c = other.imap("dora", select="Junk")

        def marked():
            code, text = postfix.send(other.user("dora"), testcase.spam())
            assert code == 0, text
            c.cmd("NOOP")
            return c.uids("HEADER X-Junk-Flag YES")
        harness.wait_for(marked, "a message that is marked")


def test_unknown(t):
    """an unknown score passes, and headers from outside are removed"""
    with chain(t, reject="1") as (other, postfix, milter):
        code, text = postfix.send(
            other.user("dora"),
            b"X-Junk-Reason: trust me\nX-Junk-Flag: NO\n" + testcase.ham())
        assert code == 0, text
        c = arrived(other, "dora", 1)
        header = c.cmd("FETCH 1 BODY.PEEK[HEADER]")
        assert "trust me" not in header and "X-Junk-Flag" not in header, header


def test_dead(t):
    """a milter that died: mail goes on (milter_default_action = accept)"""
    with chain(t, reject="1") as (other, postfix, milter):
        milter.kill()
        code, text = postfix.send(other.user("dora"), testcase.spam())
        assert code == 0, text
        arrived(other, "dora", 1)
