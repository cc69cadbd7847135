"""Mail at SMTP time with swaks, Postfix and the milter: the whole loop (LMTP,
Sieve, a move over IMAP, the service and its segment) until the next copy is
rejected; the effect of each setting; and faults in SMTP sessions."""

import contextlib
import os
import random
import re
import select
import shutil
import signal
import smtplib
import subprocess

import harness
import mta
import segment
import testcase

# this Dovecot has nothing of ours behind the milter
SLOW = True
OPTIONS = {"service": None, "imap_plugins": ()}

REPORTS = 12


@contextlib.contextmanager
def chain(t, **settings):
    """Start (Dovecot's test, Postfix, milter) with these milter settings"""
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


def train(t, postfix):
    """Two users get spam, also through Postfix, and report it; they rescue
    ham, too. Both together make it count for others."""
    for user in ("anna", "bert"):
        before = t.recorded()
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
        harness.wait_for(lambda: t.recorded() >= before + REPORTS + 1,
                         "reports of " + user)


def refused(t, postfix):
    """Send spam until it is refused; return the transcript"""
    def send():
        code, text = postfix.send(t.user("spammed"), testcase.spam())
        return code != 0 and text
    return harness.wait_for(send, "a message that is refused")


def signal_service(t, number):
    for pid in t.d.children("junk-feedback"):
        os.kill(pid, number)


def test_loop(t):
    """a move to Junk, and the next copy is refused in two languages"""
    with chain(t, reject="90") as (other, postfix, milter):
        train(other, postfix)
        text = refused(other, postfix)
        assert re.search(r"550-5\.7\.1 Your message was not accepted", text), \
            text
        assert re.search(r"550[- ]5\.7\.1 Ihre Nachricht wurde nicht "
                         r"angenommen", text), text
        # the same message from this host isn't checked
        code, text = postfix.send(other.user("emil"), testcase.spam(),
                                  "ADDR=127.0.0.1")
        assert code == 0, text
        # a message that isn't spam is delivered with a score
        code, text = postfix.send(other.user("dora"), testcase.ham())
        assert code == 0, text
        c = arrived(other, "dora", 1)
        assert "X-Junk-Score: " in c.cmd("FETCH 1 BODY.PEEK[HEADER]")
        # a hanging or dead service changes nothing
        assert other.d.children("junk-feedback")
        for number in (signal.SIGSTOP, signal.SIGKILL):
            signal_service(other, number)
            code, text = postfix.send(other.user("dora"), testcase.spam())
            assert code != 0 and "550-5.7.1" in text, text
        assert milter.stop() == 0


@contextlib.contextmanager
def scored(t, score, **settings):
    """Start (Postfix, milter) with these milter settings; every message has
    this score, None = unknown"""
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
    """Return the header of a message after sending it"""
    message = testcase.ham() if message is None else message
    code, text = postfix.send(t.user(), message, **kwargs)
    assert code == 0, text
    c = arrived(t, "user", 1)
    header = c.cmd("FETCH 1 BODY.PEEK[HEADER]")
    c.cmd("STORE 1 +FLAGS (\\Deleted)")
    c.cmd("EXPUNGE")
    return header


def test_tag(t):
    """a message is marked from the threshold on"""
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
    """our fields in mail that came from outside are removed"""
    fields = (b"X-Junk-Score: 0\nX-Junk-Reason: trust me\nx-junk-flag: NO\n"
              b"X-JUNK-SCORE: 1\nX-Junk-Other: mine\nX-Junk-Score:\n 2\n"
              b"X-Junk-Score : 3\nX-Junk-Flag\t: NO\nX-Junk-Reason  : x\n")
    with scored(t, 95) as (postfix, milter):
        header = delivered(t, postfix, fields + testcase.ham())
        assert re.findall(r"(?im)^X-Junk-Score\s*: *(.*)\r$", header) == \
            ["95"], header
        assert re.findall(r"(?im)^X-Junk-Flag\s*: *(.*)\r$", header) == \
            ["YES"], header
        assert "trust me" not in header, header
        assert "X-Junk-Other: mine" in header, header
        # a message with an unknown score passes without one
        segment.write(t.d.segment_path, segment.content(None))
        header = delivered(t, postfix, fields + testcase.ham())
        assert re.findall(r"(?im)^X-Junk-.*\r$", header) == \
            ["X-Junk-Other: mine\r"], header


def test_trusted(t):
    """the score of a trusted sender's mail is 0, if a trusted host says that it is
    real"""
    path = t.d.dir + "/allow"
    with open(path, "w") as f:
        f.write("@firm.example\n")
    os.chmod(path, 0o644)
    message = (b"Authentication-Results: %s; dmarc=pass "
               b"header.from=firm.example\nFrom: <a@firm.example>\n"
               b"Subject: words\n\nand a text\n")
    with scored(t, 95, reject="90", authserv_id="mx.example",
                allow_file=path) as (postfix, milter):
        header = delivered(t, postfix, message % b"mx.example")
        assert "X-Junk-Score: 0\r\n" in header, header
        assert "X-Junk-Reason: trusted sender" in header, header
        code, text = postfix.send(t.user(), message % b"evil.example")
        assert code != 0 and "550-5.7.1" in text, text


def test_quarantine(t):
    """a message is held until the administrator releases it"""
    # the reason of this segment's scores is empty
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
    """a message is deferred, and nothing of it is stored"""
    with scored(t, 80, defer="80") as (postfix, milter):
        code, text = postfix.send(t.user(), testcase.spam())
        assert code != 0 and "451 4.7.1 Please try again later" in text, text
        assert postfix.queued() == {}
        assert t.imap(select="INBOX").uids() == []


def test_passed_over(t):
    """mail of authenticated and local senders isn't checked, unless that is
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
    """a message that would be refused is delivered, marked and logged"""
    with scored(t, 97, reject="95", dry_run="yes") as (postfix, milter):
        header = delivered(t, postfix, testcase.spam())
        assert "X-Junk-Flag: YES" in header, header
        assert re.search(
            r"\w{8,}: score 97 \([a-z-]+ \+[\d.]+.*\): reject "
            r"\(dry run: passed\)$", milter.log(), re.M), milter.log()
        # nothing else of the message is logged
        assert not re.search("pills|pharma|offer", milter.log()), milter.log()


def test_reply_file(t):
    """a configured reply, in any number of languages"""
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
    """errors in a file are logged with the line and the fix"""
    cases = (
        ("reply_file = %s", "only\nASCII, not \u00e4\n",
         "line 2: must be printable ASCII without '%'"),
        ("reply_file = %s", "100% spam\n", "line 1: must be printable ASCII"),
        ("reply_file = %s", "# nothing\n\n", "the file has no text"),
        ("reply_file = %s", "x\n" * 17, "line 17: more than 16 lines"),
        ("reply_file = %s", "x" * 491, "line 1: line is longer than 490"),
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
    """a milter that died: mail is accepted (default_action=accept)"""
    with scored(t, 99, reject="1") as (postfix, milter):
        milter.kill()
        header = delivered(t, postfix, testcase.spam())
        assert "X-Junk-Score" not in header, header


def test_broken_sessions(t):
    """sessions that end early leave nothing behind, and the next message is
    scored correctly"""
    with scored(t, 97, reject="95") as (postfix, milter):
        for data in (b"", b"Subject: half a hea", b"Subject: x\r\n\r\nhalf"):
            smtp = postfix.smtp()
            smtp.mail("a@example.com")
            smtp.rcpt(t.user())
            assert smtp.docmd("DATA")[0] == 354
            smtp.sock.sendall(data)
            smtp.close()
        with postfix.smtp() as smtp:
            smtp.mail("a@example.com")
            smtp.rcpt(t.user())
            smtp.rset()
            for _ in range(2):
                code, text = refusal(smtp, t.user(), testcase.spam())
                assert code == 550 and b"5.7.1" in text, (code, text)
        # longer than the part that is read, and than Postfix accepts
        body = b"many words to be read here\n" * 1000
        with postfix.smtp() as smtp:
            code, text = refusal(smtp, t.user(), testcase.ham() + body * 300)
            assert code == 550 and b"5.7.1" in text, (code, text)
            code, text = refusal(smtp, t.user(), testcase.ham() + body * 400)
            assert code == 552, (code, text)
        assert postfix.queued() == {}
        assert t.imap(select="INBOX").uids() == []
        assert milter.stop() == 0


def refusal(smtp, recipient, message):
    """Return (code, text) for a message that Postfix refuses"""
    try:
        smtp.sendmail("a@example.com", [recipient], harness.to_crlf(message))
    except smtplib.SMTPResponseException as e:
        return e.smtp_code, e.smtp_error
    return 250, b""


def hostile():
    """What a peer may send to the milter, each on its own connection"""
    packet = mta.Mta.packet
    offer = packet(b"O", mta.Mta.OFFER)
    client = packet(b"C", b"client\0" + b"4\0\x19192.0.2.1\0")
    sender = packet(b"M", b"<a@example.com>\0")
    field = packet(b"L", b"Subject\0x\0")
    begun = offer + client + sender
    yield from (
        b"", b"GET / HTTP/1.0\r\n\r\n", b"\0" * 8, b"\xff" * 8, b"\0\0\0",
        b"\x7f\xff\xff\xffO" + b"x" * 1000, offer[:9], packet(b"O"),
        packet(b"O", b"\0" * 12), packet(b"O", b"\xff" * 12), offer * 3,
        # out of order
        offer + packet(b"E"), offer + sender + field + packet(b"N") +
        packet(b"B", b"x") + packet(b"E"), offer + field + packet(b"E"),
        offer + client + packet(b"N") + packet(b"E"), begun + packet(b"E") * 3,
        begun + packet(b"B", b"x") + field + packet(b"E"),
        begun + begun + packet(b"A") + packet(b"E"),
        # fields without terminators
        offer + packet(b"C"), offer + packet(b"C", b"client"),
        offer + packet(b"C", b"c\0009\0"), begun + packet(b"L"),
        begun + packet(b"L", b"Subject"), begun + packet(b"L", b"\0\0"),
        begun + packet(b"M"), begun + packet(b"D", b"E"),
        begun + packet(b"D", b"M{auth_authen}"),
        begun + packet(b"\0") + packet(b"\xff", b"x" * 100),
        # a lot
        begun + field * 20000 + packet(b"E"),
        begun + packet(b"L", b"X\0" + b"y" * 60000 + b"\0") * 50 +
        packet(b"E"),
        begun + packet(b"N") + packet(b"B", b"z" * 65535) * 80 + packet(b"E"),
        begun + packet(b"B", b"z" * 10**6),
    )
    rnd = random.Random(8)
    for _ in range(150):
        data = offer if rnd.random() < 0.9 else b""
        for _ in range(rnd.randrange(12)):
            data += packet(bytes([rnd.choice(b"ABCDEHLMNORTUQK")]),
                           rnd.choice((b"", b"a\0b\0", b"x" * 50,
                                       rnd.randbytes(40))))
        yield data[:rnd.randrange(len(data) + 1)] if rnd.random() < 0.3 \
            else data


@contextlib.contextmanager
def asked(t, segment_content):
    """Start a milter without Postfix"""
    segment.write(t.d.segment_path, segment_content)
    milter = mta.Milter(t.d)
    milter.start()
    try:
        yield milter
        assert milter.stop() == 0
    finally:
        milter.stop()
        shutil.rmtree(milter.dir)


def test_local_addresses(t):
    """this host in each form in which Postfix may name it"""
    with asked(t, segment.content(42, weight=3000)) as milter:
        for family, address, local in (
                (b"4", b"127.0.0.1", True), (b"4", b"127.255.255.254", True),
                (b"4", b"128.0.0.1", False), (b"4", b"192.0.2.1", False),
                (b"6", b"::1", True), (b"6", b"IPv6:::1", True),
                (b"6", b"::ffff:127.0.0.1", True),
                (b"6", b"::ffff:192.0.2.1", False),
                (b"6", b"2001:db8::1", False), (b"6", b"fe80::1", False),
                (b"6", b"::127.0.0.1", False), (b"L", b"/run/a", True)):
            with mta.Mta(milter.socket) as peer:
                assert (peer.connect(family, address) == b"a") == local, \
                    address


def test_sessions(t):
    """100 sessions at once, each gets its own message's score"""
    rnd = random.Random(100)
    texts = [b"".join(b"word%d " % rnd.randrange(5000) for _ in range(200)) +
             b"\r\n" for _ in range(100)]
    with asked(t, segment.varied()) as milter, contextlib.ExitStack() as all:
        alone = []
        for text in texts:
            with mta.Mta(milter.socket) as peer:
                alone.append(peer.score(text))
        assert len(set(alone)) > 20, alone
        peers = [all.enter_context(mta.Mta(milter.socket)) for _ in texts]
        for peer, text in zip(peers, texts):
            peer.begin(text)
        assert [peer.end() for peer in peers] == alone


def workers(milter):
    return [pid for pid, _ in harness.children_of(milter.process.pid)]


def test_hung_worker(t):
    """a message that keeps its worker busy delays no other session, and when a
    worker dies only its message has no score"""
    with asked(t, segment.content(42, weight=3000)) as milter, \
            contextlib.ExitStack() as all:
        stopped = workers(milter)
        assert stopped, "no worker"
        for worker in stopped:
            os.kill(worker, signal.SIGSTOP)
        # the milter decides which sessions get the stopped workers
        peers = [all.enter_context(mta.Mta(milter.socket))
                 for _ in range(len(stopped) + 10)]
        for peer in peers:
            peer.begin(b"some words\r\n")
        for peer in peers:
            peer.send_end()
        hung = list(peers)

        def others_answered():
            for peer in select.select(hung, [], [], 0)[0]:
                assert peer.answered_score() == b"42"
                hung.remove(peer)
            return len(hung) <= len(stopped)
        harness.wait_for(others_answered, "the other sessions' answers")
        assert len(hung) == len(stopped)
        for worker in stopped:
            os.kill(worker, signal.SIGKILL)
        for peer in hung:
            # the session continues without our header
            assert peer.answer()[0] == b"c"
        with mta.Mta(milter.socket) as peer:
            assert peer.score(b"some words\r\n") == b"42"
        # nothing is left of the killed workers
        assert not set(stopped) & set(workers(milter))


def test_stop(t):
    """SIGTERM ends it, whatever the sessions are doing"""
    # libmilter's own shutdown hangs in one of five attempts
    for _ in range(20):
        with asked(t, segment.varied()) as milter:
            with contextlib.ExitStack() as all:
                for _ in range(100):
                    peer = all.enter_context(mta.Mta(milter.socket))
                    peer.begin(b"some words\r\n")
            left = workers(milter)
            milter.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(OSError), mta.Mta(milter.socket):
                pass
            milter.process.wait()
            harness.wait_for(lambda: not any(os.path.exists("/proc/%d" % pid)
                                         for pid in left),
                             "the workers to end")


def test_milter_protocol(t):
    """a broken MTA ends only its own connection"""
    with asked(t, segment.content(42, weight=3000)) as milter:
        # a silent connection blocks nobody
        with mta.Mta(milter.socket):
            for data in hostile():
                # the milter blocks on a peer that doesn't read answers
                with mta.Mta(milter.socket) as peer, \
                        contextlib.suppress(ConnectionError, TimeoutError):
                    peer.sock.settimeout(2)
                    peer.sock.sendall(data)
                assert milter.process.poll() is None, data[:200]
            with mta.Mta(milter.socket) as peer:
                assert peer.score(b"some words\r\n") == b"42"
        assert harness.memory_kbytes(milter.process.pid) < 100 * 1024
