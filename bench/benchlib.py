"""What the benchmarks share."""

import glob
import itertools
import os
import statistics
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def sample_paths(kind):
    """The tree's real messages of a kind: spam or ham"""
    return sorted(glob.glob("%s/tests/data/demo/%s/*.eml" % (TOP, kind)))


def sample_mail(count):
    """Real messages of the tree, spam and ham by turns"""
    kinds = [sample_paths(kind) for kind in ("spam", "ham")]
    paths = [path for pair in zip(*kinds) for path in pair]
    mails = []
    for i in range(count):
        with open(paths[i % len(paths)], "rb") as f:
            mails.append(f.read())
    return mails


def make_index(folder, corpus=None):
    """The index file (corpus.h) of the SpamAssassin public corpus, or of the
    tree's messages; returns its path"""
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


def values(*command):
    """What a program of ours prints as key=value lines"""
    out = subprocess.check_output(command, text=True)
    return dict(line.split("=", 1) for line in out.splitlines()
                if "=" in line)


def alternate(items, i):
    """A few items, in each of their orders by turns: what comes after what
    matters"""
    orders = list(itertools.permutations(items))
    return orders[i % len(orders)]


def result(name, value, unit, bound, ok):
    print("bench %s %.6g %s bound %.6g %s" % (
        name, value, unit, bound, "ok" if ok else "short"), flush=True)
    return ok


def ratio(name, base, other, bound, at_least=False):
    """Pairwise ratios base/other: their median against the bound, with the
    spread. at_least: the ratio has to reach the bound, else to stay below."""
    ratios = sorted(b / o for b, o in zip(base, other))
    median = statistics.median(ratios)
    print("%s: %.3f (quartiles %.3f-%.3f)" % (
        name, median, ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]))
    return result(name, median, "x", bound,
                  median >= bound if at_least else median <= bound)
