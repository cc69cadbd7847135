"""Processes and ports: what is running, its resources, and waiting for it."""

import os
import random
import signal
import socket
import time

from staging import HarnessError

TIMEOUT_SECS = 20


# below the range from which Linux takes the ports of outgoing connections
# (ip_local_port_range): one of those could take a port before its server does
PORTS = range(20000, 32000)
_reserved = []


def free_port():
    """Return a TCP port of the loopback address that no one uses, and that no
    other call of this function, in whatever process, returns while this
    process runs. The reservation is a Unix socket in the abstract namespace,
    which ends with the process."""
    for port in random.sample(PORTS, len(PORTS)):
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind("\0junk-feedback-test-port-%d" % port)
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        _reserved.append(reservation)
        return port
    raise OSError("no TCP port from %d to %d is free" % (
        PORTS.start, PORTS.stop - 1))


def children_of(pid):
    """Return [(pid, program)] of a process's children"""
    result = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name) as f:
                stat = f.read()
        except OSError:
            continue
        comm = stat[stat.index("(") + 1:stat.rindex(")")]
        if int(stat[stat.rindex(")") + 2:].split()[1]) == pid:
            result.append((int(name), comm))
    return result


def wait_gone(pids, timeout_secs=TIMEOUT_SECS):
    """Wait until processes have ended; those that are left are killed."""
    end = time.monotonic() + timeout_secs
    for pid in pids:
        while os.path.exists("/proc/%d" % pid):
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.01)


def process_status(pid):
    """Return {name: value} of /proc/PID/status"""
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def memory_kbytes(pid):
    """Return the resident memory of a process"""
    return int(process_status(pid)["VmRSS"].split()[0])


def wait_for(condition, what="a condition", timeout_secs=TIMEOUT_SECS):
    """Wait until condition() is true; return its value."""
    end = time.monotonic() + timeout_secs
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise HarnessError("timeout: " + what)
        time.sleep(0.01)


def is_listening(path):
    """Tell whether a UNIX socket accepts connections, without connecting."""
    with open("/proc/net/unix") as f:
        sockets = [line.split() for line in f]
    # SO_ACCEPTCON in the flags
    return any(fields[-1] == path and int(fields[3], 16) & 0x10000
               for fields in sockets[1:])
