"""Writes score segments (lib-junk/score/junk-segment.h) for tests of readers:
one that gives every message the same score, or one whose scores differ."""

import math
import os
import random
import re
import struct
import sys

MASK = (1 << 64) - 1
P1 = 0x9E3779B185EBCA87
P2 = 0xC2B2AE3D27D4EB4F
P3 = 0x165667B19E3779F9
P4 = 0x85EBCA77C2B2AE63
P5 = 0x27D4EB2F165667C5

FIXED = struct.Struct("=8sIIQIBBHQQII")
CHANGING = struct.Struct("=IIIIQfffff20x")
LOG2 = 10
# struct junk_copies (junk-sketch.h): three tables of 1024 outlines
COPIES_BYTES = 3 * 1024 * 33


def _rotl(x, n):
    return ((x << n) | (x >> (64 - n))) & MASK


def _round(acc, lane):
    return _rotl((acc + lane * P2) & MASK, 31) * P1 & MASK


def xxh64(data, seed=0):
    """XXH64 of whole 8-byte lanes, which is all that the header needs."""
    assert len(data) % 8 == 0
    lanes = struct.unpack("<%dQ" % (len(data) // 8), data)
    pos = 0
    if len(lanes) >= 4:
        v = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed,
             (seed - P1) & MASK]
        while pos + 4 <= len(lanes):
            for i in range(4):
                v[i] = _round(v[i], lanes[pos + i])
            pos += 4
        h = sum(_rotl(v[i], n) for i, n in enumerate((1, 7, 12, 18))) & MASK
        for acc in v:
            h = ((h ^ _round(0, acc)) * P1 + P4) & MASK
    else:
        h = (seed + P5) & MASK
    h = (h + len(data)) & MASK
    for lane in lanes[pos:]:
        h = (_rotl(h ^ _round(0, lane), 27) * P1 + P4) & MASK
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32


def feature_set():
    """Return JUNK_FEATURE_SET of this tree"""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "../../lib-junk/mail/junk-tokenizer.h")
    with open(path) as f:
        return int(re.search(r"JUNK_FEATURE_SET (\d+)", f.read()).group(1))


def content(score=None, features=None, version=3, state=1, magic=b"JUNKSCOR",
            weight=4, weights=None, slope=0.0):
    """Return a segment that gives all messages this score; None: one with too
    few reports, so that all are unknown. All shared weights are equal, in
    units of 1/4096 (the lowest bit is a flag), unless they are given. slope:
    factor of their sum."""
    size = 128 + 2 * 2 * (1 << LOG2) + COPIES_BYTES
    fixed = FIXED.pack(magic, 0x01020304, version, size,
                       feature_set() if features is None else features, LOG2,
                       LOG2, 0, 0x1234, 1700000000, 10, 1)
    # enough reports, so that they don't limit the probability
    reports = 5 if score is None else 10**9
    if score is None:
        cal_b = 0.0
    else:
        # in the middle of the score's range of probabilities
        p = (score + 0.5) / 100
        if 80 <= score < 90:
            # without claims, probabilities from 0.8 on are compressed below 90
            p = 0.8 + (p - 0.8) * 2
        cal_b = math.log(p / (1 - p))
    changing = CHANGING.pack(state, reports, reports, 1, 1700000001, slope, cal_b,
                            # a claim, for 90 and above
                            -1e6 if (score or 0) >= 90 else 1e6, 0.0, 0.0)
    if weights is None:
        # each token has a weight, so there is evidence
        weights = [weight] * (1 << LOG2)
    personal = [0] * (1 << LOG2)
    return (fixed + struct.pack("=Q", xxh64(fixed)) + changing +
            struct.pack("=%dh" % (2 << LOG2), *weights, *personal) +
            bytes(COPIES_BYTES))


def varied():
    """Return a segment with weights of all sizes, so that one token more or
    less changes a message's score."""
    rnd = random.Random(1)
    return content(50, weights=[rnd.randrange(-32767, 32768)
                                for _ in range(1 << LOG2)], slope=0.25)


def write(path, data):
    """Replace the segment as the service does: a reader that has mapped the
    old one is told to open the path again."""
    new = path + ".new"
    with open(new, "wb") as f:
        f.write(data)
    os.chmod(new, 0o644)
    old = os.open(path, os.O_RDWR) if os.path.isfile(path) else -1
    os.rename(new, path)
    if old != -1:
        if os.fstat(old).st_size >= 128:
            os.pwrite(old, struct.pack("=I", 2), 64)
        os.close(old)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: segment.py FILE SCORE|unknown")
    write(sys.argv[1], content(None if sys.argv[2] == "unknown"
                               else int(sys.argv[2])))
