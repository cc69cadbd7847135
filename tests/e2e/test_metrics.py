"""The metrics examples: scraped from Dovecot's own exporter, and read with
Prometheus' promtool."""

import os
import re
import subprocess
import time
import urllib.request

import harness
import testcase

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "../../examples")
ALERTS = EXAMPLES + "/junk-feedback-alerts.yml"
PORT = harness.free_port()


def extra(version, d):
    name = "dovecot-%d.%d/96-junk-feedback-metrics.conf" % version
    path = d.dir + "/96-junk-feedback-metrics.conf"
    with open(os.path.join(EXAMPLES, name)) as f:
        text = f.read()
    assert "port = 9900" in text
    with open(path, "w") as f:
        f.write(text.replace("port = 9900", "port = %d" % PORT))
    return "!include %s\n" % path


OPTIONS = {"extra": extra,
           "settings": {"sieve_plugins": "sieve_vnd_junk_feedback"}}


def scrape():
    """Return {metric: {labels: value}}"""
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % PORT,
                                timeout=20) as answer:
        text = answer.read().decode()
    assert text.endswith("# EOF\n"), text[-100:]
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        m = re.match(r"(\w+)(?:\{(.*)\})? ([0-9.e+]+)$", line)
        assert m, line
        found.setdefault(m.group(1), {})[m.group(2) or ""] = float(m.group(3))
    return found, text


def test_metrics(t):
    """reports, what happened to them, and scores are counted; no user, word or
    address is included"""
    t.d.sieve(t.user(), 'require ["vnd.junk-feedback", "fileinto"];\n'
              'if junkscore "95" { fileinto "Work"; }\n')
    for _ in range(3):
        t.deliver(testcase.spam())
    c = t.imap(select="INBOX")
    c.cmd("UID MOVE 1:* Junk")
    t.expect("3 spam move")

    def counted():
        metrics, _ = scrape()
        return metrics.get("dovecot_junk_feedback_recorded_total",
                           {}).get('result="recorded"', 0) >= 3

    harness.wait_for(counted, "metrics")
    metrics, text = scrape()
    reports = metrics["dovecot_junk_feedback_reports_total"]
    assert reports['verdict="spam",origin="move"'] == 3, reports
    assert "dovecot_junk_feedback_dropped" in text
    unknown = metrics["dovecot_junk_feedback_unknown_total"]
    assert sum(v for k, v in unknown.items() if k) == 3, unknown
    for word in ("pills", "pharma", "metrics-user", "maildir"):
        assert word not in text, word


def promtool(t, *args):
    # its database is the folder "data"
    p = subprocess.run(["promtool", *args], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, timeout=60,
                       cwd=t.d.dir)
    assert p.returncode == 0, p.stdout
    return p.stdout


def test_openmetrics(t):
    """Prometheus reads the scrape with all its samples"""
    metrics, text = scrape()
    path = t.d.dir + "/scrape"
    with open(path, "w") as f:
        # a scrape has no times, which an import needs
        f.write(re.sub(r"(?m)^([^#\n].*)$", r"\1 %d" % time.time(), text))
    promtool(t, "tsdb", "create-blocks-from", "openmetrics", path)
    # as on a server
    os.makedirs(t.d.dir + "/data/wal", exist_ok=True)
    dump = promtool(t, "tsdb", "dump")
    samples = dict(re.findall(r"(?m)^(\{.*\}) (\S+) \d+$", dump))
    assert len(samples) == sum(len(v) for v in metrics.values()), dump
    reports = [float(value) for labels, value in samples.items()
               if '__name__="dovecot_junk_feedback_reports_total"' in labels
               and 'origin="move"' in labels]
    assert reports == [3], dump


def test_alerts(t):
    """the alert rules use exported series, and fire when they should and not
    otherwise"""
    promtool(t, "check", "rules", ALERTS)
    promtool(t, "test", "rules", HERE + "/alerts-test.yml")
    metrics, text = scrape()
    with open(ALERTS) as f:
        names = set(re.findall(r"dovecot_junk_feedback_\w+", f.read()))
    assert len(names) == 4, names
    for name in names:
        assert name in metrics, name
