"""Without the service, reports wait in users' spools, which contain no words
either."""

import os

import test_privacy

OPTIONS = {"service": None}


def test_no_word_is_spooled(t):
    """privacy: no word, name or address in identity and spool"""
    mails, _ = test_privacy.run_mail(t)
    words = test_privacy.words_of(mails)
    files = test_privacy.our_files(t.d)
    assert sum("spool" in os.path.basename(path) for path in files) == 2, files
    assert sum(os.path.getsize(path) for path in files) > 50000
    for path in files:
        found = test_privacy.words_in(test_privacy.read(path), words)
        assert not found, "%s: %s" % (path, sorted(found)[:20])
