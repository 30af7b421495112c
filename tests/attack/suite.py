"""Plays every attack of tests/attack/hostile against the release binary, and asks meanwhile whether honest peers are served.

    python3 tests/attack/suite.py [--all] [--large] [--seconds=3] [--budgets=16M,32M,64M] [--cgroup] [NAME...]

NAME: attacks whose name contains one. Each attack runs at one of the budgets (or of BUDGETS), in turn (--all: at each; a budget that
masu refuses is replaced by the smallest that it takes). During it a Kubo pings masu, fetches small blocks from it and serves some to it, the RPC is asked for `id` and small
files are added; in its midst another Kubo comes, and must get a block and a ping while it goes on (where strangers take all places
for handshakes, as HANDSHAKES_TAKEN has it, and at 16M: when it is over). Asserted:

- VmHWM <= budget; each second what is unexplained in `stats memory` is within 3 % of RSS or 1 MiB, and no account had more than
  its quota;
- 95 % of each kind answered (80 % at 16M); the process lives and no check failed;
- when nobody asks any more RSS is back to within 4 MiB of before, within 15 s, and so is what is anonymous of it (and not addresses
  of peers, which are remembered on purpose: 6 MiB at 256M); the accounts of
  connections, streams, handshakes and requests and pages of no account are at their base within 15 s; within 10 s what is committed
  is at most 1.25 x (live + caches) + 2 MiB (--large: at 10 s);
- after a stop and a start: the same peer id, the pinned file and its pin, and all blocks that were fetched or added meanwhile.

One attack more is played in a memory cgroup as large as the budget (--cgroup: all are), and the kernel must not kill; a machine
without the controller says so. One line an attack; the last line counts them. --large: masu also fetches 16 MiB from the Kubo and the Kubo as many from masu,
before and during the attack, and the pace meanwhile must be a fifth of before (a measurement: for scripts/bench).
"""

import argparse
import base64
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
import cgroup  # noqa: E402
import content  # noqa: E402
import ledger  # noqa: E402
import nodes  # noqa: E402
from nodes import MIB  # noqa: E402
from run import enter_namespace  # noqa: E402

HOSTILE = Path(os.environ.get("HOSTILE", ROOT / "build/release/tests/attack/hostile"))
BUDGETS = os.environ.get("BUDGETS", "16M,32M,64M")
PASSING = {"connection", "stream", "handshake", "request", "block"}  # lifetimes that end with the attack
ANSWER_SECONDS = 3
SETTLE_SECONDS = 15
LARGE = 16 * MIB
LEAST_PACE = 0.2
RESIDENT_SLACK = 4 * MIB  # free chunks stay while requests come
LIVE_SLACK = 128 * 1024  # of all passing accounts: the honest peer's streams, and the request that asks
BLOCKS_EACH_SECOND = 10  # of one kind, and some to begin with
IN_GROUP = ("bitswap-never-reads", "32M")  # unsent data is the kernel's memory, and counts in a cgroup
# Seconds at least. The first requests wait for places, and shares of three say little; the block is asked for after 90,000 wants.
LONGER = {"rpc-never-reads": 8, "bitswap-absent-then-held": 8}
PATIENCE_SECONDS = 12
# Nobody new comes in meanwhile: the kernel's queue of those to be accepted is full of others, for they are let go after 3 s each.
# At 16M there are 19 places and three of them shake hands at a time: each attack that dials takes them now and then.
FEW_PLACES = "16M"
HANDSHAKES_TAKEN = {"silent-connections": "16M 32M 64M 256M", "slow-handshake": "16M 32M 64M 256M", "sybil-connections": "16M"}
WITH_BAIT = {"bitswap-partial-blocks", "bitswap-lying-haves", "bitswap-wrong-blocks"}


class Rpc:
    """One kept connection to the RPC of a node."""

    def __init__(self, node):
        self.port = int((node.repo / "api").read_text().strip().rpartition("/")[2])

    def ask(self, path, timeout=ANSWER_SECONDS, body=b"", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", f"/api/v0/{path}", body, headers or {})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise OSError(f"{answer.status}: {body[:200]!r}")
            return body
        finally:
            connection.close()

    def add(self, data):
        """Adds and pins a small file; returns its CID."""
        body = (b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n'
                b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n--b--\r\n")
        answer = self.ask("add?raw-leaves=true&cid-version=1", body=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
        return json.loads(answer.splitlines()[-1])["Hash"]

    def report(self):
        return json.loads(self.ask("stats/memory", timeout=10))


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


def passing_bytes(report):
    return sum(account["Live"] for account in report["Accounts"] if account["Lifetime"] in PASSING)


def remembered_bytes(report):
    """What is kept on purpose of peers that are gone: addresses, for a quarter of an hour."""
    return sum(account["Live"] for account in report["Accounts"] if account["Lifetime"] == "peer")


def digest_of(cid):
    """The SHA-256 in a CIDv1 of base32."""
    return base64.b32decode(cid[1:].upper() + "=" * (-(len(cid) - 1) % 8))[-32:]


class Newcomer(threading.Thread):
    """A Kubo that masu has never met: connects in the midst of the attack, and tries until each step was done once. A step that is
    done when the attack is over is not followed by another."""

    def __init__(self, steps, after):
        super().__init__(daemon=True)
        self.steps, self.after = list(steps), after
        self.tries, self.problem, self.seconds = 0, "it had no time", None
        self.ended = threading.Event()

    def run(self):
        if self.ended.wait(self.after):
            return
        begin = time.monotonic()
        while self.steps and not self.ended.wait(0.05):
            self.attempt(self.ended.is_set)
        self.seconds = time.monotonic() - begin

    def attempt(self, over):
        self.tries += 1
        try:
            while self.steps and not over():
                self.steps[0]()
                self.steps.pop(0)
        except (OSError, http.client.HTTPException, AssertionError) as error:
            self.problem = str(error) or type(error).__name__

    def finish(self):
        self.ended.set()
        self.join()

    def check(self, meanwhile):
        """`meanwhile`: it must have been served; else it is now. Says what it met."""
        if not self.steps:
            return f"newcomer in {self.seconds:.1f} s ({self.tries})"
        assert not meanwhile, f"a newcomer was not served in {self.tries} tries: {self.problem}"
        begin = time.monotonic()
        while self.steps:
            assert time.monotonic() - begin < SETTLE_SECONDS, f"a newcomer is not served after the attack, {len(self.steps)} steps are left: {self.problem}"
            self.attempt(lambda: False)
        return f"newcomer {time.monotonic() - begin:.1f} s after the attack"


class Run:
    """One attack at one budget."""

    def __init__(self, attack, budget, kubo, other, directory, arguments):
        self.attack, self.budget, self.kubo, self.other = attack, budget, kubo, other
        self.seconds = max(arguments.seconds, LONGER.get(attack, 0))
        self.large = arguments.large
        self.dir = Path(directory)
        self.masu = nodes.Masu(self.dir / "masu", budget).init()
        self.group = None
        self.name = f"{attack}@{budget}@{time.monotonic_ns()}"
        self.address = None

    def enter_group(self):
        self.group = cgroup.make(self.masu.budget_bytes())
        self.masu.wrap = self.group.born()

    def check_group(self):
        if self.group is None:
            return ""
        assert self.group.kills() == 0, f"the kernel has killed {self.group.kills()} times in the group"
        return f"cgroup v{self.group.version}: at most {self.group.text()}; "

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
        self.planned = Rpc(self.masu).report()
        self.root = self.masu.out("add", "-Q", "--raw-leaves", file)
        self.leaves = self.masu.out("refs", self.root).splitlines()
        self.ours = self.small_blocks(self.masu, "ours")
        self.theirs = self.small_blocks(self.kubo, "theirs")
        self.address, self.id = self.masu.address(), self.masu.peer_id()
        self.kubo_rpc, self.other_rpc, self.rpc = Rpc(self.kubo), Rpc(self.other), Rpc(self.masu)
        self.fetched, self.added = [], {}
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
        self.check_ping(self.kubo_asks(f"ping?arg={self.id}&count=1"))

    @staticmethod
    def check_ping(answer):
        assert b'"Success":true,"Time":' in answer and b'"Time":0,' not in answer.splitlines()[-2], answer[-200:]

    def fetch(self):
        block = self.kubo_asks(f"block/get?arg={self.ours.pop()}")
        assert len(block) == 2000

    def be_served(self):
        cid = self.theirs.pop()
        block = self.rpc.ask(f"block/get?arg={cid}&timeout={ANSWER_SECONDS}s")
        assert len(block) == 2000
        self.fetched.append(cid)

    def add(self):
        """In turn a block that lies in the index, and one in a segment."""
        data = f"{self.name}/{len(self.added)}".encode().ljust(500 if len(self.added) % 2 else 5000, b".")
        self.added[self.rpc.add(data)] = data

    def newcomer(self):
        def connect():
            self.other_rpc.ask("swarm/connect?arg=" + urllib.parse.quote(self.address))

        def fetch():
            assert len(self.other_rpc.ask(f"block/get?arg={self.ours.pop()}")) == 2000

        return Newcomer([connect, fetch, lambda: self.check_ping(self.other_rpc.ask(f"ping?arg={self.id}&count=1"))], 1.0)

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

    def resident(self):
        """All of it; and what is anonymous: without code, which a node that rests drops, and whose pages come back in use."""
        return tuple(nodes.status_bytes(self.masu.pid, field) for field in ("VmRSS", "RssAnon"))

    def back(self, before, begin, remembered):
        """Seconds until resident memory is back. Only looked at from outside: a request brings code back."""
        slack = (RESIDENT_SLACK, RESIDENT_SLACK + remembered)
        while True:
            now, after = self.resident(), time.monotonic() - begin
            if all(size <= base + more for size, base, more in zip(now, before, slack)):
                return after
            assert after < SETTLE_SECONDS, (
                f"{after:.1f} s after the attack {now[0] / MIB:.1f} MiB are resident (before: {before[0] / MIB:.1f}), {now[1] / MIB:.1f} "
                f"of them anonymous (before: {before[1] / MIB:.1f})\n" + self.masu.out("stats", "memory"))
            time.sleep(0.1)

    def residue(self, report, base):
        """(what is left over, until how many seconds after the attack it may be)."""
        live, live_base = passing_bytes(report), passing_bytes(base)
        if live > live_base + LIVE_SLACK:
            yield f"{live} bytes are live in accounts that pass (before: {live_base})", SETTLE_SECONDS
        if report["Unaccounted"] != base["Unaccounted"]:
            yield f"{report['Unaccounted']} bytes are of no account (before: {base['Unaccounted']})", SETTLE_SECONDS
        for row in report["Accounts"]:
            if row["Lifetime"] == "peer" and row["Live"] > row["Quota"]:
                yield f"{row['Name']} has {row['Live']} of {row['Quota']}", SETTLE_SECONDS
        if report["Committed"] > ledger.committed_max(report):
            yield f"{report['Committed']} bytes are committed, {report['Live']} live and {report['Idle']} idle", ledger.COMMITTED_SECONDS

    def settle(self, before, base, last):
        begin = time.monotonic()
        back = self.back(before, begin, max(0, remembered_bytes(last or base) - remembered_bytes(base)))
        if self.large:
            time.sleep(max(0.0, begin + ledger.COMMITTED_SECONDS - time.monotonic()))
        while True:
            report = self.rpc.report()
            left, after = list(self.residue(report, base)), time.monotonic() - begin
            if not left:
                break
            late = [what for what, until in left if after >= until]
            assert not late, f"{after:.1f} s after the attack {late}\n" + self.masu.out("stats", "memory")
            time.sleep(0.25)
        over = ledger.above_quota(report, self.planned)
        assert not over, over
        assert report["Libraries"]["Refusals"] == 0, report["Libraries"]
        return (f"RSS back after {back:.1f} s, accounts after {after:.1f}; {ledger.Burst(report).text()}")

    def check_nothing_is_lost(self):
        """What was there before and what was acknowledged meanwhile, before and after a stop and a start on the same repo."""
        self.check_pinned()
        assert self.masu.stop() == 0, self.masu.log_text()
        self.masu.start()
        self.rpc = Rpc(self.masu)
        assert self.masu.peer_id() == self.id, "another peer id"
        self.check_pinned()
        pins = json.loads(self.rpc.ask("pin/ls?type=recursive", timeout=30))["Keys"]
        lost = [cid for cid in self.added if cid not in pins]
        assert not lost, f"pins of files that were added meanwhile are gone: {lost}"
        for cid, data in self.added.items():
            assert self.rpc.ask(f"cat?arg={cid}&offline=true") == data, f"{cid} was added, and is other bytes"
        for cid in self.leaves + self.ours + self.fetched:
            block = self.rpc.ask(f"block/get?arg={cid}&offline=true")
            assert hashlib.sha256(block).digest() == digest_of(cid), f"{cid} is other bytes"

    def check_pinned(self):
        assert hashlib.sha256(self.masu.run("cat", self.root).stdout).hexdigest() == self.digest, "the pinned file has changed"
        assert self.root in self.masu.out("pin", "ls", "--type=recursive"), "the pin is gone"

    def play(self, seconds=None):
        seconds = seconds or self.seconds
        _, _, port = self.address.partition("/tcp/")
        command = ["nice", "-n", "5", HOSTILE, self.attack, f"--port={port.split('/')[0]}", f"--api-port={self.rpc.port}",
                   f"--seconds={seconds}"]
        command += [f"--held={cid}" for cid in ([self.root] if self.attack.startswith("rpc") else self.leaves)]
        result = subprocess.run(command, capture_output=True, timeout=seconds + 30)
        assert result.returncode == 0, f"hostile: exit {result.returncode}: {result.stderr.decode()[-500:]}"
        return json.loads(result.stdout)

    def come(self, newcomer):
        """Says how the newcomer fared. On a slow machine it has not much time: the attack is then played again for longer."""
        meanwhile = self.budget != FEW_PLACES and self.budget not in HANDSHAKES_TAKEN.get(self.attack, "").split()
        newcomer.finish()
        if newcomer.steps and meanwhile:
            newcomer = self.newcomer()
            newcomer.start()
            self.play(PATIENCE_SECONDS)
            newcomer.finish()
        return newcomer.check(meanwhile)

    def run(self):
        self.prepare()
        kinds = [Honest("ping", self.ping), Honest("fetch", self.fetch), Honest("be served", self.be_served),
                 Honest("id", lambda: self.rpc.ask("id"))]
        adds = Honest("add", self.add, 0.2)
        baits = [Honest("bait", self.bait, 0.01) for _ in range(2 if self.attack in WITH_BAIT else 0)]
        # Warm: what a node holds that serves somebody is not residue.
        for kind in [*kinds, adds]:
            kind.ask()
        time.sleep(1.5)
        larges = [("fetched", self.fetch_large), ("served", self.serve_large)] if self.large else []
        if larges:
            self.large_of_masu = {who: self.put_large(self.masu, f"served, {who}") for who in ("undisturbed", "disturbed")}
        undisturbed = [transfer("undisturbed") for _, transfer in larges]
        if larges:
            time.sleep(1.5)
        base, before = self.rpc.report(), self.resident()
        disturbed = [Once(lambda transfer=transfer: transfer("disturbed"), after=1) for _, transfer in larges]
        watch, newcomer = ledger.Ledger(self.rpc.report, self.planned), self.newcomer()
        for thread in [*kinds, adds, *baits, *disturbed, watch, newcomer]:
            thread.start()
        try:
            did = self.play()
        finally:
            newcomer.ended.set()
            for thread in [*kinds, adds, *baits, watch]:
                thread.stop()
            assert self.masu.alive(), f"masu has ended:\n{self.masu.log_text()}"
        high = nodes.status_bytes(self.masu.pid, "VmHWM")
        assert high <= self.masu.budget_bytes(), f"VmHWM is {high / MIB:.2f} MiB"
        least = 0.8 if self.masu.budget_bytes() <= 16 * MIB else 0.95
        for kind in kinds:
            kind.check(least)
        came = self.come(newcomer)
        watch.check()
        pace = "".join(map(self.pace, larges, undisturbed, disturbed))
        settled = self.settle(before, base, watch.last)
        self.check_nothing_is_lost()
        bad = re.findall(r"(?im)^.*(?:assert|check failed|terminate called).*$", self.masu.log_text())
        assert not bad, bad
        self.check_attack(did)
        shares = ", ".join(f"{kind.kind} {kind.answered}/{kind.total()} ({kind.slowest:.1f} s)" for kind in [*kinds, adds])
        return (f"{self.check_group()}high {high / MIB:.1f} MiB, {watch.text()}; {settled}; {shares}, {came}{pace}; "
                f"{json.dumps(did)}")

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
                for kubo in (self.kubo, self.other):
                    kubo.run("swarm", "disconnect", self.address, check=False)
        finally:
            try:
                self.masu.stop()
            finally:
                if self.group is not None:
                    self.group.remove()


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
    budgets = [usable(budget, directory) for budget in arguments.budgets.split(",")]
    for at, name in enumerate(names):
        if arguments.names and not any(part in name for part in arguments.names):
            continue
        for budget in dict.fromkeys(budgets) if arguments.all else [budgets[at % len(budgets)]]:
            yield name, budget, arguments.cgroup
    if not arguments.names and not arguments.cgroup:
        yield *IN_GROUP, True


def play_one(name, budget, in_group, kubos, arguments):
    """Whether it passed; None: this machine has no memory cgroup."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="masu-attack-") as directory:
        run = Run(name, budget, *kubos, directory, arguments)
        problem, said = None, ""
        try:
            if in_group:
                run.enter_group()
            said = run.run()
        except cgroup.NoController as error:
            print(f"  not in a cgroup: {name} at {budget}: {error}", flush=True)
            return None
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
    parser.add_argument("--cgroup", action="store_true")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--budgets", "--budget", default=BUDGETS)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    begin = time.monotonic()
    passed = failed = absent = 0
    with tempfile.TemporaryDirectory(prefix="masu-attack-kubo-") as directory:
        kubos = [nodes.Kubo(Path(directory) / name).init() for name in ("kubo", "newcomer")]
        try:
            for kubo in kubos:
                kubo.start()
            for chosen in plan_runs(arguments, directory):
                outcome = play_one(*chosen, kubos, arguments)
                passed += outcome is True
                failed += outcome is False
                absent += outcome is None
        finally:
            for kubo in kubos:
                kubo.stop()
    print(f"  attacks in {time.monotonic() - begin:.0f} s")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed + absent else 0


if __name__ == "__main__":
    sys.exit(main())
