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
    """Adds, pins, unpins and collects until SIGKILL, round after round; what was acknowledged holds in the next one."""

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"    seed {seed}", flush=True)
        self.chance = random.Random(seed)
        self.pinned, self.unpinned = {}, set()  # content by root; a root whose last command was not acknowledged is in neither

    def test_what_was_acknowledged_is_there_after_sigkill(self):
        masu = self.masu(start=False)
        for round_number in range(8):
            masu.start()
            self.check(masu)
            worker = threading.Thread(target=self.work, args=(masu, round_number))
            worker.start()
            time.sleep(self.chance.uniform(0.05, 1.5))
            masu.kill()
            worker.join()
        masu.start()
        self.check(masu)
        # One more time in peace, with so much garbage around it that the segment of 64 MiB is full: only those are rewritten.
        for number, action in enumerate([self.add, self.add, self.unpin] + 6 * [self.garbage]):
            self.assertTrue(action(masu, f"last/{number}"))
        before = self.segments(masu)
        self.assertGreater(len(masu.out("repo", "gc", "-q").split()), 6 * 48)
        self.assertTrue(before - self.segments(masu), "no segment was rewritten")
        self.check(masu)
        masu.stop()

    def check(self, masu):
        for cid, text in self.pinned.items():
            self.assertEqual(masu.run("cat", "--offline", cid).stdout, text)
        listed = set(masu.out("pin", "ls", "--type=recursive", "-q").split())
        self.assertLessEqual(set(self.pinned), listed)
        self.assertFalse(self.unpinned & listed)

    @staticmethod
    def segments(masu):
        return {file.name for file in (masu.repo / "blocks").glob("*")}

    def work(self, masu, round_number):
        # The last one collects what is garbage by then, and rewrites segments where the pinned lies between it.
        actions = [self.add, self.garbage, self.repin, self.add, self.unpin, self.garbage, self.collect]
        for number in range(1000):
            if not actions[number % len(actions)](masu, f"{round_number}/{number}"):
                return

    def acknowledged(self, masu, *args, **kwargs):
        """The output of a command; None when the daemon is gone: nothing was acknowledged, or by a process that opened the
        repo itself."""
        result = masu.run(*args, check=False, **kwargs)
        process = masu.process
        if result.returncode != 0 or process is None or process.poll() is not None:
            return None
        return result.stdout.decode().strip()

    def add(self, masu, name):
        text = b"".join(content.pieces(self.chance.choice([10, 30_000, 700_000]), f"kept {name}"))
        cid = self.acknowledged(masu, "add", "-Q", input=text)
        if cid is not None:
            self.pinned[cid] = text
        return cid is not None

    def garbage(self, masu, name):
        text = b"".join(content.pieces(12 * MIB, f"garbage {name}"))
        return self.acknowledged(masu, "add", "-Q", "--pin=false", input=text) is not None

    def unpin(self, masu, _):
        cid = self.chance.choice(sorted(self.pinned))
        done = self.unpin_one(masu, cid)
        if done:
            self.unpinned.add(cid)
        return done

    def repin(self, masu, _):
        cid = self.chance.choice(sorted(self.pinned))
        text = self.pinned[cid]
        if not self.unpin_one(masu, cid) or self.acknowledged(masu, "pin", "add", cid) is None:
            return False
        self.pinned[cid] = text
        return True

    def unpin_one(self, masu, cid):
        del self.pinned[cid]
        return self.acknowledged(masu, "pin", "rm", cid) is not None

    def collect(self, masu, _):
        return self.acknowledged(masu, "repo", "gc", "-q") is not None


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
