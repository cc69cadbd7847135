"""A message gets one score: from the milter, from Sieve at LMTP, and from
doveadm for the stored copy, although Postfix and Dovecot have each added
fields or changed it.

The segment gives every token a weight of its own, so that a token that one of
them doesn't see changes the score."""

import base64
import glob
import io
import os
import random
import re
import zipfile

import harness
import mta
import segment

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SAMPLES = sorted(glob.glob(TOP + "/tests/data/demo/*/*.eml") +
                 glob.glob(TOP + "/tests/data/tokens/*.eml"))

SCRIPT = """\
require ["vnd.junk-feedback", "variables", "editheader"];
addheader "X-Sieve-Score" "${junk.score}";
"""


def extra(version, d):
    if version >= (2, 4):
        return """\
sieve_extensions {
  editheader = yes
}
sieve_script personal {
  path = ~/.dovecot.sieve
}
"""
    return """\
plugin {
  sieve_extensions = +editheader
  sieve = ~/.dovecot.sieve
}
"""


OPTIONS = {
    "service": None,
    "settings": {"sieve_plugins": "sieve_vnd_junk_feedback",
                 "junk_feedback_mx": mta.HOSTNAME},
    "extra": extra,
}


def words(count, seed, width=70):
    """Return text of this number of different words"""
    rnd = random.Random(seed)
    text, line = [], ""
    for _ in range(count):
        line += "w%s " % "".join(rnd.choice("abcdefghijk") for _ in range(7))
        if len(line) >= width:
            text.append(line)
            line = ""
    return "\n".join(text + [line]) + "\n"


def mail(body, fields="", kind="text/plain; charset=utf-8"):
    head = ("From: Ann <ann@example.com>\nTo: b@example.net\n"
            "Subject: a message for everybody\n"
            "Date: Tue, 3 Mar 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
            "Content-Type: %s\n%s\n" % (kind, fields))
    if isinstance(body, str):
        body = body.encode()
    return head.encode() + body


def multipart(*parts):
    """parts: (type, encoding, body), ..."""
    body = "".join("--b1\nContent-Type: %s\n"
                   "Content-Transfer-Encoding: %s\n\n%s\n" % part
                   for part in parts)
    return mail("preamble\n" + body + "--b1--\n",
                kind="multipart/mixed; boundary=b1")


def attached(size, seed):
    data = random.Random(seed).randbytes(size)
    return ("application/octet-stream; name=\"data.bin\"", "base64",
            base64.encodebytes(data).decode())


def archive(size, seed):
    """Return a zip file of about this size: a stored member, then others"""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as z:
        z.writestr("first.jpg", random.Random(seed).randbytes(size))
        for i in range(5):
            z.writestr("later.e%d%d" % (seed, i), "x" * 2000,
                       zipfile.ZIP_DEFLATED)
    return ("application/zip; name=\"data.zip\"", "base64",
            base64.encodebytes(data.getvalue()).decode())


def many_parts():
    return multipart(*(("text/x-part%d" % i, "7bit", words(4, i))
                       for i in range(130)))


def nested():
    body = "deep words here\n"
    for i in range(25):
        body = ("Content-Type: multipart/mixed; boundary=n%d\n\n--n%d\n%s"
                "\n--n%d--\n" % (i, i, "\n" + body if i == 0 else body, i))
    return b"Subject: nested\n" + body.encode()


def html_lines(width):
    """Return lines of over 998 bytes, which Postfix' LMTP client breaks."""
    text = words(400, width, width).replace("\n", "</p>\n<p>")
    return mail("<html><body><p>%s</p></body></html>\n" % text,
                kind="text/html")


# Messages that delivery may change, by name.
CASES = {
    "empty": b"\n",
    "no header": b"\nonly a body of some words here\n",
    "no body": mail("").rstrip(b"\n") + b"\n",
    "no end of line": mail("words without an end").rstrip(b"\n"),
    "missing fields": b"Subject: alone here\n\nwith some words in the body\n",
    "dots": mail("first line\n.\n..\n...dots\n.leading words here\n"),
    "bare cr": mail("carriage\rreturns in\rthe middle of words\n"),
    "nul in body": mail(b"before\0after and some words\n"),
    "nul in field": b"X-Mailer: be\0fore after\n" + mail("some words here\n"),
    "8bit without mime": ("From: J\xfcrgen <j@example.com>\n"
                          "Subject: Gr\xfc\xdfe aus K\xf6ln\n\n"
                          "sch\xf6ne Gr\xfc\xdfe aus der Stadt\n"
                          ).encode("latin-1"),
    "utf-8": mail("sch\u00f6ne Gr\u00fc\u00dfe aus der Stadt\n".encode(),
                  "Content-Transfer-Encoding: 8bit\n"),
    "folded": b"Subject:\n a subject\n\tthat is   folded\n \n often\n"
              b"X-Mailer:none\nOrganization:     wide   \n"
              b"To: a@example.com,\n\tb@example.com,\n c@example.com\n"
              b"From: x@example.com\n\nsome words\n",
    "odd fields": b"Subject : space before the colon\nFrom: a@example.com\n"
                  b"no colon at all\nTo: c@example.com\n\nsome words\n",
    "from line": b"From ann@example.com Tue Mar  3 10:00:00 2026\n" +
                 mail("some words\n"),
    "twice": mail("some words\n", "From: c@example.com\nSubject: twice\n"),
    "long field": mail("some words\n", "X-Mailer: %s\n" %
                       words(500, 1, 10**6).strip()),
    "long subject": b"Subject: " + words(300, 2, 10**6).encode() +
                    mail("some words\n"),
    "huge field": mail("some words\n", "X-Mailer: %s\n" %
                       words(15000, 1).strip().replace("\n", "\n ")),
    "many fields": mail("some words\n", "".join(
        "X-Field-%d: some value\n" % i for i in range(480)) +
        "".join("Organization: %s" % words(1, i) for i in range(40))),
    "traces": mail("some words\n", "".join(
        "Received: from a by b; Tue, 3 Mar 2026 10:00:%02d +0000\n"
        "X-Junk-Score: 1\nX-Spam-Status: No\n" % i for i in range(40))),
    "html of 997": html_lines(997), "html of 998": html_lines(998),
    "html of 999": html_lines(999), "html of 5000": html_lines(5000),
    "text of 3000": mail(words(600, 3, 3000)),
    "utf-8 of 3000": mail(words(600, 4, 1500).replace(
        "a", "\u00e4").replace("d", "\u20ac").encode(),
        "Content-Transfer-Encoding: 8bit\n"),
    "quoted-printable": mail("Gr=C3=BC=C3=9Fe =\nund some=20words   \n",
                             "Content-Transfer-Encoding: quoted-printable\n"),
    "many parts": many_parts(), "nested": nested(),
    "unfinished": multipart(("text/plain", "7bit", words(9, 5))
                            )[:-8],
    "text at its limit": mail(words(100, 6) + words(60000, 7, 12)),
    "short lines": mail(words(300, 8, 1) * 150 + words(100, 9)),
    "base64 text": mail(base64.encodebytes(
        (words(9000, 10, 1) * 3 + words(90, 11)).encode()),
        "Content-Transfer-Encoding: base64\n"),
    "big attachment": multipart(("text/plain", "7bit", words(50, 12)),
                                attached(900000, 1),
                                ("text/x-end", "7bit", words(50, 13))),
}
# Archives of about the maximum size that is read, and where none is opened.
for size in (10, 95000, 97000, 98304, 200000):
    CASES["archive of %d" % size] = multipart(archive(size, size % 97))
for size in range(571000, 583000, 1000):
    CASES["archive after %d" % size] = multipart(attached(size, 3),
                                                 archive(120000, 4))
# Two parts around the limit of 1 MiB: the second one is seen by all, or by
# none.
for size in range(765000, 776000, 1000):
    CASES["attachment of %d" % size] = multipart(
        attached(size, 2), ("text/x-end", "7bit", words(90, 14)))


def messages():
    """Return {name: message}"""
    found = dict(CASES)
    for path in SAMPLES:
        with open(path, "rb") as f:
            found[os.path.relpath(path, TOP)] = f.read()
    return found


def stamped(text):
    """Return {UID: (the message's number, the milter's score, Sieve's)} from
    FETCHed headers"""
    found = {}
    for part in text.split("* ")[1:]:
        uid = re.search(r"UID (\d+)", part).group(1)
        fields = dict(re.findall(r"^(X-[\w-]+): (.*)\r$", part, re.M))
        found[uid] = (int(fields["X-Test"]),) + tuple(
            fields.get("X-%s-Score" % who, "unknown")
            for who in ("Junk", "Sieve"))
    return found


def asked(text):
    """Return {UID: score} of doveadm's answer"""
    return dict(re.findall(r"^INBOX (\d+)\tscore\t\t\t(\w+)\t$", text, re.M))


def send_all(t, mails):
    """Send through Postfix and the milter; return the user's client"""
    milter = mta.Milter(t.d, tag="off", mx=mta.HOSTNAME)
    # a message that isn't scored in time is accepted, which would be an error
    # here
    postfix = mta.Postfix(t.d, milter.socket, milter_timeout="100s")
    c = t.imap(select="INBOX")

    def arrived():
        c.cmd("NOOP")
        return len(c.uids()) >= len(mails)
    try:
        milter.start()
        postfix.start()
        postfix.send_all(t.user(), mails[::2])
        # the client is evidence
        postfix.send_all(t.user(), mails[1::2], name="mail.example.com")
        harness.wait_for(arrived, "all messages", 120)
    except harness.HarnessError as e:
        # Postfix says why
        raise harness.HarnessError("%s\n%s" % (e, "\n".join(
            line for line in postfix.log().splitlines()
            if re.search("status=(deferred|bounced)|warning|error", line))))
    finally:
        postfix.stop()
        milter.stop()
    return c


def test_same_score(t):
    """milter, Sieve and doveadm give a message the same score"""
    segment.write(t.d.segment_path, segment.varied())
    t.d.sieve(t.user(), SCRIPT)
    mails = messages()
    names = list(mails)
    c = send_all(t, [b"X-Test: %d\n" % i + mails[name]
                     for i, name in enumerate(names)])
    stamps = stamped(c.cmd("UID FETCH 1:* BODY.PEEK[HEADER.FIELDS (X-Test "
                           "X-Junk-Score X-Sieve-Score)]"))
    scores = asked(t.d.doveadm("-f", "tab", "junk", "score", "-u", t.user(),
                               "mailbox", "INBOX", "all"))
    assert len(stamps) == len(scores) == len(names)
    wrong = ["%s: milter %s, Sieve %s, doveadm %s" % (
        names[number], milter, sieve, scores[uid])
        for uid, (number, milter, sieve) in stamps.items()
        if not milter == sieve == scores[uid]]
    assert not wrong, "%d of %d differ:\n%s" % (
        len(wrong), len(names), "\n".join(wrong))
    # otherwise the test would show nothing
    assert len(set(scores.values())) > 50, scores.values()
