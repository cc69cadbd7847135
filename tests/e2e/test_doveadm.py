"""doveadm junk: status, score and learn, also against a service that answers
nonsense or nothing."""

import json
import os
import re
import socket
import struct
import subprocess
import threading

import harness
import segment
import testcase

OPTIONS = {"service": None}

REPORT, STATUS, ACK, TEXT, ERROR = 1, 2, 0x81, 0x82, 0x8f


def frame(kind, payload=b"", version=1):
    return struct.pack("<IBBH", len(payload), version, kind, 0) + payload


class FakeService:
    """The service's socket, with an answer of the test's own to each frame:
    answer(type, payload) -> bytes, or None to close."""

    def __init__(self, path, answer):
        self.path = path
        self.answer = answer
        self.frames = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.socket.listen()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        os.unlink(self.path)
        self.thread.join()

    def _run(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            with conn:
                self._serve(conn)

    def _serve(self, conn):
        f = conn.makefile("rb")
        try:
            while True:
                header = f.read(8)
                if len(header) < 8:
                    return
                size, _, kind, _ = struct.unpack("<IBBH", header)
                payload = f.read(size)
                self.frames.append((kind, payload))
                data = self.answer(kind, payload)
                if data is None:
                    return
                conn.sendall(data)
        except OSError:
            pass


def good(kind, payload):
    if kind == STATUS:
        return frame(TEXT, b"reports=7\nkey=present\nnonsense\n")
    return frame(ACK, struct.pack("<I", 1))


def doveadm(t, *args, stdin=None):
    """(exit code, stdout, stderr)"""
    p = subprocess.run(["doveadm", "-c", t.d.config_path, *args],
                       input=stdin or b"", stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    return (p.returncode, p.stdout.decode(errors="replace"),
            p.stderr.decode(errors="replace"))


def status(t):
    """(exit code, {item: (state, value)})"""
    code, out, err = doveadm(t, "-f", "json", "junk", "status")
    assert not err, err
    return code, {row["item"]: (row["state"], row["value"])
                  for row in json.loads(out)}


def no_segment(t):
    if os.path.exists(t.d.segment_path):
        os.unlink(t.d.segment_path)


def test_status_ok(t):
    """status: everything is wired"""
    segment.write(t.d.segment_path, segment.content(50))
    with FakeService(t.d.socket_path, good):
        code, rows = status(t)
    assert code == 0, rows
    for item in ("plugin file", "imap mail_plugins", "service", "socket",
                 "segment", "model"):
        assert rows[item][0] == "ok", rows
    assert rows["reports"] == ("ok", "7") and "nonsense" not in rows, rows
    # Sieve isn't configured here: a note, not an error
    assert rows["lmtp sieve_plugins"][0] == "note", rows


def test_status_formats(t):
    """status: table, tab and pager formatters"""
    no_segment(t)
    for fmt, word in (("table", "item"), ("tab", "item\tstate\tvalue"),
                      ("pager", "item: plugin file")):
        code, out, err = doveadm(t, "-f", fmt, "junk", "status")
        assert code != 0 and word in out and not err, out + err


def test_status_service_down(t):
    """status: no service and no segment: errors, each with what to do"""
    no_segment(t)
    code, rows = status(t)
    assert code == 69, code
    for item in ("service", "segment"):
        assert rows[item][0] == "error" and "Fix: " in rows[item][1], rows


def test_status_few_reports(t):
    """status: too few reports are a note"""
    segment.write(t.d.segment_path, segment.content(None))
    with FakeService(t.d.socket_path, good):
        code, rows = status(t)
    assert code == 0 and rows["model"][0] == "note", rows
    assert "10 reports" in rows["model"][1], rows


def test_status_bad_segment(t):
    """status: a segment that isn't valid, or that users can't read"""
    with FakeService(t.d.socket_path, good):
        segment.write(t.d.segment_path, segment.content(50)[:-1])
        code, rows = status(t)
        assert code != 0 and rows["segment"][0] == "error", rows
        segment.write(t.d.segment_path, segment.content(50))
        os.chmod(t.d.segment_path, 0o600)
        code, out, err = doveadm(t, "junk", "status")
        assert code != 0 and "chmod 0644" in out, out
    no_segment(t)


def test_status_bad_service(t):
    """status: a service that answers garbage, too much, or not at all"""
    answers = (
        (lambda k, p: b"HTTP/1.0 400 Bad Request\r\n\r\n", "protocol"),
        (lambda k, p: frame(TEXT, b"x", version=9), "protocol"),
        (lambda k, p: struct.pack("<IBBH", 1 << 30, 1, TEXT, 0), "protocol"),
        (lambda k, p: frame(ACK, struct.pack("<I", 1)), "unexpected"),
        (lambda k, p: frame(ERROR, b"go away"), "go away"),
        (lambda k, p: None, "closed"),
    )
    for answer, word in answers:
        with FakeService(t.d.socket_path, answer):
            code, rows = status(t)
        assert code == 69 and rows["service"][0] == "error", rows
        assert word in rows["service"][1], rows


def test_status_socket_mode(t):
    """status: a socket that only root can write to"""
    segment.write(t.d.segment_path, segment.content(50))
    with FakeService(t.d.socket_path, good):
        os.chmod(t.d.socket_path, 0o600)
        code, rows = status(t)
    assert code == 78 and rows["socket"][0] == "error", rows
    assert "0666" in rows["socket"][1], rows


def other_config(t, name, *replacements):
    with open(t.d.config_path) as f:
        text = f.read()
    for old, new in replacements:
        assert re.search(old, text), old
        text = re.sub(old, new, text)
    path = os.path.join(t.d.dir, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def test_status_config(t):
    """status: mail_plugins without our plugin, or without notify"""
    for old, new, word in ((r"notify junk_feedback", "notify", "no junk_fe"),
                           (r"notify junk_feedback", "junk_feedback",
                            "no notify")) if t.d.version < (2, 4) else (
                          (r"junk_feedback = yes", "junk_feedback = no",
                           "no junk_fe"),
                          (r"notify = yes", "notify = no", "no notify")):
        path = other_config(t, "other.conf", (old, new))
        p = subprocess.run(["doveadm", "-c", path, "junk", "status"],
                           stdout=subprocess.PIPE, text=True, timeout=60)
        assert p.returncode == 78 and word in p.stdout, p.stdout


def test_score_stdin(t):
    """score < message: score, classes and the message's own tokens"""
    segment.write(t.d.segment_path, segment.content(42))
    code, out, err = doveadm(t, "-f", "tab", "junk", "score",
                             stdin=testcase.spam(1))
    assert code == 0 and not err, err
    rows = [line.split("\t") for line in out.splitlines()]
    assert ["-", "score", "", "", "42"] in rows, out
    assert sum(row[1] == "class" for row in rows) > 3, out
    assert 5 < sum(row[1] == "token" for row in rows) <= 20, out
    code, out, err = doveadm(t, "-f", "tab", "junk", "score", "-a",
                             stdin=testcase.spam(1))
    assert "\turl-host\tpharma.example\t" in out, out


def test_score_sums(t):
    """score: classes and tokens add up to the sum"""
    segment.write(t.d.segment_path, segment.content(42, weight=3000))
    code, out, err = doveadm(t, "-f", "tab", "junk", "score", "-a",
                             stdin=testcase.ham(1))
    assert code == 0 and not err, err
    rows = [line.split("\t") for line in out.splitlines()[1:]]
    total = [float(row[4]) for row in rows if row[1] == "sum"][0]
    assert total > 1, out
    for item in ("class", "token"):
        found = sum(float(row[4]) for row in rows if row[1] == item)
        assert abs(found - total) < 0.05, (item, found, total)


def test_score_odd_input(t):
    """score of empty and of odd input"""
    segment.write(t.d.segment_path, segment.content(42))
    for message in (b"", b"\n", b"\0" * 1000, bytes(range(256)) * 100,
                    b"a" * (3 << 20)):
        code, out, err = doveadm(t, "junk", "score", stdin=message)
        assert code == 0 and "score" in out and not err, (out, err)


def test_score_unknown(t):
    """score without a segment: unknown, and why"""
    no_segment(t)
    code, out, err = doveadm(t, "-f", "tab", "junk", "score",
                             stdin=testcase.ham())
    assert code == 0 and "\tscore\t\t\tunknown" in out, out + err
    assert "\treason\t\t\t" in out and t.d.segment_path in out, out


def test_score_query(t):
    """score -u user query, and -u user < message"""
    segment.write(t.d.segment_path, segment.content(42))
    for _ in range(3):
        t.deliver(testcase.ham())
    user = t.user()
    code, out, err = doveadm(t, "-f", "json", "junk", "score", "-u", user,
                             "mailbox", "INBOX", "2:3")
    assert code == 0 and not err, err
    scored = [row["message"] for row in json.loads(out)
              if row["item"] == "score"]
    assert scored == ["INBOX 2", "INBOX 3"], scored
    code, out, err = doveadm(t, "junk", "score", "-u", user,
                             stdin=testcase.ham())
    assert code == 0 and " 42 " in out, out + err
    code, out, err = doveadm(t, "junk", "score", "-u", user, "mailbox",
                             "INBOX", "subject", "nothing like this")
    assert code == 0 and " 42 " not in out, out + err


def test_wrong_usage(t):
    """wrong options, verdicts and queries: a sentence, EX_USAGE, no report"""
    with FakeService(t.d.socket_path, good) as service:
        for args, word in (
                (("status", "-x"), "invalid option"),
                (("score", "-x"), "invalid option"),
                (("learn", "-u", t.user()), "search query"),
                (("learn", "-u", t.user(), "spam"), "search query"),
                (("learn", "-u", t.user(), "maybe", "all"), "spam or ham"),
                (("learn", "-u", t.user(), "spam", "bogus"), "BOGUS")):
            code, out, err = doveadm(t, "junk", *args)
            assert code != 0 and word.lower() in (out + err).lower(), \
                (args, code, out, err)
        assert not service.frames, service.frames


def test_learn(t):
    """learn: each message that is found is reported once, as learned"""
    for _ in range(3):
        t.deliver(testcase.spam())
    user = t.user()
    with FakeService(t.d.socket_path, good) as service:
        code, out, err = doveadm(t, "-f", "tab", "junk", "learn", "-u", user,
                                 "spam", "mailbox", "INBOX")
        assert code == 0 and not err, err
        assert out.splitlines()[1] == "spam\t3\t0", out
        assert [kind for kind, _ in service.frames] == [REPORT] * 3
        for _, payload in service.frames:
            _, verdict, origin = struct.unpack_from("<QBB", payload)
            assert (verdict, origin) == (1, 7)
        first = [payload[16:48] for _, payload in service.frames]
        assert len(set(first)) == 3
        assert len({p[:16] for p in first}) == 1, "one reporter"
        # the same reporter and digests when it is repeated
        doveadm(t, "junk", "learn", "-u", user, "ham", "mailbox", "INBOX")
        again = service.frames[3:]
        assert [p[16:48] for _, p in again] == first
        assert {p[8] for _, p in again} == {2}


def test_learn_all_users(t):
    """learn -F: several users, each in their own name"""
    users = [t.user("l%d" % i) for i in range(3)]
    for user in users:
        t.d.deliver(user, testcase.spam())
    path = os.path.join(t.d.dir, "users.txt")
    with open(path, "w") as f:
        f.write("".join(user + "\n" for user in users))
    with FakeService(t.d.socket_path, good) as service:
        code, out, err = doveadm(t, "junk", "learn", "-F", path, "spam",
                                 "mailbox", "INBOX")
        assert code == 0 and not err, err
        assert len({p[16:32] for _, p in service.frames}) == 3


def test_learn_left_out(t):
    """learn: a user with junk_feedback = no is left out"""
    t.deliver(testcase.spam())
    option = ("plugin/" if t.d.version < (2, 4) else "") + "junk_feedback=no"
    with FakeService(t.d.socket_path, good) as service:
        code, out, err = doveadm(t, "-o", option, "junk", "learn", "-u",
                                 t.user(), "spam", "mailbox", "INBOX")
        assert code == 0 and not service.frames, out + err


def test_learn_many(t):
    """learn: more messages than may be under way at once"""
    t.deliver(testcase.spam())
    c = t.imap(select="INBOX")
    while len(c.uids()) < 600:
        c.cmd("COPY 1:* INBOX")
    count = len(c.uids())
    waiting = []

    def answer(kind, payload):
        # acknowledged in groups, as a busy service does
        waiting.append(1)
        if len(waiting) % 100 == 0 or len(waiting) == count:
            n = len(waiting) - (len(waiting) - 1) // 100 * 100
            return frame(ACK, struct.pack("<I", n))
        return b""

    with FakeService(t.d.socket_path, answer):
        code, out, err = doveadm(t, "-f", "tab", "junk", "learn", "-u",
                                 t.user(), "spam", "mailbox", "INBOX")
    assert code == 0 and "spam\t%d\t0" % count in out, out + err


def test_learn_service_fails(t):
    """learn: no service, or one that dies: an error, and a temporary one"""
    t.deliver(testcase.spam())
    args = ("junk", "learn", "-u", t.user(), "spam", "mailbox", "INBOX")
    code, out, err = doveadm(t, *args)
    assert code == 69 and "doveadm junk status" in err, (code, err)
    for answer in (lambda k, p: None, lambda k, p: b"garbage!" * 10,
                   lambda k, p: frame(ACK, struct.pack("<I", 5)),
                   lambda k, p: frame(ERROR, b"disk is full")):
        with FakeService(t.d.socket_path, answer):
            code, out, err = doveadm(t, *args)
            assert code == 75 and "Error: " in err, (code, err)
