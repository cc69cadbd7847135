#!/usr/bin/python3
"""Time and memory of one message are bounded for any shape: instructions are
counted by callgrind, since times differ from run to run. Four times the bytes
may cost four times as much and a little more, what lies behind
JUNK_MAX_READ_BYTES costs nothing, and memory stays below a bound for 32 MB.
A build with sanitizers is run for what they find: valgrind can't run it."""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

SMALL, LARGE, HUGE = 80 << 10, 320 << 10, 32 << 20
# JUNK_MAX_READ_BYTES
READ = 1536 << 10
# that much more than the bytes; the costliest take 240 instructions each, and
# JUNK_MAX_MIME_PARTS tiny parts 540, most of them message-parser's
MAX_MORE = 1.15
MAX_PER_BYTE = 600
MAX_KBYTES = 16 << 10

BUILD = os.environ.get("top_builddir", "..")
SHAPE = BUILD + "/lib-junk/shape"


def run(*args, prefix=()):
    p = subprocess.run([BUILD + "/libtool", "--mode=execute", *prefix, SHAPE,
                        *map(str, args)], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    if p.returncode != 0:
        sys.exit("shape %s:\n%s" % (" ".join(map(str, args)), p.stdout))
    return p.stdout


def instructions(name, size, path):
    run(name, size, path)
    out = run(path, prefix=(
        "valgrind", "--tool=callgrind", "--toggle-collect=shape_tokenize",
        "--callgrind-out-file=/dev/null"))
    return int(re.search(r"Collected : (\d+)", out).group(1))


def is_sanitized():
    with open(BUILD + "/Makefile") as f:
        return "-fsanitize=" in f.read()


def sanitized(name):
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as f:
        run(name, HUGE, f.name)
        run(f.name)
    print(name)
    return []


def failures(name):
    """What is wrong with a shape"""
    found = []
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as f:
        small, large, huge = (instructions(name, size, f.name)
                              for size in (SMALL, LARGE, HUGE))
        kbytes = int(re.search(r"kbytes=(\d+)", run(f.name)).group(1))
    print("%-16s %4.0f instructions a byte, x%.2f for 4 times the bytes, "
          "x%.2f for 410 times, %d kB" % (
              name, large / LARGE, large / small, huge / small, kbytes),
          flush=True)
    if large > MAX_MORE * LARGE / SMALL * small:
        found.append("%s grows faster than its size" % name)
    if huge > MAX_MORE * READ / LARGE * large:
        found.append("%s is read beyond the limit" % name)
    if large > MAX_PER_BYTE * LARGE:
        found.append("%s costs too much" % name)
    if kbytes > MAX_KBYTES:
        found.append("%s takes %d kB" % (name, kbytes))
    return found


def main():
    names = run().split()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = sum(pool.map(sanitized if is_sanitized() else failures,
                             names), [])
    for text in found:
        print("FAIL " + text)
    print("%d shapes, %d failures" % (len(names), len(found)))
    sys.exit(1 if found or not names else 0)


if __name__ == "__main__":
    main()
