#!/usr/bin/python3
"""check-docs.py fails when something is undocumented, or documented but gone:
each change to a copy of the sources is noticed, by name."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("doc", "doveadm", "examples", "lib-junk", "milter", "plugin",
           "service", "settings", "sieve-ext", "sql")

# (file, what is replaced once, by what, the line that check-docs.py says)
CHANGES = (
    ("doc/junk-feedback.7", r"\.It Cm junk_feedback_rate ",
     ".It Cm junk_feedback_gone ",
     r"setting junk_feedback_rate isn't in junk-feedback\.7"),
    ("doc/junk-feedback.7", r"\.It Cm junk_feedback_rate ",
     ".It Cm junk_feedback_gone ",
     r"setting junk_feedback_gone is in junk-feedback\.7 but not in the code"),
    ("examples/dovecot-2.3/95-junk-feedback.conf",
     r"#junk_feedback_threshold = 90", "#junk_feedback_threshold = 91",
     r"the default of junk_feedback_threshold is 90"),
    ("examples/dovecot-2.4/95-junk-feedback.conf",
     r"#junk_feedback_rate = ", "#junk_feedback_gone = ",
     r"setting junk_feedback_rate isn't in examples/dovecot-2\.4"),
    ("examples/dovecot-2.4/95-junk-feedback.conf",
     r"( *# .*\n)+( *#junk_feedback_rate)", r"\n\2",
     r"junk_feedback_rate has no line that explains it"),
    ("doc/junk-feedback.7", r"\.It Sy junk_feedback_scored\n",
     ".It Sy junk_feedback_gone\n",
     r"event junk_feedback_scored isn't in junk-feedback\.7"),
    ("doc/junk-feedback.7", r"\.It Sy junk_feedback_scored\n",
     ".It Sy junk_feedback_gone\n",
     r"event junk_feedback_gone is in junk-feedback\.7 but not in the code"),
    ("doc/doveadm-junk.1", r"\.It Cm forget", ".It Cm gone",
     r"command forget isn't in doveadm-junk\.1"),
    ("doc/doveadm-junk.1", r"\.Cm junk forget\n", ".Cm junk gone\n",
     r"command gone is in doveadm-junk\.1's synopsis but not in the code"),
    ("doc/schema.md", r"(\| `hours` \| )hour\b", r"\1gone",
     r"column hours\.hour isn't in schema\.md"),
    ("sql/schema.sql", r"(CREATE TABLE hours \(\n)", r"\1\tfresh INTEGER,\n",
     r"column hours\.fresh isn't in schema\.md"),
    ("doc/schema.md", r"\| `got-through\.sql` \|", "| `gone.sql` |",
     r"query got-through\.sql.* isn't in schema\.md"),
    ("doc/junk-feedback-milter.8", r"\.It Cm tag Pq default: 90",
     ".It Cm tag Pq default: 91",
     r"setting tag = 90 isn't in junk-feedback-milter\.8"),
    ("examples/junk-feedback-milter.conf", r"#dry_run = ", "#gone = ",
     r"setting dry_run = no isn't in junk-feedback-milter\.conf"),
    ("doc/architecture.md", r"`plugin/junk-trail\.c`", "`plugin/junk-gone.c`",
     r"architecture\.md: plugin/junk-gone\.c doesn't exist"),
    ("doc/architecture.md", r"`plugin/junk-trail\.c`", "the trail",
     r"architecture\.md: plugin/junk-trail\.c isn't named"),
    ("doc/architecture.md", r"( message +)junk-txn\.c", r"\1junk-gone.c",
     r"architecture\.md: junk-gone\.c doesn't exist"),
    ("CONTRIBUTING.md", r"`lib-junk/junk-token\.h`", "`lib-junk/junk-gone.h`",
     r"CONTRIBUTING\.md: lib-junk/junk-gone\.h doesn't exist"),
)


def check(top):
    """(exit code, output)"""
    p = subprocess.run([sys.executable, top + "/doc/check-docs.py"],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True)
    return p.returncode, p.stdout


def change(path, pattern, replacement):
    """The file with it changed; returns its old text."""
    with open(path, encoding="utf-8") as f:
        old = f.read()
    new, count = re.subn(pattern, replacement, old, count=1)
    if count != 1:
        sys.exit("%s has no %s: change test-check-docs.py" % (path, pattern))
    write(path, new)
    return old


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def copy(top):
    for folder in FOLDERS:
        os.mkdir(os.path.join(top, folder))
        shutil.copytree(os.path.join(TOP, folder), os.path.join(top, folder),
                        copy_function=shutil.copyfile, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*.o", "*.lo", ".*"))
    shutil.copyfile(os.path.join(TOP, "CONTRIBUTING.md"),
                    os.path.join(top, "CONTRIBUTING.md"))


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as top:
        copy(top)
        code, output = check(top)
        if code != 0:
            print("the sources as they are: %s" % output)
            failed += 1
        for name, pattern, replacement, line in CHANGES:
            path = os.path.join(top, name)
            old = change(path, pattern, replacement)
            code, output = check(top)
            if code == 0 or not re.search("(?m)^(.*: )?%s$" % line, output):
                print("%s, %s: exit status %d, %s" % (name, replacement, code,
                                                      output))
                failed += 1
            write(path, old)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
