"""What users, disks and power cuts do to a repo: a clear error each time, and nothing acknowledged is lost."""

import os
import random
import subprocess
import threading
import time

import content
import nodes
from case import NodesCase
from nodes import MIB


class Refused(NodesCase):
    def daemon(self, *args, env=None):
        return subprocess.run([nodes.MASU, "daemon", *args], env={**os.environ, "IPFS_PATH": str(self.dir / "masu"), **(env or {})},
                              capture_output=True, text=True, timeout=30)

    def test_a_budget_too_small_to_work_with(self):
        self.masu(start=False)
        result = self.daemon("--memory-budget=1M")
        self.assertEqual(result.returncode, 1)
        self.assertIn("1", result.stderr)
        self.assertRegex(result.stderr, r"(?i)budget")
        self.assertRegex(result.stderr, r"(?i)sum|total")

    def test_a_budget_that_is_no_number(self):
        self.masu(start=False)
        result = self.daemon("--memory-budget=much")
        self.assertEqual(result.returncode, 1)
        self.assertIn("much", result.stderr)

    def test_a_config_that_is_no_json(self):
        masu = self.masu(start=False)
        before = (masu.repo / "config").read_text()
        (masu.repo / "config").write_text("{ this is no JSON")
        result = self.daemon()
        self.assertEqual(result.returncode, 1)
        self.assertIn("config", result.stderr)
        self.assertEqual((masu.repo / "config").read_text(), "{ this is no JSON")
        (masu.repo / "config").write_text(before)
        masu.start()

    def test_a_repo_that_another_process_holds(self):
        masu = self.masu()
        result = self.daemon()
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"(?i)lock")
        self.assertTrue(masu.out("id"))

    def test_no_repo(self):
        result = subprocess.run([nodes.MASU, "cat", "x"], env={**os.environ, "IPFS_PATH": str(self.dir / "none")},
                                capture_output=True, text=True, timeout=30)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no IPFS repo found", result.stderr)

    def test_a_full_disk(self):
        mount = self.dir / "small"
        mount.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", mount], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no mounts here")
        self.addCleanup(subprocess.run, ["umount", mount], check=True)
        masu = self.masu("small/masu")
        kept = masu.out("add", "-Q", input=b"kept" * 1000)
        path = self.dir / "large"
        content.write_file(path, 64 * MIB)
        failed = masu.run("add", "-Q", path, check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertRegex(failed.stderr.decode(), r"(?i)no space|disk full")
        self.assertEqual(masu.run("cat", kept).stdout, b"kept" * 1000)
        masu.stop()
        masu.start()
        self.assertEqual(masu.run("cat", kept).stdout, b"kept" * 1000)
        masu.stop()


class Killed(NodesCase):
    def test_what_was_acknowledged_is_there_after_sigkill(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"    seed {seed}", flush=True)
        chance = random.Random(seed)
        masu = self.masu(start=False)
        acknowledged, pinned = {}, set()
        for round_number in range(6):
            masu.start()
            for cid, text in acknowledged.items():
                self.assertEqual(masu.run("cat", cid).stdout, text)
            listed = set(masu.out("pin", "ls", "--type=recursive", "-q").split())
            self.assertLessEqual(pinned, listed)
            worker = threading.Thread(target=self.work, args=(masu, round_number, acknowledged, pinned))
            worker.start()
            time.sleep(chance.uniform(0.05, 1.0))
            masu.kill()
            worker.join()
        masu.start()
        self.assertTrue(acknowledged)
        for cid, text in acknowledged.items():
            self.assertEqual(masu.run("cat", cid).stdout, text)
        masu.stop()

    def work(self, masu, round_number, acknowledged, pinned):
        """Adds, pins and collects until the daemon is gone; notes what was acknowledged."""
        for number in range(1000):
            text = f"round {round_number} number {number} ".encode() * (1 + number % 40 * 500)
            result = masu.run("add", "-Q", input=text, check=False)
            if result.returncode != 0 or masu.process is None or masu.process.poll() is not None:
                # Acknowledged just before the kill, or done by a process that opened the repo itself: not counted.
                return
            cid = result.stdout.decode().strip()
            acknowledged[cid] = text
            pinned.add(cid)
            if number % 7 == 3 and masu.run("repo", "gc", "-q", check=False).returncode != 0:
                return


class Collection(NodesCase):
    def test_gc_keeps_what_is_pinned_and_drops_the_rest(self):
        masu = self.masu()
        kept_path, dropped_path = self.dir / "kept", self.dir / "dropped"
        digest = content.write_file(kept_path, 8 * MIB, "kept")
        content.write_file(dropped_path, 8 * MIB, "dropped")
        kept = masu.out("add", "-Q", "--cid-version=1", kept_path)
        dropped = masu.out("add", "-Q", "--cid-version=1", "--pin=false", dropped_path)
        removed = masu.out("repo", "gc", "-q").split()
        self.assertIn(content.raw_cid(dropped), removed)
        self.assertNotIn(content.raw_cid(kept), removed)
        masu.run("get", "-o", self.dir / "out", kept)
        self.assertEqual(content.sha256(self.dir / "out"), digest)
        self.assertNotEqual(masu.run("cat", "--offline", dropped, check=False).returncode, 0)

    def test_space_comes_back(self):
        masu = self.masu()
        path = self.dir / "file"
        content.write_file(path, 100 * MIB)
        masu.run("add", "-Q", "--pin=false", path)
        before = self.disk(masu)
        masu.run("repo", "gc", "-q")
        self.assertLess(self.disk(masu), before / 2)

    @staticmethod
    def disk(masu):
        return sum(file.stat().st_blocks * 512 for file in masu.repo.rglob("*") if file.is_file())
