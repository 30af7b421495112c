"""A very short evening (bench/evening.py): a dozen honest peers of bench/peers, each served in all that it asks."""

import sys
import unittest
from pathlib import Path

import nodes
from case import NodesCase

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import evening  # noqa: E402
import schedule  # noqa: E402
import swarm  # noqa: E402


class ShortEvening(NodesCase):
    def test_a_dozen_peers_are_served(self):
        self.need(nodes.MASU, "masu")
        self.need(swarm.PEERS, "bench/peers")
        plan = schedule.draw(1, 10, 12, files=2, file_bytes=2 << 20, ask_ms=300, limit_ms=60_000)
        short = evening.Evening(nodes.Masu, plan, self.dir, after=0, settle=0)
        self.addCleanup(short.node.stop)
        result = short.measure(pace=0.2)
        kinds, tally = result["tally"]["kinds"], result["tally"]
        self.assertGreaterEqual(tally["connected"], 12)
        for kind in ("connect", "have", "block", "absent"):
            self.assertGreater(kinds[kind]["asked"], 0, kind)
        self.assertEqual(kinds["all"]["answered"], kinds["all"]["asked"], tally)
        self.assertEqual(tally["wrong"], 0)
        for kind, chore in result["chores"].items():
            self.assertEqual(chore["failed"], 0, f"{kind}: {chore['errors']}")
        self.assertGreater(tally["blocks_given"], 0)


if __name__ == "__main__":
    unittest.main()
