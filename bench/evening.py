"""An evening in the swarm, on masu and on Kubo, one after the other. See scripts/bench.

    evening.py [--minutes 10] [--seed 1] [--peers 690] [--budget 64M] [--svg FILE] [--json FILE] [masu|kubo|both]
    evening.py --show FILE [--svg FILE]

Hundreds of honest peers (bench/peers: each with a key, an address and a connection of its own; Noise, yamux, identify and
its pushes, ping, Bitswap) come and go as the seed draws it, while a user of the node fetches, imports and collects. Both
nodes are given the same schedule and the same content. Who is disconnected by the node's connection manager comes back
after a pause. Everything is on loopback, in a network namespace where one can be made.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import figures
import schedule
import swarm
from figures import MIB, Watch, mib

import ledger
import nodes
from nodes import Kubo, Masu
from run import enter_namespace

SETTLE_SECONDS = 15  # from a node's last work to where it begins
AFTER_SECONDS = 60
KINDS = ("connect", "ping", "have", "block", "absent", "all")


class Evening:
    """One node's evening; measure() returns its figures."""

    def __init__(self, kind, plan, directory, budget="64M", after=AFTER_SECONDS, settle=SETTLE_SECONDS):
        self.plan, self.dir, self.after, self.settle = plan, Path(directory), after, settle
        path = self.dir / kind.__name__.lower()
        self.node = (kind(path, budget) if kind is Masu else kind(path)).init().start()

    def measure(self, pace=1.0):
        node = self.node
        held = swarm.fill(node, self.dir)
        path = self.dir / "plan"
        path.write_text(self.plan.text(held))
        players = swarm.Players("play", path, swarm.swarm_port(node))
        try:
            files = players.read()["files"]
            time.sleep(self.settle)
            return self._play(players, files, pace)
        finally:
            players.stop()

    def _play(self, players, files, pace):
        node = self.node
        begin = time.monotonic()
        watch = Watch(node, begin)
        cpu = figures.process_cpu_seconds(node.pid)
        base = nodes.status_bytes(node.pid, "VmRSS")
        watch.start()
        chores = swarm.chores(node, files, self.plan.seed, pace)
        try:
            for chore in chores:
                chore.start()
            players.write("begin")
            present, tally = [], None
            for line in players.lines():
                if "tally" in line:
                    tally = line["tally"]
                    break
                present.append((line["second"], line["present"], line["connected"]))
                if line["second"] >= self.plan.seconds - 5:
                    for chore in chores:
                        chore.stop()
            assert tally is not None, "bench/peers ended before the evening"
            last_left = watch.seconds()
            for chore in chores:
                chore.stop()
            for chore in chores:
                chore.join()
            work_cpu = figures.process_cpu_seconds(node.pid) - cpu
            watch.leave_alone()
            burst = figures.burst(node, begin + last_left) if isinstance(node, Masu) and self.after > ledger.COMMITTED_SECONDS else None
            time.sleep(max(0.0, last_left + self.after - watch.seconds()))
            after = nodes.status_bytes(node.pid, "VmRSS")
            watch.ask_again()
            time.sleep(2)
        finally:
            for chore in chores:
                chore.stop()
            watch.stop()
        result = self._result(watch, base, after, last_left, work_cpu, present, tally, chores)
        if burst is not None:
            result["committed_after_10"], result["committed_after_10_most"], result["live_after_10"] = burst.committed, burst.most, burst.held
        return result

    def _result(self, watch, base, after, last_left, cpu, present, tally, chores):
        seconds, peak = watch.peak(last_left)
        live_points = watch.live_points()
        result = {
            "rss_base": base, "rss_peak": peak, "peak_second": seconds, "live_at_peak": live_at(live_points, seconds), "rss_after": after,
            "cpu_seconds": cpu, "last_left_second": last_left, "samples": len(watch.rss), "live_missed": watch.missed,
            "tally": tally, "chores": {chore.kind: chore.report() for chore in chores},
            "present": present, "rss": watch.rss, "live": live_points,
        }
        raw = watch.live_at(seconds)
        if "inuse" in raw:
            result["heap_alloc_at_peak"], result["heap_inuse_at_peak"] = raw["alloc"], raw["inuse"]
        else:
            result["committed_at_peak"] = raw["committed"]
            report = self.node.rpc("stats/memory")
            result["report_after"] = report
            result["high_water"] = report["RssHighWater"]
            result["unexplained"] = {"worst": watch.ledger.worst, "samples": watch.ledger.samples, "above": watch.ledger.problems[:10]}
            result["rungs"] = {rung["Name"]: rung["Entered"] for rung in report["Rungs"] if rung["Entered"]}
            result["refusals"] = {row["Name"]: row["Refusals"] for row in report["Accounts"] if row["Refusals"]}
        return result


def live_at(points, seconds):
    return min(points, key=lambda point: abs(point[0] - seconds))[1]


def share(tally, kind="all"):
    figures_of = tally["kinds"][kind]
    return figures_of["answered"] / max(1, figures_of["asked"])


def percent(part):
    return f"{int(part * 100_000) / 1000:.3f} %"


ROWS = (
    ("RSS at its peak, MiB", lambda r: mib(r["rss_peak"])),
    ("live at that time, MiB", lambda r: mib(r["live_at_peak"])),
    ("pages of heap and pools (committed; HeapInuse) at that time, MiB", lambda r: mib(r.get("heap_inuse_at_peak") or r["committed_at_peak"])),
    ("RSS / live", lambda r: f"{r['rss_peak'] / r['live_at_peak']:.1f} ×"),
    ("RSS before the first peer, MiB", lambda r: mib(r["rss_base"])),
    ("RSS a minute after the last left, MiB", lambda r: mib(r["rss_after"])),
    ("CPU of the process, s", lambda r: f"{r['cpu_seconds']:.1f}"),
    ("requests of honest peers", lambda r: f"{r['tally']['kinds']['all']['asked']:,}"),
    ("… answered within 10 s", lambda r: percent(share(r["tally"]))),
    ("… median; 99th of a hundred, ms", lambda r: "{median_ms:.1f}; {p99_ms:.0f}".format(**r["tally"]["kinds"]["all"])),
    ("peers connected, most and mean", lambda r: connected_text(r["present"])),
    ("connections; ended by the node", lambda r: f"{r['tally']['connected']:,}; {r['tally']['cut_off']:,}"),
    ("blocks to peers; from peers, MiB", lambda r: f"{r['tally']['bytes_got'] / MIB:.0f}; {r['tally']['bytes_given'] / MIB:.0f}"),
    ("user's tasks done; failed", lambda r: "{}; {}".format(sum(c["done"] for c in r["chores"].values()),
                                                           sum(c["failed"] for c in r["chores"].values()))),
)

HOW = """\
How each figure was obtained: RSS is VmRSS of /proc/PID/status, {samples} samples, one each 250 ms. Live is, of masu, the bytes asked
for and not freed, of all accounts and of its libraries' heap (`stats/memory`, each second; in the minute after once, ten seconds after
the last left); of Kubo, what
the last collection of Go's runtime found to live (half of go_memstats_next_gc_bytes, and HeapAlloc at most); HeapInuse is
go_memstats_heap_inuse_bytes, committed the pages of all pools and heaps. CPU is utime + stime of /proc/PID/stat from the first peer's coming to the last one's leaving. A
request is a connect (dial, Noise, yamux, identify), a ping, a want-have or a want-block of a block that is there, or a want
of one that is not (DONT_HAVE); its time counts from its first asking, over connections that the node ends; blocks are hashed, and
files that the node fetches are compared by SHA-256. No DHT queries, on either: masu has no DHT yet."""


def connected_text(present):
    counts = [connected for _, _, connected in present] or [0]
    return f"{max(counts)}; {sum(counts) / len(counts):.0f}"


def table(results):
    names = list(results)
    lines = ["| | " + " | ".join("Kubo" if name == "kubo" else name for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {what} | " + " | ".join(text(results[name]) for name in names) + " |" for what, text in ROWS]
    return "\n".join(lines)


def kinds_table(results):
    lines = ["| request | " + " | ".join(f"{name}: asked, answered, median; p99 ms" for name in results) + " |",
             "|---" * (len(results) + 1) + "|"]
    for kind in KINDS[:-1]:
        cells = []
        for result in results.values():
            got = result["tally"]["kinds"][kind]
            cells.append(f"{got['asked']:,}, {percent(share(result['tally'], kind))}, {got['median_ms']:.1f}; {got['p99_ms']:.0f}")
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def verdicts(results, budget_bytes):
    """(what must be, whether it is) for masu; beside Kubo when it was measured too."""
    masu = results["masu"]
    found = [("RSS ≤ budget at each sample and at VmHWM", max(masu["rss_peak"], masu["high_water"], masu["rss_after"]) <= budget_bytes),
             ("99.9 % of honest requests answered", share(masu["tally"]) >= 0.999),
             ("RSS a minute after within 4 MiB of where it began", masu["rss_after"] <= masu["rss_base"] + 4 * MIB),
             ("no answer was wrong", masu["tally"]["wrong"] == 0),
             ("unexplained within 3 % of RSS or 1 MiB each second", "unexplained" not in masu or not masu["unexplained"]["above"]),
             ("committed at most 1.25 × (live + caches) + 2 MiB ten seconds after",
              "committed_after_10" not in masu or masu["committed_after_10"] <= masu["committed_after_10_most"]),
             ("all of the user's tasks done", not any(chore["failed"] for chore in masu["chores"].values()))]
    if "kubo" in results:
        kubo = results["kubo"]
        found.append(("no more CPU than Kubo", masu["cpu_seconds"] <= kubo["cpu_seconds"]))
        found.append(("no fewer requests answered than by Kubo", share(masu["tally"]) >= share(kubo["tally"])))
    return found


def run_evening(kind, plan, budget, directory, **options):
    evening = Evening(kind, plan, directory, budget, **options)
    try:
        return evening.measure()
    finally:
        evening.node.stop()
        shutil.rmtree(evening.node.repo, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("who", nargs="?", choices=("masu", "kubo", "both"), default="both")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", type=int, default=690)
    parser.add_argument("--budget", default="64M")
    parser.add_argument("--after", type=float, default=AFTER_SECONDS, help="seconds from the last leaving to the last look")
    parser.add_argument("--svg", help="write the picture there")
    parser.add_argument("--json", help="write all samples there")
    parser.add_argument("--show", help="measure nothing: tables and picture of an earlier --json")
    arguments = parser.parse_args()
    if arguments.show:
        return show(json.loads(Path(arguments.show).read_text()), arguments)
    enter_namespace()
    plan = schedule.draw(arguments.seed, round(arguments.minutes * 60), arguments.peers)
    print(f"an evening of {arguments.minutes:g} minutes with {arguments.peers} peers, {len(plan.visits)} visits, seed {arguments.seed}; "
          f"{os.cpu_count()} cores, Linux {platform.release()}", flush=True)
    results = {}
    directory = tempfile.mkdtemp(prefix="masu-evening-")
    try:
        for kind in (Masu, Kubo):
            name = kind.__name__.lower()
            if arguments.who in (name, "both"):
                results[name] = run_evening(kind, plan, arguments.budget, directory, after=arguments.after)
                print(f"{name}: done", flush=True)
                if arguments.json:
                    Path(arguments.json).write_text(json.dumps(results))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return show(results, arguments)


def show(results, arguments):
    for result in results.values():
        result["peak_second"], result["rss_peak"] = figures.peak_of(result["rss"], result["last_left_second"])
        result["live_at_peak"] = live_at(result["live"], result["peak_second"])
    print("\n" + table(results) + "\n\n" + kinds_table(results) + "\n")
    print(HOW.format(samples=" and ".join(f"{result['samples']:,}" for result in results.values())) + "\n")
    for name, result in results.items():
        for kind, chore in result["chores"].items():
            print(f"{name}: {kind}: {chore['done']} done in {chore['mean_s']:.2f} s each, {chore['failed']} failed {chore['errors'] or ''}")
    if arguments.svg:
        import picture
        Path(arguments.svg).write_text(picture.evening(results, Masu(Path("/"), arguments.budget).budget_bytes()))
    if "masu" not in results:
        return 0
    masu = results["masu"]
    print(f"masu: rungs {masu['rungs'] or 'none'}; refusals {masu['refusals'] or 'none'}; wrong answers {masu['tally']['wrong']}")
    if "unexplained" in masu:
        print("masu: unexplained at most {:+.0f} KiB in {:,} samples".format(masu["unexplained"]["worst"] / 1024, masu["unexplained"]["samples"]))
    if "committed_after_10" in masu:
        print("masu: ten seconds after the last left committed {} MiB, live and caches {} MiB (at most {} wanted)".format(
            *(f"{masu[name] / MIB:.2f}" for name in ("committed_after_10", "live_after_10", "committed_after_10_most"))))
    found = verdicts(results, Masu(Path("/"), arguments.budget).budget_bytes())
    for what, good in found:
        print(f"{'ok  ' if good else 'FAIL'} {what}")
    return 0 if all(good for _, good in found) else 1


if __name__ == "__main__":
    sys.exit(main())
