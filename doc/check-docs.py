#!/usr/bin/python3
"""Settings, events, commands, columns and queries are named by the code, the
manual pages, the examples and doc/schema.md alike; architecture.md names each
source file, and it and CONTRIBUTING.md none that doesn't exist. srcdir: the folder
of this file."""

import glob
import os
import re
import shutil
import sqlite3
import subprocess
import sys

DOC = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(DOC)
FOLDERS = ("lib-junk", "lib-junk/*", "plugin", "service", "sieve-ext", "doveadm")
FILE_FOLDERS = ("lib-junk", "plugin", "service", "sieve-ext", "doveadm", "milter",
                "settings", "sql", "doc", "examples")
EXAMPLES = ("dovecot-2.3", "dovecot-2.4")
SETTING = r"junk_feedback(?:_[a-z_]+)?"

failures = []


def read(*names):
    with open(os.path.join(TOP, *names), encoding="utf-8") as f:
        return f.read()


def sources():
    for folder in FOLDERS:
        for path in sorted(glob.glob(os.path.join(TOP, folder, "*.[ch]"))):
            if not os.path.basename(path).startswith("test-"):
                yield path


def compare(what, code, place, documented):
    """All of the code's is documented, and nothing else is."""
    for name in sorted(code - documented):
        failures.append("%s %s isn't in %s" % (what, name, place))
    for name in sorted(documented - code):
        failures.append("%s %s is in %s but not in the code" % (
            what, name, place))


def code_names():
    settings, events, commands = set(), set(), set()
    for path in sources():
        with open(path, encoding="utf-8") as f:
            text = f.read()
        found = set(re.findall(r'set_name\([^")]*"(\w+)"', text))
        events |= {name for name in found if name.startswith("junk_")}
        settings |= set(re.findall(r"\bDEF\(\w+, (%s)\)" % SETTING, text))
        # "cluster init" is a command of two words
        commands |= set(re.findall(r'\.name = "junk (\w+)[ \w]*"', text))
    return settings, events, commands


def number(text):
    """A number with a unit (180d, 1G), or a product (180*24*60*60)"""
    units = {"d": 86400, "h": 3600, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    text = text.replace(" mins", "*60")
    if text[-1:] in units:
        return int(text[:-1]) * units[text[-1]]
    product = 1
    for factor in text.split("*"):
        product *= int(factor)
    return product


def code_defaults():
    """{setting: text, yes, no or number} of junk_default_settings"""
    text = read("lib-junk", "junk-settings.c")
    text = text[text.index("junk_default_settings = {"):]
    defaults = {}
    for name, value in re.findall(r"\.(%s) =\s*(.*?),\n(?=\t[./}]|\})" % SETTING,
                                  text[:text.index("\n};") + 2], re.S):
        if value in ("TRUE", "FALSE"):
            defaults[name] = "yes" if value == "TRUE" else "no"
        elif value.startswith('"'):
            defaults[name] = "".join(re.findall(r'"([^"]*)"', value))
        else:
            defaults[name] = number(value)
    return defaults


def check_example(name, settings, defaults):
    lines = read("examples", name, "95-junk-feedback.conf").split("\n")
    found = set()
    explained = False
    for line in lines:
        m = re.match(r"\s*#(%s) = ?(.*)" % SETTING, line)
        if m:
            setting, value = m.groups()
            found.add(setting)
            if not explained:
                failures.append("examples/%s: %s has no line that explains it"
                                % (name, setting))
            if isinstance(defaults.get(setting), int):
                value = number(value)
            if value != defaults.get(setting):
                failures.append("examples/%s: the default of %s is %s" % (
                    name, setting, defaults.get(setting)))
        elif not line.strip():
            explained = False
        elif line.lstrip().startswith("# "):
            explained = True
    compare("setting", settings, "examples/" + name, found)


def check_milter():
    """The milter has settings of its own: the same names and defaults."""
    code = re.findall(r'SETTING\((\w+), SETTING_\w+,\s*"([^"]*)"\)',
                      read("milter", "junk-milter-settings.c"))
    manual = re.findall(r"^\.It Cm (\w+) Pq default: (.*)$",
                        read("doc", "junk-feedback-milter.8"), re.M)
    example = re.findall(r"^#(\w+) = ?(.*)$",
                         read("examples", "junk-feedback-milter.conf"), re.M)
    assert len(code) > 5
    compare("setting", {"%s = %s" % kv for kv in code},
            "junk-feedback-milter.conf", {"%s = %s" % kv for kv in example})
    compare("setting", {"%s = %s" % (k, v or "empty") for k, v in code},
            "junk-feedback-milter.8", {"%s = %s" % kv for kv in manual})


def database_columns():
    """{"table.column"} of all tables and views"""
    db = sqlite3.connect(":memory:")
    db.executescript(read("sql", "schema.sql") + read("sql", "views.sql"))
    tables = [name for name, in db.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
    return {"%s.%s" % (table, row[1]) for table in tables
            for row in db.execute("PRAGMA table_info(%s)" % table)}


def documented_columns(text):
    """Of rows | `table` | column, column | meaning |; an empty first cell is
    the table above."""
    columns, table = set(), None
    for first, names in re.findall(r"^\| (?:`(\w+)` )?\| ([a-z_, ]+) \| .+ \|$",
                                   text, re.M):
        table = first or table
        columns |= {"%s.%s" % (table, name) for name in names.split(", ")}
    return columns


def check_database():
    text = read("doc", "schema.md")
    columns = database_columns()
    assert len(columns) > 20
    compare("column", columns, "schema.md", documented_columns(text))
    queries = glob.glob(os.path.join(TOP, "sql", "queries", "*.sql"))
    assert len(queries) > 5
    compare("query", {"%s: %s" % (os.path.basename(path), read(path).split(
                      "\n")[0][3:]) for path in queries}, "schema.md",
            {"%s: %s" % row for row in re.findall(
                r"^\| `([a-z-]+\.sql)` \| (.+) \|$", text, re.M)})
    compare("query", {os.path.basename(path) for path in queries},
            "sql/Makefile.am", set(re.findall(r"queries/([a-z-]+\.sql)",
                                              read("sql", "Makefile.am"))))


def named_files(text):
    """Files in backquotes. One without a folder is in the folder of the file that
    its line names before it."""
    for line in text.split("\n"):
        folder = None
        for name in re.findall(r"`([a-z][a-z0-9./_-]+)`", line):
            if "/" in name:
                folder = os.path.dirname(name)
            elif folder and re.search(r"\.[a-z]+$", name):
                name = folder + "/" + name
            if name.split("/")[0] in FILE_FOLDERS:
                yield name


def check_files():
    """Of the file names in a picture, each has to be a source file's."""
    text = read("doc", "architecture.md")
    sources = {os.path.relpath(path, TOP) for folder in FILE_FOLDERS
               for path in glob.glob(os.path.join(TOP, folder, "**", "*.c"),
                                     recursive=True)
               if not os.path.basename(path).startswith("test-")}
    assert len(sources) > 50
    names = set(named_files(text))
    for name in sorted(names):
        if not os.path.exists(os.path.join(TOP, name)):
            failures.append("architecture.md: %s doesn't exist" % name)
    for name in sorted(sources - names):
        # "each command is in the file doveadm/doveadm-junk-NAME.c"
        if not name.startswith("doveadm/doveadm-junk-"):
            failures.append("architecture.md: %s isn't named" % name)
    known = {os.path.basename(name) for name in sources}
    for picture in re.findall(r"```\n(.*?)```", text, re.S):
        for name in sorted(set(re.findall(r"[a-z-]+\.c\b", picture)) - known):
            failures.append("architecture.md: %s doesn't exist" % name)
    for name in sorted(set(named_files(read("CONTRIBUTING.md")))):
        if not os.path.exists(os.path.join(TOP, name)):
            failures.append("CONTRIBUTING.md: %s doesn't exist" % name)


def lint(path):
    if shutil.which("mandoc") is None:
        return
    p = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True)
    failures.extend(p.stdout.splitlines())


def main():
    settings, events, commands = code_names()
    # a check that finds nothing checks nothing
    assert len(settings) > 5 and len(events) > 2 and len(commands) > 1
    manual = read("doc", "junk-feedback.7")
    compare("setting", settings, "junk-feedback.7",
            set(re.findall(r"^\.It Cm (%s) Pq" % SETTING, manual, re.M)))
    compare("event", events, "junk-feedback.7",
            set(re.findall(r"^\.It Sy (junk_\w+)", manual, re.M)))
    doveadm = read("doc", "doveadm-junk.1")
    compare("command", commands, "doveadm-junk.1",
            set(re.findall(r"^\.It Cm (\w+)", doveadm, re.M)))
    compare("command", commands, "doveadm-junk.1's synopsis",
            set(re.findall(r"^\.Cm junk (\w+)[ \w]*$", doveadm, re.M)))
    defaults = code_defaults()
    compare("setting", settings, "junk_default_settings", set(defaults))
    for name in EXAMPLES:
        check_example(name, settings, defaults)
    check_milter()
    check_database()
    check_files()
    for path in sorted(glob.glob(os.path.join(DOC, "*.[1-8]"))):
        lint(path)
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
