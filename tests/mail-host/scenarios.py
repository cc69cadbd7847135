"""Scenarios that test each sentence of the public page. plays() names the
sentences of a scenario; the last scenario fails if a sentence has none."""

import base64
import contextlib
import hashlib
import io
import os
import plistlib
import re
import signal
import smtplib
import subprocess
import tarfile
import time
import traceback
import xml.etree.ElementTree as ElementTree
import zipfile

import authheaders
import dkim

import clients
import host as mailhost
import internet as inet
import space
import thunderbird
import web
from clients import (accepted, arrived, attached, message, received, refused,
                     send, submit, unique)

SCENARIOS = []


def plays(*names):
    def add(function):
        SCENARIOS.append((function, names))
        return function
    return add


class World:
    def __init__(self, internet, host):
        self.internet, self.host = internet, host
        self.played = set()

    def mail_log(self):
        return self.host.read("/var/log/mail.log")

    def logged(self, pattern, secs=space.TIMEOUT_SECS):
        return space.wait_for(lambda: re.search(pattern, self.mail_log()),
                              "%s in mail.log" % pattern, secs)

    def queued(self):
        return self.host.run("postqueue", "-p")

    def unlock(self):
        """Release the lock of the browser's address, which had too many failed
        logins."""
        self.host.run("fail2ban-client", "unban", "--all")

    def flush(self):
        self.host.run("postqueue", "-f")


# --- sending ---

def verified(data):
    """Return the Authentication-Results that a receiver computes for the
    message."""
    text = data.decode()
    match = re.search(r"Received: from (\S+) \((\S+) \[([\d.]+)\]\)", text)
    helo, ptr, address = match.groups()
    sender = re.search(r"Return-Path: <(.*)>", text)[1]
    result = authheaders.authenticate_message(
        data, "mx.good.example", ip=address, mail_from=sender, helo=helo,
        spf=True, dkim=True, dmarc=True)
    return helo, ptr, address, result


@plays("system")
def outgoing(w):
    subject = unique("outgoing")
    accepted(submit(message(subject, sender="anna@example.org",
                            to="eve@good.example")))
    data = received(subject)
    helo, ptr, address, result = verified(data)
    assert helo == ptr == "mail.example.org", (helo, ptr)
    assert address == space.HOST
    for wanted in ("spf=pass", "dkim=pass", "dmarc=pass"):
        assert wanted in result, result
    assert b"header.d=example.org" in result.encode(), result
    # a copy without the signature from another host must fail
    data = re.sub(rb"DKIM-Signature:.*\n([ \t].*\n)*", b"", data)
    fake = authheaders.authenticate_message(
        data, "mx.good.example", ip=clients.OTHER,
        mail_from="anna@example.org", helo="mx.other.example", spf=True,
        dkim=True, dmarc=True)
    assert "spf=fail" in fake and "dmarc=fail" in fake, fake
    policy = inet.answers(w.internet, "127.0.0.1", "_dmarc.example.org", "TXT")
    assert "p=reject" in policy, policy


@plays("sender")
def sender_is_user(w):
    for envelope, header in (("bert@example.org", "anna@example.org"),
                             ("anna@example.org", "bert@example.org"),
                             ("anna@example.org", "eve@good.example"),
                             ("eve@good.example", "anna@example.org")):
        refused(submit(message(unique("sender"), sender=header),
                       sender=envelope), "sender")
    accepted(submit(message(unique("sender"), sender="Anna@Example.org")))


# --- encryption ---

def posttls(w, level, name):
    return w.internet.run("posttls-finger", "-c", "-L", "summary", "-l", level,
                          "-t", "30", name, check=False)


@plays("dane-in")
def dane_incoming(w):
    text = posttls(w, "dane-only", "example.org")
    assert re.search(r"Verified TLS connection established to "
                     r"mail\.example\.org", text), text
    # an MTA that sends with DANE only delivers a message
    subject = unique("dane")
    accepted_by_sendmail(w, subject)
    assert b"(Postfix)" in arrived("anna", subject)


def accepted_by_sendmail(w, subject):
    w.internet.run("sendmail", "-f", "eve@good.example", "anna@example.org",
                   input=message(subject).as_string())


@plays("dane-out")
def dane_outgoing(w):
    subjects = {}
    for domain in ("good", "bad", "plain"):
        subjects[domain] = unique("to " + domain)
        accepted(submit(message(subjects[domain], sender="anna@example.org"),
                        to=["eve@%s.example" % domain]))
    received(subjects["good"])
    w.logged(r"Verified TLS connection established to mx\.good\.example")
    # without TLSA records, mail is encrypted if the receiver supports it
    received(subjects["plain"])
    line = w.logged(r"to=<eve@bad\.example>.*status=deferred \((.*)\)")[1]
    assert re.search("TLSA|not verified|not trusted|untrusted", line), line
    assert "to=<eve@bad.example>, relay=mx.bad" not in re.sub(
        ".*status=deferred.*", "", w.mail_log())
    assert "eve@bad.example" in w.queued()
    w.host.run("postsuper", "-d", "ALL", "deferred")


@plays("mta-sts")
def mta_sts(w):
    def txt(name):
        return inet.answers(w.internet, "127.0.0.1", name, "TXT")
    assert re.search(r"v=STSv1; id=\w+", txt("_mta-sts.example.org"))
    assert re.search(r"v=TLSRPTv1; rua=mailto:", txt("_smtp._tls.example.org"))
    policy = get("https://mta-sts.example.org/.well-known/mta-sts.txt")[1]
    assert policy.splitlines() == ["version: STSv1", "mode: enforce",
                                   "mx: mail.example.org", "max_age: 604800"]


def get(url, data=None, language=None):
    """Return (content type, text) of a URL, with the certificate verified."""
    args = ["curl", "-sS", "--fail", "--cacert", inet.CA, "-w",
            "\n%{content_type}", "-L", url]
    if data is not None:
        args[1:1] = ["--data-binary", data, "-H", "Content-Type: text/xml"]
    if language is not None:
        args[1:1] = ["-H", "Accept-Language: " + language]
    text = subprocess.run(args, stdout=subprocess.PIPE, check=True, text=True,
                          timeout=60).stdout
    text, _, kind = text.rpartition("\n")
    return kind.split(";")[0], text


# --- logging in ---

@plays("tls-only")
def tls_only(w):
    for port, starttls in ((25, False), (25, True), (587, False)):
        with smtplib.SMTP(clients.NAME, port, "laptop.home", 60,
                          (clients.USER_AT_HOME, 0)) as smtp:
            if starttls:
                smtp.starttls(context=clients.tls())
            smtp.ehlo()
            assert "auth" not in smtp.esmtp_features
            code, text = smtp.docmd("AUTH", "PLAIN AGEAYg==")
            refused((code, text.decode()), "tls-only")
    with smtplib.SMTP(clients.NAME, 587, timeout=60) as smtp:
        smtp.starttls(context=clients.tls())
        smtp.login("anna@example.org", mailhost.PASSWORD)
        accepted(clients.session(
            smtp, "anna@example.org", ["eve@good.example"],
            message(unique("submission"), sender="anna@example.org")))
    # IMAP announces that LOGIN is disabled, so clients don't send the password
    import imaplib
    c = imaplib.IMAP4(clients.NAME, 143)
    assert "LOGINDISABLED" in c.capabilities
    try:
        c.login("anna@example.org", mailhost.PASSWORD)
        raise AssertionError("logged in without TLS")
    except imaplib.IMAP4.error as error:
        assert "PRIVACYREQUIRED" in str(error), error
    c.starttls(clients.tls())
    c.login("anna@example.org", mailhost.PASSWORD)
    c.logout()


@plays("guessing")
def guessing(w):
    def attempt(source, password):
        try:
            clients.imap(source=source, password=password).logout()
            return "in"
        except OSError:
            return "locked"
        except Exception as error:
            return str(error)
    # logins by IMAP and by SMTP are counted separately
    guesser = "198.18.4.4"
    for _ in range(5):
        assert "AUTHENTICATIONFAILED" in attempt(guesser, "guess")
    space.wait_for(lambda: locked(w, guesser), "the lock")
    assert attempt(guesser, mailhost.PASSWORD) == "locked"
    assert attempt(clients.USER_AT_HOME, mailhost.PASSWORD) == "in"
    guesser = "198.18.4.5"
    for _ in range(5):
        try:
            submit(message("x"), source=guesser, password="guess")
            raise AssertionError("logged in")
        except smtplib.SMTPAuthenticationError as error:
            refused((error.smtp_code, error.smtp_error.decode()), "guessing")
        except OSError:
            # smtplib tries each password with two mechanisms
            break
    space.wait_for(lambda: locked(w, guesser), "the lock")
    # Postfix limits the rate of logins, whether they succeed or not
    answers = []
    for _ in range(25):
        try:
            with smtplib.SMTP_SSL(clients.NAME, 465, "laptop.home", timeout=60,
                                  source_address=("198.18.4.6", 0),
                                  context=clients.tls()) as smtp:
                smtp.login("anna@example.org", mailhost.PASSWORD)
        except smtplib.SMTPException as error:
            answers.append((error.smtp_code, error.smtp_error.decode()))
    assert answers, "25 logins in a minute"
    refused(answers[0], "guessing", "4")


def locked(w, address):
    return address in w.host.run("nft", "list", "ruleset")


# --- which hosts ---

@plays("relay")
def relay(w):
    refused(send(message("relay"), to=["victim@plain.example"]), "relay")
    # source routes in an address aren't relayed either
    for to in ("victim%plain.example@example.org",
               "plain.example!victim@example.org"):
        code, text = send(message("relay"), to=[to])
        assert code in (550, 554), (code, text)
    # the users' port doesn't relay without a login
    with smtplib.SMTP(clients.NAME, 587, "laptop.home", timeout=60) as smtp:
        smtp.starttls(context=clients.tls())
        smtp.ehlo()
        refused(clients.session(smtp, "eve@good.example",
                                ["victim@plain.example"], b""), "relay")


def from_host(address, **kwargs):
    return send(message(unique("host"), sender="eve@other.example"), address,
                sender="eve@other.example", **kwargs)


@plays("ptr-missing")
def ptr_missing(w):
    refused(from_host("198.18.2.1"), "ptr-missing")


@plays("ptr-wrong")
def ptr_wrong(w):
    refused(from_host("198.18.2.2"), "ptr-wrong")


@plays("dynamic")
def dynamic(w):
    refused(from_host("198.18.2.3"), "dynamic")
    # a mail server whose name has such a word is accepted
    accepted(from_host("198.18.2.5"))


@plays("dnsbl")
def dnsbl(w):
    refused(from_host("198.18.2.4"), "dnsbl")


@plays("logged-in")
def logged_in(w):
    for source in ("198.18.2.1", "198.18.2.2", "198.18.2.3", "198.18.2.4"):
        subject = unique("from anywhere")
        accepted(submit(message(subject, sender="carl@example.org"), "carl",
                        source=source))
        received(subject)


# --- which mail ---

def signed(m, domain="strict.example", key=inet.KEY, **kwargs):
    data = clients.to_bytes(m)
    with open(key, "rb") as f:
        return dkim.sign(data, b"s", domain.encode(), f.read(),
                         include_headers=[b"from", b"subject", b"date"],
                         **kwargs) + data


def strict(subject, **kwargs):
    return message(subject, sender="bob@strict.example", **kwargs)


@plays("dmarc")
def dmarc(w):
    def sent(data, source=clients.OTHER):
        return send(data, source, sender="bob@strict.example")
    refused(sent(strict(unique("no signature"))), "dmarc")
    broken = signed(strict(unique("broken"))).replace(b"how are you",
                                                      b"click here")
    refused(sent(broken), "dmarc")
    # a signature that expired an hour ago, and one that expires in an hour
    refused(sent(expiring(strict(unique("expired")), -3600)), "dmarc")
    accepted(sent(expiring(strict(unique("expiring")), 3600)))
    # a valid signature of another domain
    refused(sent(signed(strict(unique("other")), "list.example",
                        inet.LIST_KEY)), "dmarc")
    # the domain's own host, and the domain's own signature
    accepted(sent(strict(unique("spf")), clients.STRICT))
    accepted(sent(signed(strict(unique("dkim")))))


def expiring(m, secs):
    """Sign with an expiration time (RFC 6376, simple/simple). dkimpy has no
    x=."""
    data = clients.to_bytes(m)
    head, body = data.split(b"\r\n\r\n", 1)
    body = body.rstrip(b"\r\n") + b"\r\n"
    fields = [re.search(rb"(?m)^%s:.*\r\n" % name, head + b"\r\n")[0]
              for name in (b"From", b"Subject")]
    now = int(time.time())
    signature = ("DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; "
                 "d=strict.example; s=s; h=from:subject; t=%d; x=%d; bh=%s; b="
                 % (now - 7200, now + secs, base64.b64encode(
                     hashlib.sha256(body).digest()).decode())).encode()
    b = subprocess.run(["openssl", "dgst", "-sha256", "-sign", inet.KEY],
                       input=b"".join(fields) + signature,
                       stdout=subprocess.PIPE, check=True).stdout
    return signature + base64.b64encode(b) + b"\r\n" + head + \
        b"\r\n\r\n" + body


@plays("lists")
def lists(w):
    # a forwarder that doesn't change the message
    accepted(send(signed(strict(unique("forwarded"))), clients.FORWARDER,
                  sender="SRS0=aa=bb=strict.example=bob@fwd.example"))
    # a list that changes the message and adds an ARC seal
    subject = unique("list")
    accepted(send(sealed(strict(subject), "list.example", "pass"),
                  clients.LIST, sender="list-bounces@list.example"))
    arrived("anna", subject)
    # a list for which DMARC failed, and a list that isn't trusted
    refused(send(sealed(strict(unique("list")), "list.example", "fail"),
                 clients.LIST, sender="list-bounces@list.example"), "dmarc")
    refused(send(sealed(strict(unique("list")), "unknown-list.example",
                        "pass"), clients.LIST,
                 sender="list-bounces@unknown-list.example"), "dmarc")
    # mail that this host forwards
    subject = unique("away")
    accepted(send(signed(strict(subject)), clients.STRICT,
                  sender="bob@strict.example", to=["away@example.org"]))
    data = received(subject)
    result = verified(data)[3]
    for wanted in ("spf=pass", "dkim=pass", "dmarc=pass"):
        assert wanted in result, result
    match = re.search(rb"Return-Path: <(SRS0=\S+@example\.org)>", data)
    assert match, data
    assert b"ARC-Seal: i=1" in data, data
    assert dkim.ARC(data).verify()[0] == b"pass", data
    # bounces of forwarded mail are returned to its sender
    bounce = unique("bounce")
    accepted(send(message(bounce), sender="", to=[match[1].decode()]))
    w.logged(r"orig_to=<srs0=\S+>|to=<bob@strict\.example>")


def sealed(m, domain, result):
    data = clients.to_bytes(m)
    results = ("Authentication-Results: %s; dmarc=%s header.from="
               "strict.example; spf=%s\r\n" % (domain, result, result))
    data = results.encode() + data.replace(b"how are you",
                                           b"[list] how are you")
    with open(inet.LIST_KEY, "rb") as f:
        headers = dkim.arc_sign(data, b"s", domain.encode(), f.read(),
                                domain.encode(),
                                include_headers=[b"from", b"subject"])
    assert headers, "not sealed"
    return b"".join(headers) + data


EXE = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + b"\0" * 44 + \
    b"\x80\0\0\0" + b"\0" * 64 + b"PE\0\0\x64\x86\3\0" + b"\0" * 12 + \
    b"\xf0\0\x22\0\x0b\2" + b"\0" * 400
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def zipped(name, data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, data)
    return out.getvalue()


def tarred(name, data, mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as t:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def seven(name, data, *options):
    os.makedirs("/tmp/7z", exist_ok=True)
    with open("/tmp/7z/" + name, "wb") as f:
        f.write(data)
    subprocess.run(["7z", "a", "-bd", *options, "/tmp/out.7z", "/tmp/7z/" + name],
                   stdout=subprocess.DEVNULL, check=True)
    with open("/tmp/out.7z", "rb") as f:
        content = f.read()
    os.unlink("/tmp/out.7z")
    return content


def rar(name, data):
    """Return a RAR 4 archive with a stored file, since no free program makes
    it."""
    import struct
    import zlib

    def block(kind, flags, rest, size_after=0):
        head = struct.pack("<BHH", kind, flags, 7 + len(rest)) + rest
        return struct.pack("<H", zlib.crc32(head) & 0xffff) + head
    name = name.encode()
    file_head = struct.pack("<IIBIIBBHI", len(data), len(data), 2,
                            zlib.crc32(data), 0x5a000000, 20, 0x30, len(name),
                            0x20) + name
    return b"Rar!\x1a\7\0" + block(0x73, 0, b"\0" * 6) + \
        block(0x74, 0x8000, file_head) + data + block(0x7b, 0x4000, b"")


@plays("attachments")
def attachments(w):
    script = b"<html><body><script>location='http://x.example'</script></body></html>"
    page = b"<html><body><p>The minutes of the meeting</p></body></html>"
    inner = attached("inner", EXE, "setup.exe")
    forwarded = message(unique("forwarded"))
    forwarded.add_attachment(inner)
    bad = [
        attached(unique("exe"), b"just text", "setup.exe"),
        attached(unique("case"), b"just text", "Rechnung.pdf.SCR"),
        attached(unique("renamed"), EXE, "invoice.pdf", "application/pdf"),
        attached(unique("zip"), zipped("setup.exe", EXE), "a.zip"),
        attached(unique("zip, renamed"), zipped("invoice.pdf", EXE), "a.zip"),
        attached(unique("tar"), tarred("setup.exe", EXE, "w"), "a.tar"),
        attached(unique("tgz"), tarred("setup.js", b"alert(1)"), "a.tgz"),
        attached(unique("7z"), seven("setup.exe", EXE), "a.7z"),
        attached(unique("rar"), rar("setup.exe", EXE), "a.rar"),
        attached(unique("nested"), zipped("b.tar.gz", tarred("setup.exe", EXE)),
                 "a.zip"),
        attached(unique("encrypted"), seven("a.exe", EXE, "-psecret", "-mhe=on"),
                 "a.7z"),
        attached(unique("macro"), zipped("x", b"x"), "letter.docm"),
        attached(unique("html"), script, "invoice.html", "text/html"),
        attached(unique("htm"), page.replace(b"<p>", b"<p onclick = 'x()'>"),
                 "invoice.htm"),
        forwarded,
    ]
    for m in bad:
        try:
            refused(send(m), "attachments")
        except AssertionError as error:
            raise AssertionError("%s: %s" % (m["Subject"], error)) from None
    good = [
        attached(unique("pdf"), PDF, "invoice.pdf", "application/pdf"),
        attached(unique("zip of pdf"), zipped("invoice.pdf", PDF), "a.zip"),
        attached(unique("page"), page, "minutes.html", "text/html"),
        attached(unique("text"), b"MZ is a name\n", "notes.txt", "text/plain"),
    ]
    for m in good:
        assert send(m)[0] == 250, m["Subject"]
        arrived("anna", m["Subject"])
    # users' own attachments are checked, too
    refused(submit(attached(unique("own"), EXE, "tool.exe",
                            sender="anna@example.org")), "attachments")


@plays("recipients")
def recipients(w):
    def sent(count):
        return submit(message(unique("many"), sender="dora@example.org"),
                      "dora", to=["r%d@plain.example" % i
                                  for i in range(count)])
    accepted(sent(60))
    refused(sent(60), "recipients")
    # a message to fewer recipients is still accepted
    accepted(sent(20))
    # recipients are counted for each user
    accepted(submit(message(unique("few"), sender="emil@example.org"), "emil"))


# --- users ---

@plays("webmail")
def webmail(w):
    subject = unique("webmail")
    accepted(send(message(subject, to="gina@example.org"),
                  to=["gina@example.org"]))
    arrived("gina", subject)
    with web.Browser() as browser:
        tab = browser.tab()
        # wrong codes, no code, and a correct code with a wrong password
        now = web.code()
        wrong = "%06d" % ((int(now) + 1) % 1000000)
        assert not tab.log_in("gina", wrong)
        assert not tab.log_in("gina", "000000")
        assert not tab.log_in("gina", now, "guess")
        time.sleep(61)
        now = web.code()
        assert tab.log_in("gina", now)
        tab.open_message(clients.uid_of("gina", subject))
        assert "how are you" in tab.ask("document.body.innerText")
        # both buttons, Junk and Not junk
        assert tab.ask("!!document.querySelector('a.junk')")
        assert tab.ask("!!document.querySelector('a.notjunk')")
        w.unlock()
        # after a login, its code and earlier ones are refused
        assert not tab.log_in("gina", now)
        assert not tab.log_in("gina", web.code(step=-1))
        w.unlock()
        # a user without a secret can't log in to webmail
        assert not tab.log_in("fred", web.code())
    assert w.host.read("/var/log/roundcube/errors.log").count(
        "Login failed for gina@example.org") >= 3


def key_pair(w, user):
    """Return (public key, private key) that a user has created at home."""
    w.internet.run("rm", "-rf", "/tmp/gpg")
    os.makedirs("/tmp/gpg", mode=0o700)
    gpg = ("gpg", "--homedir", "/tmp/gpg", "--batch", "--pinentry-mode",
           "loopback", "--passphrase", "key phrase")
    w.internet.run(*gpg, "--quick-generate-key",
                   "%s <%s@example.org>" % (user, user), "default", "default",
                   "never")
    w.internet.run(*gpg, "--armor", "--output", "/tmp/key.pub", "--yes",
                   "--export")
    w.internet.run(*gpg, "--armor", "--output", "/tmp/key.sec", "--yes",
                   "--export-secret-keys")
    w.internet.run("gpgconf", "--homedir", "/tmp/gpg", "--kill", "all")
    return "/tmp/key.sec"


@plays("pgp")
def pgp(w):
    key = key_pair(w, "gina")
    subject = unique("secret")
    words = "the treasure is under the oak"
    with web.Browser() as browser:
        tab = browser.tab()
        assert tab.log_in("gina", fresh_code())
        tab.import_key(key, "gina@example.org")
        tab.compose("gina@example.org", subject, words, "key phrase")
        data = arrived("gina", subject)
        # Enigma encrypts a text without attachments in its place (inline)
        assert b"-----BEGIN PGP MESSAGE-----" in data, data
        assert words.encode() not in data
        tab.open_message(clients.uid_of("gina", subject))
        tab.unlock_key("key phrase", "document.body.innerText.includes(%r)"
                       % words, "the text")
        for kind in ("encrypted", "signed"):
            tab.wait("!!document.querySelector('.boxconfirmation.enigmanotice"
                     ".%s')" % kind)
    # tokens of encrypted mail are from its header and structure only
    evidence = w.host.run("doveadm", "junk", "score", "-a", "-u",
                          "gina@example.org", "mailbox", "INBOX", "subject",
                          subject)
    tokens = {}
    for kind, token in re.findall(r"\btoken +(\S+) +(\S+)", evidence):
        tokens.setdefault(kind, set()).add(token)
    assert {"subject-word", "sender-address"} <= set(tokens), evidence
    assert "pgp:inline" in tokens["mime-shape"], evidence
    # the words of the subject and of the sender's name are body words, too, and
    # the sender's domain is a host, too
    assert tokens["body-word"] == tokens["subject-word"] | {
        "gina", "example", "org"}, evidence
    assert tokens["url-host"] == {"example.org"}, evidence


def fresh_code():
    """Wait for a one-time code that hasn't been used, and return it."""
    time.sleep(31 - time.time() % 30)
    return web.code()


@plays("autoconfig")
def autoconfig(w):
    # Mozilla's autoconfig, at both addresses
    texts = {get(url)[1] for url in (
        "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress="
        "anna@example.org",
        "https://autoconfig.example.org/.well-known/autoconfig/mail/"
        "config-v1.1.xml")}
    assert len(texts) == 1
    found = ElementTree.fromstring(texts.pop())
    servers = {(s.get("type"), s.findtext("hostname"), int(s.findtext("port")),
                s.findtext("socketType"))
               for kind in ("incomingServer", "outgoingServer")
               for s in found.iter(kind)}
    assert servers == {("imap", clients.NAME, 993, "SSL"),
                       ("imap", clients.NAME, 143, "STARTTLS"),
                       ("smtp", clients.NAME, 465, "SSL"),
                       ("smtp", clients.NAME, 587, "STARTTLS")}, servers
    # Microsoft's autodiscover: a POST, in upper or lower case
    question = ("<Autodiscover xmlns='http://schemas.microsoft.com/exchange/"
                "autodiscover/outlook/requestschema/2006'><Request>"
                "<EMailAddress>anna@example.org</EMailAddress></Request>"
                "</Autodiscover>")
    for path in ("autodiscover/autodiscover.xml",
                 "Autodiscover/Autodiscover.xml"):
        kind, text = get("https://autodiscover.example.org/" + path, question)
        assert kind == "text/xml", kind
        a = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/" \
            "responseschema/2006a}"
        protocols = {(p.findtext(a + "Type"), p.findtext(a + "Server"),
                      p.findtext(a + "Port"))
                     for p in ElementTree.fromstring(text).iter(a + "Protocol")}
        assert protocols == {("IMAP", clients.NAME, "993"),
                             ("SMTP", clients.NAME, "465")}, protocols
    # Apple's profile
    kind, text = get(clients.PAGE + "apple.mobileconfig")
    assert kind == "application/x-apple-aspen-config", kind
    mail = plistlib.loads(text.encode())["PayloadContent"][0]
    assert (mail["IncomingMailServerHostName"],
            mail["IncomingMailServerPortNumber"],
            mail["OutgoingMailServerPortNumber"]) == (clients.NAME, 993, 465)
    # SRV records (RFC 6186, RFC 8314)
    for service, port in (("imaps", 993), ("imap", 143), ("submissions", 465),
                          ("submission", 587), ("autodiscover", 443)):
        answer = inet.answers(w.internet, "127.0.0.1",
                              "_%s._tcp.example.org" % service, "SRV")
        assert answer.endswith(" %d mail.example.org." % port), answer
    # a mail program that has only address and password
    with thunderbird.Thunderbird() as program:
        found = program.set_up("anna@example.org", mailhost.PASSWORD)
        # socket type 3 is SSL/TLS
        assert found == {"imap": [clients.NAME, 993, 3, "anna@example.org"],
                         "smtp": [clients.NAME, 465, 3, "anna@example.org"]}


@plays("manual")
def manual(w):
    with web.Browser() as browser:
        tab = browser.tab()
        for language, words in (("en", "server port encryption"),
                                ("de", "Server Port Verschl\u00fcsselung")):
            tab.go(clients.PAGE + "index.%s.html" % language)
            tab.evaluate("document.querySelector('#manual a').click()")
            tab.wait("location.pathname == '/setup.%s.html' && "
                     "document.readyState == 'complete'" % language)
            text = " ".join(tab.ask("document.body.innerText").split())
            assert words in text, text
            for port, tls in ((993, "SSL/TLS"), (143, "STARTTLS"),
                              (465, "SSL/TLS"), (587, "STARTTLS")):
                assert "%s %d %s" % (clients.NAME, port, tls) in text, text


SPAM = """\
<html><body><p>Lowest prices for <b>pills</b>, order now, no prescription:
<a href="http://pharma.example/buy/%d">click here</a></p></body></html>
"""


def spam_message(n, to):
    m = message("Cheap medicine number %d, buy now" % n,
                sender="offer%d@other.example" % n, to=to)
    m.set_content(SPAM % n, subtype="html")
    return m


def past_weeks(w):
    """Make earlier reports of other spam and of rescued mail. Without reports
    of both kinds, all scores are unknown."""
    for user in ("dora", "emil", "fred"):
        for n in range(12):
            for folder, m in (
                    ("Junk", message("Meeting number %d" % n, "Shall we meet "
                                     "on Thursday to look at the garden "
                                     "plans? Number %d is open.\n" % n)),
                    ("INBOX", message("You have won %d" % n, "Claim your "
                                      "lottery prize %d today, dear winner\n"
                                      % n, sender="win@lottery.example"))):
                w.host.run("doveadm", "save", "-u", user + "@example.org",
                           "-m", folder, input=m.as_string())
        with clients.imap(user) as c:
            for source, target, words in (("Junk", "INBOX", "Meeting number"),
                                          ("INBOX", "Junk", "You have won")):
                c.select(source)
                uids = c.uid("SEARCH", "SUBJECT", '"%s"' % words)[1][0]
                assert len(uids.split()) == 12
                c.uid("MOVE", uids.decode().replace(" ", ","), target)


@plays("junk", "spam")
def junk(w):
    past_weeks(w)
    serial = iter(range(100, 200))

    def deliver(user):
        n = next(serial)
        m = spam_message(n, user + "@example.org")
        answer = send(m, clients.OTHER, m["From"], [m["To"]])
        return m["Subject"], answer
    # the first copies are delivered to the inbox
    subjects = {user: deliver(user)[0] for user in ("anna", "bert")}
    for user, subject in subjects.items():
        arrived(user, subject)
    # one user moves a copy in a mail program, another presses a button
    with thunderbird.Thunderbird() as program:
        program.set_up("anna@example.org", mailhost.PASSWORD)
        program.move(subjects["anna"], "Inbox", "Junk")
    with web.Browser() as browser:
        tab = browser.tab()
        assert tab.log_in("bert", fresh_code())
        tab.report(clients.uid_of("bert", subjects["bert"]), "INBOX", "junk")
        arrived("bert", subjects["bert"], "Junk")

        # the next copy, to a user who has reported nothing, is refused
        def next_copy():
            subject, answer = deliver("carl")
            if answer[0] == 250:
                print("%s: delivered, %s" % (subject, re.findall(
                    rb"^X-Junk-Score:.*", arrived("carl", subject), re.M)))
                # scores are published in batches, the copies are limited
                time.sleep(2)
            return answer[0] != 250 and answer
        refused(space.wait_for(next_copy, "a copy that is refused"), "spam")
        # good mail is accepted
        subject = unique("Meeting on Friday")
        accepted(send(message(subject, "Shall we meet on Friday?\n")))
        arrived("anna", subject)
        # the button Not junk moves the message back to the inbox
        tab.report(clients.uid_of("bert", subjects["bert"], "Junk"), "Junk",
                   "not_junk")
        arrived("bert", subjects["bert"])
    # the stored data contain no words of messages and no addresses
    stored = w.host.run("sh", "-c", "cat /var/lib/dovecot/junk-feedback/*"
                        " | grep -ac 'Cheap medicine\\|anna@example' || true")
    assert stored.strip() == "0", stored


# --- what is broken ---

@contextlib.contextmanager
def without(w, name, *again):
    """Run the block while this process is down."""
    w.host.stop(name, signal.SIGKILL)
    try:
        yield
    finally:
        for start in again:
            start(w.host)


@contextlib.contextmanager
def full_disk(w, folder, left):
    """Run the block while the folder's file system has this number of free
    bytes."""
    path = folder + "/filler"
    w.host.run("sh", "-c", "fallocate -l $(($(stat -f -c '%%a*%%S' %s) - %d)) %s"
               % (folder, left, path))
    try:
        yield
    finally:
        w.host.run("rm", path)


@plays("deferred")
def deferred(w):
    def from_domain(name):
        return send(message("x", sender="eve@" + name), sender="eve@" + name)
    # a zone whose signatures don't match the DS record, and one whose
    # signatures have expired
    for name in ("bogus.example", "expired.example"):
        refused(from_domain(name), "deferred", "4")
        refused(submit(message("x", sender="anna@example.org"),
                       to=["eve@" + name]), "deferred", "4")
    later = {}

    def sent(what, kind):
        """Send mail during a fault. The host defers it (kind 4) or accepts and
        queues it (2), and it is delivered after the fault."""
        m = strict(unique(what))
        answer = send(signed(m), clients.OTHER, sender="bob@strict.example")
        if kind == "4":
            refused(answer, "deferred", "4")
            later[m["Subject"]] = signed(m)
        else:
            accepted(answer)
            later[m["Subject"]] = None
        # mail that would be refused without the fault isn't accepted
        answer = send(attached(unique("exe"), EXE, "setup.exe",
                               sender="bob@strict.example"),
                      clients.OTHER, sender="bob@strict.example")
        assert answer[0] >= 400, answer
    with without(w, "unbound", mailhost.start_unbound):
        sent("no resolver", "4")
    for name, again in (
            ("rspamd", [mailhost.start_rspamd]),
            ("amavisd-milter", [mailhost.start_amavis_milter]),
            ("junk-milter", [mailhost.start_junk_milter])):
        with without(w, name, *again):
            sent("no " + name, "4")
    w.host.stop("amavisd-milter", signal.SIGKILL)
    with without(w, "amavis", mailhost.start_amavis):
        mailhost.start_amavis_milter(w.host)
        sent("no amavis", "4")
        w.host.stop("amavisd-milter", signal.SIGKILL)
    with without(w, "policyd", mailhost.start_policy):
        refused(submit(message("x", sender="emil@example.org"), "emil"),
                "deferred", "4")
    # if the queue's disk is full, mail stays at the sender
    with full_disk(w, "/var/spool/postfix", 30 << 20):
        sent("full disk", "4")
    # if Dovecot's disk is full or Dovecot is down, mail stays in Postfix' queue
    with full_disk(w, "/srv/mail", 0):
        sent("full mail disk", "2")
        w.logged(r"status=deferred .*(space|quota|Internal error)")
    with without(w, "dovecot", mailhost.start_dovecot):
        sent("no Dovecot", "2")
        try:
            answer = submit(message("x", sender="anna@example.org"))
            raise AssertionError(answer)
        except (smtplib.SMTPException, OSError):
            pass
    for subject, data in later.items():
        if data is not None:
            accepted(send(data, clients.OTHER, sender="bob@strict.example"))
    w.flush()
    for subject in later:
        arrived("anna", subject)


# --- the postmaster ---

@plays("postmaster")
def postmaster(w):
    for role in ("postmaster", "abuse", "PostMaster"):
        subject = unique(role)
        for source in ("198.18.2.1", "198.18.2.3", "198.18.2.4"):
            accepted(send(attached(subject, EXE, "proof.exe",
                                   sender="bob@strict.example",
                                   to=role + "@example.org"),
                          source, sender="bob@strict.example",
                          to=[role + "@example.org"]))
        arrived("postbox", subject)
    # mail to a role address and to others is filtered, and the reply says so
    subject = unique("both")
    code, text = send(attached(subject, EXE, "proof.exe"),
                      to=["postmaster@example.org", "bert@example.org"])
    assert code >= 500, (code, text)
    assert clients.find("bert", subject) is None


@plays("refusals")
def refusals(w):
    # a refusal without a text of its own in the page's sentences
    code, text = send(message("x"), to=["nobody@example.org"])
    assert code == 550 and clients.PAGE in text, text
    # the scenarios check the other refusals with refused()
    names = {name for name in clients.SENTENCES.sections()
             if "match" in clients.SENTENCES[name]}
    assert not w.all or names <= w.played | {"refusals"}, names - w.played
    # the page has an anchor for the address in each reply
    page = get(clients.PAGE, language="en")[1]
    for name in names:
        assert 'id="%s"' % name in page


@plays()
def page(w):
    """The page has the values of the settings. Each of its sentences was
    tested, and no others."""
    sentences = set(clients.SENTENCES.sections())
    for language, words in (("en", "We refuse"), ("de", "Wir weisen")):
        kind, text = get(clients.PAGE, language=language + ";q=0.9, *;q=0.1")
        assert kind == "text/html" and words in text, text
        assert '<html lang="%s">' % language in text
        assert set(re.findall(r'<p id="([^"]+)">', text)) == sentences
        assert "@" not in re.sub(r"(postmaster|abuse)@example\.org", "", text)
        assert " 100 " in text and "bl.example.net" in text
    assert not w.all or sentences == w.played, sentences ^ w.played
    # changed settings change the page and the configuration
    mailhost.configure(w.host, recipients_per_hour="7",
                       dnsbl="other.example.net", reject_score="42",
                       login_failures="9")
    try:
        for language in ("en", "de"):
            text = get(clients.PAGE, language=language)[1]
            for said in (" 7 ", "other.example.net", " 42 ", " 9 "):
                assert said in text, said
        for path, done in (("/etc/policyd-rate-limit.yaml", "[7, 3600]"),
                           ("/etc/postfix/main.cf",
                            "reject_rbl_client other.example.net"),
                           ("/etc/junk-feedback-milter.conf", "reject = 42"),
                           ("/etc/fail2ban/jail.d/mail-host.conf",
                            "maxretry = 9")):
            assert done in w.host.read(path), path
    finally:
        mailhost.configure(w.host)


def run_one(w, function, names):
    began = time.monotonic()
    try:
        function(w)
        failure = None
        w.played.update(names)
    except Exception:
        failure = traceback.format_exc()
    print("%s %s (%s), %.1f s" % ("FAIL" if failure else "ok  ",
                                  function.__name__, ", ".join(names),
                                  time.monotonic() - began), flush=True)
    if failure:
        print(failure + w.host.logs(), flush=True)
    return failure is None


def play(internet, host, word):
    w = World(internet, host)
    w.all = not word
    results = [run_one(w, *scenario) for scenario in SCENARIOS
               if re.search(word, scenario[0].__name__)]
    print("%d passed, %d failed" % (results.count(True), results.count(False)))
    return 0 if all(results) else 1
