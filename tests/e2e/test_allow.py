"""Trusted senders: their mail isn't filed, if the sender is certain.

The segment gives every message a score of 99, so all other mail is filed."""

import json
import os
import stat
import subprocess
import time

import harness
import segment
import test_sharing
import test_sieve
from testcase import ALL_FORMATS, formats

FILE = "junk-feedback.allow"
MX = "mx.test.example"
HEADER_BYTES = 24


def extra(version, d):
    path = d.dir + "/allow"
    with open(path, "w") as f:
        f.write("# trusted by the administrator\npartner@firm.example\n"
                "@bank.example # and its domain\n")
    os.chmod(path, 0o644)
    return test_sieve.extra(version, d) + (
        "junk_feedback_allow_file = %s\n" % path if version >= (2, 4) else
        "plugin {\n  junk_feedback_allow_file = %s\n}\n" % path)


OPTIONS = {
    "settings": {"sieve_plugins": "sieve_vnd_junk_feedback",
                 "junk_feedback_authserv_id": MX},
    "extra": extra,
    "users": {
        "off@maildir": {"junk_feedback_allow_sent": "no"},
        "other@maildir": {"junk_feedback_authserv_id": "other.example"},
    },
}


def dmarc(domain, result="pass", host=MX):
    return "Authentication-Results: %s; dmarc=%s header.from=%s\n" % (
        host, result, domain)


def mail(sender, results=None, fields="", to="user@maildir"):
    if results is None:
        results = dmarc(sender.split("@")[1])
    return ("%sFrom: A Friend <%s>\n%sTo: %s\nSubject: some words\n"
            "Date: Tue, 3 Mar 2026 10:00:00 +0000\n\nwith a text\n" % (
                results, sender, fields, to)).encode()


def begin(t):
    """Let another program's segment replace the service's"""
    # the service publishes again only after a report or a change
    test_sieve.begin(t)
    test_sieve.set_score(t, 99)


def count(t, mailbox, user=None):
    text = t.d.doveadm("-f", "tab", "mailbox", "status", "-u",
                       user or t.user(), "messages", mailbox)
    return int(text.split()[-1])


def filed(t, message, user=None):
    """Deliver; return whether the message went to Junk"""
    user = user or t.user()
    test_sieve.set_score(t, 99)
    before = count(t, "Junk", user), count(t, "INBOX", user)
    t.d.deliver(user, message)
    after = count(t, "Junk", user), count(t, "INBOX", user)
    assert sum(after) == sum(before) + 1, (before, after)
    return after[0] > before[0]


def allow(t, *args, user=None, code=0):
    """Return the rows of doveadm junk allow"""
    p = subprocess.run(["doveadm", "-c", t.d.config_path, "-f", "json", "junk",
                        "allow", "-u", user or t.user(), *args],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, timeout=60)
    assert p.returncode == code, (p.returncode, p.stdout, p.stderr)
    return json.loads(p.stdout) if p.stdout.strip() else []


def how(t, address, user=None):
    return allow(t, "test", address, user=user)[0]["sender"]


def append(t, mailbox, message, user=None):
    """Save a message as a client does"""
    c = t.imap(user)
    c.cmd(["APPEND %s (\\Seen) " % mailbox, message.replace(b"\n", b"\r\n")])
    c.logout()


def sent(to, fields=""):
    return mail("me@here.example", results="", fields=fields, to=to)


def score_of(t, message, *args):
    """Return {item: value} by doveadm junk score"""
    p = subprocess.run(["doveadm", "-c", t.d.config_path, "-f", "json", "junk",
                        "score", *args], input=message, check=True,
                       stdout=subprocess.PIPE, timeout=60)
    return {row["item"]: row["value"] for row in json.loads(p.stdout)}


def test_file(t):
    """allow: senders in the administrator's file aren't filed if the MTA says
    that they are real"""
    begin(t)
    for sender in ("partner@firm.example", "Partner@FIRM.example",
                   "anybody@bank.example"):
        assert not filed(t, mail(sender, dmarc(sender.split("@")[1].lower())))
    dkim = "Authentication-Results: %s; dkim=pass header.d=bank.example\n" % MX
    assert not filed(t, mail("a@bank.example", dkim))
    for sender in ("other@firm.example", "a@x.bank.example", "a@b.example"):
        assert filed(t, mail(sender))
    c = t.imap(select="INBOX")
    text = c.cmd("FETCH 1 BODY.PEEK[HEADER.FIELDS (X-Junk-Score "
                 "X-Junk-Reason)]", None)
    assert "X-Junk-Score: 0\r\n" in text and \
        "X-Junk-Reason: trusted sender" in text, text
    assert not t.errors(), t.errors()


def test_spoofed(t):
    """allow: mail that only claims to be from a trusted sender is filed"""
    begin(t)
    sender = "a@bank.example"
    for results in ("", dmarc("bank.example", "fail"),
                    dmarc("bank.example", host="evil.example"),
                    dmarc("evil.example"),
                    dmarc("bank.example", "fail") + dmarc("bank.example"),
                    "Authentication-Results: dmarc=pass "
                    "header.from=bank.example\n",
                    "Authentication-Results: %s; spf=pass "
                    "smtp.mailfrom=a@bank.example\n" % MX):
        assert filed(t, mail(sender, results)), results
    assert filed(t, mail("a@evil.example", dmarc("bank.example")))
    for fields in ("From: b@evil.example\n", "From: a@bank.example\n",
                   "from : a@bank.example\n"):
        assert filed(t, mail(sender, fields=fields)), fields
    assert filed(t, mail("a@bank.example>, <b@evil.example",
                         dmarc("bank.example")))
    assert filed(t, mail("b@evil.example>, <a@bank.example",
                         dmarc("bank.example")))
    assert not filed(t, mail(sender))
    # results of another host are trusted
    assert filed(t, mail(sender), user="other@maildir")


@ALL_FORMATS
def test_sent(t):
    """allow: whoever a user has written to isn't filed; only addresses' hashes
    are stored"""
    begin(t)
    ann = mail("ann@a.example")
    assert filed(t, ann)
    append(t, "Sent", sent("Ann <Ann@A.example>, bob@b.example",
                           "Cc: cc@c.example\nBcc: bcc@d.example\n"))
    assert not filed(t, ann)
    assert filed(t, mail("ann@a.example", ""))
    assert filed(t, mail("other@a.example"))
    row = allow(t, "list")[0]
    assert (row["written-to"], row["added"]) == (4, 0), row
    for address in ("ann@a.example", "BOB@b.example", "cc@c.example",
                    "bcc@d.example"):
        assert how(t, address) == "written to"
    assert how(t, "me@here.example") == "not trusted"
    # another user's list
    assert filed(t, ann, user="other@maildir")
    path = t.control_file(t.user(), FILE)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, "rb") as f:
        data = f.read()
    assert len(data) == HEADER_BYTES + 4 * 8
    assert b"example" not in data and b"ann" not in data
    assert not t.errors(), t.errors()


def test_drafts(t):
    """allow: a message that goes from Drafts to Sent; mail that others wrote and
    a user files in Sent makes nobody trusted"""
    begin(t)
    append(t, "Drafts", sent("ann@a.example"))
    assert how(t, "ann@a.example") == "not trusted"
    t.move("Drafts", "Sent")
    assert how(t, "ann@a.example") == "written to"
    # of one command, so many are read
    for n in range(34):
        append(t, "Drafts", sent("%d@b.example" % n))
    c = t.imap(select="Drafts")
    c.cmd("UID MOVE 1:* Sent")
    c.logout()
    assert allow(t, "list")[0]["written-to"] == 33
    t.d.deliver(t.user(), mail("x@x.example", to="spammer@evil.example"))
    t.move("INBOX" if count(t, "INBOX") else "Junk", "Sent")
    assert how(t, "spammer@evil.example") == "not trusted"
    assert how(t, "x@x.example") == "not trusted"
    # delivered by Sieve
    test_sieve.no_segment(t)
    t.deliver(sent("spammer@evil.example"), mailbox="Sent")
    assert how(t, "spammer@evil.example") == "not trusted"


def test_automatic(t):
    """allow: a receipt or an automatic reply in Sent makes nobody trusted"""
    for fields in ("Auto-Submitted: auto-replied\n",
                   "Content-Type: multipart/report; boundary=x\n"):
        append(t, "Sent", sent("spammer@evil.example", fields))
    assert how(t, "spammer@evil.example") == "not trusted"
    append(t, "Sent", sent("spammer@evil.example", "Auto-Submitted: no\n"))
    assert how(t, "spammer@evil.example") == "written to"


def test_off(t):
    """allow: nothing is learned with junk_feedback_allow_sent = no"""
    begin(t)
    append(t, "Sent", sent("ann@a.example"), user="off@maildir")
    assert how(t, "ann@a.example", "off@maildir") == "not trusted"
    assert not os.path.exists(t.control_file("off@maildir", FILE))
    assert filed(t, mail("ann@a.example"), user="off@maildir")
    # what was added by command counts
    allow(t, "add", "ann@a.example", user="off@maildir")
    assert not filed(t, mail("ann@a.example"), user="off@maildir")


def test_no_results(t):
    """allow: nothing is learned, and nobody is trusted, if no results are"""
    settings = dict(OPTIONS["settings"])
    del settings["junk_feedback_authserv_id"]
    t = t.private(**dict(OPTIONS, settings=settings))
    begin(t)
    append(t, "Sent", sent("ann@a.example"))
    assert not os.path.exists(t.control_file(t.user(), FILE))
    allow(t, "add", "ann@a.example")
    assert filed(t, mail("ann@a.example"))
    assert filed(t, mail("a@bank.example"))


def test_shared(t):
    """allow: what somebody saves in another user's Sent changes nobody's list"""
    t = t.private(**dict(test_sharing.OPTIONS, settings={
        "junk_feedback_authserv_id": MX}))
    owner = t.client("owner")
    owner.cmd("SETACL Sent %s lrwstipekxa" % t.user("actor"))
    append(t, "shared/%s/Sent" % t.user("owner"), sent("ann@a.example"),
           user=t.user("actor"))
    for user in ("owner", "actor"):
        assert not os.path.exists(t.control_file(t.user(user), FILE)), user
    append(t, "Sent", sent("ann@a.example"), user=t.user("actor"))
    assert how(t, "ann@a.example", t.user("actor")) == "written to"


@formats("maildir")
def test_distrust(t):
    """allow: a sender whose mail is moved to Junk isn't trusted any more, unless
    the mail was forged or the sender was added by command"""
    begin(t)
    allow(t, "add", "boss@b.example")
    append(t, "Sent", sent("ann@a.example, boss@b.example"))
    for message, expected in (
            (mail("ann@a.example", dmarc("a.example", "fail")), "written to"),
            (mail("boss@b.example"), "added"),
            (mail("ann@a.example"), "not trusted")):
        sender = "boss@b.example" if b"boss" in message else "ann@a.example"
        t.d.deliver(t.user().replace("@", "+INBOX@"), message)
        if not count(t, "INBOX"):
            t.move("Junk", "INBOX")
        t.move("INBOX", "Junk")
        t.reports()
        end = time.monotonic() + 2
        while how(t, sender) != expected and time.monotonic() < end:
            time.sleep(0.1)
        assert how(t, sender) == expected, sender
    append(t, "Sent", sent("ann@a.example"))
    assert how(t, "ann@a.example") == "written to"


def test_command(t):
    """allow: list, test, add, remove and clear; faults have an exit code"""
    begin(t)
    rows = allow(t, "add", "Ann@A.example", "@b.example")
    assert [(r["address"], r["sender"]) for r in rows] == [
        ("ann@a.example", "added"), ("@b.example", "added")], rows
    assert not filed(t, mail("ann@a.example"))
    assert not filed(t, mail("x@b.example"))
    assert how(t, "x@b.example") == "added"
    assert how(t, "a@bank.example") == "in the administrator's file"
    rows = allow(t, "remove", "ann@a.example", "none@a.example")
    assert [r["sender"] for r in rows] == ["removed", "not in the list"], rows
    assert filed(t, mail("ann@a.example"))
    rows = allow(t, "list")
    assert (rows[0]["written-to"], rows[0]["added"]) == (0, 1), rows
    allow(t, "clear")
    assert filed(t, mail("x@b.example"))
    assert not os.path.exists(t.control_file(t.user(), FILE))
    for args in ((), ("show",), ("add",), ("test",), ("list", "a@a.example"),
                 ("add", "example.com"), ("add", "a@b@c"), ("add", "a b@c")):
        allow(t, *args, code=64)
    # a file of the user that isn't ours
    os.symlink("/etc/passwd", t.control_file(t.user(), FILE))
    allow(t, "add", "a@a.example", code=75)
    allow(t, "list", code=75)
    assert filed(t, mail("x@b.example"))


def test_score(t):
    """allow: doveadm junk score says it as well, by pipe and for a mailbox"""
    begin(t)
    trusted, other = mail("a@bank.example"), mail("a@b.example")
    for args in ((), ("-u", t.user())):
        row = score_of(t, trusted, *args)
        assert row["score"] == "0" and row["reason"] == "trusted sender", row
        assert score_of(t, other, *args)["score"] == "99"
    allow(t, "add", "a@b.example")
    assert score_of(t, other)["score"] == "99"
    assert score_of(t, other, "-u", t.user())["score"] == "0"
    t.d.deliver(t.user(), other)
    test_sieve.set_score(t, 99)
    assert score_of(t, b"", "-u", t.user(), "mailbox", "INBOX",
                    "all")["score"] == "0"


def test_start(t):
    """start: whoever was written to before"""
    test_sieve.no_segment(t)
    t.deliver(sent("ann@a.example"), mailbox="Sent")
    t.deliver(sent("bob@b.example", "Auto-Submitted: auto-replied\n"),
              mailbox="Sent")
    t.deliver(sent("draft@d.example"), mailbox="Drafts")
    t.d.doveadm("junk", "start", "-u", t.user())
    assert how(t, "ann@a.example") == "written to"
    assert how(t, "bob@b.example") == "not trusted"
    assert how(t, "draft@d.example") == "not trusted"
    t.d.deliver("off+Sent@maildir", sent("bob@b.example"))
    t.d.doveadm("junk", "start", "-u", "off@maildir")
    assert how(t, "bob@b.example", "off@maildir") == "not trusted"


def test_check(t):
    """check: the first invalid line of the administrator's file, and a file that
    can't have an effect"""
    def row():
        p = subprocess.run(["doveadm", "-c", t.d.config_path, "-f", "json",
                            "junk", "check"], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, timeout=120)
        return {r["item"]: r for r in json.loads(p.stdout)}[
            "trusted senders"]

    path = t.d.dir + "/allow"
    with open(path) as f:
        text = f.read()
    assert row()["state"] == "ok" and "2 entries" in row()["value"], row()
    try:
        with open(path, "a") as f:
            f.write("\nbank.example\n")
        assert row()["state"] == "error" and " line 5 " in row()["value"], \
            row()
        os.rename(path, path + ".old")
        assert row()["state"] == "error", row()
    finally:
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o644)
