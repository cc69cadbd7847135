"""Installs the build under test into a folder of its own and lays it over
Dovecot's folder in a mount namespace of this process, so that the system isn't
changed."""

import ctypes
import fcntl
import glob
import os
import re
import shutil
import subprocess

import sanitizer


class HarnessError(Exception):
    pass


def run(*args, **kwargs):
    """Run a command and return its output (text). Raises HarnessError with all
    of its output."""
    kwargs.setdefault("timeout", 300)
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace", **kwargs)
    if p.returncode != 0:
        raise HarnessError("%s: exit code %d\n%s" % (
            " ".join(args), p.returncode, p.stdout))
    return p.stdout


# Where stage() has installed the build, and the file that names this folder to
# other processes.
stage_dir = _stage_fd = None


def _hold(path):
    """Lock a folder and return its file descriptor, None if another process
    has the lock."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def stage(build_dir):
    """"make install" the build into this process's own folder, which the next
    process removes; return its path."""
    global stage_dir, _stage_fd
    build_dir = os.path.abspath(build_dir)
    for left in glob.glob(build_dir + "/stage.*"):
        fd = _hold(left)
        if fd is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(fd)
    stage_dir = path = "%s/stage.%d" % (build_dir, os.getpid())
    os.mkdir(path)
    _stage_fd = _hold(path)
    run("make", "-s", "-C", build_dir, "install", "DESTDIR=" + path)
    if sanitizer.is_sanitized(build_dir):
        sanitizer.enable(path, library_dir())
    return path


def library_dir():
    """Return Dovecot's folder of programs and modules."""
    for path in ("/usr/lib/dovecot", "/usr/lib64/dovecot",
                 "/usr/local/lib/dovecot"):
        if os.path.isdir(os.path.join(path, "modules")):
            return path
    raise HarnessError("Dovecot isn't installed: apt-get install "
                       "dovecot-imapd dovecot-lmtpd dovecot-sieve")


MS_RDONLY = 1
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
CLONE_NEWNS = 0x00020000


def mount(source, target, fstype, flags, data=None):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), fstype.encode(),
                  ctypes.c_ulong(flags), data.encode() if data else None) != 0:
        err = ctypes.get_errno()
        raise OSError(err, "mount %s: %s" % (target, os.strerror(err)))


def enter_overlay(staged_tree):
    """Lay the staged tree over Dovecot's folder, for this process and its
    children only. Needs root. If a container forbids overlays, a copy of both
    is mounted instead; if it forbids mounting, HarnessError is raised."""
    lib = library_dir()
    staged = staged_tree + lib
    if not os.path.isdir(staged):
        raise HarnessError("nothing is installed in %s" % staged)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise HarnessError(
            "can't make a mount namespace (%s): run as root, in a container "
            "with CAP_SYS_ADMIN" % os.strerror(ctypes.get_errno()))
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    try:
        mount("overlay", lib, "overlay", MS_RDONLY,
               "lowerdir=%s:%s" % (staged, lib))
    except OSError:
        merged = staged_tree + "/merged"
        shutil.rmtree(merged, ignore_errors=True)
        shutil.copytree(lib, merged, symlinks=True)
        shutil.copytree(staged, merged, symlinks=True, dirs_exist_ok=True)
        mount(merged, lib, "", MS_BIND)


def dovecot_version():
    """Return (2, 3) or (2, 4)"""
    text = run("dovecot", "--version")
    major, minor = re.match(r"(\d+)\.(\d+)", text).groups()
    return int(major), int(minor)
