"""What a node costs a machine while it does nothing: the size of its binary, what it maps, how often it wakes."""

import shutil
import subprocess
import time
from pathlib import Path

import nodes
from case import NodesCase
from nodes import MIB

BINARY_MAX = 16 * MIB


class Footprint(NodesCase):
    def test_the_stripped_binary(self):
        self.need(nodes.MASU, "masu")
        stripped = self.dir / "masu"
        shutil.copyfile(nodes.MASU.resolve(), stripped)
        subprocess.run(["strip", stripped], check=True)
        size = stripped.stat().st_size
        self.assertLess(size, BINARY_MAX, f"{size / MIB:.2f} MiB")

    def test_nothing_but_the_binary_is_mapped(self):
        masu = self.masu()
        columns = [line.split(maxsplit=5) for line in Path(f"/proc/{masu.pid}/maps").read_text().splitlines()]
        code = {column[5] for column in columns if "x" in column[1] and column[5:] and column[5].startswith("/")}
        self.assertEqual(code, {str(nodes.MASU.resolve())})
        report = masu.rpc("stats/memory")
        self.assertLess(abs(report["Unexplained"]), MIB)

    def test_an_idle_daemon_sleeps(self):
        masu = self.masu()
        # After ten seconds of rest nothing is left to give back.
        time.sleep(13)
        begin, wakeups, cpu = time.monotonic(), nodes.wakeups(masu.pid), nodes.cpu_seconds(masu.pid)
        time.sleep(10)
        seconds = time.monotonic() - begin
        self.assertLess((nodes.wakeups(masu.pid) - wakeups) / seconds, 2)
        self.assertLess((nodes.cpu_seconds(masu.pid) - cpu) / seconds, 0.002)
        self.assertLess(nodes.status_bytes(masu.pid, "VmRSS"), 16 * MIB)
        # It rests, and has not stopped: work is noticed, and what it took is given back again.
        cid = masu.out("add", "-Q", input=bytes(range(256)) * 4096 * 8)
        self.assertEqual(len(masu.run("cat", cid).stdout), 8 * MIB)
        deadline = time.monotonic() + 60
        while nodes.status_bytes(masu.pid, "RssFile") > 4 * MIB:
            self.assertLess(time.monotonic(), deadline, "pages of code stay after work")
            time.sleep(0.5)
