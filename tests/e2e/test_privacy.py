"""Privacy: after a run with real mail, every byte that we have written is
searched for the words, names and addresses of the mail."""

import glob
import os
import re

import harness

OPTIONS = {"settings": {"junk_feedback_min_reporters": "1"}}

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# Shorter words occur by chance in random bytes and in our own messages.
MIN_WORD_BYTES = 6
# Words of fewer different letters (the colour "cccccc") occur by chance in
# tables that repeat an entry.
MIN_WORD_LETTERS = 3


def sample(kind, count):
    mails = []
    paths = sorted(glob.glob("%s/tests/data/demo/%s/*.eml" % (TOP, kind)))
    for path in paths[:count]:
        with open(path, "rb") as f:
            mails.append(f.read())
    assert len(mails) == count
    return mails


def words_of(mails):
    """Return every word, address and host of the messages, in lower case"""
    words = set()
    for data in mails:
        for pattern in (rb"[A-Za-z]{%d,}" % MIN_WORD_BYTES,
                        rb"[\w.+-]+@[\w.-]+", rb"(?:[\w-]+\.)+[a-z]{2,}"):
            words.update(w.lower() for w in re.findall(pattern, data)
                         if len(w) >= MIN_WORD_BYTES)
    return {w for w in words if len(set(w)) >= MIN_WORD_LETTERS}


def read(path):
    with open(path, "rb") as f:
        return f.read()


def our_files(d):
    """Return paths of every file that plugin, Sieve extension and service have
    written"""
    found = []
    for top in (d.state_dir, d.base_dir, d.home_dir):
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                if "junk-feedback" in path and os.path.isfile(path):
                    found.append(path)
    return found


def our_log_lines(d):
    """Return what we have logged. Dovecot's prefix of each line names the
    session's user, so only what follows it is checked."""
    lines = []
    for line in (d.log() + d.debug_log()).splitlines():
        text = re.sub(r"^.*?(Debug|Info|Warning|Error|Fatal|Panic): ", "",
                      line)
        if "junk" in text.lower() or "junk-feedback" in line:
            lines.append(text)
    return "\n".join(lines).encode()


def words_in(data, words):
    """Return the words that occur in the data as separate words"""
    runs = set()
    for run in re.findall(rb"[\w.@+-]{%d,}" % MIN_WORD_BYTES, data.lower()):
        runs.add(run)
        runs.update(re.findall(rb"[a-z]{%d,}" % MIN_WORD_BYTES, run))
    return runs & words


def own_vocabulary(d):
    """Return words that our files contain anyway: those of the schema, read
    from a database without mail, and the names of our counters."""
    schema = b"".join(read(path) for path in
                      glob.glob(TOP + "/sql/*.sql"))
    return set(re.findall(rb"[a-z]{%d,}" % MIN_WORD_BYTES, schema.lower())) | {
        b"sqlite", b"format", b"junkscor"}


def move_all(t, user, source, target):
    c = t.imap(user, select=source)
    c.cmd("UID MOVE 1:* %s" % target)
    c.logout()


def without_received(data):
    return re.sub(rb"(?mi)^Received:.*\n([ \t].*\n)*", b"", data)


def run_mail(t):
    spam, ham = sample("spam", 60), sample("ham", 60)
    users = ["zacharias.secretname", "wilhelmina.hiddenname"]
    for i, data in enumerate(spam):
        t.deliver(data, users[i % 2])
    for user in users:
        move_all(t, user, "INBOX", "Junk")
    for i, data in enumerate(ham):
        # its Received fields are of 2002: an import, which isn't reported
        t.imap(users[i % 2]).append("Junk", without_received(data))
    return spam + ham, users


def test_no_word_is_written(t):
    """privacy: no word, name or address in database, WAL, segment, spool, log"""
    mails, users = run_mail(t)
    harness.wait_for(lambda: t.d.query(
        "SELECT count(*) FROM reports")[0][0] >= 120, "120 reports")
    words = words_of(mails)
    names = {b"zacharias", b"secretname", b"wilhelmina", b"hiddenname"}
    assert len(words) > 2500, len(words)
    files = our_files(t.d)
    kinds = {os.path.basename(path) for path in files}
    assert "stats.sqlite3" in kinds and "stats.sqlite3-wal" in kinds, kinds
    allowed = own_vocabulary(t.d)
    for path in files:
        data = read(path)
        found = words_in(data, words | names) - allowed
        assert not found, "%s: %s" % (path, sorted(found)[:20])
        for name in names:
            assert name not in data.lower(), path
    found = words_in(our_log_lines(t.d), names)
    assert not found, found


def test_the_search_finds_what_is_there(t):
    """privacy: the search can fail: it finds the words in the mailbox"""
    mails, _ = run_mail(t)
    words = words_of(mails)
    found = set()
    for folder, _, names in os.walk(t.d.home_dir):
        for name in names:
            found |= words_in(read(os.path.join(folder, name)), words)
    assert len(found) > len(words) // 2, (len(found), len(words))
