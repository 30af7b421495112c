"""SIGINT and SIGTERM end a daemon in order in the middle of work, a second signal at once; its pins are there afterwards."""

import signal
import subprocess

import content
from case import NodesCase
from nodes import MIB


class Signals(NodesCase):
    def setUp(self):
        super().setUp()
        self.node = self.masu()
        path = self.dir / "kept"
        self.digest = content.write_file(path, 5 * MIB, "kept")
        self.kept = self.node.out("add", "-Q", path)
        self.pins = self.pinned()

    def pinned(self):
        return set(self.node.out("pin", "ls", "--type=recursive", "-q").split())

    def begin(self, *args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
        command = subprocess.Popen([self.node.binary, *args], env=self.node.env, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)
        self.addCleanup(command.communicate)
        self.addCleanup(command.kill)
        return command

    def objects(self):
        return self.node.rpc("repo/stat")["NumObjects"]

    def end(self, *signals):
        """All at once: the daemon stands still until each is sent. Returns its exit code."""
        process = self.node.process
        process.send_signal(signal.SIGSTOP)
        for number in signals:
            process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        process.wait(20)
        return self.node.stop()

    def check_reopened(self):
        self.assertFalse((self.node.repo / "api").exists())
        self.node.start()
        self.assertEqual(self.pinned(), self.pins)
        self.node.run("get", "-o", self.dir / "out", self.kept)
        self.assertEqual(content.sha256(self.dir / "out"), self.digest)

    def check_broken_off(self, command):
        self.assertNotEqual(command.wait(20), 0)
        self.assertIn("Error: ", command.stderr.read().decode())

    def test_sigterm_during_an_add(self):
        before = self.objects()
        adding = self.begin("add", "-Q", stdin=subprocess.PIPE)
        adding.stdin.write(b"".join(content.pieces(4 * MIB, "never ends")))
        adding.stdin.flush()
        self.wait_until(lambda: self.objects() > before + 8)
        self.assertEqual(self.end(signal.SIGTERM), 0)
        self.check_broken_off(adding)
        self.check_reopened()

    def begin_fetch(self, kubo, name):
        """Of a file with a block that nobody has: it is under way until somebody ends it."""
        path = self.dir / name
        content.write_file(path, 8 * MIB, name)
        root = kubo.out("add", "-Q", "--pin=false", path)
        kubo.run("block", "rm", kubo.out("refs", root).split()[20])
        self.node.connect(kubo)
        before = self.objects()
        fetching = self.begin("pin", "add", root)
        self.wait_until(lambda: self.objects() >= before + 20)
        return fetching

    def test_sigint_and_a_second_signal_during_a_fetch(self):
        kubo = self.kubo()
        for signals, code in (([signal.SIGINT], 0), ([signal.SIGINT, signal.SIGTERM], 1)):
            fetching = self.begin_fetch(kubo, f"fetch-{code}")
            self.assertEqual(self.end(*signals), code)
            self.check_broken_off(fetching)
            if code != 0:
                (self.node.repo / "api").unlink()  # it had no time to
            self.check_reopened()

    def test_sigterm_during_a_collection(self):
        path = self.dir / "garbage"
        content.write_file(path, 32 * MIB, "garbage")
        self.node.run("add", "-Q", "--pin=false", "--chunker=size-1024", path)
        before = self.objects()
        # What it removed is read no further than the first line.
        collecting = self.begin("repo", "gc", "-q", stdout=subprocess.PIPE)
        self.assertTrue(collecting.stdout.readline())
        self.assertEqual(self.end(signal.SIGTERM), 0)
        self.check_reopened()
        self.node.run("repo", "gc", "-q")
        self.assertLess(self.objects(), before - 32 * 1024)
