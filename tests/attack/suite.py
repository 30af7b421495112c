"""Plays every attack of tests/attack/hostile against the release binary, and asks meanwhile whether honest peers are served.

    python3 tests/attack/suite.py [--all] [--large] [--seconds=3] [--budget=32M] [NAME...]     attacks whose name contains one of NAME

Each attack runs at one budget, in turn 16M, 32M and 64M (--all: at each; a budget that masu refuses is replaced by the smallest
that it takes). During it a Kubo pings masu, fetches small blocks from it and serves some to it, and the RPC is asked for `id`.
Asserted: VmHWM <= budget; 95 % of each kind answered (80 % at 16M); the process lives and no check failed; within 15 s anonymous
memory is back to within 4 MiB of before, and the accounts of connections, streams, handshakes and requests are at their base;
a pinned file is the same as before. One line an attack; the last line counts them. --large: masu also fetches 16 MiB from the Kubo
and the Kubo as many from masu, before and during the attack, and the pace meanwhile must be a fifth of before (a measurement: for
scripts/bench).
"""

import argparse
import hashlib
import http.client
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/interop"))
import content  # noqa: E402
import nodes  # noqa: E402
from nodes import MIB  # noqa: E402
from run import enter_namespace  # noqa: E402

HOSTILE = Path(os.environ.get("HOSTILE", ROOT / "build/release/tests/attack/hostile"))
BUDGETS = ["16M", "32M", "64M"]
PASSING = {"connection", "stream", "handshake", "request", "block"}  # lifetimes that end with the attack
ANSWER_SECONDS = 3
SETTLE_SECONDS = 15
LARGE = 16 * MIB
LEAST_PACE = 0.2
ANONYMOUS_SLACK = 4 * MIB  # free chunks stay while requests come
LIVE_SLACK = 128 * 1024  # of all passing accounts: the honest peer's streams, and the request that asks
BLOCKS_EACH_SECOND = 10  # of one kind, and some to begin with
WITH_BAIT = {"bitswap-partial-blocks", "bitswap-lying-haves", "bitswap-wrong-blocks"}


class Rpc:
    """One kept connection to the RPC of a node."""

    def __init__(self, node):
        self.port = int((node.repo / "api").read_text().strip().rpartition("/")[2])

    def ask(self, path, timeout=ANSWER_SECONDS):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", f"/api/v0/{path}", b"")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise OSError(f"{answer.status}: {body[:200]!r}")
            return body
        finally:
            connection.close()


class Honest(threading.Thread):
    """Asks for one kind of thing again and again; counts what was answered in time."""

    def __init__(self, kind, ask, pause=0.1):
        super().__init__(daemon=True)
        self.kind, self.ask, self.pause = kind, ask, pause
        self.answered, self.failures, self.slowest = 0, [], 0.0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            begin = time.monotonic()
            try:
                self.ask()
                self.answered += 1
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(str(error) or type(error).__name__)
            self.slowest = max(self.slowest, time.monotonic() - begin)
            self.ended.wait(self.pause)

    def stop(self):
        self.ended.set()
        self.join()

    def total(self):
        return self.answered + len(self.failures)

    def share(self):
        return self.answered / max(1, self.total())

    def check(self, least):
        spared = 1 if self.total() >= 8 else 0
        assert self.answered and (self.share() >= least or len(self.failures) <= spared), (
            f"{self.kind}: {self.answered} of {self.total()} answered, slowest {self.slowest:.1f} s; {self.failures[:3]}")


class Once(threading.Thread):
    """Calls a function once, some seconds after start()."""

    def __init__(self, call, after):
        super().__init__(daemon=True)
        self.call, self.after, self.outcome, self.problem = call, after, None, None

    def run(self):
        time.sleep(self.after)
        try:
            self.outcome = self.call()
        except (OSError, http.client.HTTPException, AssertionError, subprocess.SubprocessError) as error:
            self.problem = error

    def value(self):
        self.join()
        assert self.problem is None, f"16 MiB during the attack: {self.problem}"
        return self.outcome


class Run:
    """One attack at one budget."""

    def __init__(self, attack, budget, kubo, directory, arguments):
        self.attack, self.budget, self.kubo, self.seconds = attack, budget, kubo, arguments.seconds
        self.large = arguments.large
        self.dir = Path(directory)
        self.masu = nodes.Masu(self.dir / "masu", budget).init()
        self.name = f"{attack}@{budget}@{time.monotonic_ns()}"
        self.address = None

    def small_blocks(self, node, who):
        """Raw blocks at `node` that nobody has asked for yet; returns their CIDs."""
        path = self.dir / who
        count = int(self.seconds * BLOCKS_EACH_SECOND) + 40
        content.write_directory(path, count, size=2000, seed=f"{self.name}/{who}")
        out = node.out("add", "-q", "-r", "--raw-leaves", "--pin=false", path)
        return [cid for cid in out.splitlines() if cid.startswith("bafk")]

    def prepare(self):
        file = self.dir / "pinned"
        self.digest = content.write_file(file, 4 * MIB, self.name)
        self.masu.start()
        self.root = self.masu.out("add", "-Q", "--raw-leaves", file)
        self.leaves = self.masu.out("refs", self.root).splitlines()
        self.ours = self.small_blocks(self.masu, "ours")
        self.theirs = self.small_blocks(self.kubo, "theirs")
        self.address, self.id = self.masu.address(), self.masu.peer_id()
        self.kubo_rpc, self.rpc = Rpc(self.kubo), Rpc(self.masu)
        self.kubo.run("swarm", "connect", self.address)

    def kubo_asks(self, path):
        try:
            return self.kubo_rpc.ask(path)
        except OSError:
            # It may have been disconnected: an honest peer dials again. The answer that was lost stays lost.
            try:
                self.kubo_rpc.ask("swarm/connect?arg=" + urllib.parse.quote(self.address))
            except OSError:
                pass
            raise

    def ping(self):
        answer = self.kubo_asks(f"ping?arg={self.id}&count=1")
        assert b'"Success":true,"Time":' in answer and b'"Time":0,' not in answer.splitlines()[-2], answer[-200:]

    def fetch(self):
        block = self.kubo_asks(f"block/get?arg={self.ours.pop()}")
        assert len(block) == 2000

    def be_served(self):
        block = self.rpc.ask(f"block/get?arg={self.theirs.pop()}&timeout={ANSWER_SECONDS}s")
        assert len(block) == 2000

    def timed_cat(self, rpc, cid, digest, who):
        """Seconds for 16 MiB by `cat`, from the head of the answer on: in an attack on the RPC itself a place is what one waits for."""
        connection = http.client.HTTPConnection("127.0.0.1", rpc.port, timeout=60)
        try:
            begin = time.monotonic()
            connection.request("POST", f"/api/v0/cat?arg={cid}", b"")
            answer = connection.getresponse()
            if self.attack.startswith("rpc-"):
                begin = time.monotonic()
            fetched = answer.read()
        finally:
            connection.close()
        seconds = time.monotonic() - begin
        assert answer.status == 200, fetched[:300]
        assert len(fetched) == LARGE, f"{who} broke off at {len(fetched)} bytes after {seconds:.1f} s"
        assert hashlib.sha256(fetched).hexdigest() == digest, f"{who} came with other bytes"
        return seconds

    def put_large(self, node, who):
        file = self.dir / who
        digest = content.write_file(file, LARGE, f"{self.name}/{who}")
        return node.out("add", "-Q", "--raw-leaves", "--pin=false", file), digest

    def fetch_large(self, who):
        return self.timed_cat(self.rpc, *self.put_large(self.kubo, f"fetched, {who}"), f"what masu fetched, {who},")

    def serve_large(self, who):
        return self.timed_cat(self.kubo_rpc, *self.large_of_masu[who], f"what the Kubo fetched, {who},")

    def bait(self):
        """Wants of what nobody has, for those who lie about it."""
        digest = hashlib.sha256(os.urandom(8)).digest()
        cid = "f01551220" + digest.hex()
        try:
            self.rpc.ask(f"block/get?arg={cid}&timeout=2s")
        except OSError:
            pass

    def passing_bytes(self):
        stats = json.loads(self.rpc.ask("stats/memory"))
        return sum(account["Live"] for account in stats["Accounts"] if account["Lifetime"] in PASSING)

    def anonymous(self):
        """Without code, which a node that rests drops, and whose pages come back as it is used."""
        return nodes.status_bytes(self.masu.pid, "RssAnon")

    def settle(self, anonymous_before, live_before):
        begin = time.monotonic()
        while True:
            anonymous, live = self.anonymous(), self.passing_bytes()
            if anonymous <= anonymous_before + ANONYMOUS_SLACK and live <= live_before + LIVE_SLACK:
                return time.monotonic() - begin
            assert time.monotonic() - begin < SETTLE_SECONDS, (
                f"{SETTLE_SECONDS} s after the attack {anonymous / MIB:.1f} MiB are anonymous "
                f"(before: {anonymous_before / MIB:.1f}), "
                f"and {live} bytes are live in accounts that pass (before: {live_before})\n"
                + self.masu.out("stats", "memory"))
            time.sleep(0.25)

    def play(self):
        _, _, port = self.address.partition("/tcp/")
        command = ["nice", "-n", "5", HOSTILE, self.attack, f"--port={port.split('/')[0]}", f"--api-port={self.rpc.port}",
                   f"--seconds={self.seconds}"]
        command += [f"--held={cid}" for cid in ([self.root] if self.attack.startswith("rpc") else self.leaves)]
        result = subprocess.run(command, capture_output=True, timeout=self.seconds + 30)
        assert result.returncode == 0, f"hostile: exit {result.returncode}: {result.stderr.decode()[-500:]}"
        return json.loads(result.stdout)

    def run(self):
        self.prepare()
        kinds = [Honest("ping", self.ping), Honest("fetch", self.fetch), Honest("be served", self.be_served),
                 Honest("id", lambda: self.rpc.ask("id"))]
        baits = [Honest("bait", self.bait, 0.01) for _ in range(2 if self.attack in WITH_BAIT else 0)]
        # Warm: what a node holds that serves somebody is not residue.
        for kind in kinds:
            kind.ask()
        time.sleep(1.5)
        larges = [("fetched", self.fetch_large), ("served", self.serve_large)] if self.large else []
        if larges:
            self.large_of_masu = {who: self.put_large(self.masu, f"served, {who}") for who in ("undisturbed", "disturbed")}
        undisturbed = [transfer("undisturbed") for _, transfer in larges]
        if larges:
            time.sleep(1.5)
        before, live = self.anonymous(), self.passing_bytes()
        disturbed = [Once(lambda transfer=transfer: transfer("disturbed"), after=1) for _, transfer in larges]
        for thread in kinds + baits + disturbed:
            thread.start()
        try:
            did = self.play()
        finally:
            for thread in kinds + baits:
                thread.stop()
            assert self.masu.alive(), f"masu has ended:\n{self.masu.log_text()}"
        high = nodes.status_bytes(self.masu.pid, "VmHWM")
        assert high <= self.masu.budget_bytes(), f"VmHWM is {high / MIB:.2f} MiB"
        least = 0.8 if self.masu.budget_bytes() <= 16 * MIB else 0.95
        for kind in kinds:
            kind.check(least)
        pace = "".join(map(self.pace, larges, undisturbed, disturbed))
        seconds = self.settle(before, live)
        assert hashlib.sha256(self.masu.run("cat", self.root).stdout).hexdigest() == self.digest, "the pinned file has changed"
        assert self.root in self.masu.out("pin", "ls", "--type=recursive"), "the pin is gone"
        bad = re.findall(r"(?im)^.*(?:assert|check failed|terminate called).*$", self.masu.log_text())
        assert not bad, bad
        self.check_attack(did)
        shares = ", ".join(f"{kind.kind} {kind.answered}/{kind.total()} ({kind.slowest:.1f} s)" for kind in kinds)
        return f"high {high / MIB:.1f} MiB, back after {seconds:.1f} s; {shares}{pace}; {json.dumps(did)}"

    @staticmethod
    def pace(large, undisturbed, disturbed):
        part = undisturbed / disturbed.value()
        assert part >= LEAST_PACE, f"16 MiB were {large[0]} at {part:.2f} of the pace before ({undisturbed:.2f} s)"
        return f", 16 MiB {large[0]} at {part:.2f} of the pace before"

    def check_attack(self, did):
        """That the attack took place, and what the table promises of it."""
        assert did["connected"] > 0 and did["dialled"] > 0, did
        if self.attack == "bitswap-absent-then-held":
            asked, served = did.get("held_asked", 0), did.get("held_answered", 0)
            assert asked > 0 and served >= asked, f"{served} of {asked} were given the block that is here: {did}"

    def stop(self):
        try:
            if self.address:
                self.kubo.run("swarm", "disconnect", self.address, check=False)
        finally:
            self.masu.stop()


def usable(budget, directory):
    """The budget, or the smallest that masu says it works with."""
    masu = nodes.Masu(Path(directory) / f"try-{budget}", budget).init()
    try:
        masu.start()
        masu.stop()
        return budget
    except AssertionError:
        smallest = re.search(r"smallest that works is ([0-9.]+) MiB", masu.log_text())
        if not smallest:
            raise
        return f"{math.ceil(float(smallest[1]))}M"


def plan_runs(arguments, directory):
    names = subprocess.run([HOSTILE, "--list"], capture_output=True, check=True).stdout.decode().split()
    budgets = [usable(b, directory) for b in ([arguments.budget] if arguments.budget else BUDGETS)]
    for at, name in enumerate(names):
        if arguments.names and not any(part in name for part in arguments.names):
            continue
        for budget in dict.fromkeys(budgets) if arguments.all else [budgets[at % len(budgets)]]:
            yield name, budget


def play_one(name, budget, kubo, arguments):
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="masu-attack-") as directory:
        run = Run(name, budget, kubo, directory, arguments)
        problem, said = None, ""
        try:
            said = run.run()
        except (AssertionError, OSError, subprocess.SubprocessError, http.client.HTTPException) as error:
            problem = error
        try:
            run.stop()
        except AssertionError as error:
            problem = problem or error
        print(f"  {'FAIL' if problem else 'ok  '} {name} at {budget} ({time.monotonic() - begin:.1f} s): {problem or said}",
              flush=True)
        return problem is None


def main():
    enter_namespace()
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--budget")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    begin = time.monotonic()
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="masu-attack-kubo-") as directory:
        kubo = nodes.Kubo(Path(directory) / "kubo").init().start()
        try:
            for name, budget in plan_runs(arguments, directory):
                if play_one(name, budget, kubo, arguments):
                    passed += 1
                else:
                    failed += 1
        finally:
            kubo.stop()
    print(f"  attacks in {time.monotonic() - begin:.0f} s")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
