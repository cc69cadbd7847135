"""Common parts of the benchmarks."""

import glob
import itertools
import os
import statistics
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def sample_paths(kind):
    """Return paths of the tree's real messages of a kind: spam or ham"""
    return sorted(glob.glob("%s/tests/data/demo/%s/*.eml" % (TOP, kind)))


def samples_by_turns():
    """Return (kind, path) of the tree's messages, spam and ham alternately"""
    kinds = [[(kind, path) for path in sample_paths(kind)]
             for kind in ("spam", "ham")]
    return [sample for pair in zip(*kinds) for sample in pair]


def sample_mail(count):
    """Return real messages of the tree, spam and ham alternately"""
    samples = samples_by_turns()
    mails = []
    for i in range(count):
        with open(samples[i % len(samples)][1], "rb") as f:
            mails.append(f.read())
    return mails


def make_index(folder, corpus=None):
    """Write an index file (corpus.h) of the SpamAssassin public corpus, or of
    the tree's messages; return its path"""
    path = folder + "/index"
    with open(path, "w") as f:
        if corpus is not None:
            subprocess.check_call([TOP + "/bench/corpus-index", corpus],
                                  stdout=f)
            return path
        for kind in ("ham", "spam"):
            for mail in sample_paths(kind):
                f.write("%s %s\n" % (kind, mail))
    return path


def read_index(path):
    """Return (is spam, path) of each message of an index; exit if it isn't
    valid"""
    program = os.path.basename(sys.argv[0])
    mails = []
    with open(path) as index:
        for number, line in enumerate(index, 1):
            label, _, mail = line.strip().partition(" ")
            if not label:
                continue
            if label not in ("spam", "ham") or not mail:
                sys.exit('%s: %s line %d: expected "spam PATH" or "ham PATH"'
                         % (program, path, number))
            mails.append((label == "spam",
                          os.path.join(os.path.dirname(path), mail)))
    if len({spam for spam, _ in mails}) != 2:
        sys.exit("%s: %s: needs spam and ham" % (program, path))
    return mails


def read_mail(path):
    """Return a message with LF and without an mbox's "From " line"""
    with open(path, "rb") as mail:
        data = mail.read().replace(b"\r\n", b"\n")
    return data.partition(b"\n")[2] if data.startswith(b"From ") else data


def values(*command):
    """Return the key=value lines that one of our programs prints"""
    out = subprocess.check_output(command, text=True)
    return dict(line.split("=", 1) for line in out.splitlines()
                if "=" in line)


def alternate(items, i):
    """Return a few items in each of their orders in turn, since each
    measurement influences the next"""
    orders = list(itertools.permutations(items))
    return orders[i % len(orders)]


def result(name, value, unit, bound, ok):
    print("bench %s %.6g %s bound %.6g %s" % (
        name, value, unit, bound, "ok" if ok else "short"), flush=True)
    return ok


def ratio(name, base, other, bound, at_least=False):
    """Compare the median of the pairwise ratios base/other with the bound, and
    print their spread. at_least: the bound is a minimum, else a maximum."""
    ratios = sorted(b / o for b, o in zip(base, other))
    median = statistics.median(ratios)
    print("%s: %.3f (quartiles %.3f-%.3f)" % (
        name, median, ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]))
    return result(name, median, "x", bound,
                  median >= bound if at_least else median <= bound)
