"""Garbage is collected by itself with --enable-gc, and only with it."""

import time

import content
from case import NodesCase
from nodes import MIB


class Storage(NodesCase):
    def node(self, name, *args):
        """With 8 MiB that nothing keeps and 1 MiB that is pinned, where 4 MB are enough to collect."""
        node = self.masu(name, start=False)
        node.configure({"Datastore.StorageMax": "4MB", "Datastore.GCPeriod": "1s"})
        node.start(extra=args)
        content.write_file(self.dir / "kept", MIB, "kept")
        content.write_file(self.dir / "garbage", 8 * MIB, "garbage")
        return node, node.out("add", "-Q", self.dir / "kept"), node.out("add", "-Q", "--pin=false", self.dir / "garbage")

    def test_above_the_watermark_garbage_goes_by_itself(self):
        node, kept, garbage = self.node("keeper", "--enable-gc")
        until = time.monotonic() + 60
        while node.rpc("repo/stat")["RepoSize"] > 3_600_000 and time.monotonic() < until:
            time.sleep(0.2)
        self.assertLessEqual(node.rpc("repo/stat")["RepoSize"], 3_600_000)
        self.assertNotEqual(node.run("cat", "--offline", garbage, check=False).returncode, 0)
        self.assertEqual(node.run("cat", "--offline", kept).stdout, (self.dir / "kept").read_bytes())
        self.assertIn("watermark exceeded", node.log_text())

    def test_without_the_flag_nothing_goes(self):
        node, kept, garbage = self.node("plain")
        time.sleep(3)  # periods have passed
        self.assertEqual(node.run("cat", "--offline", garbage).stdout, (self.dir / "garbage").read_bytes())

    def test_a_setting_that_cannot_be_read_is_named(self):
        node = self.masu("wrong", start=False)
        node.configure({"Datastore.StorageMax": "much"})
        with self.assertRaisesRegex(AssertionError, "Datastore.StorageMax: much is not a size"):
            node.start(extra=["--enable-gc"])
