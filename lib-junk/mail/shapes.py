"""Messages of one shape each for test-growth.py. There are some for each loop
of lib-junk over items whose number is only bounded by the size of the message:
the cost of an item matters, not its meaning."""

ORDINARY = "ordinary"

CHARSETS = """IBM037 IBM038 IBM273 IBM274 IBM275 IBM277 IBM278 IBM280 IBM850
UTF-32 utf-16 utf-7 hz-gb-2312 big5 shift_jis euc-jp euc-kr iso-2022-jp
iso-2022-kr gb18030 koi8-r windows-1251 x-nonsense""".split()
FIELDS = """From To Cc Reply-To Sender Subject List-Id List-Unsubscribe
DKIM-Signature Authentication-Results X-Mailer Date Content-Type
Content-Disposition Content-Transfer-Encoding Content-ID X-Priority Received
Return-Path X-Unknown""".split()
TYPES = """text/plain text/html text/calendar text/rtf text/enriched
image/svg+xml text/x-amp-html application/octet-stream message/rfc822
multipart/mixed multipart/alternative""".split()
MULTIPARTS = ["mixed", "alternative", "related; start=x", "related"]
TAGS = """b a p div td table font svg math bdo img input style script title
dialog body form li span select option textarea unknown q br""".split()
ATTRIBUTES = """style class id hidden href src alt color bgcolor dir value
placeholder onload type media width unknown""".split()
PROPERTIES = """background background-color clip clip-path color direction
display filter float font font-size height left line-height margin max-height
opacity overflow position text-indent transform unicode-bidi visibility
width""".split()
VALUES = ["0", "rgb(1,2,3)", "hsl(1,2%,3%)", "translate(1px)", "-1px",
          "inset(1%)", "peachpuff"]
# each in one field ("From: a@1, a@2"), or in a field of its own
ADDRESSES = ['a@b%.example, ', '"a" <a%@b.example>, ', '(', '<', '"', '@', ',',
             '=?utf-8?q?a?= <a%@b>, ']
SHEETS = [".x{display:none}", "a b c .x{display:none}", "a>b>.x{top:0}",
          "*{top:0}", "#x{top:0}", "[class=x]{top:0}", ".x,.x,.x{top:0}"]
SHEET_UNITS = [".x%{top:0}", "a,b,c,d{top:0}", "{", "}", "@a{", "@media all{",
               "'\"", "/*", "a", "(", "\\61", "@import;", "<!--"]
# media type, and what is repeated
TEXTS = [
    ("text/html", "&#%;"), ("text/html", "&amp"), ("text/html", "&ab"),
    ("text/html", "&abcdefghi;"), ("text/html", "&eacute;"),
    ("text/html", "<"), ("text/html", "<!"), ("text/html", "<!--"),
    ("text/html", "<!-->"), ("text/html", "<!-- --"), ("text/html", "</"),
    ("text/html", "<style>b{top:0}</style>"), ("text/html", "<a href='"),
    ("text/html", "<bdo dir=rtl>a</bdo>"), ("text/html", "<p title=\">"),
    ("text/html", "<meta charset=x>"),
    ("image/svg+xml", "<![CDATA["), ("image/svg+xml", "<![CDATA[a]]>"),
    ("image/svg+xml", "<script>a://b%"), ("image/svg+xml", "<b onx%=a>"),
    ("text/rtf", "\\u1234?"), ("text/rtf", "\\a"), ("text/rtf", "{\\*\\a}"),
    ("text/rtf", "\\ansicpg%x"), ("text/rtf", "\\'e4"), ("text/rtf", "{"),
    ("text/rtf", "\\ansicpg932\\'81\\ansicpg949\\'82"), ("text/rtf", "\\bin1a"),
    ("text/calendar", "a;b:\\n\n"), ("text/calendar", "::\n"),
    ("text/calendar", "a;QUOTED-PRINTABLE:=\n"), ("text/calendar", ";\n"),
    ("text/calendar", "a;TEXT/HTML:<b>\n"), ("text/calendar", "\n "),
    ("text/enriched", "<a>"), ("text/enriched", "<<"),
    ("text/enriched", "<"), ("text/enriched", "<param>"),
    ("text/plain; format=flowed; delsp=yes", "a \n"),
    ("text/plain; format=flowed; delsp=yes", ">a \n>>"),
    ("text/plain", "begin 644 a%\n#aaaa\n"), ("text/plain", "begin 644 a%\n"),
    ("text/plain", "begin-base64 644 a%\nYQ==\n====\n"),
    ("text/plain", "-----BEGIN PGP MESSAGE-----\n"),
    ("text/plain", "-----BEGIN PGP MESSAGE-----\na:\n\n" + "q" * 40 + "\n"),
    ("text/plain", "-----BEGIN PGP MESSAGE-----\n\n" + "q" * 40 +
     "\n-----END PGP MESSAGE-----\n"),
    ("text/plain", "a b c d "), ("text/plain", "a.b.c."),
    ("text/plain", "a-b-c-d "), ("text/plain", "a "), ("text/plain", "!a?"),
    ("text/plain", "http://a%.b.c/d?e "), ("text/plain", "www."),
    ("text/plain", "http://a@b%:1/ "), ("text/plain", "\n"),
    ("text/plain; charset=utf-8", "\u202ea"),
    ("text/plain; charset=utf-8", "\u202ea\u202c"),
    ("text/plain; charset=utf-8", "сосо% "),
    ("text/plain; charset=utf-8", "сaсо% "),
    ("text/plain; charset=utf-8", "\u4e00\u0e01"),
    ("text/plain; charset=utf-8", "\U0001f1e6"),
    ("text/plain; charset=utf-8", "a\u0301"),
]
ENCODINGS = [("base64", "-YQ=="), ("base64", "="), ("quoted-printable", "=4"),
             ("quoted-printable", "=\n"), ("x-uuencode", "!a\n"),
             ("x-uuencode", "begin 644 a\n")]
ARCHIVES = ["UEsDBAoAAAAAAA==", "UmFyIRoHAA==", "H4sIAAAAAAAA", "/Td6WFoA",
            "QlpoOQ=="]

HTML = "Content-Type: text/html\n\n"
MIXED = "Content-Type: multipart/%s; boundary=a\n\n"


def headers():
    words = "".join("=?%s?q?=E4a?=" % c for c in CHARSETS)
    yield "words rotate", "Subject: ", words
    yield "words rotate in fields", "", "Subject: " + words * 8 + "\n"
    yield "words rotate apart", "", "To: " + words.replace("?==?", "?= =?") + "\n"
    yield "words of CJK", "", "Subject: " + "".join(
        "=?%s?b?pEA=?=" % c for c in ("big5", "shift_jis", "euc-jp", "euc-kr")
    ) * 80 + "\n"
    yield "words with escapes", "", "Subject: " + \
        "=?iso-2022-jp?q?=1B$BL5=1B(B?==?utf-7?q?+AGE-?=" * 80 + "\n"
    yield "words that are open", "Subject: ", "=?x?q?"
    yield "words that are open in fields", "", "Subject: " + "=?x?q?" * 800 + "\n"
    for field in FIELDS:
        yield "many " + field, "", field + ":a@%\n"
        yield "long " + field, "", field + ": " + " ".join(
            "a%d@b%d.example;d=x%d," % (i, i, i) for i in range(300)) + "\n"
        yield "parameters of " + field, field + ": a/b", "; name*%*=utf-8''%41"
        yield "charsets of " + field, "", field + ": " + words + "\n"
        for address in ADDRESSES:
            yield "%s of %s" % (address, field), field + ": ", address


def parts():
    for kind in MULTIPARTS:
        head = MIXED.replace("%s", kind)
        yield "empty parts of " + kind, head, "--a\n\nx\n"
        for name in TYPES:
            yield "parts %s of %s" % (name, kind), head, \
                "--a\nContent-Type: %s\n\n<b>x%%:y\n" % name
    yield "parts with charsets", MIXED.replace("%s", "mixed"), "".join(
        "--a\nContent-Type: text/plain; charset=%s\n\n\x80\x90\n" % c
        for c in CHARSETS)
    yield "parts with sheets", MIXED.replace("%s", "mixed"), \
        "--a\nContent-Type: text/html\n\n<style>b{top:0}</style><b>x\n"
    for data in ARCHIVES:
        yield "archives " + data, MIXED.replace("%s", "mixed"), \
            "--a\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\n" \
            + data + "\n"
    yield "encoded messages", MIXED.replace("%s", "mixed"), \
        "--a\nContent-Type: message/rfc822\n" \
        "Content-Transfer-Encoding: base64\n\nU3ViamVjdDogaGkK\n"
    yield "nested parts", "", \
        "Content-Type: multipart/mixed; boundary=b%\n\n--b%\n"
    yield "nested alternatives", "", \
        "Content-Type: multipart/alternative; boundary=b%\n\n--b%\n" \
        "Content-Type: text/html\n\n<b>\n--b%\n"
    yield "held texts", MIXED.replace("%s", "alternative") + \
        "--a\nContent-Type: multipart/mixed; boundary=c\n\n" + \
        "--c\n\nx\n" * 70 + "--c--\n", \
        "--a\nContent-Type: text/html\n\n<b>\n"
    yield "boundaries that aren't", MIXED.replace("%s", "mixed"), "--b%\n"


def html():
    for tag in TAGS:
        yield "tag " + tag, HTML, "<%s>" % tag
        yield "element " + tag, HTML, "<%s>x</%s>" % (tag, tag)
        yield "end of " + tag, HTML, "</%s>" % tag
        yield "open and p " + tag, HTML, "<%s><p>" % tag
    for name in ATTRIBUTES:
        yield "attribute " + name, HTML, "<p %s=x%%>" % name
        yield "attribute of img " + name, HTML, "<img %s=x>" % name
        yield "attributes " + name, HTML + "<p ", name + "=x "
        yield "attribute without value " + name, HTML, "<p %s>" % name
    for name in PROPERTIES:
        for value in VALUES:
            yield "style %s:%s" % (name, value), HTML, \
                "<p style='%s:%s'>" % (name, value)
        yield "styles " + name, HTML, \
            "<p style='%s'>" % ((name + ":0;") * 100)
    for sheet in SHEETS:
        for elements in ("<p class=x>", "<a><b><p class=x id=x>"):
            yield "sheet %s for %s" % (sheet, elements), \
                HTML + "<style>" + sheet * 1100 + "</style>", elements
    for unit in SHEET_UNITS:
        yield "sheet of " + unit, HTML + "<style>", unit
    yield "sheet at the end", HTML + "x", "<p class=x>", \
        "<style>.x{top:0}</style>"


def texts():
    for charset in CHARSETS:
        for unit in (b"\xa4\x40\xff\x81 \xe4w%\n", b"\xff", b"\x1b$B",
                     b"\x81\x40"):
            yield "%r in %s" % (unit, charset), \
                "Content-Type: text/plain; charset=%s\n\n" % charset, unit
        yield "page in " + charset, \
            "Content-Type: text/html; charset=%s\n\n" % charset, \
            b"<b>\x81\x40\xff\xa4\xa4\x80</b>"
    for name, unit in TEXTS:
        yield "%r of %s" % (unit, name), "Content-Type: %s\n\n" % name, unit
    for name, unit in ENCODINGS:
        yield "%r in %s" % (unit, name), \
            "Content-Transfer-Encoding: %s\n\n" % name, unit


def ordinary():
    row = ('<tr><td style="font-family:Arial;font-size:14px;color:#333333;'
           'padding:10px"><a href="https://www.shop%.example/item/%?x=y" '
           'class="btn">Special offer number %</a> for our customers, only '
           'this week and while we have it in store.</td></tr>\n')
    yield ORDINARY, HTML + "<html><head><style>.btn{color:#fff;background:" \
        "#000}@media print{p{color:red}}</style></head><body><table>", row


def shapes():
    """Yield (name, (head, repeated unit, tail)) of all shapes"""
    for part in (ordinary, headers, parts, html, texts):
        for name, head, unit, *tail in part():
            yield name, (head, unit, tail[0] if tail else "")


def bytes_of(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


def message(shape, size):
    head, unit, tail = (bytes_of(text) for text in shape)
    data = bytearray(head)
    i = 0
    while len(data) + len(tail) < size:
        data += unit.replace(b"%", b"%d" % i)
        i += 1
    return bytes(data + tail)
