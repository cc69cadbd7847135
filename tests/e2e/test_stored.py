"""A message is the same however it is stored."""

import glob
import os

import harness
from testcase import ALL_FORMATS, formats, spam


def compressed(version, _):
    return "mail_compress_write_method = gz\n" if version == (2, 4) else \
        "plugin {\n  zlib_save = gz\n}\n"


def stored(d):
    """All that is in the messages' files"""
    data = b""
    for path in glob.glob(d.home_dir + "/**", recursive=True):
        name = os.path.basename(path)
        if name.startswith(("u.", "m.")) and os.path.isfile(path):
            with open(path, "rb") as f:
                data += f.read()
    return data


@formats("sdbox", "mdbox")
def test_compressed(t):
    """compressed files"""
    name = "zlib" if harness.dovecot_version() == (2, 3) else "mail_compress"
    p = t.private(plugins=(name,), extra=compressed)
    p.client().append("Junk", spam())
    # what is being saved
    p.expect("spam append")
    data = stored(p.d)
    assert data and b"Lowest prices" not in data
    # what is stored takes back the first if they are of one message
    p.move("Junk", "INBOX")
    p.expect("-1 spam append")


WITH_ATTACHMENT = (
    b"From: a@example.com\r\nSubject: offer\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nLowest prices of all offers\r\n"
    b"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=a.png\r\n\r\n" +
    b"\r\n" + b"\r\n".join([b"QUJD" * 18] * 200) +
    b"\r\n--b--\r\n")


def attachments(version, d):
    if version == (2, 4):
        return "mail_ext_attachment_path = %s/attachments\n" \
            "mail_ext_attachment_min_size = 1\n" \
            "mail_ext_attachment {\n  fs posix {\n  }\n}\n" % d.home_dir
    return "mail_attachment_dir = %s/attachments\n" \
        "mail_attachment_min_size = 1\n" % d.home_dir


@formats("sdbox", "mdbox")
def test_attachments(t):
    """attachments in files of their own; sdbox can't read such a message before
    it is there"""
    p = t.private(extra=attachments)
    p.client().append("Junk", WITH_ATTACHMENT)
    p.expect("spam append")
    p.move("Junk", "INBOX")
    p.expect("-1 spam append")


@ALL_FORMATS
def test_sizes(t):
    """larger than what is read at once, and the largest that is read"""
    text = b"".join(b"<p>Offer w%dx.</p>\n" % n for n in range(200000))
    c = t.client()
    for size in (100, 8000, 9000, 100000, len(text)):
        c.append("Junk", spam() + text[:size])
        t.expect("spam append")
        t.move("Junk", "INBOX")
        t.expect("-1 spam append")
