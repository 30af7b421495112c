"""The page /memory in a headless Chromium: what it shows is what the RPC says, for every eye and hand."""

import json
import socket
import threading

import content
from case import NodesCase
from nodes import MIB

READY = "document.querySelectorAll('.tile').length > 1 && document.querySelectorAll('#rows tr').length > 10"
UNITS = {"B": 1, "KiB": 1024, "MiB": MIB}

# Text whose contrast with what is behind it is below 4.5 (WCAG AA), as [text, ratio].
PALE = """(() => {
  const parts = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => { const [r, g, b] = parts(color).slice(0, 3).map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = element => { for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor, alpha = parts(color)[3];
    if (alpha === undefined || alpha === 1) return color; } return 'rgb(255, 255, 255)'; };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ['SCRIPT', 'STYLE'].includes(element.tagName) || !element.getClientRects().length) continue;
    const a = light(getComputedStyle(element).color), b = light(behind(element));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.push([walker.currentNode.data, ratio]);
  }
  return found; })()"""

# Labels of tiles that are cut off.
CUT = """[...document.querySelectorAll('.tile b, .tile span')].filter(e => {
  const t = e.parentElement.getBoundingClientRect(), b = e.getBoundingClientRect();
  return b.right > t.right + 1 || b.bottom > t.bottom + 1 || e.scrollWidth > e.clientWidth + 1 }).map(e => e.textContent)"""


def bytes_of(text):
    number, unit = text.split()
    return float(number) * UNITS[unit]


class MemoryPage(NodesCase):
    def open(self, masu, width=1280, height=900, phone=False, scheme="light", ready=READY):
        browser = self.browser()
        self.port = (masu.repo / "api").read_text().strip().rpartition("/")[2]
        browser.do("prefer", scheme=scheme)
        browser.do("size", width=width, height=height, phone=phone)
        self.assertEqual(browser.do("open", url=f"http://127.0.0.1:{self.port}/memory")["status"], 200)
        browser.do("wait", script=ready)
        return browser

    def focused(self, browser):
        """The key of what has the focus, and its middle."""
        return browser.evaluate("(() => { const e = document.activeElement, b = e.getBoundingClientRect();"
                                "return [e.dataset.key || e.tagName, b.left + b.width / 2, b.top + b.height / 2] })()")

    def test_shows_what_the_rpc_says_and_asks_nobody_else(self):
        masu = self.masu()
        browser = self.open(masu)
        report = masu.rpc("stats/memory")
        self.assertLess(abs(bytes_of(browser.evaluate("$('rss').textContent")) - report["Rss"]), MIB)
        self.assertIn("64.0 MiB", browser.evaluate("$('of').textContent"))
        rows = browser.evaluate("[...document.querySelectorAll('#rows tr')].map(r => [...r.children].map(c => c.textContent))")
        shown = {row[0]: row[1:] for row in rows}
        for account in report["Accounts"]:
            quota = shown[account["Name"]][3]
            self.assertLessEqual(abs(bytes_of(quota) - account["Quota"]), account["Quota"] / 150, account)
            self.assertEqual(shown[account["Name"]][4], "–")
        # The tiles are RSS: their areas are its share of the box.
        share = browser.evaluate("""(() => { const area = e => { const b = e.getBoundingClientRect(); return b.width * b.height; };
          return [...document.querySelectorAll('.tile:not(.free)')].reduce((s, t) => s + area(t), 0) / area($('inside')); })()""")
        self.assertAlmostEqual(share, report["Rss"] / report["Budget"], delta=0.02)
        self.assertEqual(browser.evaluate(CUT), [])
        noticed = browser.do("noticed")
        self.assertEqual(noticed["errors"], [])
        own = f"http://127.0.0.1:{self.port}/"
        for request in noticed["requests"]:
            self.assertIn(request, (f"GET {own}memory", f"POST {own}api/v0/stats/memory?history=true"))

    def test_follows_the_node(self):
        masu = self.masu()
        path = self.dir / "file"
        content.write_file(path, 48 * MIB)
        browser = self.open(masu)
        row = "[...document.querySelectorAll('#rows tr')].find(r => r.firstChild.textContent === 'request.block').children[2].textContent"
        self.assertEqual(browser.evaluate(row), "–")
        adding = threading.Thread(target=masu.run, args=("add", "-Q", path))
        adding.start()
        browser.do("wait", script=f"{row} !== '–'")
        adding.join()
        browser.do("wait", script="document.querySelectorAll('#chart path').length === 5")
        self.assertEqual(browser.do("noticed")["errors"], [])

    def test_keys_go_where_they_point(self):
        browser = self.open(self.masu(), 1920, 1080)
        browser.do("press", key="ArrowDown")
        visited = {self.focused(browser)[0]}
        self.assertTrue(browser.evaluate("document.activeElement.classList.contains('tile')"))
        for key, axis, sign in (("ArrowUp", 2, -1), ("ArrowDown", 2, 1), ("ArrowRight", 1, 1), ("ArrowLeft", 1, -1)) * 3:
            before = self.focused(browser)
            browser.do("press", key=key)
            after = self.focused(browser)
            if after[0] != before[0]:
                self.assertGreater(sign * (after[axis] - before[axis]), 0, (key, before, after))
                visited.add(after[0])
        self.assertGreater(len(visited), 2, visited)
        ring = browser.evaluate("(() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)] })()")
        self.assertEqual(ring[0], "solid")
        self.assertGreaterEqual(ring[1], 3)
        key = self.focused(browser)[0]
        browser.do("press", key="Enter")
        self.assertEqual(browser.evaluate("document.activeElement.getAttribute('aria-pressed')"), "true")
        self.assertEqual(browser.evaluate("$('detail').dataset.key"), key)
        self.assertIn("of the budget", browser.evaluate("$('detail').textContent"))
        # The figures come anew each second; the focus stays.
        browser.evaluate("$('state').textContent = ''")
        browser.do("wait", script="$('state').textContent !== ''")
        self.assertEqual(self.focused(browser)[0], key)
        for _ in range(8):
            browser.do("press", key="ArrowDown")
        self.assertEqual(browser.evaluate("document.activeElement.getAttribute('aria-label')"), "All rows")

    def test_every_text_has_contrast_in_light_and_dark(self):
        browser = self.open(self.masu())
        browser.do("press", key="ArrowDown")
        papers = set()
        for scheme in ("light", "dark"):
            browser.do("prefer", scheme=scheme)
            self.assertEqual(browser.evaluate(PALE), [], scheme)
            # Every colour that a tile may have, and what is said in red.
            kinds = ["code", "process", "libraries", "chunks", "heap", "net", "bitswap", "store", "http", "node"]
            for kind in kinds:
                browser.evaluate(f"document.querySelectorAll('.tile').forEach(t => t.style.background = 'var(--{kind})')")
                self.assertEqual(browser.evaluate(PALE), [], (scheme, kind))
            browser.evaluate("say('for the test')")
            self.assertEqual(browser.evaluate(PALE), [], scheme)
            browser.evaluate("say('')")
            papers.add(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
            distinct = browser.evaluate("new Set(%s.map(k => getComputedStyle(document.documentElement).getPropertyValue('--' + k))).size" % kinds)
            self.assertEqual(distinct, len(kinds))
        self.assertEqual(len(papers), 2)

    def test_fits_a_phone(self):
        browser = self.open(self.masu(), 360, 740, phone=True)
        self.assertLessEqual(browser.evaluate("document.documentElement.scrollWidth"), 360)
        self.assertEqual(browser.evaluate(CUT), [])
        browser.do("tap", selector=".tile[data-key=code]")
        self.assertIn("code", browser.evaluate("$('detail').querySelector('h2').textContent"))
        # What was tapped is explained without scrolling.
        self.assertLess(browser.evaluate("$('detail').querySelector('p').getBoundingClientRect().bottom"), 740)
        self.assertLessEqual(browser.evaluate("document.documentElement.scrollWidth"), 360)

    def test_is_read_from_a_sofa(self):
        browser = self.open(self.masu(), 1920, 1080)
        self.assertGreaterEqual(browser.evaluate("parseFloat(getComputedStyle(document.body).fontSize)"), 22)
        self.assertEqual(browser.evaluate("document.documentElement.scrollWidth"), 1920)
        # With all that there may be: a ladder, and an arena that is explained.
        names = ["purge", "drop code pages", "shrink caches", "stop optional growth", "stop dialling", "shorten idle timeouts",
                 "trim connections", "refuse inbound streams", "refuse inbound connections", "reset heaviest streams"]
        rungs = [{"Name": name, "Active": at < 4, "Entered": 7 - at if at < 7 else 0} for at, name in enumerate(names)]
        browser.evaluate(f"clearTimeout(timer); show(Object.assign({{}}, last, {{Rungs: {json.dumps(rungs)}}})); choose('code')")
        self.assertEqual(browser.evaluate("$('force').textContent"), "Pressure: 4 of 10 rungs in force")
        self.assertEqual(browser.evaluate("[...document.querySelectorAll('#rungs .on')].map(li => li.textContent)"),
                         [f"● {name} {7 - at}×" for at, name in enumerate(names[:4])])
        self.assertEqual(browser.evaluate(PALE), [])
        for part in ("box", "line"):
            self.assertLessEqual(browser.evaluate(f"$('{part}').getBoundingClientRect().bottom"), 1080, part)

    def test_moves_only_for_those_who_like_it(self):
        browser = self.open(self.masu())
        motion = "getComputedStyle(document.querySelector('.tile')).transitionDuration"
        self.assertEqual(browser.evaluate(motion), "0s")
        browser.do("prefer", motion="no-preference")
        self.assertIn("0.4s", browser.evaluate(motion))

    def test_says_that_the_node_is_gone_and_recovers(self):
        masu = self.masu(start=False)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        masu.configure({"Addresses.API": f"/ip4/127.0.0.1/tcp/{port}"})
        masu.start()
        browser = self.open(masu)
        self.assertTrue(browser.evaluate("$('alert').hidden"))
        masu.stop()
        browser.do("wait", script="!$('alert').hidden")
        self.assertIn("cannot be reached", browser.evaluate("$('alert').textContent"))
        masu.start()
        browser.do("wait", script="$('alert').hidden")

    def test_asks_for_a_token_where_one_is_needed(self):
        masu = self.masu(start=False)
        masu.configure({"API.Authorizations": {"tv": {"AuthSecret": "bearer:sesame", "AllowedPaths": ["/api/v0/stats/memory"]}}})
        self.assertIn("sesame", masu.out("config", "API.Authorizations"), "without a daemon nobody is asked")
        masu.start()
        browser = self.open(masu, ready="!$('alert').hidden")
        self.assertIn("token", browser.evaluate("$('alert').textContent"))
        browser.do("type", selector="#alert input", text="sesame")
        browser.do("tap", selector="#alert button")
        browser.do("wait", script=READY)
        browser.do("wait", script="$('alert').hidden")
