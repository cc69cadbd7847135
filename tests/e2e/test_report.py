"""doveadm junk report: the page as text and in Chromium."""

import html.parser
import os
import resource
import time

import chromium
from admin import HOUR, FakeService, day_hours, doveadm, good, make_database

OPTIONS = {"service": None}


class Page(html.parser.HTMLParser):
    """Check that tags match, and collect what a page loads."""

    VOID = ("meta", "link", "br", "img", "input")

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.ids = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert tag != "script", "no scripts"
        for name in ("src", "href"):
            assert name not in attrs, "the page loads " + attrs[name]
        if "id" in attrs:
            assert attrs["id"] not in self.ids, attrs["id"]
            self.ids.append(attrs["id"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text += data + " "


PAGE = "%s/report.html"


def report(t, *args):
    path = PAGE % t.d.dir
    code, out, err = doveadm(t, "junk", "report", "--output", path, *args)
    assert code == 0 and not err, err
    assert os.stat(path).st_mode & 0o007 == 0, "not for everybody"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    return text, Page(text)


def test_unknown_scores(t):
    """report: messages without a score aren't among the lowest scores"""
    hour = int(time.time()) // HOUR * HOUR - HOUR
    make_database(t, [(hour, 1, 1, -1, 500, 0), (hour, 1, 1, 5, 3, 0),
                      (hour, 1, 1, 95, 97, 0), (hour, 2, 1, -1, 7, 0),
                      (hour, 2, 1, 100, 1, 0)], ())
    with FakeService(t.d.socket_path, good):
        _, page = report(t)
    assert "507 more had an unknown score" in page.text, page.text
    assert "0–9: spam 3%" in page.text, page.text


def test_report(t):
    """report: one page with all plots, which loads nothing"""
    now = int(time.time()) // 86400 * 86400
    make_database(t, day_hours(), (
        # token, class, spam, ham, reporters, day
        (0xabc, 6, 20, 0, 7, now), (0xdef, 7, 20, 1, 7, now),
        (0x123, 6, 9, 0, 1, now), (0x456, 1, 9, 0, 3, now - 30 * 86400)))
    with FakeService(t.d.socket_path, good):
        text, page = report(t)
    assert set(SERIES) < set(page.ids), page.ids
    assert "610 reports of spam" in page.text, page.text
    assert "36.4 %" in page.text and "(28.0–45.7)" in page.text, page.text
    assert "It answers." in page.text
    # rising: reported recently by several people, never as ham
    assert "0000000000000abc" in page.text
    for token in ("0000000000000def", "0000000000000123",
                  "0000000000000456"):
        assert token not in page.text, token


def test_report_empty(t):
    """report of an empty database and without a service"""
    make_database(t)
    text, page = report(t)
    assert set(SERIES) < set(page.ids), page.ids
    assert "It does not answer: " in page.text and "None." in page.text


def test_report_large(t):
    """report of a very large database: fast, and its size depends only on the
    number of days"""
    now = int(time.time()) // HOUR * HOUR
    make_database(t, [(now - h * HOUR, v, 1, s, 100000, 0)
                      for h in range(24 * 400) for v in (1, 2)
                      for s in range(0, 101, 20)],
                  [(i, i % 23, i, i % 7, 2 + i % 50, now - i)
                   for i in range(300000)])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text, page = report(t, "--since", "1000d")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # processor time, since the machine may be busy
    assert after.ru_utime - before.ru_utime < 10
    assert set(SERIES) < set(page.ids) and len(text) < 1 << 20, len(text)


# --- in a browser ---

# The series of each plot; the page's style sheet has their colours.
SERIES = {"reports": ("spam", "ham", "weak"), "scores": ("spam", "ham"),
          "missed": ("spam",), "kept": ("ham",), "rescued": ("ham",),
          "classes": ("spam", "ham")}
PHONE, DESKTOP = 390, 1400

# Texts of plots that are cut off at the left or right, or are too small
CLIPPED = """
[...document.querySelectorAll("svg text")].filter(text => {
  const box = text.getBoundingClientRect();
  const plot = text.ownerSVGElement.getBoundingClientRect();
  return box.left < plot.left - 0.5 || box.right > plot.right + 0.5 ||
    box.height < 10;
}).map(text => text.ownerSVGElement.id + ": " + text.textContent)
"""

# Labels of an axis that overlap the one before
TOUCHING = """
[...document.querySelectorAll("svg text.x + text.x")].filter(text =>
  text.getBoundingClientRect().left <
  text.previousElementSibling.getBoundingClientRect().right + 2
).map(text => text.ownerSVGElement.id + ": " + text.textContent)
"""

# Texts with less contrast to their background than WCAG requires (4.5)
FAINT = """
(() => {
  const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
  const light = colour => numbers(colour).slice(0, 3).map(c =>
    (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  ).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
  };
  return [...document.querySelectorAll("body *")].filter(e =>
    [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) &&
    e.getClientRects().length
  ).filter(e => {
    const style = getComputedStyle(e);
    const both = [light(e instanceof SVGElement ? style.fill : style.color),
                  light(behind(e))].sort((a, b) => b - a);
    return (both[0] + 0.05) / (both[1] + 0.05) < 4.5;
  }).map(e => e.tagName + ": " + e.textContent);
})()
"""


def colour(page, name):
    return page.evaluate("getComputedStyle(document.documentElement)"
                         ".getPropertyValue('--%s').trim()" % name)


def full_colour(text):
    """#abc as #aabbcc"""
    return text if len(text) == 7 else "#" + "".join(c * 2 for c in text[1:])


def check_layout(page, width):
    assert not page.problems(), page.problems()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for wrong in (CLIPPED, TOUCHING, FAINT):
        found = page.evaluate(wrong)
        assert not found, found


def check_accessible(page):
    assert page.evaluate("document.documentElement.lang") == "en"
    found = page.accessible()
    images = {name: description for role, name, description in found
              if role in ("image", "img")}
    assert len(images) == len(SERIES) and all(images) and \
        all(images.values()), images
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')]"
                           ".map(h => h.tagName).join(' ')")
    assert levels.startswith("H1 H2") and levels.count("H1") == 1, levels
    assert {"main", "banner", "contentinfo"} <= {role for role, _, _ in found}
    assert page.evaluate("[...document.querySelectorAll('th')]"
                         ".every(th => th.scope)"), "header cells of what?"


def check_drawn(page, drawn):
    """Each plot has pixels of all of its series' colours, or of none."""
    for plot, series in SERIES.items():
        box = page.evaluate(
            "(b => [b.x + scrollX, b.y + scrollY, b.width, b.height])"
            "(document.getElementById('%s').getBoundingClientRect())" % plot)
        pixels = page.colours(box)
        assert max(pixels, key=pixels.get) == \
            full_colour(colour(page, "card")), plot
        for name in series:
            count = pixels.get(colour(page, name), 0)
            assert (count > 5) == drawn, (plot, name, count)


def test_browser(t):
    """report in Chromium: on a phone and a desktop, light and dark, with few
    values, many and none: all plots are drawn and legible, nothing is loaded,
    no console messages"""
    now = int(time.time()) // HOUR * HOUR
    today = now // 86400 * 86400
    tokens = [(i, i % 23, 20 + i, i % 5, 7, today) for i in range(100)]
    with chromium.Chromium() as browser:
        make_database(t)
        report(t)
        page = browser.open(PAGE % t.d.dir, PHONE)
        check_layout(page, PHONE)
        check_accessible(page)
        check_drawn(page, False)

        make_database(t, day_hours(), tokens)
        with FakeService(t.d.socket_path, good):
            report(t)
        for dark, background in (False, "#ffffff"), (True, "#14171a"):
            for width in (PHONE, DESKTOP):
                page = browser.open(PAGE % t.d.dir, width, dark)
                check_layout(page, width)
                assert full_colour(colour(page, "bg")) == background
                if width == PHONE:
                    check_drawn(page, True)
        check_accessible(page)

        make_database(t, [(now - h * HOUR, v, 1, s, 123456, 0)
                          for h in range(0, 24 * 400, 12) for v in (1, 2, 3)
                          for s in (5, 95)], tokens)
        report(t, "--since", "1000d")
        page = browser.open(PAGE % t.d.dir, PHONE)
        check_layout(page, PHONE)
        check_drawn(page, True)


def test_planted_links(t):
    """a link that somebody has planted beside the page, or in its place, isn't
    followed: root writes to no other file"""
    make_database(t)
    victim = os.path.join(t.d.dir, "victim")
    path = PAGE % t.d.dir
    for name in (path, path + ".new", path + ".tmp", path + "."):
        with open(victim, "w") as f:
            f.write("untouched")
        if os.path.lexists(name):
            os.unlink(name)
        os.symlink(victim, name)
        report(t)
        with open(victim) as f:
            assert f.read() == "untouched", name
        assert not os.path.islink(path)
    left = [name for name in os.listdir(t.d.dir)
            if name.startswith("report.html") and
            not os.path.islink(os.path.join(t.d.dir, name))]
    assert left == ["report.html"], left
