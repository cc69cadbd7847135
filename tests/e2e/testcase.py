"""What one end-to-end test works with."""

import re

import harness

HAM = b"""\
From: Anna Weber <anna.weber@example.org>
To: Bob <bob@example.net>
Subject: Meeting on Thursday about number %d
Date: Tue, 3 Mar 2026 10:%02d:%02d +0000
Message-ID: <meeting-%d@example.org>
Content-Type: text/plain; charset=utf-8

Hello Bob,

shall we meet on Thursday to look at the garden plans? Number %d of the list
is still open. Best regards, Anna
"""

SPAM = b"""\
From: Lucky Pills <offer%d@pharma.example>
To: undisclosed-recipients:;
Subject: Cheap medicine number %d, buy now
Date: Tue, 3 Mar 2026 11:%02d:%02d +0000
Message-ID: <pills-%d@pharma.example>
Content-Type: text/html; charset=utf-8

<html><body><p>Lowest prices for <b>pills</b>, order now:
<a href="http://pharma.example/buy/%d">click here</a></p></body></html>
"""

_serial = 0


def _next():
    global _serial
    _serial += 1
    return _serial


def ham(n=None):
    """A good message, different each time unless n is given."""
    n = _next() if n is None else n
    return HAM % (n, n // 60 % 60, n % 60, n, n)


def spam(n=None):
    n = _next() if n is None else n
    return SPAM % (n, n, n // 60 % 60, n % 60, n, n)


class Test:
    """t.d: the Dovecot; t.format: the mail format; t.user(): a user of this
    test alone."""

    def __init__(self, d, name, mail_format):
        self.d = d
        self.name = name
        self.format = mail_format
        self.clients = []
        self.log_start = len(d.log())

    def user(self, name="user"):
        return "%s-%s@%s" % (self.name.replace("_", "-"), name, self.format)

    def imap(self, user=None, select=None):
        """A logged-in client of a user (a name for user(), or an address)."""
        if user is None or "@" not in user:
            user = self.user(user or "user")
        client = self.d.imap(user)
        self.clients.append(client)
        if select is not None:
            client.select(select)
        return client

    def deliver(self, message, user=None):
        self.d.deliver(self.user(user or "user"), message)

    def log(self):
        """What was logged since the test began."""
        return self.d.log()[self.log_start:]

    def errors(self):
        """Lines of the log since then that name an error or a warning."""
        return [line for line in self.log().splitlines()
                if re.search(r"(Error|Warning|Panic|Fatal): ", line)]

    def finish(self):
        """Checks that hold for every test."""
        for word in ("Panic: ", "Fatal: ", "killed with signal"):
            assert word not in self.log(), self.log()

    def diagnostics(self):
        return "log:\n" + self.log()

    def close(self):
        for client in self.clients:
            client.close()


def formats(*names):
    """Decorator: the mail formats that one test runs with."""
    def mark(function):
        function.formats = names
        return function
    return mark


ALL_FORMATS = formats(*harness.FORMATS)
