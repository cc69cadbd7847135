"""A headless Chromium, controlled with the DevTools protocol over two pipes.

    with chromium.Chromium() as browser:
        page = browser.open("/path/page.html", width=390, dark=True)
        page.evaluate("document.title")
        page.problems           # console messages, and what was loaded
        tab = browser.tab()
        tab.go("http://127.0.0.1:8000/")
        tab.click("#button")
"""

import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import struct
import subprocess
import tempfile
import time
import zlib

import harness
import sanitizer


class Chromium:
    def __init__(self):
        # a home of its own, not a user's
        self.dir = tempfile.mkdtemp(prefix="junk-chromium-")
        self.log_path = self.dir + "/log"
        self.buffer = b""
        self.serial = 0
        # events of pages: {session: [event]}
        self.events = {}

    def __enter__(self):
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        # not 3 and 4, where Chromium expects them
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10)
                for fd in (commands, answers)]

        def connect():
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                 "--disable-dev-shm-usage", "--hide-scrollbars",
                 "--no-first-run", "--user-data-dir=" + self.dir,
                 "--remote-debugging-pipe"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(sanitizer.without(), HOME=self.dir),
                pass_fds=(3, 4),
                preexec_fn=connect)
        for fd in (commands, answers, *ends):
            os.close(fd)
        return self

    def __exit__(self, *exc):
        # Chromium ends when its pipe is closed
        os.close(self.commands)
        try:
            self.process.wait(harness.TIMEOUT_SECS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.answers)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _fail(self, what):
        with open(self.log_path, errors="replace") as f:
            raise harness.HarnessError("chromium: %s\n%s" % (
                what, f.read()[-2000:]))

    def _read(self, end):
        """Return the next message"""
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [],
                                        max(0, end - time.monotonic()))
            data = os.read(self.answers, 1 << 20) if ready else b""
            if not data:
                self._fail("it ended" if ready else "no answer in time")
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, session=None, **params):
        """Call a method and return its result."""
        self.serial += 1
        message = {"id": self.serial, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + harness.TIMEOUT_SECS
        while True:
            answer = self._read(end)
            if answer.get("id") == self.serial:
                break
            if "method" in answer:
                self.events.setdefault(answer.get("sessionId"),
                                       []).append(answer)
        if "error" in answer:
            self._fail("%s: %s" % (method, answer["error"]))
        return answer["result"]

    def _attach(self, *domains):
        """Return the session of an empty page with events of these domains"""
        target = self.call("Target.createTarget", url="about:blank")
        session = self.call("Target.attachToTarget", flatten=True,
                            targetId=target["targetId"])["sessionId"]
        for domain in domains:
            self.call(domain + ".enable", session)
        return session

    def open(self, path, width, dark=False):
        """Open a file as a page in full height."""
        session = self._attach("Page", "Runtime", "Log", "Network", "DOM",
                               "Accessibility")
        self.call("Emulation.setDeviceMetricsOverride", session, width=width,
                  height=800, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", session, features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])
        page = Page(self, session, pathlib.Path(path).as_uri())
        page.load()
        return page

    def tab(self, kind=None):
        """Return an empty Tab, or one of a class of the caller's"""
        session = self._attach("Page", "Runtime", "DOM")
        return (kind or Tab)(self, session, "about:blank")


class Page:
    def __init__(self, browser, session, url):
        self.browser = browser
        self.session = session
        self.url = url

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def load(self):
        self.call("Page.navigate", url=self.url)
        harness.wait_for(lambda: self.evaluate(
            "document.readyState == 'complete' && location.href") == self.url,
            "the page")

    def evaluate(self, expression):
        """Return the value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=expression,
                           returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def problems(self):
        """Return console messages, and what was loaded beside the page"""
        found = []
        for event in self.browser.events.get(self.session, []):
            params = event["params"]
            if event["method"] in ("Log.entryAdded", "Runtime.consoleAPICalled",
                                   "Runtime.exceptionThrown"):
                found.append(params)
            elif event["method"] == "Network.requestWillBeSent" and \
                    params["request"]["url"] != self.url:
                found.append(params["request"]["url"])
        return found

    def accessible(self):
        """Return [(role, name, description)] as assistive technology sees
        it"""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [tuple(node.get(key, {}).get("value", "") for key in
                      ("role", "name", "description"))
                for node in nodes if not node["ignored"]]

    def colours(self, rectangle):
        """Return {"#rrggbb": number of pixels} in [x, y, width, height]"""
        clip = dict(zip(("x", "y", "width", "height"), rectangle), scale=1)
        shot = self.call("Page.captureScreenshot", clip=clip,
                         captureBeyondViewport=True)
        return png_colours(base64.b64decode(shot["data"]))


class Tab(Page):
    """A page that changes dynamically: each step waits until it is
    possible."""

    TIMEOUT_SECS = harness.TIMEOUT_SECS

    def go(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState == 'complete' && location.href != "
                  "'about:blank'", url)

    def ask(self, expression):
        """Return its value; None while the page is changing"""
        answer = self.call("Runtime.evaluate", expression=expression,
                           returnByValue=True)
        return None if "exceptionDetails" in answer else \
            answer["result"].get("value")

    def _ask_again(self, expression):
        value = self.ask(expression)
        if not value:
            # Chromium needs the processor, too
            time.sleep(0.1)
        return value

    def wait(self, expression, what=None, secs=None):
        try:
            return harness.wait_for(lambda: self._ask_again(expression),
                                    what or expression,
                                    secs or self.TIMEOUT_SECS)
        except harness.HarnessError as failure:
            raise harness.HarnessError("%s\n%s\n%s" % (
                failure, self.ask("location.href"),
                (self.ask("document.body.innerText") or "")[:1500])) from None

    def fill(self, selector, value, frame=""):
        self.wait("!!%sdocument.querySelector(%s)" % (
            frame, json.dumps(selector)))
        self.evaluate("%sdocument.querySelector(%s).value = %s" % (
            frame, json.dumps(selector), json.dumps(value)))

    def click(self, selector, frame=""):
        self.wait("!!%sdocument.querySelector(%s)" % (
            frame, json.dumps(selector)))
        self.evaluate("%sdocument.querySelector(%s).click()" % (
            frame, json.dumps(selector)))


def _unfilter(kind, line, above, size):
    """Undo the filter of a line of a PNG in place"""
    for i, value in enumerate(line):
        left = line[i - size] if i >= size else 0
        up = above[i]
        if kind == 1:
            value += left
        elif kind == 2:
            value += up
        elif kind == 3:
            value += (left + up) // 2
        elif kind == 4:
            corner = above[i - size] if i >= size else 0
            p = left + up - corner
            value += min((left, up, corner), key=lambda n: abs(p - n))
        line[i] = value & 255


def png_colours(png):
    """Return {"#rrggbb": number of pixels} of a PNG as Chromium makes it: 8
    bits, not interlaced"""
    chunks = {}
    offset = 8
    while offset < len(png):
        size, kind = struct.unpack_from(">I4s", png, offset)
        chunks[kind] = chunks.get(kind, b"") + \
            png[offset + 8:offset + 8 + size]
        offset += size + 12
    width, height, depth, colour_type = struct.unpack(">IIBB",
                                                      chunks[b"IHDR"][:10])
    assert depth == 8 and chunks[b"IHDR"][12] == 0
    size = {2: 3, 6: 4}[colour_type]
    data = zlib.decompress(chunks[b"IDAT"])
    above = bytearray(width * size)
    found = {}
    for y in range(height):
        start = y * (width * size + 1)
        line = bytearray(data[start + 1:start + 1 + width * size])
        if data[start]:
            _unfilter(data[start], line, above, size)
        for x in range(0, len(line), size):
            pixel = bytes(line[x:x + 3])
            found[pixel] = found.get(pixel, 0) + 1
        above = line
    return {"#" + pixel.hex(): count for pixel, count in found.items()}
