"""Common parts of the tests of doveadm junk: running it, a fake service with a
test's own answers, and a database with a test's own rows."""

import json
import os
import re
import socket
import sqlite3
import struct
import subprocess
import threading
import time

import harness
from junkclient import ACK, STATUS, TEXT, Client, frame

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")

HOUR = 3600


def wait_fitted(d):
    """Wait until no fit is due. A report is recorded before the fit that it makes
    due, and only then the scores change."""
    wait_nothing_pending(d, "fit_pending")


def wait_counted(d):
    """Wait until the counts of all tokens are written."""
    wait_nothing_pending(d, "tokens_pending")


def wait_nothing_pending(d, item):
    def is_done():
        with Client(d.socket_path) as c:
            return c.status()[item] == "0"
    harness.wait_for(is_done, item)


def on_terminal(d, args, on_output):
    """Run doveadm junk on a terminal. on_output(process, text) is called with all
    output so far. Return (exit code, output)."""
    terminal, end = os.openpty()
    p = subprocess.Popen(
        ["doveadm", "-c", d.config_path, "-f", "tab", "junk", *args],
        stdin=end, stdout=end, stderr=end)
    os.close(end)
    text = ""
    while True:
        try:
            text += os.read(terminal, 4096).decode()
        except OSError:  # the other end is closed
            break
        on_output(p, text)
    os.close(terminal)
    return p.wait(harness.TIMEOUT_SECS), text


class FakeService:
    """A fake service on its socket, with a test's own answer to each frame:
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
    """Return (exit code, stdout, stderr)"""
    p = subprocess.run(["doveadm", "-c", t.d.config_path, *args],
                       input=stdin or b"", stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    return (p.returncode, p.stdout.decode(errors="replace"),
            p.stderr.decode(errors="replace"))


def schema_version():
    with open(TOP + "/lib-junk/junk-database.h") as f:
        return int(re.search(r"JUNK_DATABASE_VERSION (\d+)", f.read())[1])


def make_database(t, hours=(), tokens=(), version=None, app_id=0x4a46626b):
    """The service's database with a test's own rows."""
    remove_database(t)
    os.makedirs(os.path.dirname(t.d.database_path), exist_ok=True)
    db = sqlite3.connect(t.d.database_path)
    db.execute("PRAGMA journal_mode = WAL")
    for name in ("schema.sql", "views.sql"):
        with open(os.path.join(TOP, "sql", name)) as f:
            db.executescript(f.read())
    db.execute("PRAGMA application_id = %d" % app_id)
    db.execute("PRAGMA user_version = %d" % (
        schema_version() if version is None else version))
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)",
                   (("min_reporters", 2), ("threshold", 90)))
    db.executemany("INSERT INTO hours VALUES (?, ?, ?, ?, ?, ?)", hours)
    db.executemany("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, 0, ?6 / 86400, "
                   "0)", tokens)
    db.commit()
    db.close()


def remove_database(t):
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(t.d.database_path + suffix):
            os.unlink(t.d.database_path + suffix)


def rows_of(t, *args):
    """Return the rows of a command, all values as text"""
    code, out, err = doveadm(t, "-f", "json", *args)
    assert code == 0 and not err, err
    return [{key: str(value) for key, value in row.items()}
            for row in json.loads(out or "[]")]


def day_hours():
    """Insert rows of some days, of today and earlier"""
    now = int(time.time()) // HOUR * HOUR
    today = now // 86400 * 86400
    return (
        # hour, verdict, origin, score, reports, burst
        (today, 1, 1, 95, 60, 0),
        (today, 1, 1, 40, 30, 0),
        (today, 1, 4, -1, 10, 0),
        (today, 1, 1, 10, 500, 500),
        (today, 2, 1, 20, 199, 0),
        (today, 2, 1, 97, 1, 0),
        (today, 3, 5, 5, 77, 0),
        (today, 3, 5, 85, 3, 0),
        (today - 86400, 1, 1, 95, 8, 0),
        (today - 86400, 1, 1, 94, 2, 0),
        (today - 100 * 86400, 1, 1, 1, 1000, 0),
    )
