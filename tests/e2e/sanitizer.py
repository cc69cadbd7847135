"""Dovecot with modules that were built with the address and
undefined-behaviour sanitizers (tools/build --sanitize).

Dovecot itself is built without them, so LD_PRELOAD brings the runtime into
each process. The sanitizers' reports are written to files; a report counts if
one of our own frames is in it. Leaks are detected when imap, lmtp and doveadm
end. The kernel lets no process inspect the service, which has dropped its
privileges (lsan.c), so its unit tests look for leaks.
"""

import glob
import os
import re
import subprocess

# Our modules, programs and sources.
OURS = re.compile(r"lib\w*junk|/junk-|\bjunk_|doveadm_junk|vnd_junk")
LIBRARIES = ("libasan.so", "libubsan.so")
# Stacks of leaks go through libdovecot, which has no frame pointers. Modules
# that were unloaded have no names (GDB: Dovecot keeps them). An error in
# Dovecot itself doesn't end its process (2.3 sends the client of a COPY over
# quota a freed string); one in our code does.
ASAN = ("fast_unwind_on_malloc=0:exitcode=0:handle_abort=0:halt_on_error=0:"
        "detect_stack_use_after_return=1:quarantine_size_mb=16:"
        "verify_asan_link_order=0:log_path=")
UBSAN = "print_stacktrace=1:log_path="

HERE = os.path.dirname(os.path.abspath(__file__))
_preload = None


def memory_kbytes():
    """Return how much more memory a process may use because of the
    sanitizers"""
    return 0 if _preload is None else 48 * 1024


def slowness():
    """Return how many times longer things may take"""
    return 1 if _preload is None else 4


def is_sanitized(build_dir):
    with open(build_dir + "/Makefile") as f:
        return "-fsanitize=address" in f.read()


def enable(staged_tree, library_dir):
    """Use the sanitizers in all processes that are started from now on. Their
    files are put into the tree that will be laid over Dovecot's folder."""
    global _preload
    lsan = library_dir + "/junk-lsan.so"
    subprocess.check_call(["gcc", "-shared", "-fPIC", "-o",
                           staged_tree + lsan, HERE + "/lsan.c"])
    _preload = ":".join([lsan] + [
        os.path.realpath(subprocess.check_output(
            ["gcc", "-print-file-name=" + name], text=True).strip())
        for name in LIBRARIES])
    # for programs that are run beside Dovecot: doveadm, sievec
    os.environ["LD_PRELOAD"] = _preload
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0:verify_asan_link_order=0"


def without():
    """Return the environment of a program that can't be run with them."""
    env = dict(os.environ)
    env.pop("LD_PRELOAD", None)
    return env


def preloading(library):
    """Return the environment of a program whose library must be loaded after
    the runtime."""
    env = dict(os.environ)
    if _preload is not None:
        env["LD_PRELOAD"] = _preload + ":" + library
    return env


def _directory(d):
    return d.dir + "/sanitizer"


def config(version, d):
    """Return configuration for a Dovecot, "" without sanitizers."""
    if _preload is None:
        return ""
    os.makedirs(_directory(d), exist_ok=True)
    os.chmod(_directory(d), 0o1777)
    path = _directory(d) + "/report"
    env = {"LD_PRELOAD": _preload,
           "ASAN_OPTIONS": ASAN + path, "UBSAN_OPTIONS": UBSAN + path,
           "PR_SET_DUMPABLE": "1", "GDB": "1"}
    # address space isn't memory; a login process has to find the folder
    text = ("default_vsz_limit = 0\n"
            "service imap-login {\n  chroot =\n}\n")
    if version >= (2, 4):
        return text + "import_environment {\n%s}\n" % "".join(
            '  %s = "%s"\n' % kv for kv in env.items())
    return text + "import_environment = TZ LISTEN_PID LISTEN_FDS %s\n" % \
        " ".join("%s=%s" % kv for kv in env.items())


def _own_parts(text):
    """Return the errors and leaks that have a frame of ours"""
    parts = re.split(r"\n(?=(?:Direct|Indirect) leak )", text)
    return [part for part in parts if OURS.search(part) and
            ("ERROR: AddressSanitizer" in part or "runtime error" in part or
             part.startswith("Direct leak"))]


def reports(d):
    """Return what was found in a Dovecot's processes; each is returned
    once."""
    found = []
    for path in glob.glob(_directory(d) + "/report.*"):
        with open(path, errors="replace") as f:
            found += _own_parts(f.read())
        os.unlink(path)
    return found
