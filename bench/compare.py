"""masu beside Kubo: the same work, the same machine, the same run. See scripts/bench.

Each row runs masu and Kubo in turn (so that a slow minute of the machine meets both), several times, and reports the
median of each, the spread (lowest to highest) and the ratio of the medians. Every masu daemon is sampled: its
highest RSS over all the work is a row too. All traffic is on loopback, in a network namespace where one can be made.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/interop"))

import content  # noqa: E402
import nodes  # noqa: E402
from ledger import Burst, Ledger, committed_max  # noqa: E402
from nodes import MIB, Helia, Kubo, Masu, Node  # noqa: E402
from run import enter_namespace  # noqa: E402

FETCH = 512 * MIB
ADD = 1024 * MIB
RESIDUE_SECONDS = (10, 30)
BUDGETS = os.environ.get("BUDGETS", "64M,32M,16M,256M,1G").split(",")  # of the row `budgets`, the first one is what it compares with


class Bench:
    def __init__(self, scale):
        self.dir = Path(tempfile.mkdtemp(prefix="masu-bench-"))
        self.scale = scale
        self.count = 0
        self.peaks = []
        self.running = []

    def helia(self):
        self.count += 1
        helia = Helia(self.dir / f"helia-{self.count}")
        self.running.append(helia)
        return helia

    def size(self, size):
        return max(MIB, size // self.scale)

    def node(self, kind, start=True):
        self.count += 1
        node = kind(self.dir / f"{kind.__name__.lower()}-{self.count}").init()
        if start:
            self.start(node)
        return node

    def start(self, node):
        node.start()
        self.running.append(node)
        return node

    def stop_all(self):
        for node in self.running:
            node.stop()
            if isinstance(node, Masu):
                self.peaks.append(max(node.watch.peak, node.watch.high_water))
            empty(node.repo if isinstance(node, Node) else node.directory)
        self.running.clear()

    def file(self, size, seed="bench"):
        path = self.dir / f"{seed}-{size}"
        if not path.exists():
            content.write_file(path, size, seed)
        return path


def empty(directory):
    """Gives the space of a repo back, but keeps its files until the end: ext4 looks past each inode that was deleted
    in the last minutes when it makes a file, and a node with a file for each block would pay for the run before it."""
    for path, _, names in os.walk(directory):
        for name in names:
            file = os.path.join(path, name)
            if os.path.isfile(file):
                os.truncate(file, 0)


def timed(function):
    """Seconds. What was written before is on the disk first, or whoever waits for the disk would pay for who does not."""
    os.sync()
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def discard(node, *args):
    """Runs a command with its output to /dev/null."""
    subprocess.run([node.binary, *map(str, args)], env=node.env, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)


def fetch(bench, kind, givers):
    size = bench.size(FETCH)
    path = bench.file(size)
    peers = [bench.node(Kubo) for _ in range(givers)]
    cid = None
    for peer in peers:
        cid = peer.out("add", "-Q", path, timeout=600)
    node = bench.node(kind)
    for peer in peers:
        node.connect(peer)
    seconds = timed(lambda: discard(node, "pin", "add", cid))
    stat = json.loads(node.out("bitswap", "stat", "--enc=json"))
    duplicates = stat["DupDataReceived"] / max(1, stat["DataReceived"])
    bench.note = f"{duplicates * 100:.2f} % received twice"
    return size / MIB / seconds


def fetch_one(bench, kind):
    return fetch(bench, kind, 1)


def fetch_four(bench, kind):
    return fetch(bench, kind, 4)


def serve(bench, kind):
    size = bench.size(FETCH)
    node, peer = bench.node(kind), bench.node(Kubo)
    cid = node.out("add", "-Q", bench.file(size), timeout=600)
    peer.connect(node)
    return size / MIB / timed(lambda: discard(peer, "pin", "add", cid))


def add(bench, kind):
    size = bench.size(ADD)
    path = bench.file(size)
    node = bench.node(kind)
    return size / MIB / timed(lambda: discard(node, "add", "-Q", path))


def hash_of_cat(node, cid):
    """The SHA-256 of a file as the node gives it."""
    process = subprocess.Popen([node.binary, "cat", cid], env=node.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    digest = hashlib.sha256()
    while piece := process.stdout.read(1 << 20):
        digest.update(piece)
    assert process.wait() == 0, f"cat {cid}: exit {process.returncode}"
    return digest.hexdigest()


def gib(bench, giver, taker):
    """1 GiB from one to the other, and the bytes compared."""
    size = bench.size(ADD)
    path = bench.file(size)
    cid = giver.out("add", "-Q", path, timeout=600)
    taker.connect(giver)
    seconds = timed(lambda: discard(taker, "pin", "add", cid))
    assert hash_of_cat(taker, cid) == content.sha256(path), "other bytes came"
    return size / MIB / seconds


def note_peak(bench, node):
    if isinstance(node, Masu):
        node.watch.sample()
        bench.note = f"same SHA-256; RSS at most {max(node.watch.peak, node.watch.high_water) / MIB:.1f} MiB in {node.watch.samples} samples"


def gib_from_kubo(bench, kind):
    node = bench.node(kind)
    speed = gib(bench, bench.node(Kubo), node)
    note_peak(bench, node)
    return speed


def gib_to_kubo(bench, kind):
    node = bench.node(kind)
    speed = gib(bench, node, bench.node(Kubo))
    note_peak(bench, node)
    return speed


def gib_from_helia(bench, kind):
    size = bench.size(ADD)
    path, node, peer = bench.file(size), bench.node(kind), bench.helia()
    cid = peer.do("add", path=str(path))["cid"]
    node.connect(peer)
    seconds = timed(lambda: discard(node, "pin", "add", cid))
    assert hash_of_cat(node, cid) == content.sha256(path), "other bytes came"
    note_peak(bench, node)
    return size / MIB / seconds


def gib_to_helia(bench, kind):
    size = bench.size(ADD)
    path, node, peer = bench.file(size), bench.node(kind), bench.helia()
    cid = node.out("add", "-Q", "--cid-version=1", "--chunker=size-1048576", path, timeout=600)
    peer.do("dial", address=node.address())
    got = bench.dir / "helia-got"
    seconds = timed(lambda: peer.do("cat", cid=cid, path=str(got), timeout=3600))
    assert content.sha256(got) == content.sha256(path), "other bytes came"
    got.unlink()
    note_peak(bench, node)
    return size / MIB / seconds


def add_many(bench, kind):
    entries = 10_000 // bench.scale
    path = bench.dir / f"many-{entries}"
    if not path.exists():
        content.write_directory(path, entries, size=4096)
    node = bench.node(kind)
    return entries / timed(lambda: discard(node, "add", "-r", "-Q", path))


def cat(bench, kind):
    size = bench.size(ADD)
    node = bench.node(kind)
    cid = node.out("add", "-Q", bench.file(size), timeout=600)
    return size / MIB / timed(lambda: discard(node, "cat", cid))


def start(bench, kind):
    node = bench.node(kind, start=False)
    seconds = timed(lambda: bench.start(node))
    return seconds * 1000


def command(bench, kind):
    node = bench.node(kind)
    node.run("id")
    return statistics.median(timed(lambda: discard(node, "id")) for _ in range(20)) * 1000


def idle_after(seconds):
    def idle(bench, kind):
        node = bench.node(kind)
        time.sleep(seconds)
        return nodes.status_bytes(node.pid, "VmRSS") / MIB

    return idle


def idle_change(bench, kind, counter):
    """How much a counter of an idle daemon grows in a second: over 30 s, from 30 s after its start."""
    node = bench.node(kind)
    time.sleep(30)
    begin, before = time.monotonic(), counter(node.pid)
    time.sleep(30)
    return (counter(node.pid) - before) / (time.monotonic() - begin)


def idle_wakeups(bench, kind):
    return idle_change(bench, kind, nodes.wakeups)


def idle_cpu(bench, kind):
    return 100 * idle_change(bench, kind, nodes.cpu_seconds)


def residue(bench):
    """What one masu daemon holds 10 s and 30 s after all kinds of work, beside what of it is live or a cache; and the most that was
    unexplained while it worked."""
    size = bench.size(FETCH)
    node, peer = bench.node(Masu), bench.node(Kubo)
    node.connect(peer)
    path, other = bench.file(size), bench.file(size, "residue")
    theirs = peer.out("add", "-Q", other, timeout=600)
    with Ledger(lambda: node.rpc("stats/memory")) as watch:
        mine = node.out("add", "-Q", path, timeout=600)
        discard(node, "pin", "add", theirs)
        discard(peer, "pin", "add", mine)
        discard(node, "cat", theirs)
    ended, reports = time.monotonic(), {}
    for seconds in RESIDUE_SECONDS:
        time.sleep(max(0.0, ended + seconds - time.monotonic()))
        reports[seconds] = node.rpc("stats/memory")
    bench.stop_all()
    for problem in watch.problems:
        print(f"FAIL: {problem}")
    kept = {str(seconds): {name: report[name] for name in ("Committed", "Live", "Idle", "Rss", "RssHighWater")}
            for seconds, report in reports.items()}
    return {**kept, "unexplained": watch.worst, "samples": watch.samples}


def residues(bench, runs):
    """Prints the worst of each; returns all."""
    held = [residue(bench) for _ in range(min(runs, 3))]
    size = bench.size(FETCH) // MIB
    print(f"\nafter add, fetch, serve and cat of {size} MiB in one daemon, the worst of {len(held)}:")
    for seconds in RESIDUE_SECONDS:
        worst = max((one[str(seconds)] for one in held), key=lambda report: report["Committed"] - committed_max(report))
        print(f"{'' if Burst(worst).good else 'FAIL: '}{seconds} s after: {Burst(worst).text()}, RSS {worst['Rss'] / MIB:.2f} MiB")
    worst = max((one["unexplained"] for one in held), key=abs)
    print(f"unexplained meanwhile, looked at each second: at most {worst / 1024:+.0f} KiB in {sum(one['samples'] for one in held)} samples")
    return held


def masu_at(budget_text):
    """A kind of node: masu at that budget."""
    return type(f"Masu{budget_text}", (Masu,), {"__init__": lambda self, directory: Masu.__init__(self, directory, budget_text)})


def budgets(bench, runs):
    """Undisturbed fetch, serve and add at each budget, in turn. Prints its table; returns the figures."""
    kinds = [masu_at(text) for text in BUDGETS]
    print("\n| masu alone | unit | " + " | ".join(BUDGETS) + " | " + " | ".join(f"{text} / {BUDGETS[0]}" for text in BUDGETS[1:]) +
          " | highest RSS, MiB |\n" + "|---" * (2 * len(BUDGETS) + 2) + "|")
    results = {}
    for name in ("fetch-1", "serve", "add"):
        what, unit, _, function = ROWS[name]
        figures, peaks = {kind: [] for kind in kinds}, {kind: 0 for kind in kinds}
        for _ in range(runs):
            for kind in kinds:
                figures[kind].append(function(bench, kind))
                before = len(bench.peaks)
                bench.stop_all()  # fails when resident memory passed the budget
                peaks[kind] = max([peaks[kind], *bench.peaks[before:]])
                del bench.peaks[before:]  # of another budget than the last line of all speaks of
        full, *others = (statistics.median(figures[kind]) for kind in kinds)
        print(f"| {what} | {unit} | " + " | ".join(spread(figures[kind]) for kind in kinds) + " | " +
              " | ".join(f"{speed / full:.2f}" for speed in others) + " | " +
              "; ".join(f"{peaks[kind] / MIB:.1f}" for kind in kinds) + " |", flush=True)
        results[name] = {text: figures[kind] for text, kind in zip(BUDGETS, kinds)}
    return results


# name: (what it is, unit, higher is better, function, what must be reached as masu/Kubo)
ROWS = {
    "idle-30": ("idle daemon, 30 s after start, RSS", "MiB", False, idle_after(30)),
    "idle": ("idle daemon, 60 s after start, RSS", "MiB", False, idle_after(60)),
    "idle-wakeups": ("idle daemon, wake-ups a second", "1/s", False, idle_wakeups),
    "idle-cpu": ("idle daemon, CPU", "%", False, idle_cpu),
    "fetch-1": ("fetch 512 MiB from one Kubo peer", "MiB/s", True, fetch_one),
    "fetch-4": ("fetch 512 MiB from four Kubo peers", "MiB/s", True, fetch_four),
    "serve": ("serve 512 MiB to one Kubo peer", "MiB/s", True, serve),
    "gib-from-kubo": ("1 GiB from a Kubo peer, compared by SHA-256", "MiB/s", True, gib_from_kubo),
    "gib-to-kubo": ("1 GiB to a Kubo peer, compared by SHA-256", "MiB/s", True, gib_to_kubo),
    "gib-from-helia": ("1 GiB from a Helia peer, compared by SHA-256", "MiB/s", True, gib_from_helia),
    "gib-to-helia": ("1 GiB to a Helia peer, compared by SHA-256", "MiB/s", True, gib_to_helia),
    "add": ("add 1 GiB", "MiB/s", True, add),
    "add-many": ("add 10,000 files of 4 KiB", "files/s", True, add_many),
    "cat": ("cat 1 GiB over RPC", "MiB/s", True, cat),
    "start": ("start to ready", "ms", False, start),
    "command": ("one command (id) against a running daemon", "ms", False, command),
}
# Only when they are named: Helia sets the pace, and takes minutes for each.
WHEN_NAMED = {"gib-from-helia", "gib-to-helia"}


def spread(values):
    digits = 1 if max(values) >= 1 else 3
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=int, default=1, help="divide all sizes by this (for a quick look)")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", help="write the figures here too")
    arguments = parser.parse_args()
    if arguments.list:
        for name, row in ROWS.items():
            print(f"{name:14} {row[0]}")
        print("residue        what masu holds 10 s and 30 s after work, and what is unexplained meanwhile")
        print(f"budgets        fetch-1, serve and add at {', '.join(BUDGETS[1:])}, against {BUDGETS[0]}")
        return 0
    enter_namespace()
    bench = Bench(arguments.scale)
    results = {}
    print(f"machine: {os.cpu_count()} cores, {platform.processor() or platform.machine()}, Linux {platform.release()}")
    print("| work | unit | masu | Kubo | ratio | note |\n|---|---|---|---|---|---|", flush=True)
    try:
        for name in arguments.rows or [name for name in ROWS if name not in WHEN_NAMED]:
            if name in ("residue", "budgets"):
                continue
            what, unit, higher, function = ROWS[name]
            figures = {Masu: [], Kubo: []}
            notes = {}
            for _ in range(arguments.runs):
                for kind in (Masu, Kubo):
                    bench.note = ""
                    figures[kind].append(function(bench, kind))
                    notes[kind] = bench.note
                    bench.stop_all()
            ours, theirs = (statistics.median(figures[kind]) for kind in (Masu, Kubo))
            results[name] = {"masu": figures[Masu], "kubo": figures[Kubo], "unit": unit}
            print(f"| {what} | {unit} | {spread(figures[Masu])} | {spread(figures[Kubo])} | {ours / theirs:.2f} × | "
                  f"{notes[Masu]} |", flush=True)
        if not arguments.rows or "residue" in arguments.rows:
            results["residue"] = residues(bench, arguments.runs)
        if not arguments.rows or "budgets" in arguments.rows:
            results["budgets"] = budgets(bench, arguments.runs)
        if bench.peaks:
            print(f"\nhighest RSS of any masu daemon with a budget of 64 MiB over all of this: {max(bench.peaks) / MIB:.2f} MiB")
    finally:
        bench.stop_all()
        shutil.rmtree(bench.dir, ignore_errors=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
