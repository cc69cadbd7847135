"""Mail at SMTP time: swaks, Postfix and the milter. The whole loop, with LMTP,
Sieve, a move over IMAP, the service and its segment, until the next copy is
refused; what each setting does with a score; and SMTP as it goes wrong."""

import contextlib
import os
import re
import shutil
import subprocess

import harness
import mta
import segment
import testcase

# nothing of ours behind the milter
OPTIONS = {"service": None, "imap_plugins": ()}

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
                                  "ADDR=127.0.0.1")
        assert code == 0, text
        # what is no spam is delivered, with a score
        code, text = postfix.send(other.user("dora"), testcase.ham())
        assert code == 0, text
        c = arrived(other, "dora", 1)
        assert "X-Junk-Score: " in c.cmd("FETCH 1 BODY.PEEK[HEADER]")
        assert milter.stop() == 0


@contextlib.contextmanager
def scored(t, score, **settings):
    """(Postfix, milter) with the milter's settings; every message has this
    score, None = unknown"""
    segment.write(t.d.segment_path, segment.content(score, weight=3000))
    milter = mta.Milter(t.d, **settings)
    postfix = mta.Postfix(t.d, milter.socket)
    try:
        milter.start()
        postfix.start()
        yield postfix, milter
    finally:
        postfix.stop()
        milter.stop()
        shutil.rmtree(postfix.dir)
        shutil.rmtree(milter.dir)
        os.unlink(t.d.segment_path)


def delivered(t, postfix, message=None, **kwargs):
    """Header of a message, sent and arrived"""
    message = testcase.ham() if message is None else message
    code, text = postfix.send(t.user(), message, **kwargs)
    assert code == 0, text
    c = arrived(t, "user", 1)
    header = c.cmd("FETCH 1 BODY.PEEK[HEADER]")
    c.cmd("STORE 1 +FLAGS (\\Deleted)")
    c.cmd("EXPUNGE")
    return header


def test_tag(t):
    """issue 8: a message is marked from the threshold on"""
    with scored(t, 90, tag="90") as (postfix, milter):
        header = delivered(t, postfix)
        assert "\r\nX-Junk-Score: 90\r\n" in "\r\n" + header, header
        assert "X-Junk-Flag: YES\r\n" in header, header
        assert re.search(r"X-Junk-Reason: [a-z-]+ [+-][\d.]+", header), header
        # one less
        segment.write(t.d.segment_path, segment.content(89, weight=3000))
        header = delivered(t, postfix)
        assert "X-Junk-Score: 89\r\n" in header, header
        assert "X-Junk-Flag" not in header, header


def test_outside(t):
    """issue 8: fields of ours that came from outside are removed"""
    fields = (b"X-Junk-Score: 0\nX-Junk-Reason: trust me\nx-junk-flag: NO\n"
              b"X-JUNK-SCORE: 1\nX-Junk-Other: mine\nX-Junk-Score:\n 2\n")
    with scored(t, 95) as (postfix, milter):
        header = delivered(t, postfix, fields + testcase.ham())
        assert re.findall(r"(?im)^X-Junk-Score: *(.*)\r$", header) == ["95"], \
            header
        assert re.findall(r"(?im)^X-Junk-Flag: *(.*)\r$", header) == ["YES"], \
            header
        assert "trust me" not in header, header
        assert "X-Junk-Other: mine" in header, header
        # an unknown score passes, and has none
        segment.write(t.d.segment_path, segment.content(None))
        header = delivered(t, postfix, fields + testcase.ham())
        assert re.findall(r"(?im)^X-Junk-.*\r$", header) == \
            ["X-Junk-Other: mine\r"], header


def test_quarantine(t):
    """issue 8: a message is held until the administrator releases it"""
    # nothing is known of why: the reason is empty
    with scored(t, 95, quarantine="95") as (postfix, milter):
        segment.write(t.d.segment_path, segment.content(95))
        code, text = postfix.send(t.user(), testcase.spam())
        assert code == 0, text
        def held():
            return [key for key, message in postfix.queued().items()
                    if message["queue_name"] == "hold"]
        queue_ids = harness.wait_for(held, "a message that is held")
        assert re.search(r"%s: score 95 .*: quarantine$" % queue_ids[0],
                         milter.log(), re.M), milter.log()
        c = t.imap(select="INBOX")
        assert c.uids() == []
        postfix.release(queue_ids[0])
        arrived(t, "user", 1).cmd("STORE 1 +FLAGS (\\Deleted)")
        c.cmd("EXPUNGE")


def test_defer(t):
    """issue 8: a message is refused for now, and nothing of it stays"""
    with scored(t, 80, defer="80") as (postfix, milter):
        code, text = postfix.send(t.user(), testcase.spam())
        assert code != 0 and "451 4.7.1 Please try again later" in text, text
        assert postfix.queued() == {}
        assert t.imap(select="INBOX").uids() == []


def test_passed_over(t):
    """issue 8: authenticated and local senders are not touched, unless that is
    set"""
    message = b"X-Junk-Score: 1\n" + testcase.ham()
    clients = ("ADDR=127.0.0.1", "ADDR=192.0.2.1 LOGIN=anna")
    with scored(t, 99, reject="90") as (postfix, milter):
        for client in clients:
            header = delivered(t, postfix, message, client=client)
            assert re.findall(r"(?m)^X-Junk-.*\r$", header) == \
                ["X-Junk-Score: 1\r"], (client, header)
    with scored(t, 99, reject="90", skip_local="no",
                skip_authenticated="no") as (postfix, milter):
        for client in clients:
            code, text = postfix.send(t.user(), message, client)
            assert code != 0 and "550-5.7.1" in text, (client, text)


def test_dry_run(t):
    """issue 8: what would be refused is delivered, marked, and logged"""
    with scored(t, 97, reject="95", dry_run="yes") as (postfix, milter):
        header = delivered(t, postfix, testcase.spam())
        assert "X-Junk-Flag: YES" in header, header
        assert re.search(
            r"\w{8,}: score 97 \([a-z-]+ \+[\d.]+.*\): reject "
            r"\(dry run: passed\)$", milter.log(), re.M), milter.log()
        # of the message nothing else
        assert not re.search("pills|pharma|offer", milter.log()), milter.log()


def test_reply_file(t):
    """issue 8: a reply of one's own, in any number of languages"""
    lines = ["Refused as spam.", "Als Spam abgelehnt.", "Refus\u00e9".
             encode("ascii", "replace").decode(), "-- Rifiutato: spam"]
    path = t.d.dir + "/reply"
    with open(path, "w") as f:
        f.write("# languages\n\n" + "\n".join(lines) + "\n")
    with scored(t, 97, reject="95", reply_file=path) as (postfix, milter):
        code, text = postfix.send(t.user(), testcase.spam())
        assert code != 0
        assert re.findall(r"550[- ]5\.7\.1 (.*)", text) == lines, text


def test_bad_configuration(t):
    """issue 8: what is wrong with a file is said, with its line and the fix"""
    cases = (
        ("reply_file = %s", "only\nASCII, not \u00e4\n",
         "line 2: only printable ASCII without '%'"),
        ("reply_file = %s", "100% spam\n", "line 1: only printable ASCII"),
        ("reply_file = %s", "# nothing\n\n", "no line of text"),
        ("reply_file = %s", "x\n" * 17, "line 17: more than 16 lines"),
        ("reply_file = %s", "x" * 491, "line 1: line of over 490 bytes"),
        ("reply_file = %s/none", "", "Not a directory"),
        ("tag = 90\nreject = 200", "",
         "line 2: reject = 200: must be a score from 1 to 100, or off"),
    )
    milter = mta.Milter(t.d)
    reply = milter.dir + "/reply"
    for config, text, error in cases:
        with open(milter.config_path, "w") as f:
            f.write((config % reply if "%s" in config else config) + "\n")
        with open(reply, "w") as f:
            f.write(text)
        p = subprocess.run([milter.program, "-t", "-c", milter.config_path],
                           stderr=subprocess.PIPE, text=True, timeout=60)
        assert p.returncode == 78 and error in p.stderr, (config, text,
                                                          p.stderr)
    shutil.rmtree(milter.dir)


def test_dead(t):
    """a milter that died: mail goes on (milter_default_action = accept)"""
    with scored(t, 99, reject="1") as (postfix, milter):
        milter.kill()
        header = delivered(t, postfix, testcase.spam())
        assert "X-Junk-Score" not in header, header
