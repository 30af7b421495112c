"""Half an hour of churn at one budget: does resident memory grow? See scripts/bench.

    soak.py [--minutes 30] [--seed 1] [--budget 64M] [--warm-up 16] [--json FILE]

Honest peers come and go without end (bench/peers), the node fetches from them and from a Kubo, is fetched from by that Kubo, imports
large and small blocks and collects garbage. RSS is sampled each 250 ms; for so many minutes after the warm-up a line is laid through
the means of each half minute (least squares), and its slope must not be above zero by more than twice its standard error.

The warm-up is as long as what is remembered on purpose takes to be full: addresses of peers that left are kept for 15 minutes. Small
blocks lie in the index; they make RocksDB flush and compact several times in a mean, so that the line goes through many of
its rounds (with large blocks alone one takes half an hour).
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

import content
import nodes
from nodes import Kubo, Masu
from run import enter_namespace

MEAN_SECONDS = 30  # what one point of the line is the mean of


def kubo_chores(masu, kubo, seed):
    """Between masu and a Kubo: files of 8 MiB, new ones each time, either way; compared by hash."""
    ours, theirs = swarm.Rpc(masu), swarm.Rpc(kubo)
    address = kubo.address()

    def move(giver, taker, name):
        ours.ask("swarm/connect", arg=address)  # the connection manager may have ended it
        _, _, added = giver.add(8 * MIB, name, pin=True)  # else it may be collected before it is fetched
        cid = json.loads(added.splitlines()[-1])["Hash"]
        try:
            digest, size, _ = taker.ask("cat", arg=cid, timeout="60s")
        finally:
            giver.ask("pin/rm", arg=cid)
        assert size == 8 * MIB, f"{name} broke off at {size} bytes within 60 s"
        assert digest == content.sha256_of(8 * MIB, name), f"{name} came with other bytes"

    return [swarm.Chore("fetch 8 MiB from Kubo", 20, seed, lambda rng, n: move(theirs, ours, f"{seed}/from-kubo/{n}")),
            swarm.Chore("serve 8 MiB to Kubo", 20, seed, lambda rng, n: move(ours, theirs, f"{seed}/to-kubo/{n}")),
            swarm.Chore("import 1 MiB in blocks of 1 KiB", 10, seed,
                        lambda rng, n: ours.add(MIB, f"{seed}/small/{n}", chunker="size-1024")),
            swarm.Chore("collect at Kubo", 60, seed, lambda rng, n: theirs.ask("repo/gc"))]


def play(masu, kubo, plan, directory):
    held = swarm.fill(masu, directory)
    path = Path(directory) / "plan"
    path.write_text(plan.text(held))
    players = swarm.Players("play", path, swarm.swarm_port(masu))
    watch = chores = None
    try:
        files = players.read()["files"]
        watch = Watch(masu, time.monotonic())
        watch.start()
        chores = swarm.chores(masu, files, plan.seed) + kubo_chores(masu, kubo, plan.seed)
        for chore in chores:
            chore.start()
        players.write("begin")
        tally, connected = None, []
        for line in players.lines():
            if "tally" in line:
                tally = line["tally"]
                break
            connected.append(line["connected"])
        assert tally is not None, "bench/peers ended before the soak"
        return watch, tally, connected, chores
    finally:
        for chore in chores or []:
            chore.stop()
        for chore in chores or []:
            chore.join()
        if watch is not None:
            watch.stop()
        players.stop()


def slope_of(rss, warm_up, until, width=MEAN_SECONDS):
    """(bytes a minute, its standard error, bytes at the start, points) of the samples from `warm_up` to `until` seconds."""
    points = figures.means([(seconds, size) for seconds, size in rss if warm_up <= seconds < until], width)
    slope, error, start = figures.least_squares(points)
    return slope * 60, error * 60, start, len(points)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30, help="minutes that count")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", default="64M")
    parser.add_argument("--warm-up", type=float, default=16, help="minutes before them")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    enter_namespace()
    seconds = round((arguments.warm_up + arguments.minutes) * 60)
    if arguments.minutes * 60 < 4 * MEAN_SECONDS:
        parser.error(f"a line needs four means of {MEAN_SECONDS} s")
    plan = schedule.churn(arguments.seed, seconds)
    directory = Path(tempfile.mkdtemp(prefix="masu-soak-"))
    print(f"a soak of {arguments.minutes:g} minutes after {arguments.warm_up:g} at {arguments.budget}, {len(plan.visits)} visits, seed {arguments.seed}; "
          f"{os.cpu_count()} cores, Linux {platform.release()}", flush=True)
    masu, kubo = Masu(directory / "masu", arguments.budget).init(), Kubo(directory / "kubo").init()
    try:
        masu.start()
        kubo.start()
        watch, tally, connected, chores = play(masu, kubo, plan, directory)
        after = figures.burst(masu, time.monotonic())
        high_water = nodes.status_bytes(masu.pid, "VmHWM")
    finally:
        masu.stop()
        kubo.stop()
        shutil.rmtree(directory, ignore_errors=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"rss": watch.rss, "live": watch.live, "tally": tally}))
    slope, error, start, points = slope_of(watch.rss, arguments.warm_up * 60, seconds)
    for chore in chores:
        told = chore.report()
        print(f"{chore.kind}: {told['done']} done in {told['mean_s']:.2f} s each, {told['failed']} failed {told['errors'] or ''}")
    asked = tally["kinds"]["all"]
    print(f"peers: {tally['connected']:,} connections ({sum(connected) / len(connected):.0f} at a time), {asked['answered']:,} of "
          f"{asked['asked']:,} requests answered, {tally['wrong']} wrong")
    print(f"RSS: {len(watch.rss):,} samples, highest {mib(watch.peak()[1])} MiB, VmHWM {mib(high_water)} MiB (budget {arguments.budget})")
    print(f"slope after {arguments.warm_up:g} minutes: {slope / 1024:+.2f} KiB a minute, standard error {error / 1024:.2f} ({points} means of "
          f"{MEAN_SECONDS} s, from {mib(start)} MiB)")
    print(f"{watch.ledger.text()}; ten seconds after the last work {after.text()}")
    good = slope <= 2 * error and watch.ledger.good() and after.good and high_water <= masu.budget_bytes() and not any(chore.errors for chore in chores)
    print("ok: it does not grow" if good else "FAIL")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
