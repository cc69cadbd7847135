"""doveadm junk check: is new mail scored, and are moves learned? Each
configuration fault is detected and has the right exit code."""

import email
import json
import os
import re
import shutil
import subprocess
import time

import harness
import testcase

def own_script(version, d):
    """The example, with a script of our own that tests damage."""
    text = harness.EXAMPLE_OPTIONS["extra"](version, d)
    os.mkdir(d.dir + "/sieve")
    path = shutil.copy(harness.EXAMPLES + "/junk.sieve", d.dir + "/sieve")
    if version >= (2, 4):
        return text + ("sieve_script junk-feedback {\n  path = %s\n}\n"
                       % path)
    return text + "plugin {\n  sieve_before = %s\n}\n" % path


OPTIONS = dict(harness.EXAMPLE_OPTIONS, extra=own_script)


def script(t):
    return t.d.dir + "/sieve/junk.sieve"


def compile_script(t):
    subprocess.run(["sievec", "-c", t.d.config_path, script(t)], check=True,
                   stdout=subprocess.DEVNULL)


def check(t, config=None, command="check"):
    p = subprocess.run(["doveadm", "-c", config or t.d.config_path, "-f",
                        "json", "junk", command], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=120)
    rows = {row["item"]: row for row in json.loads(p.stdout)}
    return p.returncode, rows


def other_config(t, extra):
    """Add a later file to the server's configuration."""
    path = os.path.join(t.d.dir, "other.conf")
    with open(t.d.config_path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text + extra)
    return path


def setting(t, name, value):
    """Return a setting of Sieve for either version"""
    if t.d.version >= (2, 4):
        return "%s = %s\n" % (name, value)
    return "plugin {\n  %s = %s\n}\n" % (name, value)


def test_well(t):
    """check: everything works, and it says who scored the last message"""
    compile_script(t)
    t.deliver(testcase.ham())
    code, rows = check(t)
    assert code == 0, rows
    assert rows["is new mail scored"]["value"] == "yes", rows
    assert rows["are moves learned"]["value"] == "yes", rows
    # nothing was reported on this host
    assert rows["is spam recognised"]["state"] == "note", rows
    assert "reports of spam and of ham each are needed" in \
        rows["model"]["value"], rows
    assert "by lmtp" in rows["scored mail"]["value"], rows
    assert "1 messages since yesterday" in rows["scored mail"]["value"], rows
    assert rows["script " + script(t)]["state"] == "ok", rows


def test_plugins_replaced(t):
    """check: a later sieve_plugins overrides ours: no user's mail is
    filtered"""
    compile_script(t)
    config = other_config(t, setting(t, "sieve_plugins", "sieve_imapsieve")
                          if t.d.version < (2, 4) else
                          "sieve_plugins {\n  sieve_vnd_junk_feedback = no\n}"
                          "\n")
    code, rows = check(t, config)
    row = rows["script " + script(t)]
    assert code == 78 and row["state"] == "error", rows
    assert "doesn't compile" in row["value"] and "setup" in row["value"], row
    assert rows["is new mail scored"]["state"] == "error", rows
    assert rows["are moves learned"]["state"] == "ok", rows


def test_plugins_replaced_lmtp(t):
    """check: the same for LMTP only, where sievec finds no fault"""
    if t.d.version >= (2, 4):
        extra = ("protocol lmtp {\n  sieve_plugins {\n"
                 "    sieve_vnd_junk_feedback = no\n  }\n}\n")
    else:
        extra = ("protocol lmtp {\n  plugin {\n"
                 "    sieve_plugins = sieve_imapsieve\n  }\n}\n")
    code, rows = check(t, other_config(t, extra))
    assert code == 78 and rows["script " + script(t)]["state"] == "error", rows


def test_no_script(t):
    """check: no script for all users asks for the score"""
    if t.d.version >= (2, 4):
        extra = "sieve_script junk-feedback {\n  type = personal\n}\n"
    else:
        extra = "plugin {\n  sieve_before =\n}\n"
    code, rows = check(t, other_config(t, extra))
    assert code == 78 and rows["lmtp scripts"]["state"] == "error", rows
    assert "not scored" in rows["lmtp scripts"]["value"], rows


def test_no_sieve(t):
    """check: LMTP without the plugin sieve"""
    if t.d.version >= (2, 4):
        extra = "protocol lmtp {\n  mail_plugins {\n    sieve = no\n  }\n}\n"
    else:
        extra = "protocol lmtp {\n  mail_plugins =\n}\n"
    code, rows = check(t, other_config(t, extra))
    assert code == 78 and rows["lmtp mail_plugins"]["state"] == "error", rows


def test_script_gone(t):
    """check: the script is missing, unreadable for users, or broken"""
    path = script(t)
    with open(path) as f:
        text = f.read()
    mode = os.stat(path).st_mode & 0o7777
    try:
        os.rename(path, path + ".away")
        code, rows = check(t)
        assert code == 78, rows
        assert "No such file" in rows["script " + path]["value"], rows
        os.rename(path + ".away", path)
        os.chmod(path, 0o600)
        for command in ("check", "status"):
            code, rows = check(t, command=command)
            assert code == 78, rows
            assert "Permission" in rows["script " + path]["value"], rows
        os.chmod(path, mode)
        with open(path, "w") as f:
            f.write(text + "\nnonsense;\n")
        code, rows = check(t)
        assert code == 78, rows
        assert "doesn't compile" in rows["script " + path]["value"], rows
    finally:
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)


def test_chroot(t):
    """check: mail_chroot makes the plugin unreachable"""
    code, rows = check(t, other_config(t, "mail_chroot = /srv/mail\n"),
                       "status")
    assert code == 78 and rows["mail_chroot"]["state"] == "error", rows


def test_wrong_setting(t):
    """check: an invalid setting is only in the log of 2.3"""
    if t.d.version >= (2, 4):
        return
    code, rows = check(t, other_config(t, setting(
        t, "junk_feedback_threshold", "120")))
    assert code == 78 and rows["settings"]["state"] == "error", rows
    assert "junk_feedback_threshold" in rows["settings"]["value"], rows


def test_files_deleted(t):
    """check, status: the key or the database is deleted while the service
    runs"""
    compile_script(t)
    code, rows = check(t)
    assert code == 0, rows
    folder = os.path.dirname(t.d.database_path)
    for name, item in (("key", "key file"),
                       ("stats.sqlite3", "database file")):
        path = os.path.join(folder, name)
        os.rename(path, path + ".away")
        for command in ("check", "status"):
            code, rows = check(t, command=command)
            assert code == 66 and rows[item]["state"] == "error", (name, rows)
        os.rename(path + ".away", path)
    # a new file in its place, which the service doesn't use
    path = t.d.database_path
    with open(path, "rb") as f:
        data = f.read()
    os.rename(path, path + ".away")
    with open(path, "wb") as f:
        f.write(data)
    os.unlink(path + ".away")
    code, rows = check(t)
    assert code == 66 and rows["database file"]["state"] == "error", rows
    for pid in t.d.children("junk-feedback"):
        os.kill(pid, 15)
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.unlink(path + suffix)
    harness.wait_for(lambda: check(t)[0] == 0, "the service", 15)


def test_spool(t):
    """check, spool: reports that wait in users' spools are found and sent"""
    compile_script(t)
    t.deliver(testcase.spam())
    users = os.path.join(t.d.dir, "spool-users")
    with open(users, "w") as f:
        f.write(t.user() + "\n")
    os.rename(t.d.socket_path, t.d.socket_path + ".away")
    c = t.imap(select="INBOX")
    c.cmd("UID MOVE 1 Junk")
    c.logout()
    try:
        assert harness.wait_for(lambda: spool(t, users) == [("1", "0")],
                                "a spool")
    finally:
        os.rename(t.d.socket_path + ".away", t.d.socket_path)
    before = t.recorded()
    assert spool(t, users, "--send") == [("1", "1")]
    assert spool(t, users) == []
    assert harness.wait_for(lambda: t.recorded() == before + 1, "the report")


def spool(t, users, *args):
    """Return [(reports, sent)] of users with a spool"""
    p = subprocess.run(["doveadm", "-c", t.d.config_path, "-f", "json", "junk",
                        "spool", *args, "-F", users], stdout=subprocess.PIPE,
                       text=True, timeout=60, check=True)
    return [(str(row["reports"]), str(row["sent"]))
            for row in json.loads(p.stdout or "[]")]


def identity(t, *args):
    """Copy the identity from ~/old; return (exit code, output, errors)"""
    p = subprocess.run(["doveadm", "-c", t.d.config_path, "-f", "tab", "junk",
                        "identity", "-u", t.user(), "--from", "~/old", *args],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, timeout=60)
    return p.returncode, p.stdout.split("\n")[1:-1], p.stderr


def test_identity(t):
    """identity: a user whose mail was converted stays the same person"""
    t.deliver(testcase.spam())
    t.move("INBOX", "Junk")
    t.expect("spam move")
    path = t.control_file(t.user(), "junk-feedback.id")
    old = os.path.join(t.d.home(t.user()), "old", "junk-feedback.id")
    with open(path) as f:
        mine = f.read()
    os.mkdir(os.path.dirname(old))
    os.rename(path, old)
    owner = os.stat(old)
    assert identity(t) == (0, ["copied"], "")
    with open(path) as f:
        assert f.read() == mine
    copied = os.stat(path)
    assert (copied.st_uid, copied.st_mode) == (owner.st_uid, owner.st_mode)
    assert identity(t) == (0, ["already there"], "")
    # the person takes the report back, and reports under the old identity
    t.same_clients.clear()
    t.move("Junk", "INBOX")
    t.expect("-1 spam move")
    with open(path, "w") as f:
        f.write("0123456789abcdef" * 2 + "\n")
    code, out, errors = identity(t)
    assert code == 66 and out == [] and "add --replace" in errors, errors
    assert mine.strip() not in errors
    assert identity(t, "--replace") == (0, ["copied"], "")
    with open(path) as f:
        assert f.read() == mine
    os.unlink(old)
    os.symlink("/etc/passwd", old)
    code, out, errors = identity(t, "--replace")
    assert code == 66 and out == [], errors
    with open(path) as f:
        assert f.read() == mine


def test_counted(t):
    """the counter page: unknown and filed mail, and nothing for users who
    opted out"""
    compile_script(t)
    before = time.time()
    t.deliver(testcase.ham(), "counted")
    value = check(t, command="status")[1]["scored mail"]["value"]
    assert "last " in value and "by lmtp" in value, value
    assert before <= time.time()
    path = os.path.join(t.d.base_dir, "junk-feedback.counts")
    assert os.stat(path).st_mode & 0o777 == 0o666
    with open(path, "rb") as f:
        assert f.read(8) == b"JUNKCNTS"


def test_metrics(t):
    """metrics: promtool accepts them, and the dashboard uses no others"""
    compile_script(t)
    t.deliver(testcase.ham(), "measured")
    text = subprocess.run(["doveadm", "-c", t.d.config_path, "junk",
                           "metrics"], stdout=subprocess.PIPE, check=True,
                          timeout=60).stdout
    p = subprocess.run(["promtool", "check", "metrics"], input=text,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert p.returncode == 0, p.stdout
    text = text.decode()
    assert "junk_feedback_up 1\n" in text, text
    scored = re.search(r'scored_messages\{program="lmtp"\} (\d+)', text)
    assert int(scored.group(1)) >= 1, text
    with open(harness.EXAMPLES + "/junk-feedback-grafana.json") as f:
        dashboard = json.load(f)
    asked = set(re.findall(r"junk_feedback_\w+", json.dumps(dashboard)))
    known = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    # there is no report yet
    known.add("junk_feedback_last_report_timestamp_seconds")
    assert len(asked) > 10 and asked <= known, asked - known


def test_weekly(t):
    """weekly mail: statistics, check and the report page, even when something
    is wrong"""
    compile_script(t)
    check(t)
    for broken, state in (False, "working"), (True, "NOT WORKING"):
        if broken:
            os.rename(script(t), script(t) + ".away")
        p = subprocess.run(
            ["sh", harness.EXAMPLES + "/weekly/junk-feedback-weekly", "-n",
             "anna@example.org"], stdout=subprocess.PIPE, check=True,
            timeout=120, env=dict(os.environ, DOVECOT_CONF=t.d.config_path))
        if broken:
            os.rename(script(t) + ".away", script(t))
        message = email.message_from_bytes(p.stdout)
        assert message["To"] == "anna@example.org"
        assert message["Subject"].endswith(": " + state), message["Subject"]
        text, page = message.get_payload()
        text = text.get_payload(decode=True).decode()
        for word in ("missed", "threshold", "is new mail scored"):
            assert word in text, text
        page = page.get_payload(decode=True)
        assert page.startswith(b"<!DOCTYPE html>")
        # without any report, the page explains what that means
        assert b'id="learning"' in page, page
    p = subprocess.run(["sh", harness.EXAMPLES + "/weekly/"
                        "junk-feedback-weekly", "-n", "-f root"],
                       stderr=subprocess.PIPE)
    assert p.returncode == 64, p.stderr
