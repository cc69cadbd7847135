"""A plain IMAP client."""

import re
import socket

from processes import TIMEOUT_SECS


def to_crlf(message):
    if isinstance(message, str):
        message = message.encode()
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class ImapError(Exception):
    pass


class Imap:
    """A plain IMAP client that sends exactly what it is told to, so that tests
    can pipeline and disconnect at any time."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port),
                                             TIMEOUT_SECS)
        self.file = self.sock.makefile("rb")
        self.tag = 0
        self.greeting = self.read_line()

    def read_line(self):
        """Read a response line with its literals."""
        line = self.file.readline()
        if not line:
            raise ImapError("connection closed")
        m = re.search(rb"\{(\d+)\}\r\n$", line)
        if m:
            return line + self.file.read(int(m.group(1))) + self.read_line()
        return line

    def send(self, command):
        """Send a command without waiting; returns its tag. A command is a
        text, or a list of texts and literals (bytes), which are sent as
        LITERAL+."""
        self.tag += 1
        tag = "a%d" % self.tag
        data = [tag.encode() + b" "]
        for part in command if isinstance(command, list) else [command]:
            if isinstance(part, bytes):
                data += [b"{%d+}\r\n" % len(part), part]
            else:
                data.append(part.encode())
        self.sock.sendall(b"".join(data) + b"\r\n")
        return tag

    def wait(self, tag):
        """Read up to the tagged response: (status, [untagged lines], text)"""
        lines = []
        prefix = tag.encode() + b" "
        while True:
            line = self.read_line()
            if line.startswith(prefix):
                words = line[len(prefix):].decode(errors="replace").split(" ", 1)
                return words[0], lines, words[1].strip()
            lines.append(line)

    def cmd(self, command, expect="OK"):
        """Send a command and wait. Raises ImapError if the response isn't as
        expected. Returns the untagged lines and the tagged one as one text."""
        status, lines, text = self.wait(self.send(command))
        if expect is not None and status != expect:
            raise ImapError("%s: %s %s" % (
                command if isinstance(command, str) else command[0],
                status, text))
        return (b"".join(lines).decode(errors="replace") +
                "%s %s\r\n" % (status, text))

    def append(self, mailbox, message, flags="", expect="OK", date=None):
        """APPEND a message; returns its UID (UIDPLUS). date: its
        INTERNALDATE."""
        text = self.cmd(['APPEND "%s" (%s) %s' % (
            mailbox, flags, '"%s" ' % date if date else ""),
                         to_crlf(message)], expect)
        m = re.search(r"APPENDUID \d+ (\S+)\]", text)
        return m.group(1) if m else None

    def append_many(self, mailbox, messages, flags=""):
        """Append with MULTIAPPEND, some hundreds at once."""
        for start in range(0, len(messages), 500):
            parts = ['APPEND "%s" ' % mailbox]
            for message in messages[start:start + 500]:
                parts += ["(%s) " % flags, to_crlf(message), " "]
            parts.pop()
            self.cmd(parts)

    def select(self, mailbox):
        return self.cmd('SELECT "%s"' % mailbox)

    def uids(self, search="ALL"):
        text = self.cmd("UID SEARCH " + search)
        m = re.search(r"^\* SEARCH([ \d]*)\r$", text, re.M)
        return [int(uid) for uid in m.group(1).split()] if m else []

    def logout(self):
        self.cmd("LOGOUT")
        self.close()

    def close(self):
        """Disconnect without LOGOUT."""
        try:
            self.file.close()
            self.sock.close()
        except OSError:
            pass
