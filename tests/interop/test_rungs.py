"""Each rung of the ladder in force on a real node: a Kubo that trades with it goes on pinging, giving and taking, and the
API answers; when the rung is undone, all is as before."""

import time

import content
from case import NodesCase
from nodes import MIB
from test_full_pools import FULL_NODE, FullNode

RUNGS = ["purge", "drop code", "shrink caches", "stop growth", "stop dialling", "shorten idle times", "trim connections",
         "refuse streams", "refuse connections", "reset the heaviest"]


class Rungs(NodesCase):
    def setUp(self):
        super().setUp()
        self.number = 0

    def rung(self, name):
        return next(row for row in self.node.rpc("stats/memory")["Rungs"] if row["Name"] == name)

    def give_and_take(self, size):
        """A file of `size` that was never seen before, each way."""
        for giver, taker in ((self.node, self.kubo_peer), (self.kubo_peer, self.node)):
            self.number += 1
            data = b"".join(content.pieces(size, f"rungs {self.number}"))
            cid = giver.out("add", "-Q", input=data)
            self.assertTrue(taker.run("cat", cid).stdout == data, f"{taker.name} got other bytes")

    def become_of_use(self):
        """Trades until the node knows the Kubo as a peer of use, which it looks for once a second."""
        deadline = time.monotonic() + 60
        while self.node.do(f"tagged {self.kubo_id} bitswap-useful") != "yes":
            self.assertLess(time.monotonic(), deadline, "the Kubo never becomes a peer of use")
            self.give_and_take(1000)
            time.sleep(0.1)

    def ping_both_ways(self):
        for one, other in ((self.kubo_peer, self.node_id), (self.node, self.kubo_id)):
            self.assertIn("Pong received", one.out("ping", "-n", "1", other))

    def hold(self, name):
        """Everything an honest peer and a local client ask for, while the rung is in force."""
        self.become_of_use()
        before = self.rung(name)["Entered"]
        logged = self.node.log_path.read_text().count(f"memory: {name} begins")
        self.assertEqual(self.node.do(f"rung {name} on"), f"{name} is on")
        row = self.rung(name)
        self.assertTrue(row["Active"], row)
        self.assertGreater(row["Entered"], before)
        log = self.node.log_path.read_text()
        if name in RUNGS[:2]:  # one line a minute
            self.assertIn(f"memory: {name} begins", log)
        else:
            self.assertEqual(log.count(f"memory: {name} begins"), logged + 1, log)
        self.ping_both_ways()
        self.give_and_take(100_000)
        self.assertEqual(self.node.rpc("id")["ID"], self.node_id)
        self.assertIn(self.kubo_id, self.node.out("swarm", "peers"))
        self.assertTrue(self.rung(name)["Active"], "it was in force all the while")

    def test_an_honest_peer_and_local_requests_go_on_while_each_is_in_force(self):
        self.need(FULL_NODE, "the daemon of the tests")
        self.node = FullNode(self.dir / "full", "64M").init()
        self.addCleanup(self.node.stop)
        self.node.start()
        self.kubo_peer = self.kubo()
        self.node_id, self.kubo_id = self.node.peer_id(), self.kubo_peer.peer_id()
        self.assertEqual([row["Name"] for row in self.node.rpc("stats/memory")["Rungs"]], RUNGS, "all, from the mildest up")
        self.kubo_peer.connect(self.node)
        connected = self.node.out("swarm", "peers")
        for name in RUNGS:
            self.hold(name)
            self.assertEqual(self.node.do(f"rung {name} off"), f"{name} is off")
            self.assertFalse(self.rung(name)["Active"])
            theirs = b"".join(content.pieces(16 * MIB, name))
            cid = self.kubo_peer.out("add", "-Q", input=theirs)
            self.assertTrue(self.node.run("cat", cid).stdout == theirs)
        self.assertEqual(self.node.out("swarm", "peers"), connected, "the same connection from the first rung to the last")
        self.assertEqual(self.node.stop(), 0)
