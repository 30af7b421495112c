"""Many connections held at once, on masu and on Kubo: what one costs, and what stays when all are closed. See scripts/bench.

    connections.py [--count 900] [--budget 64M] [masu|kubo|both]

bench/peers connects as so many peers, each from an address of its own (Noise, yamux, identify); after half a minute of rest
memory is looked at, then each peer pings the node while all are held, then all leave.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from contextlib import nullcontext

import figures
import swarm
from figures import MIB, mib

import ledger
import nodes
from nodes import Kubo, Masu
from run import enter_namespace

REST_SECONDS = 30
SETTLE_SECONDS = 15
BACK_SECONDS = 15
SLACK = 4 * MIB


def look(node):
    found = {"rss": nodes.status_bytes(node.pid, "VmRSS"), "anon": nodes.status_bytes(node.pid, "RssAnon")}
    if not isinstance(node, Masu):
        return {**found, **figures.heap_of_kubo(node)}
    report = node.rpc("stats/memory")
    accounts = {}
    for row in report["Accounts"] + report["Heap"]:
        accounts[row["Name"]] = accounts.get(row["Name"], 0) + row["Live"]
    return {**found, "live": report["Live"], "committed": report["Committed"], "accounts": accounts}


def seconds_until_back(node, limit, begin, most):
    """How long after `begin` RSS was at most `limit`; None: longer than `most`."""
    while time.monotonic() - begin < most:
        if nodes.status_bytes(node.pid, "VmRSS") <= limit:
            return time.monotonic() - begin
        time.sleep(0.1)
    return None


def measure(kind, count, budget, directory, rest=REST_SECONDS):
    path = os.path.join(directory, kind.__name__.lower())
    node = (kind(path, budget) if kind is Masu else kind(path)).init()
    node.configure({"Swarm.ConnMgr": {"Type": "basic", "LowWater": count, "HighWater": count + 50, "GracePeriod": "20s"}})
    node.start()
    players = None
    try:
        time.sleep(SETTLE_SECONDS)
        before = look(node)
        coming, pinging = (ledger.Ledger(lambda: node.rpc("stats/memory")) if kind is Masu else nullcontext() for _ in range(2))
        players = swarm.Players("hold", count, swarm.swarm_port(node))
        with coming:
            held = players.read()["held"]
        time.sleep(rest)
        idle = look(node)
        players.write("ping")
        with pinging:
            pinged = players.read()
        closed = time.monotonic()
        players.write("close")
        left = players.read()["held"]
        back = seconds_until_back(node, before["rss"] + SLACK, closed, BACK_SECONDS if kind is Masu else 60)
        after = look(node)
        masu_only = {"ledgers": [coming, pinging], "burst": figures.burst(node, closed)} if kind is Masu else {}
        return {**masu_only, "before": before, "idle": idle, "held": held, "still_held": pinged["held"], "left": left, "back_seconds": back,
                "after": after, "ping": pinged["tally"]["kinds"]["ping"], "count": count,
                "high_water": nodes.status_bytes(node.pid, "VmHWM")}
    finally:
        if players is not None:
            players.stop()
        node.stop()


def each(result, field):
    return (result["idle"][field] - result["before"][field]) / max(1, result["held"])


def holders(result):
    """The accounts that grew, in bytes for each connection, the largest first."""
    before = result["before"]["accounts"]
    grown = {name: (live - before.get(name, 0)) / max(1, result["held"]) for name, live in result["idle"]["accounts"].items()}
    return ", ".join(f"{name} {size:.0f}" for name, size in sorted(grown.items(), key=lambda item: -item[1]) if size >= 8)


def rows(result):
    kubo = "alloc" in result["before"]
    back = result["back_seconds"]
    yield "held; still held after the pings", f"{result['held']}; {result['still_held']}"
    yield "pings answered", "{answered} of {asked} (median {median_ms:.1f} ms, 99th {p99_ms:.1f})".format(**result["ping"])
    yield "RSS before, MiB", mib(result["before"]["rss"])
    yield "RSS with all of them at rest, MiB", mib(result["idle"]["rss"])
    yield "resident for each, without code (RssAnon), KiB", f"{each(result, 'anon') / 1024:.1f}"
    yield "live for each, KiB", f"{each(result, 'live') / 1024:.1f}"
    yield "pages for each, KiB", f"{each(result, 'inuse' if kubo else 'committed') / 1024:.1f}" + (" (HeapInuse)" if kubo else " (committed)")
    yield "back within 4 MiB of before after", f"{back:.1f} s" if back is not None else f"not ({mib(result['after']['rss'])} MiB)"
    yield "VmHWM, MiB", mib(result["high_water"])


def verdicts(masu, budget_bytes):
    answered = masu["ping"]["answered"]
    return [(f"all {masu['count']} are held", masu["held"] == masu["still_held"] == masu["count"]),
            ("a ping answered on each", answered == masu["count"] == masu["ping"]["asked"]),
            ("at most 8 KiB for an idle connection", max(each(masu, "committed"), each(masu, "anon")) <= 8 * 1024),
            ("RSS back within 4 MiB of before, within 15 s", masu["back_seconds"] is not None),
            ("unexplained within 3 % of RSS or 1 MiB each second", all(seen.good() for seen in masu["ledgers"])),
            ("committed at most 1.25 × (live + caches) + 2 MiB ten seconds after", masu["burst"].good),
            ("VmHWM ≤ budget", masu["high_water"] <= budget_bytes)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("who", nargs="?", choices=("masu", "kubo", "both"), default="both")
    parser.add_argument("--count", type=int, default=900)
    parser.add_argument("--budget", default="64M")
    parser.add_argument("--rest", type=float, default=REST_SECONDS)
    arguments = parser.parse_args()
    enter_namespace()
    print(f"{arguments.count} connections, at rest for {arguments.rest:g} s; {os.cpu_count()} cores, Linux {platform.release()}", flush=True)
    directory = tempfile.mkdtemp(prefix="masu-connections-")
    results = {}
    try:
        for kind in (Masu, Kubo):
            name = kind.__name__.lower()
            if arguments.who in (name, "both"):
                results[name] = measure(kind, arguments.count, arguments.budget, directory, arguments.rest)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print("| | " + " | ".join(results) + " |\n" + "|---" * (len(results) + 1) + "|")
    columns = [dict(rows(result)) for result in results.values()]
    for what in columns[0]:
        print(f"| {what} | " + " | ".join(column[what] for column in columns) + " |")
    if "masu" not in results:
        return 0
    print(f"live bytes of masu for each: {holders(results['masu'])}")
    coming, pinging = results["masu"]["ledgers"]
    print(f"while they come {coming.text()}, while they are pinged {pinging.text()}")
    print(f"ten seconds after all were closed {results['masu']['burst'].text()}")
    found = verdicts(results["masu"], Masu("/", arguments.budget).budget_bytes())
    for what, good in found:
        print(f"{'ok  ' if good else 'FAIL'} {what}")
    return 0 if all(good for _, good in found) else 1


if __name__ == "__main__":
    sys.exit(main())
