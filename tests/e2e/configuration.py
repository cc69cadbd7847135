"""The configuration of a private Dovecot. All differences between Dovecot 2.3
and 2.4 are in _config_23() and _config_24()."""

import os
import shutil

import sanitizer
from staging import HarnessError, mount

DEFAULT_MAILBOXES = (
    ("Junk", "\\Junk"),
    ("Trash", "\\Trash"),
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Archive", "\\Archive"),
    ("Work", None),
)
# An unused id on a fresh system; all users share it, as virtual users do.
VMAIL_ID = 5000
PASSWORD = "pass"


class Options:
    """Options of a Dovecot; each can be passed to Dovecot(...)."""

    # (name, SPECIAL-USE or None) in the INBOX namespace
    mailboxes = DEFAULT_MAILBOXES
    # "subscribe": mail clients show these mailboxes
    auto = "create"
    separator = "/"
    # ports on loopback; 0 = any free one
    imap_port = lmtp_port = 0
    # mail plugins of all protocols, of IMAP, and of deliveries
    plugins = ()
    imap_plugins = ("notify", "junk_feedback")
    lmtp_plugins = ("sieve",)
    # settings of plugins: in plugin { } on 2.3, global ones on 2.4
    settings = {}
    # the text of the junk-feedback service block; None = no such service,
    # "" = the example's
    service = ""
    # additional configuration: a text, or a function of the version
    extra = ""
    # user -> {userdb field: value}, in addition to users that are created when
    # they are named
    users = {}
    # names that may log in as any user (user*master)
    masters = ()
    # seconds until an idle IMAP connection hibernates; 0 = never
    hibernate_secs = 0
    debug = False

    def __init__(self, **kwargs):
        for key, value in kwargs.items():
            if not hasattr(Options, key):
                raise TypeError("no such option: " + key)
            setattr(self, key, value)


def _mailboxes_text(mailboxes, auto):
    text = ""
    for name, special_use in mailboxes:
        text += "  mailbox \"%s\" {\n    auto = %s\n" % (name, auto)
        if special_use is not None:
            text += "    special_use = %s\n" % special_use
        text += "  }\n"
    return text


def _services_text(d, o):
    """Return what is the same in both versions."""
    return """\
namespace inbox {{
  inbox = yes
  separator = {o.separator}
{mailboxes}}}
service imap-login {{
  inet_listener imap {{
    port = {d.imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {d.lmtp_port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener auth-userdb {{
    mode = 0666
  }}
}}
service imap-hibernate {{
  unix_listener imap-hibernate {{
    mode = 0666
  }}
}}
service imap {{
  unix_listener imap-master {{
    mode = 0666
  }}
}}
lmtp_save_to_detail_mailbox = yes
""".format(d=d, o=o, mailboxes=_mailboxes_text(o.mailboxes, o.auto))


def _config_23(d, o):
    lda = " ".join(("$mail_plugins",) + tuple(o.lmtp_plugins))
    imap = " ".join(("$mail_plugins",) + tuple(o.imap_plugins))
    text = """\
base_dir = {d.base_dir}
state_dir = {d.state_dir}
instance_name = junk-e2e
log_path = {d.log_path}
info_log_path = {d.log_path}
debug_log_path = {d.debug_log_path}
log_timestamp = "%Y-%m-%d %H:%M:%S.%{{usecs}} "
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
postmaster_address = postmaster@example.org
hostname = mx.example.org
first_valid_uid = 1
mail_plugins = {plugins}
protocol imap {{
  mail_plugins = {imap}
  mail_max_userip_connections = 100
}}
protocol lmtp {{
  mail_plugins = {lda}
}}
protocol lda {{
  mail_plugins = {lda}
}}
mail_home = {d.home_dir}/%u
mail_location = %d:~/mail
mail_fsync = never
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  master = yes
  args = scheme=PLAIN username_format=%u {d.masters_path}
  result_success = continue
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {d.users_path}
}}
userdb {{
  driver = static
  args = uid={id} gid={id} home={d.home_dir}/%u
}}
{services}imap_hibernate_timeout = {o.hibernate_secs} s
""".format(d=d, o=o, id=VMAIL_ID, imap=imap, lda=lda, password=PASSWORD,
           plugins=" ".join(o.plugins), services=_services_text(d, o))
    if o.debug:
        text += "log_debug = category=junk-feedback\n"
    settings = _all_settings(o)
    if settings:
        text += "plugin {\n%s}\n" % "".join(
            "  %s = %s\n" % kv for kv in settings.items())
    return text


def _all_settings(o):
    """Publish without a delay, since most tests look at the scores at once."""
    if o.service is None:
        return o.settings
    return {"junk_feedback_publish_delay": "0", **o.settings}


def _plugins_24(names):
    return "mail_plugins {\n%s  }" % "".join(
        "    %s = yes\n" % name for name in names)


def _settings_24(settings):
    """Plugin settings are global ones in 2.4; a name with a block of values
    keeps its own text."""
    return "".join("%s = %s\n" % kv for kv in settings.items())


def _config_24(d, o):
    text = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {d.base_dir}
state_dir = {d.state_dir}
instance_name = junk-e2e
log_path = {d.log_path}
info_log_path = {d.log_path}
debug_log_path = {d.debug_log_path}
log_timestamp = "%Y-%m-%d %H:%M:%S.%{{usecs}} "
protocols {{
  imap = yes
  lmtp = yes
}}
listen = 127.0.0.1
ssl = no
auth_allow_cleartext = yes
postmaster_address = postmaster@example.org
hostname = mx.example.org
first_valid_uid = 1
{plugins}
protocol imap {{
  {imap}
  mail_max_userip_connections = 100
  imap_hibernate_timeout = {o.hibernate_secs} s
}}
protocol lmtp {{
  {lda}
}}
protocol lda {{
  {lda}
}}
mail_home = {d.home_dir}/%{{user}}
mail_driver = %{{user | domain}}
mail_path = ~/mail
mail_fsync = never
auth_master_user_separator = *
passdb masters {{
  driver = passwd-file
  master = yes
  default_password_scheme = PLAIN
  passwd_file_path = {d.masters_path}
  result_success = continue
}}
passdb static {{
  password = {password}
}}
userdb users {{
  driver = passwd-file
  passwd_file_path = {d.users_path}
}}
userdb static {{
  fields {{
    uid = {id}
    gid = {id}
    home = {d.home_dir}/%{{user}}
  }}
}}
{services}""".format(d=d, o=o, id=VMAIL_ID, password=PASSWORD,
           plugins=_plugins_24(o.plugins),
           imap=_plugins_24(o.imap_plugins), lda=_plugins_24(o.lmtp_plugins),
           services=_services_text(d, o))
    if o.debug:
        text += "log_debug = category=junk-feedback\n"
    return text + _settings_24(_all_settings(o))


CONFIGS = {(2, 3): _config_23, (2, 4): _config_24}

SERVICE = """\
service junk-feedback {
  executable = junk-feedback
  user = dovecot
  process_limit = 1
  client_limit = 1000
  unix_listener junk-feedback {
    mode = 0666
  }
}
"""


def config_text(version, d, o):
    if version not in CONFIGS:
        raise HarnessError("no configuration for Dovecot %d.%d" % version)
    text = CONFIGS[version](d, o)
    if o.service is not None:
        text += o.service or SERVICE
    text += o.extra(version, d) if callable(o.extra) else o.extra
    return text + sanitizer.config(version, d)


# --- the example configuration, unchanged ---

EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "examples")


def _etc_dovecot():
    """Create a /etc/dovecot of this process's mount namespace, with the
    example's script at the place that the example names."""
    if os.path.ismount("/etc/dovecot"):
        return
    mount("tmpfs", "/etc/dovecot", "tmpfs", 0, "mode=755")
    os.mkdir("/etc/dovecot/sieve")
    shutil.copy(EXAMPLES + "/junk.sieve", "/etc/dovecot/sieve/junk.sieve")


def _example_config(version, d):
    _etc_dovecot()
    name = "dovecot-%d.%d/95-junk-feedback.conf" % version
    path = d.dir + "/95-junk-feedback.conf"
    with open(os.path.join(EXAMPLES, name)) as f:
        text = f.read()
    # see _all_settings()
    delay = "junk_feedback_publish_delay = "
    assert "#" + delay in text
    with open(path, "w") as f:
        f.write(text.replace("#" + delay + "2 mins", delay + "0"))
    personal = ("sieve_script personal {\n  path = ~/.dovecot.sieve\n}\n"
                if version >= (2, 4) else
                "plugin {\n  sieve = ~/.dovecot.sieve\n}\n")
    return "!include %s\n%s" % (path, personal)


# Options of a Dovecot that has only examples/ of ours.
EXAMPLE_OPTIONS = {"service": None, "imap_plugins": (), "lmtp_plugins": (),
                   "extra": _example_config}
