"""The Sieve extension in the administrator's scripts only, users who are
excluded, and settings of individual users."""

import os
import re
import subprocess

import segment
import testcase

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "../../examples")


def extra(version, d):
    """Each delivery has a process of its own, so that it opens the segment
    anew."""
    if version >= (2, 4):
        return """\
service lmtp {
  restart_request_count = 1
}
sieve_global_extensions {
  editheader = yes
  vnd.junk-feedback = yes
}
sieve_script junk {
  type = before
  path = %s/junk.sieve
}
sieve_script personal {
  path = ~/.dovecot.sieve
}
""" % d.dir
    return """\
service lmtp {
  service_count = 1
}
plugin {
  sieve_global_extensions = +editheader +vnd.junk-feedback
  sieve_before = %s/junk.sieve
  sieve = ~/.dovecot.sieve
}
""" % d.dir


OPTIONS = {
    "service": None,
    "settings": {"sieve_plugins": "sieve_vnd_junk_feedback"},
    "extra": extra,
    "users": {"left-out@maildir": {"junk_feedback": "no"},
              "strict@maildir": {"junk_feedback_threshold": "50"}},
}


def begin(t, score):
    path = os.path.join(t.d.dir, "junk.sieve")
    with open(EXAMPLES + "/junk.sieve") as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text)
    subprocess.run(["sievec", "-c", t.d.config_path, path], check=True)
    segment.write(t.d.segment_path, segment.content(score))


def stamps(t, user, mailbox):
    c = t.imap(user, select=mailbox)
    text = c.cmd("FETCH 1:* BODY.PEEK[HEADER.FIELDS (X-Junk-Score)]", None)
    return re.findall(r"^X-Junk-Score: (\S*)\r$", text, re.M)


def test_global_only(t):
    """sieve_global_extensions: the global script runs, a user's script with
    the extension doesn't compile, and its mail is kept"""
    begin(t, 12)
    t.d.sieve(t.user(), 'require ["vnd.junk-feedback", "fileinto"];\n'
              'fileinto "Work"; junkreport "ham";\n')
    t.deliver(testcase.ham())
    assert stamps(t, None, "INBOX") == ["12"]
    assert stamps(t, None, "Work") == []
    begin(t, 95)
    t.deliver(testcase.spam())
    assert stamps(t, None, "Junk") == ["95"]


def test_left_out(t):
    """junk_feedback = no from userdb: the score is unknown for this user"""
    begin(t, 95)
    t.d.deliver(["left-out@maildir", t.user()], testcase.spam())
    assert stamps(t, "left-out@maildir", "INBOX") == ["unknown"]
    assert stamps(t, None, "Junk") == ["95"]


def test_threshold_of_user(t):
    """junk_feedback_threshold from userdb: filed at the user's own
    threshold"""
    begin(t, 60)
    t.d.deliver(["strict@maildir", t.user()], testcase.spam())
    assert stamps(t, "strict@maildir", "Junk") == ["60"]
    assert stamps(t, None, "INBOX") == ["60"]
