"""Clients of the mail host on the Internet: other MTAs, and users' mail
programs by their protocols; messages, and checks of the answers."""

import configparser
import email.message
import email.policy
import email.utils
import imaplib
import os
import random
import re
import smtplib
import socket
import ssl

import host as mailhost
import internet as inet
import space

imaplib.Commands.setdefault("MOVE", ("SELECTED",))
NAME = "mail.example.org"
PAGE = "https://mail.example.org/"
GOOD, STRICT, FORWARDER, LIST, OTHER = (
    "198.18.1.%d" % n for n in (10, 20, 30, 40, 50))
USER_AT_HOME = "198.18.3.7"
SENTENCES = configparser.ConfigParser(interpolation=None, delimiters="=")
SENTENCES.read(mailhost.EXAMPLE + "/sentences")


def tls():
    return ssl.create_default_context(cafile=inet.CA)


def helo_of(source):
    names = inet.HOSTS.get(source, (None, []))[1]
    return names[0] if names else "client.example"


def message(subject, body="Hello,\n\nhow are you?\n", sender="eve@good.example",
            to="anna@example.org", **headers):
    m = email.message.EmailMessage()
    m["From"] = sender
    m["To"] = to
    m["Subject"] = subject
    m["Date"] = email.utils.formatdate()
    m["Message-ID"] = "<%s@%s>" % (random.randbytes(8).hex(),
                                   sender.split("@")[1])
    for name, value in headers.items():
        m[name.replace("_", "-")] = value
    m.set_content(body)
    return m


def attached(subject, data, name, kind="application/octet-stream", **kwargs):
    m = message(subject, **kwargs)
    maintype, subtype = kind.split("/")
    m.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    return m


def to_bytes(m):
    return m if isinstance(m, bytes) else \
        m.as_bytes(policy=email.policy.SMTP)


def session(smtp, sender, recipients, data):
    """Return (code, text) of the first refusal, or of the answer to the end of
    the message."""
    for answer in [smtp.mail(sender)] + [smtp.rcpt(r) for r in recipients]:
        if answer[0] >= 400:
            return answer[0], answer[1].decode()
    try:
        code, text = smtp.data(to_bytes(data))
    except smtplib.SMTPDataError as error:
        code, text = error.smtp_code, error.smtp_error
    return code, text.decode()


def send(m, source=GOOD, sender="eve@good.example", to=("anna@example.org",),
         starttls=False):
    """Send mail like another mail server. Return (code, text)."""
    with smtplib.SMTP(NAME, 25, helo_of(source), 120,
                      (source, 0)) as smtp:
        if starttls:
            smtp.starttls(context=tls())
        smtp.ehlo()
        return session(smtp, sender, to, m)


def submit(m, user="anna", sender=None, to=("eve@good.example",),
           source=USER_AT_HOME, password=mailhost.PASSWORD):
    """Send mail like a user's mail program. Return (code, text)."""
    address = user + "@example.org"
    with smtplib.SMTP_SSL(NAME, 465, "laptop.home", timeout=120,
                          source_address=(source, 0), context=tls()) as smtp:
        smtp.login(address, password)
        return session(smtp, sender or address, to, m)


def accepted(answer):
    assert answer[0] == 250, answer


def refused(answer, name, kind="5"):
    """Check that mail was refused with the text of this sentence of the
    page."""
    code, text = answer
    assert str(code).startswith(kind), answer
    s = SENTENCES[name]
    lines = text.splitlines()
    assert all(re.match(r"%s\.\d+\.\d+ " % kind, line) for line in lines), text
    text = " ".join(line.split(" ", 1)[1] for line in lines)
    for part in (s["reply_en"], s["reply_de"], "@page@"):
        part = part.replace("@domain@", "example.org").replace("@page@", PAGE)
        assert part in text, "%r is not in %r" % (part, text)


class Imap4(imaplib.IMAP4_SSL):
    def __init__(self, source):
        self.source = source
        super().__init__(NAME, 993, ssl_context=tls(), timeout=60)

    def _create_socket(self, timeout):
        sock = socket.create_connection((self.host, self.port), timeout,
                                        (self.source, 0))
        return self.ssl_context.wrap_socket(sock, server_hostname=self.host)


def imap(user="anna", source=USER_AT_HOME, password=mailhost.PASSWORD):
    c = Imap4(source)
    c.login(user + "@example.org", password)
    return c


def uid_of(user, subject, mailbox="INBOX"):
    with imap(user) as c:
        c.select(mailbox, readonly=True)
        found = c.uid("SEARCH", "SUBJECT", '"%s"' % subject)[1][0].split()
        return int(found[-1]) if found else None


def find(user, subject, mailbox="INBOX"):
    """Return the message as bytes, or None."""
    uid = uid_of(user, subject, mailbox)
    if uid is None:
        return None
    with imap(user) as c:
        c.select(mailbox, readonly=True)
        return c.uid("FETCH", str(uid), "(BODY.PEEK[])")[1][0][1]


def arrived(user, subject, mailbox="INBOX", secs=space.TIMEOUT_SECS):
    return space.wait_for(lambda: find(user, subject, mailbox),
                          "%s in %s of %s" % (subject, mailbox, user), secs)


def received(subject, secs=space.TIMEOUT_SECS):
    """Wait until the Internet's MTA has received a message with this subject,
    and return it."""
    def look():
        folder = "/srv/inet/all/new"
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            with open(os.path.join(folder, name), "rb") as f:
                data = f.read()
            if b"\nSubject: " + subject.encode() + b"\n" in data:
                return data
        return None
    return space.wait_for(look, subject + " on the Internet", secs)


_serial = 0


def unique(text):
    global _serial
    _serial += 1
    return "%s %d %s" % (text, _serial, random.randbytes(3).hex())
