#!/usr/bin/python3
"""Time and memory per message are bounded for messages of any shape. callgrind
counts instructions, since times differ from run to run. Four times the bytes
may cost a little more than four times as much, bytes beyond
JUNK_MAX_READ_BYTES cost nothing, and memory stays below a limit for 32 MB.

In addition, shapes are generated (shapes.py), some for each loop of lib-junk.
None may cost more than five times as much as an ordinary message of its size,
and the most expensive ones at maximum size must not take more than 50 ms. The
time of libdovecot's parser is excluded: it alone needs that much for 200,000
empty fields, and a limit of fields must not prevent a subject from being read.
In a build with sanitizers, the messages are only tokenised, since valgrind
can't run it."""

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
# allowed factor beyond proportional growth
MAX_MORE = 1.15
MAX_KBYTES = 16 << 10
# size of a generated message; how many of the most expensive ones are measured
# at maximum size
GENERATED = 16 << 10
COSTLIEST = 6
MAX_SHARE = 5
# 50 ms on a processor with three instructions per nanosecond, without PARSER
MAX_TOTAL = 150 * 1000 * 1000
COUNT = ("valgrind", "--tool=callgrind", "--toggle-collect=shape_tokenize")
# callgrind toggles collection off inside this function
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
    """Return what is wrong with a shape"""
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
    """Return the instructions for each file, all from one process"""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        run("-", *paths, prefix=(
            *COUNT, *args, "--dump-after=shape_tokenize", "--combine-dumps=yes",
            "--callgrind-out-file=%s/out" % folder))
        with open(folder + "/out") as f:
            totals = [int(line.split()[1]) for line in f
                      if line.startswith("summary:")]
    # drop the dump of what follows the last file
    return totals[:len(paths)]


def measure(pool, size, names, *args):
    """Return {name: instructions} of generated shapes"""
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
    """Return what is wrong with generated shapes"""
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
