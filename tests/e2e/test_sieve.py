"""The Sieve extension vnd.junk-feedback: sievec, sieve-test, LMTP and LDA."""

import os
import re
import subprocess

import harness
import segment
import testcase

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CASES = os.path.join(TOP, "tests", "sieve")
EXAMPLES = os.path.join(TOP, "examples")
SCORES = (12, 95, 99, None)


def extra(version, d):
    """Install the example script for all users; each delivery has a process of
    its own, so that it opens the segment anew."""
    one = "restart_request_count" if version >= (2, 4) else "service_count"
    text = "service lmtp {\n  %s = 1\n}\n" % one
    if version >= (2, 4):
        return text + """\
sieve_extensions {
  editheader = yes
}
sieve_script junk {
  type = before
  path = %s/junk.sieve
}
sieve_script personal {
  path = ~/.dovecot.sieve
}
""" % d.dir
    return text + """\
plugin {
  sieve_extensions = +editheader
  sieve_before = %s/junk.sieve
  sieve = ~/.dovecot.sieve
}
""" % d.dir


OPTIONS = {
    "service": None,
    "settings": {"sieve_plugins": "sieve_vnd_junk_feedback"},
    "extra": extra,
}


def script(t, name, text):
    path = os.path.join(t.d.dir, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o644)
    return path


def compiled(t, path):
    """Compile a global script as the administrator, since users can't."""
    code, text = tool(t, "sievec", path)
    assert code == 0, text
    return path


def example(t, name):
    with open(os.path.join(EXAMPLES, name)) as f:
        return script(t, name, f.read())


def tool(t, *args):
    """Return (exit code, output)"""
    p = subprocess.run([args[0], "-c", t.d.config_path, *args[1:]],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=60)
    return p.returncode, p.stdout


def sieve_test(t, path, compile_it=True, message=CASES + "/message.eml"):
    if compile_it:
        compiled(t, path)
    code, text = tool(t, "sieve-test", "-u", t.user(), path, message)
    assert code == 0, text
    return text


def set_score(t, score):
    segment.write(t.d.segment_path, segment.content(score))


def no_segment(t):
    if os.path.exists(t.d.segment_path):
        os.unlink(t.d.segment_path)


def begin(t, script_name="junk.sieve"):
    compiled(t, example(t, script_name))


def headers(t, mailbox, user=None):
    """Return X-Junk-Score of each message in a mailbox"""
    c = t.imap(user, select=mailbox)
    text = c.cmd("FETCH 1:* BODY.PEEK[HEADER.FIELDS (X-Junk-Score)]", None)
    return re.findall(r"^X-Junk-Score: (\S*)\r$", text, re.M)


def case_lines(name):
    with open(os.path.join(CASES, name)) as f:
        return [line.rstrip("\n") for line in f
                if line.strip() and not line.startswith("#")]


REQUIRE = """\
require ["vnd.junk-feedback", "variables", "relational", "fileinto",
         "comparator-i;ascii-numeric"];
"""


def test_junkscore_cases(t):
    """junkscore: match types and comparators, for known and unknown scores"""
    cases = []
    for line in case_lines("junkscore.cases"):
        m = re.match(r"(.*?)((?:\s+(?:yes|no)){4})$", line)
        cases.append((m.group(1), [w == "yes" for w in m.group(2).split()]))
    assert len(cases) > 20
    path = script(t, "cases.sieve", REQUIRE + "".join(
        'if junkscore %s { fileinto "case%d."; }\n' % (c[0], i)
        for i, c in enumerate(cases)))
    for n, score in enumerate(SCORES):
        set_score(t, score)
        found = sieve_test(t, path)
        for i, (args, expected) in enumerate(cases):
            assert ("case%d." % i in found) == expected[n], \
                "score %s: %s\n%s" % (score, args, found)


def test_invalid_scripts(t):
    """scripts with errors: sievec reports what is wrong"""
    for line in case_lines("invalid.cases"):
        text, word = (part.strip() for part in line.rsplit("|", 1))
        path = script(t, "invalid.sieve", REQUIRE + text + "\n")
        compiles = word.startswith("* ")
        code, said = tool(t, "sievec", path)
        assert (code == 0) == compiles and word.lstrip("* ") in said, \
            "%s\n%s" % (text, said)


def test_junkreport_runtime_verdict(t):
    """junkreport with a verdict known only at run time: keep if it's
    invalid"""
    path = script(t, "runtime.sieve", REQUIRE +
                  'set "v" "maybe"; junkreport "${v}"; discard;\n')
    code, text = tool(t, "sieve-test", "-u", t.user(), path,
                      CASES + "/message.eml")
    assert '"maybe"' in text and "successful implicit keep" in text, text


def test_examples_compile(t):
    """the examples compile, and the binaries can be dumped"""
    for name in sorted(os.listdir(EXAMPLES)):
        if not name.endswith(".sieve"):
            continue
        path = example(t, name)
        code, text = tool(t, "sievec", path)
        assert code == 0, text
        code, text = tool(t, "sieve-dump", path[:-6] + ".svbin", "-")
        assert code == 0 and "vnd.junk-feedback" in text, text
        os.unlink(path[:-6] + ".svbin")


def test_spec_examples_compile(t):
    """the examples of the specification compile"""
    with open(os.path.join(TOP, "doc", "spec-vnd-junk-feedback.txt")) as f:
        text = f.read()
    section = text[text.index("\n9.  Examples\n"):text.index("\n10. ")]
    blocks = re.findall(r"(?:^      \S.*\n|^       .*\n|^\n)+", section, re.M)
    blocks = [b for b in blocks if "require" in b]
    assert len(blocks) == 2, blocks
    for i, block in enumerate(blocks):
        path = script(t, "spec%d.sieve" % i, block)
        code, said = tool(t, "sievec", path)
        assert code == 0, said


def test_actions_are_printed(t):
    """sieve-test shows what the example scripts do"""
    set_score(t, 95)
    assert "store message in folder: Junk" in \
        sieve_test(t, example(t, "junk.sieve"))
    set_score(t, 89)
    assert "store message in folder: Junk" not in \
        sieve_test(t, example(t, "junk.sieve"))
    text = sieve_test(t, example(t, "spamtrap.sieve"))
    assert "report message as spam" in text and "discard" in text, text


@testcase.ALL_FORMATS
def test_lmtp_files_by_score(t):
    """LMTP: filed at the threshold, kept below it, always stamped"""
    begin(t)
    for score, mailbox in ((90, "Junk"), (89, "INBOX"), (99, "Junk"),
                           (0, "INBOX")):
        set_score(t, score)
        t.deliver(testcase.spam())
    assert headers(t, "Junk") == ["90", "99"]
    assert headers(t, "INBOX") == ["89", "0"]
    assert not t.errors(), t.errors()


def test_lmtp_recipients(t):
    """LMTP: each of several recipients gets their own score"""
    begin(t)
    set_score(t, 95)
    users = [t.user("r%d" % i) for i in range(3)]
    t.d.deliver(users, testcase.spam())
    for user in users:
        assert headers(t, "Junk", user) == ["95"]
    set_score(t, 5)
    t.d.deliver(users, testcase.ham())
    for user in users:
        assert headers(t, "INBOX", user) == ["5"]


def test_no_segment(t):
    """no segment: the score is unknown, and mail works"""
    begin(t)
    no_segment(t)
    t.deliver(testcase.spam())
    assert headers(t, "INBOX") == ["unknown"]


def bad_segments():
    good = segment.content(95)
    yield "empty", b""
    yield "header only", good[:128]
    yield "truncated header", good[:100]
    yield "truncated", good[:-1]
    yield "garbage", bytes(range(256)) * 20
    yield "older version", segment.content(95, version=1)
    yield "newer version", segment.content(95, version=99)
    yield "feature set", segment.content(95, features=65535)
    yield "magic", segment.content(95, magic=b"JUNKSCOX")
    yield "withdrawn", segment.content(95, state=3)
    yield "state", segment.content(95, state=77)
    for byte in range(0, 64, 3):
        flipped = bytearray(good)
        flipped[byte] ^= 1 << byte % 8
        yield "bit flip at %d" % byte, bytes(flipped)


def test_bad_segment(t):
    """an invalid segment: the score is unknown, and mail works"""
    begin(t)
    path = script(t, "unknown.sieve",
                  REQUIRE + 'if junkscore "unknown" { fileinto "yes"; }\n')
    for n, (name, data) in enumerate(bad_segments()):
        segment.write(t.d.segment_path, data)
        assert "store message in folder: yes" in sieve_test(t, path), name
        if n % 4 == 0:
            t.deliver(testcase.spam())
    no_segment(t)
    os.mkdir(t.d.segment_path)
    t.deliver(testcase.spam())
    os.rmdir(t.d.segment_path)
    found = headers(t, "INBOX")
    assert len(found) >= 8 and set(found) == {"unknown"}, found
    set_score(t, 95)
    t.deliver(testcase.spam())
    assert headers(t, "Junk") == ["95"]


def test_unreadable_segment(t):
    """a segment that the delivery may not read: the score is unknown"""
    begin(t)
    set_score(t, 95)
    os.chmod(t.d.segment_path, 0o600)
    t.deliver(testcase.spam())
    no_segment(t)
    assert headers(t, "INBOX") == ["unknown"]


def test_forged_stamp(t):
    """a score that the sender has written into the header is removed"""
    begin(t)
    set_score(t, 12)
    t.deliver(b"X-Junk-Score: 0\n" + testcase.spam())
    # with a message without a body
    t.deliver(b"Subject: x\nX-Junk-Score: 0")
    assert headers(t, "INBOX") == ["12", "12"]


def test_own_script_after(t):
    """the user's own script runs after the global one and sees the score"""
    begin(t)
    t.d.sieve(t.user(), """\
require ["vnd.junk-feedback", "variables", "fileinto", "mailbox"];
if junkscore "44" { fileinto :create "Own ${junk.score}"; }
""")
    set_score(t, 44)
    t.deliver(testcase.ham())
    assert headers(t, "Own 44") == ["44"]
    # filed by the global script, so the user's own script doesn't run
    set_score(t, 91)
    t.deliver(testcase.spam())
    assert headers(t, "Junk") == ["91"]


def lda(t, message, user=None):
    p = subprocess.run(["/usr/lib/dovecot/dovecot-lda", "-c",
                        t.d.config_path, "-d", t.user(user or "user")],
                       input=message, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=60)
    assert p.returncode == 0, p.stdout


@testcase.ALL_FORMATS
def test_lda(t):
    """dovecot-lda files by score, too"""
    begin(t)
    set_score(t, 95)
    lda(t, testcase.spam())
    set_score(t, 12)
    lda(t, testcase.ham())
    no_segment(t)
    lda(t, testcase.ham())
    assert headers(t, "Junk") == ["95"]
    assert headers(t, "INBOX") == ["12", "unknown"]


def test_odd_messages(t):
    """empty, malformed and large messages are delivered and stamped"""
    begin(t)
    set_score(t, 12)
    messages = (b"", b"\n", b"no header at all", b"Subject: x",
                b"Subject: =?utf-8?b?AAAA?=\n\n\0\0\0",
                b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * 200,
                testcase.ham() + b"word " * 2000000)
    for message in messages:
        lda(t, message)
    found = headers(t, "INBOX")
    assert len(found) == len(messages), found
    assert set(found) <= {"12", "unknown"}, found


def test_wrong_threshold(t):
    """junk_feedback_threshold that isn't a number from 0 to 100: logged, and
    90 is used"""
    path = script(t, "threshold.sieve", REQUIRE +
                  'fileinto "at ${junk.threshold}";\n')
    for value in ("101", "many"):
        code, text = tool(t, "sieve-test", "-u", t.user(), "-o",
                          "plugin/junk_feedback_threshold=" + value, path,
                          CASES + "/message.eml") \
            if t.d.version < (2, 4) else \
            tool(t, "sieve-test", "-u", t.user(), "-o",
                 "junk_feedback_threshold=" + value, path,
                 CASES + "/message.eml")
        assert "junk_feedback_threshold" in text, text
        if t.d.version < (2, 4):
            assert code == 0 and "folder: at 90" in text, text


def test_spam_trap_without_service(t):
    """junkreport without a service: spooled, and the delivery doesn't wait"""
    begin(t)
    no_segment(t)
    t.d.sieve(t.user(), open(EXAMPLES + "/spamtrap.sieve").read())
    t.deliver(testcase.spam())
    c = t.imap(select="INBOX")
    assert c.uids() == []
    found = subprocess.run(["find", t.d.home(t.user()), "-name",
                            "junk-feedback*"], stdout=subprocess.PIPE,
                           text=True).stdout
    assert "junk-feedback.id" in found and "spool" in found, found
