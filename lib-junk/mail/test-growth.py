#!/usr/bin/python3
"""Time and memory of one message are bounded for any shape: instructions are
counted by callgrind, since times differ from run to run. Four times the bytes
may cost four times as much and a little more, what lies behind
JUNK_MAX_READ_BYTES costs nothing, and memory stays below a bound for 32 MB.

Shapes are generated besides (shapes.py), some for each loop of lib-junk: none
costs more than five times what an ordinary message of its size does, and the
costliest of them, as large as a message can be, no more than 50 ms take, beside
what libdovecot's parser takes: it alone takes as much for 200,000 empty fields,
and no limit of fields may keep a subject from being read.
A build with sanitizers is run for what they find: valgrind can't run it."""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

import shapes

SMALL, LARGE, HUGE = 80 << 10, 320 << 10, 32 << 20
# JUNK_MAX_READ_BYTES
READ = 1536 << 10
# that much more than the bytes
MAX_MORE = 1.15
MAX_KBYTES = 16 << 10
# of a generated shape, and how many of the costliest are measured as a whole
GENERATED = 16 << 10
COSTLIEST = 6
MAX_SHARE = 5
# 50 ms, of a processor that does three in a nanosecond, without PARSER's
MAX_TOTAL = 150 * 1000 * 1000
COUNT = ("valgrind", "--tool=callgrind", "--toggle-collect=shape_tokenize")
# a function that is toggled inside of another isn't counted
PARSER = "--toggle-collect=message_parser_parse_next_block"

BUILD = os.environ.get("top_builddir", "../..")
SHAPE = BUILD + "/lib-junk/mail/shape"


def run(*args, prefix=()):
    p = subprocess.run([BUILD + "/libtool", "--mode=execute", *prefix, SHAPE,
                        *map(str, args)], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    if p.returncode != 0:
        sys.exit("shape %s:\n%s" % (" ".join(map(str, args)), p.stdout))
    return p.stdout


def instructions(path, *args):
    out = run(path, prefix=(*COUNT, *args, "--callgrind-out-file=/dev/null"))
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
        counts = []
        for size in (SMALL, LARGE, HUGE):
            run(name, size, f.name)
            counts.append(instructions(f.name))
        small, large, huge = counts
        total = huge if huge <= MAX_TOTAL else instructions(f.name, PARSER)
        kbytes = int(re.search(r"kbytes=(\d+)", run(f.name)).group(1))
    print("%-16s %4.0f instructions a byte, x%.2f for 4 times the bytes, "
          "x%.2f for 410 times, %d kB" % (
              name, large / LARGE, large / small, huge / small, kbytes),
          flush=True)
    if large > MAX_MORE * LARGE / SMALL * small:
        found.append("%s grows faster than its size" % name)
    if huge > MAX_MORE * READ / LARGE * large:
        found.append("%s is read beyond the limit" % name)
    if total > MAX_TOTAL:
        found.append("%s costs %d instructions in all" % (name, total))
    if kbytes > MAX_KBYTES:
        found.append("%s takes %d kB" % (name, kbytes))
    return found


def counted(paths, *args):
    """The instructions of each file, all of them by one process"""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        run("-", *paths, prefix=(
            *COUNT, *args, "--dump-after=shape_tokenize", "--combine-dumps=yes",
            "--callgrind-out-file=%s/out" % folder))
        with open(folder + "/out") as f:
            totals = [int(line.split()[1]) for line in f
                      if line.startswith("summary:")]
    # what comes after the last one is a dump as well
    return totals[:len(paths)]


def measure(pool, size, names, *args):
    """{name: instructions} of generated shapes"""
    made = {name: shape for name, shape in shapes.shapes() if
            names is None or name in names}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        paths = {}
        for name, shape in made.items():
            paths[name] = "%s/%d" % (folder, len(paths))
            with open(paths[name], "wb") as f:
                f.write(shapes.message(shape, size))
        count = os.cpu_count()
        lists = [list(paths)[i::count] for i in range(count)]
        results = pool.map(lambda part: counted(
            [paths[name] for name in part], *args),
            [part for part in lists if part])
        return {name: total for part, totals in zip(lists, results)
                for name, total in zip(part, totals)}


def generated(pool):
    """What is wrong with generated shapes"""
    found = []
    costs = measure(pool, GENERATED, None)
    ordinary = costs[shapes.ORDINARY]
    for name, cost in costs.items():
        if cost > MAX_SHARE * ordinary:
            found.append("%s costs %.1f times as much as an ordinary message"
                         % (name, cost / ordinary))
    costliest = sorted(costs, key=costs.get)[-COSTLIEST:]
    for name in costliest:
        print("%-24s x%.1f of an ordinary message" % (
            name, costs[name] / ordinary))
    for name, cost in measure(pool, READ, costliest, PARSER).items():
        print("%-24s %.1f million instructions in all" % (name, cost / 1e6))
        if cost > MAX_TOTAL:
            found.append("%s costs %d instructions in all" % (name, cost))
    print("%d generated shapes, %.0f instructions a byte of an ordinary one" %
          (len(costs), ordinary / GENERATED))
    return found


def main():
    names = run().split()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = sum(pool.map(sanitized if is_sanitized() else failures,
                             names), [])
        if not is_sanitized():
            found += generated(pool)
    for text in found:
        print("FAIL " + text)
    print("%d shapes, %d failures" % (len(names), len(found)))
    sys.exit(1 if found or not names else 0)


if __name__ == "__main__":
    main()
