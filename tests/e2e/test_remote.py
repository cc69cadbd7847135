"""doveadm junk for another host: through doveadm's server (-S host:port),
through a proxy (doveadm_port), and over the HTTP API."""

import base64
import functools
import json
import os
import re
import types
import urllib.request

import harness
import testcase
from admin import doveadm

TCP, HTTP = harness.free_port(), harness.free_port()
KEY = b"key-of-the-api"
OPTIONS = {"settings": {"sieve_plugins": "sieve_vnd_junk_feedback"},
           "extra": """
doveadm_password = secret
doveadm_api_key = %s
service doveadm {
  inet_listener tcp {
    port = %d
  }
  inet_listener http {
    port = %d
  }
}
""" % (KEY.decode(), TCP, HTTP)}


def far(t, command, *args, stdin=None):
    """Return (exit code, rows, stderr) of a command that the server runs"""
    code, out, err = doveadm(t, "-f", "json", "junk", command, "-S",
                             "127.0.0.1:%d" % TCP, "-u", t.user(), *args,
                             stdin=stdin)
    return code, json.loads(out or "[]"), err


def test_server(t):
    """-S host:port: score, learn and forget, like other mail commands"""
    for _ in range(3):
        t.deliver(testcase.spam())
    code, rows, err = far(t, "learn", "spam", "mailbox", "INBOX")
    assert code == 0 and not err, err
    assert rows == [{"verdict": "spam", "reported": 3, "unreadable": 0}], rows
    for args, stdin, name in ((("mailbox", "INBOX", "2"), None, "INBOX 2"),
                              ((), testcase.spam(1), "-")):
        code, rows, err = far(t, "score", *args, stdin=stdin)
        assert code == 0 and {row["message"] for row in rows} == {name}, \
            (rows, err)
        evidence = [row["value"] for row in rows if row["item"] == "evidence"]
        assert int(evidence[0]) > 10, rows
    code, rows, err = far(t, "score", "mailbox", "Nowhere")
    assert code == 68 and "the query finds no message" in err, (code, err)
    code, rows, err = far(t, "learn", "maybe", "all")
    assert code == 64 and "must be spam or ham, not maybe" in err, (code, err)
    code, rows, err = far(t, "forget", "--since", "1h")
    assert code == 0 and {row["item"]: row["value"] for row in rows} == \
        {"forgotten": "3", "exact": "yes"}, (rows, err)


def front(t):
    """Start a proxy for the test's server: its passdb names a user's host, to
    which its doveadm connects."""
    d = harness.Dovecot("front", extra="""
doveadm_password = secret
doveadm_port = %d
""" % TCP)
    with open(d.config_path) as f:
        text = f.read()
    text, count = re.subn(
        r"(?s)(passdb static \{.*?password = \S+\n)",
        r"\1  fields {\n    proxy = y\n    host = 127.0.0.1\n  }\n", text) \
        if d.version >= (2, 4) else re.subn(
        r"(?m)^(  args = password=\S+)$", r"\1 proxy=y host=127.0.0.1", text)
    assert count == 1, text
    with open(d.config_path, "w") as f:
        f.write(text)
    return d


def test_proxy(t):
    """a proxy with doveadm_port: score, learn, forget go to the user's own host"""
    for _ in range(2):
        t.deliver(testcase.spam())
    with front(t) as d:
        ask = functools.partial(doveadm, types.SimpleNamespace(d=d))
        code, out, err = ask("-f", "json", "junk", "learn", "-u", t.user(),
                             "spam", "mailbox", "INBOX")
        assert code == 0 and json.loads(out) == [
            {"verdict": "spam", "reported": 2, "unreadable": 0}], (out, err)
        code, out, err = ask("-f", "json", "junk", "score", "-u", t.user(),
                             "mailbox", "INBOX")
        rows = json.loads(out)
        assert code == 0 and {row["message"] for row in rows} == \
            {"INBOX 1", "INBOX 2"}, (out, err)
        code, out, err = ask("junk", "score", "-u", t.user(), "mailbox",
                             "Nowhere")
        assert code == 68 and "finds no message" in err, (code, err)
        # recorded by that host's service
        code, out, err = ask("-f", "json", "junk", "forget", "-u", t.user(),
                             "--since", "1h")
        assert code == 0 and items(json.loads(out)) == {
            "forgotten": "2", "exact": "yes"}, (out, err)
        # the proxy has no mail of its own
        assert not os.listdir(d.home_dir)


def api(command, **params):
    """Return its rows, or its exit code"""
    request = urllib.request.Request(
        "http://127.0.0.1:%d/doveadm/v1" % HTTP,
        json.dumps([[command, params, "tag"]]).encode(),
        {"Authorization": "X-Dovecot-API " + base64.b64encode(KEY).decode(),
         "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        (kind, result, tag), = json.load(answer)
    assert tag == "tag", tag
    return result if kind == "doveadmResponse" else result["exitCode"]


def items(rows):
    return {row["item"]: row["value"] for row in rows}


def test_http(t):
    """the HTTP API: every command except report, and exit codes of errors"""
    t.deliver(testcase.spam())
    user, query = t.user(), ["mailbox", "INBOX"]
    assert api("junkLearn", user=user, verdict="spam", query=query) == \
        [{"verdict": "spam", "reported": 1, "unreadable": 0}]
    rows = {row["item"]: row for row in api("junkStatus")}
    assert rows["imap mail_plugins"]["state"] == "ok", rows
    # no script asks for the score here, which is an error, and for those the
    # API returns only the exit code
    code = api("junkCheck")
    assert code == 69, code
    assert api("junkStats", since="24h")[-1]["spam"] == 1
    assert api("junkExport", what="days")[0]["origin"] == "learn"
    # only the user's own report makes the same message spam for the user
    assert int(items(api("junkScore", user=user, query=query))["score"]) >= 90
    assert api("junkToken", word="pills") == 68
    assert items(api("junkForget", user=user, since="1h"))["forgotten"] == "1"
    assert items(api("junkForget", since="1h"))["exact"] == "yes"
    assert items(api("junkRebuild")) == {"model_spam": "0", "model_ham": "0"}
    assert "rekeyed" in items(api("junkRekey", yes=True))["old_database"]


def test_http_refused(t):
    """the HTTP API: impossible or invalid requests end no server process"""
    path = t.d.dir + "/report.html"
    for command, params in (("junkReport", {"output": path}),
                            ("junkScore", {}), ("junkRekey", {}),
                            ("junkScore", {"user": t.user()}),
                            ("junkExport", {"what": "days", "csv": True}),
                            ("junkStats", {"since": "soon"}),
                            ("junkLearn", {"user": t.user()}),
                            ("junkForget", {"user": t.user()})):
        assert api(command, **params) == 64, (command, params)
    for text in ("junk report: this command writes a file",
                 "junk score: over HTTP, a user",
                 "junk stats: soon is not a valid time"):
        assert text in t.log(), text
    assert not any("Fatal" in line for line in t.errors()), t.errors()
