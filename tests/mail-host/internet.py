"""The Internet as the mail host sees it: a signed root zone that contains all
names, a certificate authority, and an MTA that receives mail for many
domains."""

import base64
import hashlib
import os
import subprocess
import textwrap
import time

import space

DNS = "198.18.0.53"
# hosts: {IP address: (PTR, names with this address)}
HOSTS = {
    "198.18.1.10": ("mx.good.example", ["mx.good.example", "mx.bad.example",
                                        "mx.plain.example"]),
    "198.18.1.20": ("mx.strict.example", ["mx.strict.example"]),
    "198.18.1.30": ("mx.fwd.example", ["mx.fwd.example"]),
    "198.18.1.40": ("mx.list.example", ["mx.list.example"]),
    "198.18.1.50": ("mx.other.example", ["mx.other.example"]),
    # A PTR whose name has another address, a dial-up customer, and a host on
    # the blocklist. 198.18.2.1 has no PTR.
    "198.18.2.2": ("mx.good.example", []),
    "198.18.2.3": ("dyn-198-18-2-3.dsl.isp.example",
                   ["dyn-198-18-2-3.dsl.isp.example"]),
    "198.18.2.4": ("mx.listed.example", ["mx.listed.example"]),
    # a mail server whose name also has a word for dial-up customers
    "198.18.2.5": ("mail5.cable-pool.example", ["mail5.cable-pool.example"]),
}
KEY = "/srv/strict.key"
LIST_KEY = "/srv/list.key"
ZONE = """\
. 300 SOA ns.root. hostmaster.root. 1 3600 600 604800 30
. 300 NS ns.root.
ns.root. 300 A {dns}
good.example. 300 MX 10 mx.good.example.
good.example. 300 TXT "v=spf1 a:mx.good.example -all"
bad.example. 300 MX 10 mx.bad.example.
plain.example. 300 MX 10 mx.plain.example.
strict.example. 300 MX 10 mx.strict.example.
strict.example. 300 TXT "v=spf1 a:mx.strict.example -all"
_dmarc.strict.example. 300 TXT "v=DMARC1; p=reject"
s._domainkey.strict.example. 300 TXT {key}
fwd.example. 300 MX 10 mx.fwd.example.
fwd.example. 300 TXT "v=spf1 a:mx.fwd.example -all"
list.example. 300 MX 10 mx.list.example.
list.example. 300 TXT "v=spf1 a:mx.list.example -all"
s._domainkey.list.example. 300 TXT {list_key}
unknown-list.example. 300 MX 10 mx.list.example.
unknown-list.example. 300 TXT "v=spf1 a:mx.list.example -all"
s._domainkey.unknown-list.example. 300 TXT {list_key}
other.example. 300 MX 10 mx.other.example.
isp.example. 300 MX 10 mx.other.example.
4.2.18.198.bl.example.net. 300 A 127.0.0.2
_25._tcp.mx.good.example. 300 TLSA 3 1 1 {tlsa}
_25._tcp.mx.bad.example. 300 TLSA 3 1 1 {wrong}
example.org. 300 NS mail.example.org.
mail.example.org. 300 A {host}
25.0.19.198.in-addr.arpa. 300 PTR mail.example.org.
example.org. 300 DS {ds}
; signed by nobody whom the root names
bogus.example. 300 NS ns.root.
bogus.example. 300 DS 12345 13 2 {wrong}
expired.example. 300 NS ns.root.
expired.example. 300 DS {expired_ds}
"""
CHILD = """\
{name}. 300 SOA ns.root. hostmaster.root. 1 3600 600 604800 30
{name}. 300 NS ns.root.
{name}. 300 MX 10 mx.good.example.
{name}. 300 TXT "v=spf1 a:mx.good.example -all"
"""
KNOT = """\
server:
    rundir: /run/knot
    user: knot:knot
    listen: {dns}@53
database:
    storage: /var/lib/knot
policy:
  - id: ecdsa
    algorithm: ecdsapsha256
    single-type-signing: on
template:
  - id: default
    storage: /etc/knot
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
    dnssec-policy: ecdsa
zone:
  - domain: .
    file: root.zone
    dnssec-signing: on
  - domain: bogus.example
  - domain: expired.example
""".replace("ecdsapsha256", "ecdsap256sha256")
UNBOUND = """\
server:
    interface: 127.0.0.1
    root-hints: /usr/share/dns/root.hints
"""
POSTFIX = """\
compatibility_level = 3.9
maillog_file = /var/log/mail.log
myhostname = mx.good.example
mydestination =
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
alias_maps =
virtual_mailbox_domains = good.example, bad.example, plain.example, fwd.example
virtual_mailbox_maps = static:all/
virtual_mailbox_base = /srv/inet
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
smtpd_tls_chain_files = /etc/ssl/inet/key.pem, /etc/ssl/inet/cert.pem
smtpd_tls_security_level = may
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane-only
smtp_bind_address = 198.18.1.10
smtp_tls_loglevel = 1
smtpd_relay_restrictions = reject_unauth_destination
"""
CA_KEY, CA = "/srv/ca.key", "/srv/ca.pem"


def certificate(internet, names, folder, system):
    """Issue a certificate, and write it into this folder of the system."""
    internet.run("mkdir", "-p", "/srv/cert")
    for name in ("cert.pem", "key.pem"):
        os.makedirs(system.path(folder), exist_ok=True)
    internet.run("openssl", "req", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 "/srv/cert/key.pem", "-out", "/srv/cert/csr.pem", "-subj",
                 "/CN=" + names[0], "-addext",
                 "subjectAltName=" + ",".join("DNS:" + n for n in names))
    internet.run("openssl", "x509", "-req", "-in", "/srv/cert/csr.pem", "-CA",
                 CA, "-CAkey", CA_KEY, "-days", "30", "-copy_extensions",
                 "copy", "-out", "/srv/cert/cert.pem")
    system.write(folder + "/cert.pem", internet.read("/srv/cert/cert.pem") +
                 internet.read(CA))
    system.write(folder + "/key.pem", internet.read("/srv/cert/key.pem"))
    os.chmod(system.path(folder + "/key.pem"), 0o600)
    der = subprocess.run(
        ["openssl", "x509", "-in", "/srv/cert/cert.pem", "-noout", "-pubkey"],
        stdout=subprocess.PIPE, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                         input=der, stdout=subprocess.PIPE, check=True).stdout
    return hashlib.sha256(der).hexdigest()


def make_authority(internet):
    internet.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout", CA_KEY,
                 "-out", CA, "-subj", "/CN=Test CA", "-days", "30",
                 "-addext", "basicConstraints=critical,CA:true",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")


def trust_authority(internet, system):
    """Make the system trust our certificate authority only."""
    path = "/etc/ssl/certs/ca-certificates.crt"
    system.write(path, internet.read(CA))


def dkim_record(internet, path):
    internet.run("openssl", "genrsa", "-traditional", "-out", path, "2048")
    der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout",
                          "-outform", "DER"], stdout=subprocess.PIPE,
                         check=True).stdout
    text = "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()
    return " ".join('"%s"' % part for part in textwrap.wrap(
        text, 250, break_on_hyphens=False))


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa."


def ds_record(system, zone):
    """Return the DS record of a zone."""
    text = system.run("keymgr", "-c", "/etc/knot/knot.conf", zone, "ds")
    # format: name. DS tag algorithm type digest
    lines = [line.split(" DS ")[1] for line in text.splitlines()
             if " DS " in line and line.split()[4] == "2"]
    return lines[0]


def write_zones(internet, ds, tlsa):
    internet.write("/etc/knot/knot.conf", KNOT.format(dns=DNS))
    for name in ("bogus.example", "expired.example"):
        internet.write("/etc/knot/%s.zone" % name, CHILD.format(name=name))
    internet.run("chown", "-R", "knot:knot", "/etc/knot", "/var/lib/knot")
    # signatures that were made two months ago and valid for two weeks
    then = str(int(time.time()) - 60*86400)
    internet.run("keymgr", "-c", "/etc/knot/knot.conf", "expired.example",
                 "generate", "algorithm=13", "ksk=yes", "zsk=yes",
                 *(event + "=" + then for event in ("created", "publish",
                                                    "ready", "active")))
    internet.run("kzonesign", "-c", "/etc/knot/knot.conf", "-t", then, "-o",
                 "/tmp", "expired.example")
    internet.run("cp", "/tmp/expired.example.zone", "/etc/knot/")
    text = ZONE.format(
        dns=DNS, host=space.HOST, ds=ds, tlsa=tlsa, wrong="0" * 64,
        expired_ds=ds_record(internet, "expired.example"),
        key=dkim_record(internet, KEY),
        list_key=dkim_record(internet, LIST_KEY))
    for address, (ptr, names) in HOSTS.items():
        text += "%s 300 PTR %s.\n" % (reverse(address), ptr)
        text += "".join("%s. 300 A %s\n" % (name, address) for name in names)
    internet.write("/etc/knot/root.zone", text)
    internet.run("chown", "-R", "knot:knot", "/etc/knot", "/var/lib/knot",
                 "/tmp")


def answers(system, server, name, kind, *options):
    return system.run("kdig", "+short", "+time=2", "+retry=0", *options,
                      "@" + server, name, kind, check=False).strip()


def publish_root(internet, systems):
    """Install the root hints and the trust anchor for the systems'
    resolvers."""
    key = [line for line in answers(internet, DNS, ".", "DNSKEY").splitlines()
           if line.startswith("257 ")][0]
    for system in systems:
        system.write("/usr/share/dns/root.hints",
                     ". 3600000 NS ns.root.\nns.root. 3600000 A %s\n" % DNS)
        system.write("/usr/share/dns/root.key", ". 300 IN DNSKEY %s\n" % key)
        # the package's unbound-helper does the same
        system.run("install", "-o", "unbound", "/usr/share/dns/root.key",
                   "/var/lib/unbound/root.key")


def start_dns(internet):
    internet.run("mkdir", "-p", "/run/knot")
    internet.run("chown", "knot:knot", "/run/knot")
    internet.start("knotd", "knotd", "-c", "/etc/knot/knot.conf",
                   ready=lambda: answers(internet, DNS, ".", "DNSKEY"))


def start_resolver(internet):
    internet.write("/etc/unbound/unbound.conf.d/inet.conf", UNBOUND)
    internet.write("/etc/resolv.conf",
                   "nameserver 127.0.0.1\noptions edns0 trust-ad\n")
    internet.start("unbound", "unbound", "-d", "-p",
                   ready=lambda: answers(internet, "127.0.0.1", ".", "NS"))


def start_mta(internet):
    internet.write("/etc/postfix/main.cf", POSTFIX)
    with open(os.path.join(space.HERE, "../../examples/mail-host/etc/postfix/"
                           "master.cf")) as f:
        lines = [line for line in f if not line.startswith("\t") and
                 not line.startswith("submission")]
    internet.write("/etc/postfix/master.cf", "".join(lines).replace(
        "smtp inet", "198.18.1.10:25 inet") +
                   "virtual unix - n n - - virtual\n")
    os.makedirs("/srv/inet", exist_ok=True)
    os.chown("/srv/inet", 65534, 65534)
    internet.start("postfix", "postfix", "start-fg",
                   ready=lambda: "daemon started" in
                   internet.read("/var/log/mail.log"))
