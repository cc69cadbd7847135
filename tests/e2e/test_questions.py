"""An administrator's questions about a running host, answered by the commands
in README and the manual page, exactly as they are printed there."""

import os
import re
import sqlite3
import subprocess
import time

import admin
import harness
import testcase

HOUR = admin.HOUR
NEEDED = 12
# as in README
ANNA, BOB = "anna", "bob"
REPORTERS = ("cleo", "dora", "emil")


def user_fields(version):
    # these names have no domain, which otherwise sets the format
    return {"mail": "maildir:~/mail"} if version < (2, 4) else {
        "mail_driver": "maildir"}


OPTIONS = dict(harness.EXAMPLE_OPTIONS, settings={"junk_feedback_rate": 60},
               users={name: user_fields(harness.dovecot_version())
                      for name in (ANNA, BOB, *REPORTERS)})


def readme_commands():
    """Return {command: purpose} of README's "Ask it"."""
    with open(admin.TOP + "/README.md") as f:
        text = f.read()
    block = re.search(r"## Ask it\n.*?```sh\n(.*?)```", text, re.S).group(1)
    return dict(re.split(r"\s+# ", line, 1) for line in block.splitlines())


def manual_commands():
    """Return the examples of doveadm-junk(1)"""
    with open(admin.TOP + "/doc/doveadm-junk.1") as f:
        text = f.read()
    text = text[text.index(".Sh EXAMPLES"):].replace("\\(dq", '"')
    return re.findall(r"^(?:\.Dl )?# (.*)$", text, re.M)


def yesterday():
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))


def run(t, command):
    """Run a command in a shell on this host; "last night" is today's."""
    command = command.replace("2026-03-31", yesterday())
    p = subprocess.run(
        ["sh", "-c", 'doveadm() { command doveadm -c "$0" "$@"; }\n' + command,
         t.d.config_path], cwd=t.d.dir, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=60)
    assert p.returncode == 0, (command, p.returncode, p.stdout)
    return p.stdout


def mark(t, user, messages):
    """A user moves messages to Junk; return when the reports are recorded."""
    before = t.recorded()
    c = t.d.imap(user)
    for message in messages:
        c.append("Work", message)
    c.select("Work")
    c.cmd("UID MOVE 1:* Junk")
    harness.wait_for(lambda: t.recorded() >= before + len(messages), "reports")


def train(t):
    """Three users report spam; mail that they keep is learned as ham."""
    for name in REPORTERS:
        mark(t, name, [testcase.spam().replace(
            b"pharma.example", b"pills.example") for _ in range(NEEDED)])
        c = t.d.imap(name)
        for _ in range(NEEDED):
            c.append("Archive", testcase.ham())
        t.d.doveadm("junk", "learn", "-u", name, "ham", "mailbox", "Archive")


def yesterday_happened(t):
    """Of 100 spam messages that users reported yesterday, 40 scored too
    low."""
    today = int(time.time()) // 86400 * 86400
    db = sqlite3.connect(t.d.database_path, timeout=harness.TIMEOUT_SECS)
    db.executemany("INSERT INTO hours VALUES (?, 1, 1, ?, ?, 0)",
                   [(today - 12 * HOUR, 97, 60), (today - 12 * HOUR, 83, 40)])
    db.commit()
    db.close()


def value(text, row, column):
    """Return a column of a printed table; the columns before it have no empty
    cells"""
    lines = [line.split() for line in text.splitlines()]
    return next(line[column] for line in lines if line[:1] == [row])


def missed_from_80_to_90(answer):
    return int(value(answer, "90", 2)) - int(value(answer, "80", 2))


def fitted(t, command):
    """Run a command when no fit is due."""
    admin.wait_fitted(t.d)
    return run(t, command)


def test_readme(t):
    """the questions of README, answered only by its commands"""
    assert subprocess.run(["sievec", "-c", t.d.config_path,
                           "/etc/dovecot/sieve/junk.sieve"]).returncode == 0
    train(t)
    t.d.deliver(ANNA, testcase.spam().replace(b"pharma.example",
                                              b"pills.example"))
    (check, missed, thresholds, why, token, forget, burst,
     report) = readme_commands()

    # is it working?
    answer = run(t, check)
    assert "no effect any more" in answer and "error" not in answer, answer
    # how much spam did it miss yesterday, and how certain is that?
    before = missed_from_80_to_90(run(t, thresholds))
    yesterday_happened(t)
    answer = run(t, missed)
    assert [value(answer, yesterday(), i) for i in (1, 2, 3, 4)] == \
        ["100", "40", "40.0", "30.9-49.8"], answer
    # what happens if I lower the threshold to 80?
    answer = run(t, thresholds)
    assert missed_from_80_to_90(answer) - before == 40, answer
    # why was this message filed?
    answer = run(t, why)
    score = int(re.search(r"Junk 1 +score +(\d+)", answer).group(1))
    assert score >= 90, answer
    assert re.search(r"Junk 1 +token +\S+ +pills.example +\+", answer), answer
    # the key decides which of its tokens are the 20 strongest
    answer = run(t, why.replace("junk score ", "junk score -a "))
    assert re.search(r"Junk 1 +token +url-host +pills.example +\+", answer), \
        answer
    assert int(value(run(t, token), "url-host", 4)) >= 2

    # undo what one broken client did last night
    before, good = t.recorded(), fitted(t, why)
    mark(t, BOB, [testcase.ham() for _ in range(30)])
    assert fitted(t, why) != good
    answer = run(t, forget)
    assert value(answer, "forgotten", 1) == "30" and \
        value(answer, "exact", 1) == "yes", answer
    assert t.recorded() == before and fitted(t, why) == good
    mark(t, BOB, [testcase.ham() for _ in range(70)])
    # the counts of their tokens are written after 10 seconds
    admin.wait_counted(t.d)
    answer = run(t, burst)
    assert value(answer, "forgotten", 1) == "70", answer
    assert t.recorded() == before and fitted(t, why) == good, answer

    run(t, report)
    assert os.path.getsize(t.d.dir + "/report.html") > 10000
    assert not t.errors(), t.errors()


def test_manual(t):
    """the examples of the manual page, as they are printed"""
    c = t.d.imap(ANNA)
    for _ in range(3):
        c.append("Junk", testcase.spam())
        c.append("Archive", testcase.ham())
    commands = manual_commands()
    assert len(commands) == 9, commands
    for command in commands:
        run(t, command)
