"""The mail host: its configuration and its processes, which are started like by
systemd."""

import os
import shutil
import socket

import internet as inet
import space

EXAMPLE = os.path.normpath(os.path.join(space.HERE,
                                        "../../examples/mail-host"))
PASSWORD = "a-Long-pass-phrase"
USERS = ("anna", "bert", "carl", "dora", "emil", "fred", "gina", "postbox")
TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def is_open(port, address=space.HOST):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


def users_file(host):
    password = host.run("doveadm", "pw", "-s", "SHA512-CRYPT", "-r", "1000",
                        "-p", PASSWORD).strip()
    lines = ["%s@example.org:%s" % (name, password) for name in USERS]
    lines += ["postmaster@example.org=postbox@example.org",
              "abuse@example.org=postbox@example.org",
              "away@example.org=kept@good.example"]
    return "\n".join(lines) + "\n"


def configure(host, **changed):
    with open(EXAMPLE + "/settings") as f:
        text = f.read()
    for name, value in changed.items():
        lines = ["%s = %s" % (name, value)
                 if line.split("=")[0].strip() == name else line
                 for line in text.splitlines()]
        text = "\n".join(lines) + "\n"
    host.write("/etc/mail-host/settings", text)
    host.write("/etc/mail-host/users", users_file(host))
    host.run(EXAMPLE + "/configure", "--settings", "/etc/mail-host/settings",
             "--users", "/etc/mail-host/users")
    host.write("/etc/roundcube/totp", "".join(
        "%s@example.org %s\n" % (name, TOTP) for name in USERS
        if name != "fred"))


def start_knot(host):
    host.run("install", "-d", "-o", "knot", "-g", "knot", "/run/knot")
    host.start("knotd", "knotd", "-c", "/etc/knot/knot.conf",
               ready=lambda: inet.answers(host, space.HOST, "example.org",
                                          "SOA"))


def start_unbound(host):
    host.start("unbound", "unbound", "-d", "-p",
               ready=lambda: inet.answers(host, "127.0.0.1", "example.org",
                                          "MX"))


def start_rspamd(host):
    host.run("install", "-d", "-o", "_rspamd", "-g", "_rspamd", "/run/rspamd")
    host.start("rspamd", "rspamd", "-c", "/etc/rspamd/rspamd.conf", "-f",
               "-u", "_rspamd", "-g", "_rspamd",
               ready="/var/spool/postfix/rspamd/milter.sock")


def start_amavis(host):
    host.run("install", "-d", "-o", "amavis", "-g", "amavis", "/run/amavis")
    host.run("install", "-o", "amavis", "/dev/null", "/var/log/amavis.log")
    host.start("amavis", "amavisd", "foreground", user="amavis",
               ready="/run/amavis/amavisd.sock")
    start_amavis_milter(host)


def start_amavis_milter(host):
    host.start("amavisd-milter", "amavisd-milter", "-f", "-s",
               "/var/spool/postfix/amavis/milter.sock", "-S",
               "/run/amavis/amavisd.sock", "-w", "/var/lib/amavis/tmp", "-p",
               "/run/amavis/milter.pid", user="amavis",
               ready="/var/spool/postfix/amavis/milter.sock")
    os.chmod(host.path("/var/spool/postfix/amavis/milter.sock"), 0o666)


def start_junk_milter(host):
    host.start("junk-milter", "junk-feedback-milter", "-e",
               ready="/var/spool/postfix/junk-feedback-milter/milter.sock")
    host.run("chgrp", "postfix",
             "/var/spool/postfix/junk-feedback-milter/milter.sock")


def start_policy(host):
    host.run("install", "-d", "-o", "policyd-rate-limit", "-g",
             "policyd-rate-limit", "/run/policyd-rate-limit")
    host.start("policyd", "policyd-rate-limit",
               ready=lambda: "8552" in host.run("ss", "-Hltn"))


def start_srs(host):
    host.start("postsrsd", "/usr/share/postsrsd/postsrsd-systemd-launcher")


def start_dovecot(host):
    host.start("dovecot", "dovecot", "-F", ready=lambda: is_open(993))


def start_postfix(host):
    host.start("postfix", "postfix", "start-fg", ready=lambda: is_open(25))


def start_web(host):
    host.run("mkdir", "-p", "/run/php")
    host.start("php", "php-fpm8.4", "--nodaemonize", "--fpm-config",
               "/etc/php/8.4/fpm/php-fpm.conf", ready="/run/php/mail-host.sock")
    host.run("rm", "-f", "/etc/nginx/sites-enabled/default")
    host.start("nginx", "nginx", "-g", "daemon off;",
               ready=lambda: is_open(443))


def start_fail2ban(host):
    host.run("mkdir", "-p", "/run/fail2ban")
    for path in ("/var/log/mail.log", "/var/log/dovecot.log",
                 "/var/log/roundcube/errors.log"):
        with open(host.path(path), "a"):
            pass
    shutil.chown(host.path("/var/log/roundcube/errors.log"), "www-data")
    host.start("fail2ban", "fail2ban-server", "-xf", "start",
               ready="/run/fail2ban/fail2ban.sock")


def start(host):
    for step in (start_unbound, start_rspamd, start_amavis, start_dovecot,
                 start_junk_milter, start_policy, start_srs, start_postfix,
                 start_web, start_fail2ban):
        step(host)
