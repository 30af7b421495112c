"""Honest peers and a user beside a node under test: bench/peers as a process, and work over the RPC."""

import base64
import hashlib
import http.client
import json
import os
import random
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import content
import nodes
from nodes import MIB

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(os.environ.get("PEERS", ROOT / "build/release/bench/peers/peers"))


def swarm_port(node):
    return int(node.address().split("/tcp/")[1].split("/")[0])


class Players:
    """bench/peers, with lines of JSON from it."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PEERS, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"bench/peers ended with {self.process.wait()}"
        return json.loads(line)

    def write(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def lines(self):
        for line in self.process.stdout:
            yield json.loads(line)

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Rpc:
    """Requests to a node, bodies in pieces, so that the user beside it takes little of the machine."""

    def __init__(self, node, patience=120):
        self.port = int((node.repo / "api").read_text().strip().rpartition("/")[2])
        self.patience = patience

    def ask(self, command, body=b"", headers=None, **arguments):
        """The SHA-256 and the size of the answer's body. OSError: refused, or it broke off."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)
        try:
            query = urllib.parse.urlencode({name.replace("_", "-"): value for name, value in arguments.items()})
            connection.request("POST", f"/api/v0/{command}?{query}", body, headers or {})
            answer = connection.getresponse()
            digest, size, first = hashlib.sha256(), 0, b""
            while piece := answer.read(1 << 18):
                first = first or piece[:300]
                digest.update(piece)
                size += len(piece)
            if answer.status != 200 or answer.getheader("X-Stream-Error"):
                raise OSError(f"{command}: {answer.status} {first!r}")
            return digest.hexdigest(), size, first
        finally:
            connection.close()

    def add(self, size, seed, pin=False, chunker="size-262144"):
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: application/octet-stream\r\n\r\n'
        tail = b"\r\n--b--\r\n"

        def body():
            yield head
            yield from content.pieces(size, seed)
            yield tail

        headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(len(head) + size + len(tail))}
        return self.ask("add", body(), headers, pin="true" if pin else "false", raw_leaves="true", cid_version="1",
                        chunker=chunker)


class Chore(threading.Thread):
    """Does one kind of work again and again, each `interval` seconds in the mean, until it is stopped."""

    def __init__(self, name, interval, seed, work):
        super().__init__(daemon=True)
        self.kind, self.interval, self.work = name, interval, work
        self.rng = random.Random(f"{seed}/{name}")
        self.done, self.seconds, self.errors = 0, 0.0, []
        self._ended = threading.Event()

    def run(self):
        while not self._ended.wait(self.rng.uniform(0.5, 1.5) * self.interval):
            begin = time.monotonic()
            try:
                self.work(self.rng, self.done + len(self.errors))
                self.done += 1
                self.seconds += time.monotonic() - begin
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.errors.append(f"{type(error).__name__}: {error}"[:300])

    def stop(self):
        self._ended.set()

    def report(self):
        return {"done": self.done, "failed": len(self.errors), "mean_s": self.seconds / max(1, self.done),
                "errors": self.errors[:3]}


def chores(node, files, seed, pace=1.0):
    """What the user of the node does meanwhile. `files`: what the peers have."""
    rpc = Rpc(node)

    def fetch(rng, number):
        file = files[rng.randrange(len(files))]
        digest, size, _ = rpc.ask("cat", arg=file["root"], timeout="60s")
        assert size == file["size"], f"{file['root']} broke off at {size} of {file['size']} bytes within 60 s"
        assert digest == file["sha256"], f"{file['root']} came with other bytes"

    def absent(rng, number):
        name = bytes([1, 0x55, 0x12, 0x20]) + rng.randbytes(32)
        cid = "b" + base64.b32encode(name).decode().rstrip("=").lower()
        try:
            rpc.ask("block/get", arg=cid, timeout="5s")
        except OSError as error:
            if not str(error).startswith("block/get: "):  # an answer; else the connection was lost
                raise
        else:
            raise AssertionError(f"{cid} was found")

    return [
        Chore("fetch 8 MiB from the peers", 10 * pace, seed, fetch),
        Chore("import 16 MiB", 15 * pace, seed, lambda rng, n: rpc.add(16 * MIB, f"{seed}/import/{n}")),
        Chore("collect garbage", 30 * pace, seed, lambda rng, n: rpc.ask("repo/gc")),
        Chore("ask for what nobody has", 5 * pace, seed, absent),
    ]


def fill(node, directory):
    """What the node has to give: a file of 16 MiB and 300 small ones, pinned. Returns CIDs of the raw blocks."""
    large = Path(directory) / "large"
    small = Path(directory) / "small"
    if not large.exists():
        content.write_file(large, 16 * MIB, "evening")
        small.mkdir()
        rng = random.Random("evening")
        for number in range(300):
            (small / f"{number}").write_bytes(next(content.pieces(rng.randint(2000, 60_000), f"evening/{number}")))
    root = node.out("add", "-Q", "--raw-leaves", "--cid-version=1", large)
    names = node.out("refs", "-r", root).split()
    names += node.out("add", "-q", "-r", "--raw-leaves", "--cid-version=1", small).split()
    return sorted({name for name in names if name.startswith("bafk")})
