"""Every pool held at its cap while RocksDB, the RPC and the handshakes are driven at their worst: nothing ends the
process, refusals are answers, memory stays inside the budget, and all works again afterwards."""

import hashlib
import http.client
import os
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

import content
import nodes
from case import NodesCase
from nodes import MIB

FULL_NODE = Path(os.environ.get("FULL_NODE", nodes.ROOT / "build/release/tests/core/full-node"))
# What a client may see that is no failure of the node: an answer, or its end of the connection.
CUT_OFF = (ConnectionError, http.client.HTTPException, TimeoutError)


class FullNode(nodes.Masu):
    """masu's daemon with commands on its standard input (tests/core/full_node.cpp)."""

    def start(self, timeout=30):
        self.log_path = self.repo.parent / f"{self.repo.name}.log"
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen([FULL_NODE, self.repo, self.budget], env=self.env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.after_spawn()
        assert self.answer() == "Daemon is ready", self.log_text()
        return self

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def answer(self):
        return self.process.stdout.readline().strip()

    def do(self, command):
        self.say(command)
        return self.answer()

    def api(self):
        return "127.0.0.1", int((self.repo / "api").read_text().strip().rpartition("/")[2])

    def swarm(self):
        host, port = self.address().split("/")[2], self.address().split("/")[4]
        return host, int(port)


class Crowd:
    """Threads that do one thing each until they are told to stop; what they met is counted by name."""

    def __init__(self):
        self.met, self.lock, self.over, self.threads, self.wrong = {}, threading.Lock(), False, [], []

    def count(self, name):
        with self.lock:
            self.met[name] = self.met.get(name, 0) + 1

    def add(self, act, times=1):
        def work():
            while not self.over:
                try:
                    act(self)
                except CUT_OFF as error:
                    self.count(f"cut off: {type(error).__name__}")
                except Exception as error:  # what the test must know of
                    self.wrong.append(repr(error))
                    return

        for _ in range(times):
            self.threads.append(threading.Thread(target=work, daemon=True))

    def run_while(self, busy):
        for thread in self.threads:
            thread.start()
        busy()
        self.over = True
        for thread in self.threads:
            thread.join(90)
        return [thread for thread in self.threads if thread.is_alive()]


def requests_to(address, cid):
    """The RPC as clients use it, well-formed and not: reading, writing, walking, and one that is cut short."""
    body = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n" + b"z" * MIB + b"\r\n--x--\r\n"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    kinds = [("id", None), ("repo/stat", None), (f"block/get?arg={cid}", None), (f"cat?arg={cid}", None), ("pin/ls", None),
             ("block/put", body), ("add", body), ("stats/memory", None), ("no/such/command", None)]

    def act(crowd, at=[0]):
        at[0] += 1
        path, data = kinds[at[0] % len(kinds)]
        connection = http.client.HTTPConnection(*address, timeout=60)
        try:
            connection.request("POST", "/api/v0/" + path, body=data, headers=form if data else {})
            if at[0] % 7 == 0:
                return crowd.count("left")
            answer = connection.getresponse()
            answer.read()
            crowd.count(f"http {answer.status}")
        finally:
            connection.close()

    return act


def handshakes_with(address):
    """A handshake as far as the node has computed its keys and signed; then nothing more is said for a while."""

    def act(crowd):
        with socket.create_connection(address, timeout=20) as peer:
            peer.sendall(b"\x13/multistream/1.0.0\n\x07/noise\n" + b"\x00\x20" + os.urandom(32))
            got = b""
            while len(got) < 100:
                piece = peer.recv(1000)
                if not piece:
                    return crowd.count("handshake closed")
                got += piece
            crowd.count("handshake answered")
            time.sleep(0.2)

    return act


class FullPools(NodesCase):
    def drive(self, node, blocks, cid):
        crowd = Crowd()
        crowd.add(requests_to(node.api(), cid), 24)
        crowd.add(handshakes_with(self.swarm), 48)
        wrote = []
        hung = crowd.run_while(lambda: wrote.append(node.do(f"write {blocks}")))
        self.assertEqual(hung, [], "nobody waits for ever")
        self.assertEqual(crowd.wrong, [])
        self.assertTrue(node.alive(), node.log_text())
        stored, refused = wrote[0].removeprefix("wrote ").split(", refused ")
        self.assertEqual(int(stored) + int(refused), blocks, wrote)
        return int(stored), crowd.met

    def check(self, budget):
        self.need(FULL_NODE, "the daemon of the tests")
        self.need(nodes.KUBO, "Kubo")
        node = FullNode(self.dir / "full", budget).init()
        self.addCleanup(node.stop)
        node.start()
        kubo = self.kubo()
        data = b"".join(content.pieces(3 * MIB, "full"))
        cid = node.out("add", "-Q", input=data)
        self.swarm = node.swarm()

        filled = node.do("fill")
        self.assertRegex(filled, r"^filled \d{2,} accounts, \d{2,} chunks, \d{2,} pages")
        stored, met = self.drive(node, 4000, cid)
        self.assertLess(met.get("http 200", 0) + met.get("handshake answered", 0), sum(met.values()), met)

        node.do("spare")
        stored, met = self.drive(node, 20000, cid)
        self.assertEqual(stored, 20000, "RocksDB never meets a refusal")
        self.assertGreater(met.get("http 200", 0), 0, met)
        self.assertGreater(met.get("handshake answered", 0), 0, met)

        self.assertEqual(node.do("release"), "released")
        deadline = time.monotonic() + 30
        while node.run("swarm", "connect", kubo.address(), check=False).returncode != 0:
            self.assertLess(time.monotonic(), deadline, "connections are made again")
            time.sleep(0.2)
        self.assertEqual(hashlib.sha256(kubo.run("cat", cid).stdout).digest(), hashlib.sha256(data).digest())
        theirs = kubo.out("add", "-Q", input=data[::-1])
        self.assertEqual(node.run("cat", theirs).stdout, data[::-1])
        self.assertEqual(node.stop(), 0)

    def smallest_budget(self):
        """As the refusal of a budget that is too small names it."""
        self.need(FULL_NODE, "the daemon of the tests")
        node = nodes.Masu(self.dir / "refused").init()
        refusal = subprocess.run([FULL_NODE, node.repo, "1M"], capture_output=True, text=True).stderr
        smallest = re.search(r"The smallest that works is (\d+)\.00 MiB", refusal)
        self.assertIsNotNone(smallest, refusal)
        return int(smallest[1])

    def test_at_the_smallest_budget(self):
        self.check(f"{self.smallest_budget()}M")

    def test_at_64_mebibytes(self):
        self.check("64M")
