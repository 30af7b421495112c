"""What the long runs of bench/ measure with: samples of a process over time, and what is made of them."""

import math
import os
import re
import sys
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT / "tests/interop") not in sys.path:
    sys.path.insert(0, str(ROOT / "tests/interop"))

import ledger  # noqa: E402
import nodes  # noqa: E402
from nodes import MIB, Masu  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def process_cpu_seconds(pid):
    """Processor time of a process, with that of threads that have ended: utime and stime of its stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def least_squares(points):
    """The line through (x, y): (slope, standard error of the slope, y at x = 0). Requires three points or more, not all
    at one x."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    start = mean_y - slope * mean_x
    left = sum((y - start - slope * x) ** 2 for x, y in points)
    return slope, math.sqrt(left / (count - 2) / spread), start


def means(points, width):
    """One point for each `width` of x: the means. Samples that follow each other closely are no independent ones; the error of
    a slope is only right for points that are."""
    groups = {}
    for x, y in points:
        groups.setdefault(int(x // width), []).append((x, y))
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group))
            for _, group in sorted(groups.items())]


def peak_of(rss, until=math.inf):
    """(seconds, bytes) of the highest sample up to then; the first of equals."""
    return max((sample for sample in rss if sample[0] <= until), key=lambda sample: sample[1])


def heap_of_kubo(node):
    """Of Go's runtime: `alloc` and `inuse` are HeapAlloc and HeapInuse: bytes of objects (live ones, and dead ones that are not swept
    yet), and of their spans. `live` is what its last collection found: with GOGC=100 the next one is due at twice that."""
    port = (node.repo / "api").read_text().strip().rpartition("/")[2]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/debug/metrics/prometheus", timeout=30) as answer:
        return parse_go_heap(answer.read().decode())


def parse_go_heap(text):
    found = dict(re.findall(r"^go_(memstats_(?:heap_alloc|heap_inuse|next_gc)_bytes|gc_gogc_percent) (\S+)$", text, re.MULTILINE))
    assert found["gc_gogc_percent"] == "100", "a Kubo as it comes collects when its heap has doubled"
    alloc = float(found["memstats_heap_alloc_bytes"])
    return {"alloc": alloc, "inuse": float(found["memstats_heap_inuse_bytes"]),
            "live": min(alloc, float(found["memstats_next_gc_bytes"]) / 2)}


def live_of_masu(report):
    """Bytes that were asked for and not freed, of all accounts and of the libraries' heap."""
    return {"live": report["Live"], "committed": report["Committed"]}


def burst(node, ended):
    """What a masu has committed ten seconds after `ended` (monotonic): waits until then, and asks once."""
    time.sleep(max(0.0, ended + ledger.COMMITTED_SECONDS - time.monotonic()))
    return ledger.Burst(node.rpc("stats/memory"))


class Watch(threading.Thread):
    """Samples a daemon: RSS each 250 ms, what is live in it each second, and of masu what is unexplained. Times are seconds since
    `begin`."""

    def __init__(self, node, begin, interval=0.25):
        super().__init__(daemon=True)
        self.node, self.begin, self.interval = node, begin, interval
        self.rss, self.live, self.missed = [], [], 0
        self.ledger = ledger.Ledger(lambda: self.node.rpc("stats/memory"))  # filled here, in step with `live`
        self._ended, self._asks = threading.Event(), threading.Event()
        self._asks.set()

    def seconds(self):
        return time.monotonic() - self.begin

    def run(self):
        live = threading.Thread(target=self._watch_live, daemon=True)
        live.start()
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            rss = nodes.status_bytes(self.node.pid, "VmRSS")
            if rss is None:
                break
            self.rss.append((self.seconds(), rss))
            due = max(due + self.interval, time.monotonic())
        live.join()

    def _watch_live(self):
        while not self._ended.wait(1):
            if not self._asks.is_set():
                continue
            try:
                self.live.append((self.seconds(), self._ask_live()))
            except (OSError, ValueError, KeyError):
                self.missed += 1

    def _ask_live(self):
        if not isinstance(self.node, Masu):
            return heap_of_kubo(self.node)
        report = self.ledger.ask()
        self.ledger.note(report)
        return live_of_masu(report)

    def leave_alone(self):
        """Only looks from outside from now on: a node that is asked each second is not at rest."""
        self._asks.clear()

    def ask_again(self):
        self._asks.set()

    def stop(self):
        self._ended.set()
        self.join()

    def peak(self, until=math.inf):
        return peak_of(self.rss, until)

    def live_at(self, seconds):
        return min(self.live, key=lambda sample: abs(sample[0] - seconds))[1]

    def live_points(self):
        return [(seconds, live["live"]) for seconds, live in self.live]


def mib(size):
    return f"{size / MIB:.1f}"
