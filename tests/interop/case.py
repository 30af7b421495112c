"""The base of the interop tests: a directory of its own, nodes that are stopped after each test."""

import os
import tempfile
import time
import unittest
from pathlib import Path

import nodes

NOT_HERE = "not on this machine"


class NodesCase(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="masu-interop-")
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)

    def need(self, binary, what):
        if not nodes.have(binary):
            if os.environ.get("CI"):
                self.fail(f"{what} is missing: {binary}")
            self.skipTest(f"{what} is missing")

    def wait_until(self, reached, seconds=60):
        deadline = time.monotonic() + seconds
        while not reached():
            self.assertLess(time.monotonic(), deadline, "it did not get so far")
            time.sleep(0.02)

    def not_here(self, why):
        """Skips a test of something that a machine has or has not, and that nobody installs: where CI is set too."""
        self.skipTest(f"{NOT_HERE}: {why}")

    def masu(self, name="masu", budget="64M", start=True):
        self.need(nodes.MASU, "masu")
        node = nodes.Masu(self.dir / name, budget).init()
        self.addCleanup(node.stop)
        return node.start() if start else node

    def kubo(self, name="kubo", start=True):
        self.need(nodes.KUBO, "Kubo")
        node = nodes.Kubo(self.dir / name).init()
        self.addCleanup(node.stop)
        return node.start() if start else node

    def helia(self, name="helia"):
        self.need(nodes.NODE, "Node")
        node = nodes.Helia(self.dir / name)
        self.addCleanup(node.stop)
        return node

    def browser(self, name="browser"):
        self.need(nodes.NODE, "Node")
        self.need(nodes.CHROMIUM, "Chromium")
        self.need(nodes.BROWSER.parent / "node_modules/puppeteer-core", "the browser's driver")
        browser = nodes.Browser(self.dir / name)
        self.addCleanup(browser.stop)
        return browser
