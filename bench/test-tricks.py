#!/usr/bin/python3
"""Test tricks that hide a known spam message from a filter, in all
combinations of trick, text, charset and encoding: none may lower its score by
more than 5 points (the trick itself may raise it). The model has learned the
tree's messages and the unmodified spam. The test compares the scores of the
same text in the same form (plain text or HTML) with and without the trick."""

import base64
import binascii
import os
import quopri
import random
import re
import subprocess
import sys
import tempfile

BUILD = os.environ.get("top_builddir", "..")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import benchlib  # noqa: E402

MAX_CHANGE = 5

ENGLISH = """Dear friend, buy cheap pills now and save money today. Our online
pharmacy ships replica watches and discount tablets worldwide without any
prescription. Order your package before midnight and receive a free bonus casino
voucher."""
TEXTS = {
    "english": ENGLISH,
    "russian": """Уважаемый клиент, предлагаем дешевые таблетки и часы по низкой
цене. Закажите сегодня и получите подарок, скидка действует только до конца
недели. Быстрая доставка, гарантия качества.""",
    "japanese": """無料情報をお届けします。今すぐ登録して、高額当選金を受け取って
ください。簡単な仕事で月収百万円も可能です。登録はこちらから""",
    "hebrew": """שלום לקוח יקר, קנה היום כדורים זולים ושעונים במחיר מבצע. הזמן
עכשיו וקבל מתנה חינם, המבצע בתוקף רק עד סוף השבוע. משלוח מהיר לכל הארץ
ואחריות מלאה לשנתיים, אלפי לקוחות מרוצים כבר הזמינו אצלנו.""",
}
# charset as Python names it, and as mail does
CHARSETS = {
    "english": [("utf-8", "utf-8"), ("ascii", "us-ascii"), ("utf-8", ""),
                ("utf-16-le", "utf-16le"), ("utf-8", "koi8-r"),
                ("ascii", "x-nonsense")],
    "russian": [("utf-8", "utf-8"), ("koi8-r", "koi8-r"), ("koi8-r", ""),
                ("cp1251", "windows-1251"), ("cp1251", "x-cp1251"),
                ("cp1251", ""), ("iso8859-5", "csISOLatinCyrillic"),
                ("utf-8", "koi8-r"), ("utf-8", "iso-8859-1"),
                ("cp866", "ibm866"), ("utf-16-be", "utf-16be")],
    "japanese": [("utf-8", "utf-8"), ("utf-8", "iso-2022-jp"),
                 ("iso2022_jp", "iso-2022-jp"), ("iso2022_jp", ""),
                 ("iso2022_jp", "cp50220"), ("iso2022_jp", "us-ascii"),
                 ("cp932", "x-sjis"), ("cp932", "windows-31j"),
                 ("euc_jp", "x-euc-jp"), ("utf-8", "euc-jp")],
    "hebrew": [("utf-8", "utf-8"), ("cp1255", "windows-1255"),
               ("iso8859-8", "iso-8859-8-i"), ("iso8859-8", "iso-8859-8-e"),
               ("iso8859-8", "visual"), ("utf-8", "iso-8859-8")],
}


def ham_words(count, seed):
    """Return words of the tree's good mail"""
    words = []
    for path in benchlib.sample_paths("ham"):
        with open(path, encoding="latin-1") as f:
            body = f.read().partition("\n\n")[2]
        words += re.findall(r"\b[a-z]{3,10}\b", body)
    random.Random(seed).shuffle(words)
    return " ".join(words[:count])


# --- encodings ---

def encode_uu(data):
    lines = [b"begin 644 a"]
    for i in range(0, len(data), 45):
        lines.append(binascii.b2a_uu(data[i:i + 45]).rstrip(b"\n"))
    return b"\n".join(lines + [b"`", b"end", b""])


def encode_stray(data):
    """Return base64 with a "-" or "_" in each line"""
    lines = base64.encodebytes(data).splitlines()
    return b"\n".join(line[:7] + b"-" + line[7:20] + b"_" + line[20:]
                      for line in lines) + b"\n"


ENCODINGS = {
    "8bit": ("8bit", lambda data: data),
    "qp": ("quoted-printable", quopri.encodestring),
    "base64": ("base64", base64.encodebytes),
    "stray": ("base64", encode_stray),
    "uu": ("x-uuencode", encode_uu),
}

# Only the text identifies the message: the learned ones have other senders.
HEADER = b"""From: a@b.example
To: you@home.example
Subject: x
Date: Tue, 1 Dec 2026 10:00:00 +0000
MIME-Version: 1.0
"""
LEARNED = b"""Subject: hello
From: <sales@%d.example>
X-Mailer: Mailer %d
"""
# copies to learn of it, and of good mail that uses the same tricks
COPIES = 5
GOOD = 2


def part(kind, text, python="utf-8", charset="utf-8", encoding="8bit"):
    data = text if isinstance(text, bytes) else text.encode(python, "ignore")
    cte, encode = ENCODINGS[encoding]
    head = b"Content-Type: " + kind.encode()
    if charset:
        head += b"; charset=" + charset.encode()
    if cte != "8bit":
        head += b"\nContent-Transfer-Encoding: " + cte.encode()
    return head + b"\n\n" + encode(data) + b"\n"


def multipart(kind, *parts):
    return b"Content-Type: multipart/" + kind.encode() + \
        b"; boundary=xyz\n\n" + b"".join(b"--xyz\n" + p for p in parts) + \
        b"--xyz--\n"


# --- tricks with letters ---

def letters(table):
    return lambda text: "".join(table.get(c, c) for c in text)


def between(what):
    return lambda text: re.sub(
        r"(?<![\w/.:])[a-z]{4,}(?![\w/.:])",
        lambda m: what.join(m.group()), text)


def shifted(first):
    return letters({chr(ord("a") + i): chr(first + i) for i in range(26)})


def words_only(trick):
    """Apply a trick to everything except the URL"""
    return lambda text: "".join(
        piece if piece.startswith("http") else trick(piece)
        for piece in re.split(r"(http\S+)", text))


def turned(text):
    return "\n".join("\u202e" + line[::-1] + "\u202c"
                     for line in text.split("\n"))


LETTERS = {
    "zero width": between("\u200b"),
    "soft hyphens": between("\u00ad"),
    "word joiners": between("\u2060"),
    "hyphens": between("-"),
    "underscores": between("_"),
    "dots": between("."),
    "asterisks": between("*"),
    "bullets": between("\u2022"),
    "wide": words_only(shifted(0xff41)),
    "mathematical": words_only(shifted(0x1d41a)),
    "circled": words_only(shifted(0x24d0)),
    "emblems": words_only(shifted(0x1f170)),
    "white on circles": words_only(shifted(0x1f150)),
    "flags": words_only(shifted(0x1f1e6)),
    "Cyrillic": words_only(letters(dict(zip("aceopxyisj", "асеорхуіѕј")))),
    "Greek": words_only(letters(dict(zip("ouvi", "ουνι")))),
    "Armenian": words_only(letters(dict(zip("uohng", "սօհոց")))),
    "Cherokee": words_only(letters(dict(zip("adehijklmprstvwyz",
                                            "ᎪᎠᎬᎻᎥᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᎩᏃ")))),
    "Lisu": words_only(letters(dict(zip("bpdtkzfmnlsrvhwxyaeiou",
                                        "ꓐꓑꓓꓔꓗꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ")))),
    "Coptic": words_only(letters(dict(zip("abehikmnoptyx",
                                          "ⲁⲃⲉⲏⲓⲕⲙⲛⲟⲣⲧⲩⲭ")))),
    "accents": words_only(letters(dict(zip("aeioun", "áèîöûñ")))),
    "turned": words_only(turned),
    "in brackets": words_only(shifted(0x249c)),
    "struck out": between("\u0336"),
    "dollars": between("$"),
}

# --- tricks of HTML ---

HIDING = """display:none|visibility:hidden|font-size:0|opacity:0|opacity:.01
height:0;overflow:hidden|max-height:0;overflow:hidden|width:0;overflow:hidden
max-width:0px;overflow:hidden|line-height:0;overflow:hidden;height:0
color:#fff|color:white|color:rgb(255,255,255)|color:rgba(0,0,0,0)
color:hsl(0,0%,100%)|color:#ffffff00|color:transparent|color:#fefefe
background:#123456;color:#123456|position:absolute;left:-9999px
position:fixed;top:-9999px|position:absolute;clip:rect(0,0,0,0)
clip-path:inset(50%)|clip-path:circle(0)|clip-path:polygon(0 0,0 0)
text-indent:-9999px|margin-left:-9999px|transform:scale(0)
transform:translateX(-9999px)|filter:opacity(0)|content-visibility:hidden
d\\69splay:none|display:/**/none|DISPLAY:NONE!important|font:0/0 a
-webkit-text-fill-color:transparent|position:absolute;left:calc(-9999px)
position:absolute;inset:-9999px auto auto -9999px|translate:-9999px|scale:0
rotate:y 90deg|zoom:.01|opacity:calc(0)|mask:linear-gradient(#0000,#0000)
filter:blur(50px)|color:lab(100% 0 0)|color:oklch(1 0 0)|color:hwb(0 100% 0)
color:color-mix(in srgb,white,white)|color:light-dark(white,black)
background:linear-gradient(white,white);color:white|font-size:min(0px,9px)
text-indent:100%;white-space:nowrap;overflow:hidden|padding-left:9999px
max-block-size:0;overflow:hidden|contain:size;overflow:hidden
margin-inline-start:-9999px""".replace("\n", "|").split("|")
SELECTORS = [(".h", "class=h"), ("#h", "id=h"), ("p.h", "class='a h b'"),
             ("div>.h", "class=h"), ("body div .h", "class=h"),
             ("[class=h]", "class=h"), ("q,.h", "class=h"),
             (".a.h", "class='h a'"), (":is(.x,.h)", "class=h"),
             ("p:not(.x)[class]", "class=h"), ("div>p:first-child", "class=h"),
             ("[data-h^=a]", "data-h=abc"), (".g", "class='a b c d e f g'")]
# around text that only seems hidden
SHOWING = {
    "sticky": "<div style='position:sticky;left:-9999px'>%s</div>",
    "link in white": "<div style='color:#fff'><a href=x>%s</a></div>",
    "shadow": "<div style='color:#fff;text-shadow:0 0 1px #000'>%s</div>",
    "outline": "<div style='color:#fff;-webkit-text-stroke:1px #000'>%s</div>",
    "clear black": "<div style='background:rgba(0,0,0,.2);color:#000'>%s</div>",
    "table in white": "<div style='color:#fff'><table><tr><td>%s</table></div>",
    "table in no size": "<div style='font-size:0'><table><tr><td>%s</table>"
                        "</div>",
    "font size": "<div style='font-size:0'><font size=3>%s</font></div>",
    "placed elsewhere": "<div style='height:0;overflow:hidden'>"
                        "<div style='position:absolute'>%s</div></div>",
    "moved back": "<div style='margin-left:-9999px'>"
                  "<div style='margin-left:9999px'>%s</div></div>",
    "aligned right": "<div style='text-indent:-9999px;text-align:right'>%s</div>",
    "canvas": "<canvas>%s</canvas>",
    "unknown @supports": "<style>@supports (display:banana)"
                         "{.h{display:none}}</style><div class=h>%s</div>",
    "invalid selector": "<style>.h,.x:banana{display:none}</style>"
                        "<div class=h>%s</div>",
    "rule after }": "<style>}.h{display:none}</style><div class=h>%s</div>",
    "no CSS": "<style type=text/plain>.h{display:none}</style>"
              "<div class=h>%s</div>",
    "sheet in template": "<template><style>.h{display:none}</style></template>"
                         "<div class=h>%s</div>",
    "black page": "<style>body{background:#000;color:#000}"
                  "body p{color:#fff}</style>%s",
    "defs": "<defs>%s</defs>",
}
MARKUP = {
    "comment": "<!-- %s -->" % ("x y " * 70000),
    "style sheet": "<style>%s</style>" % (".a{color:red}\n" * 19000),
    "data picture": "<img src='data:image/png;base64,%s'>" % ("QUJD" * 70000),
    "attributes": "<p title='%s'>x</p>" % ("innocent " * 30000),
}


def html_text(text):
    return "<p>" + text.replace("\n", "<br>\n") + "</p>"


def page(body, head=""):
    return "<html><head>%s</head><body>%s</body></html>" % (head, body)


def split_tags(text):
    return re.sub(r"(?<![\w/.:])([a-z]{2})([a-z]{2,})(?![\w/.:])",
                  r"\1<b></b>\2", text)


def html_tricks(text, ham):
    shown = html_text(text)
    for style in HIDING:
        yield "hidden by " + style, page(
            "<div style=\"%s\">%s</div>%s" % (style, ham, shown))
    for selector, attribute in SELECTORS:
        for style in HIDING[:6] + ["color:#fff"]:
            yield "hidden by %s{%s}" % (selector, style), page(
                "<div><p %s>%s</p></div>%s" % (attribute, ham, shown),
                "<style>%s{%s}</style>" % (selector, style))
    yield "hidden by a late sheet", page(
        "<p class=h>%s</p>%s<style>.h{display:none}</style>" % (ham, shown))
    yield "hidden by @media", page(
        "<p class=h>%s</p>%s" % (ham, shown),
        "<style>@media screen{.h{display:none}}</style>")
    for tag in ("dialog", "meter", "progress", "template", "datalist"):
        yield "hidden by " + tag, page("<%s>%s</%s>%s" % (tag, ham, tag, shown))
    many = " ".join("word%d" % i for i in range(600))
    yield "600 hidden words", page("<p class=h>%s</p>%s" % (many, shown),
                                   "<style>.h{display:none}</style>")
    for name, around in SHOWING.items():
        yield "shown: " + name, page(around % shown)
    for name, markup in MARKUP.items():
        yield name, page(markup + shown)
    yield "reversed", page("<br>".join(
        "<bdo dir=rtl>%s</bdo>" % line[::-1] for line in text.split("\n")))
    yield "reversed by style", page("<br>".join(
        "<span dir=rtl style='unicode-bidi:bidi-override'>%s</span>" %
        line[::-1] for line in text.split("\n")))
    yield "tags in words", page(html_text(split_tags(text)))
    yield "alt texts", page("".join(
        "<img src=cid:x alt='%s'><br>" % line for line in text.split("\n")))
    yield "entities", page(html_text("".join(
        "&#x%x;" % ord(c) if c.isalpha() else c for c in text)))


# --- tricks of MIME ---

def fold_calendar(line):
    data = line.encode()
    pieces = []
    while data:
        size = 40
        while size < len(data) and data[size] & 0xc0 == 0x80:
            size += 1
        pieces.append(data[:size])
        data = data[size:]
    return b"\n ".join(pieces)


def calendar(text):
    value = text.replace("\\", "\\\\").replace(",", "\\,").replace(
        ";", "\\;").replace("\n", "\\n")
    return b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + \
        fold_calendar("DESCRIPTION:" + value) + \
        b"\nEND:VEVENT\nEND:VCALENDAR\n"


def rtf(text):
    return ("{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0 %s}" % "".join(
        "\\par " if c == "\n" else c if ord(c) < 128 else
        "\\u%d?" % ord(c) for c in text)).encode()


def flowed(text):
    return "\n".join(re.sub(r"(\w{3})(\w+)", r"\1 \n\2", line, count=3)
                     for line in text.split("\n"))


def mime_plain(text, ham):
    plain = part("text/plain", text)
    yield "calendar", b"Content-Type: text/calendar; charset=utf-8\n\n" + \
        calendar(text)
    yield "enriched", part("text/enriched", split_tags(text))
    yield "rtf", b"Content-Type: text/rtf\n\n" + rtf(text)
    yield "flowed", part("text/plain; format=flowed; delsp=yes", flowed(text))
    yield "uuencode inline", part("text/plain", b"\n" +
                                  encode_uu(text.encode()))
    yield "no boundary", b"Content-Type: multipart/mixed; boundary=xyz\n\n" \
        + text.encode()
    yield "encoded message", multipart(
        "mixed", b"Content-Type: message/rfc822\n"
        b"Content-Transfer-Encoding: base64\n\n" +
        base64.encodebytes(b"Subject: hi\n" + plain))
    yield "second plain alternative", multipart(
        "alternative", part("text/plain", ham), plain)


def mime_html(text, ham):
    spam = part("text/html", page(html_text(text)))
    other = part("text/html", page(html_text(ham)))
    yield "second alternative", multipart("alternative", other, spam)
    yield "third alternative", multipart("alternative", other, other, spam)
    yield "beside a related", multipart("related", spam, other)
    yield "start of a related", multipart(
        "related; start=\"<b@c>\"", b"Content-ID: <a@c>\n" + other,
        b"Content-ID: <b@c>\n" + spam)
    yield "AMP beside it", multipart(
        "alternative", part("text/x-amp-html", page("")), spam)


# --- the test ---

def messages():
    """Yield (name, name of the message to compare with, message)"""
    ham = ham_words(100, 0)
    for name, text in TEXTS.items():
        plain, html = name + " plain", name + " html"
        yield plain, None, part("text/plain", text)
        yield html, None, part("text/html", page(html_text(text)))
        for python, charset in CHARSETS[name]:
            for encoding in ENCODINGS:
                if encoding == "8bit" and python.startswith("utf-16"):
                    continue
                what = "%s as %s, %s" % (python, charset or "nothing", encoding)
                yield "%s: %s" % (plain, what), plain, part(
                    "text/plain", text, python, charset, encoding)
                yield "%s: %s" % (html, what), html, part(
                    "text/html", page(html_text(text)), python, charset,
                    encoding)
            if not python.startswith("utf-16") and charset:
                yield "%s: meta %s" % (html, charset), html, part(
                    "text/html", page(html_text(text),
                                      "<meta charset=%s>" % charset),
                    python, "")
        for what, body in html_tricks(text, ham):
            if name == "hebrew" and what.startswith("reversed"):
                continue
            for encoding in ("8bit", "base64"):
                yield "%s: %s, %s" % (html, what, encoding), html, part(
                    "text/html", body, encoding=encoding)
        for what, mail in mime_plain(text, ham):
            yield "%s: %s" % (plain, what), plain, mail
        for what, mail in mime_html(text, ham):
            yield "%s: %s" % (html, what), html, mail
    for what, trick in LETTERS.items():
        for encoding in ENCODINGS:
            yield "letters: %s, %s" % (what, encoding), "english plain", part(
                "text/plain", trick(ENGLISH), encoding=encoding)


def learn(index, bodies):
    """Add copies of each spam, and good mail, to an index"""
    mails = [("spam", LEARNED.replace(b"%d", b"%d" % i) + body)
             for i, body in enumerate(bodies * COPIES)]
    for i in range(GOOD):
        text = ham_words(100, i + 1)
        mails.append(("ham", HEADER + part("text/plain", text)))
        mails.append(("ham", HEADER + part("text/html",
                                           page(html_text(text)))))
    with open(index, "a") as f:
        for i, (verdict, mail) in enumerate(mails):
            path = "%s.%d" % (index, i)
            with open(path, "wb") as file:
                file.write(mail)
            f.write("%s %s\n" % (verdict, path))


def main():
    mails = {name: (base, HEADER + mail) for name, base, mail in messages()}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        index = benchlib.make_index(folder)
        paths = {}
        for name, (base, mail) in mails.items():
            paths[name] = "%s/%d.eml" % (folder, len(paths))
            with open(paths[name], "wb") as f:
                f.write(mail)
        learn(index, [mail[len(HEADER):] for base, mail in mails.values()
                      if base is None])
        out = subprocess.run(
            [BUILD + "/bench/tricking", index, folder + "/segment",
             *paths.values()], stdout=subprocess.PIPE, text=True, check=True)
        scores = dict(zip(paths, map(int, out.stdout.split())))
    failed = 0
    for name, (base, mail) in mails.items():
        if base is None:
            print("%-16s %d" % (name, scores[name]))
        elif scores[base] - scores[name] > MAX_CHANGE:
            print("FAIL %s: %d instead of %d" % (name, scores[name],
                                                 scores[base]))
            failed += 1
    print("%d tricks, %d failures" % (len(mails), failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
