"""A client of the service that sends exactly what it is told to
(doc/protocol.md), for tests and benchmarks."""

import random
import socket
import struct
import time

import segment

VERSION = 1
REPORT, STATUS, ACK, TEXT, ERROR = 1, 2, 0x81, 0x82, 0x8f
SPAM, HAM, WEAK_HAM, RETRACT = 1, 2, 3, 4
MOVE, LEARN = 1, 7


def frame(kind, payload=b"", version=VERSION, reserved=0):
    return struct.pack("<IBBH", len(payload), version, kind,
                       reserved) + payload


def tokens(seed, count):
    """Return tokens of a message: some of a few words that all messages have,
    the rest its own; body words, subject words and sender addresses."""
    rnd = random.Random(seed)
    words = [rnd.randrange(200) for _ in range(count // 2)]
    words += [rnd.randrange(1 << 40) for _ in range(count - len(words))]
    found = [(i % 3) << 58 | (word * 0x9e3779b97f4a7c15) & ((1 << 58) - 1)
             for i, word in enumerate(words)]
    return list(dict.fromkeys(found))


def report(reporter, message, verdict, stamp_usecs=None, origin=MOVE,
           words=None, feature_set=segment.feature_set()):
    """Return a REPORT frame; reporter and message are numbers or names."""
    if words is None:
        words = tokens(str(message), 50)
    if stamp_usecs is None:
        stamp_usecs = time.time_ns() // 1000
    payload = struct.pack("<QBBHI", stamp_usecs, verdict, origin,
                          feature_set, 1000)
    payload += ("r%s" % reporter).encode().ljust(16, b"\0")
    payload += ("m%s" % message).encode().ljust(16, b"\0")
    payload += struct.pack("<HH%dQ" % len(words), 0, len(words), *words)
    return frame(REPORT, payload)


class Closed(Exception):
    """The service has closed the connection; .error is its message."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error


class Client:
    def __init__(self, path, timeout_secs=20):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout_secs)
        self.sock.connect(path)
        self.buf = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def read_frame(self):
        """Read a frame: (type, payload)"""
        while True:
            if len(self.buf) >= 8:
                size, version, kind, _ = struct.unpack_from("<IBBH", self.buf)
                if len(self.buf) >= 8 + size:
                    payload = self.buf[8:8 + size]
                    self.buf = self.buf[8 + size:]
                    if kind == ERROR:
                        raise Closed(payload.decode())
                    return kind, payload
            data = self.sock.recv(65536)
            if not data:
                raise Closed("")
            self.buf += data

    def wait_acks(self, count):
        while count > 0:
            kind, payload = self.read_frame()
            if kind == ACK:
                count -= struct.unpack("<I", payload)[0]
        if count < 0:
            raise AssertionError("%d acknowledged too many" % -count)

    def report(self, *args, **kwargs):
        """Send a report and wait until it is durable."""
        self.send(report(*args, **kwargs))
        self.wait_acks(1)

    def status(self):
        self.send(frame(STATUS))
        kind, payload = self.read_frame()
        if kind != TEXT:
            raise AssertionError("unexpected frame %d" % kind)
        return dict(line.split("=", 1)
                    for line in payload.decode().splitlines())
