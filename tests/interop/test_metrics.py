"""/debug/metrics/prometheus: every scraper can read it, and Kubo's names mean what they mean there."""

import urllib.request

import content
import exposition
from case import NodesCase
from nodes import MIB, status_bytes


def scrape(node):
    port = (node.repo / "api").read_text().strip().rpartition("/")[2]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/debug/metrics/prometheus", timeout=60) as answer:
        return answer.headers, answer.read()


class Exposition(NodesCase):
    """The reader itself: what is wrong in an exposition is found."""

    GOOD = b'# HELP a b\n# TYPE a gauge\na{x="1",y="\\"\\\\\\n"} 1e3\na{x="2"} +Inf\n'

    def test_takes_what_is_right(self):
        self.assertEqual(exposition.parse(self.GOOD)["a"].value(x="1", y='"\\\n'), 1000)

    def test_refuses_what_is_wrong(self):
        for bad in (self.GOOD[:-1], self.GOOD + b"\n", self.GOOD + b'a{x="2"} 1\n', self.GOOD + b"b 1\n",
                    self.GOOD + b"a{x=1} 1\n", self.GOOD + b'a{x="3",} 1\n', self.GOOD + b'a{x="3"} one\n',
                    self.GOOD + b'a{x="3"}  1\n', self.GOOD + b'a{x="\\t"} 1\n', self.GOOD + self.GOOD,
                    b"# HELP a b\n# TYPE a counter\na -1\n", b"# HELP a b\na 1\n", b"# HELP a b\n# TYPE a gauge\n",
                    b'# HELP a b\n# TYPE a histogram\na_bucket{le="+Inf"} 2\na_sum 1\na_count 1\n'):
            with self.assertRaises((AssertionError, KeyError), msg=bad):
                exposition.parse(bad)


class Metrics(NodesCase):
    def test_the_metrics_of_a_node_at_work(self):
        masu, kubo = self.masu(), self.kubo()
        path = self.dir / "file"
        content.write_file(path, 8 * MIB)
        cid = kubo.out("add", "-Q", path)
        masu.connect(kubo)
        masu.run("get", "-o", self.dir / "got", cid)
        headers, body = scrape(masu)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        families = exposition.parse(body)
        report = masu.rpc("stats/memory")
        stat = masu.rpc("bitswap/stat")

        def value(name, **labels):
            return families[name].value(**labels)

        self.assertLess(abs(value("process_resident_memory_bytes") - status_bytes(masu.pid, "VmRSS")), 2 * MIB)
        self.assertEqual(value("masu_memory_budget_bytes"), 64 * MIB)
        self.assertEqual(value("ipfs_bitswap_blocks_received"), stat["BlocksReceived"])
        received = families["ipfs_bitswap_recv_all_blocks_bytes"].samples
        self.assertEqual(received[("ipfs_bitswap_recv_all_blocks_bytes_sum", ())], stat["DataReceived"])
        self.assertGreaterEqual(stat["DataReceived"], 8 * MIB)
        self.assertEqual(value("libp2p_rcmgr_connections", dir="outbound", scope="system"), 1)
        self.assertEqual(value("libp2p_rcmgr_connections", dir="inbound", scope="system"), 0)
        self.assertGreater(value("masu_swarm_bytes_total", dir="inbound"), 8 * MIB)
        for row in report["Accounts"]:
            labels = {"arena": row["Name"], "lifetime": row["Lifetime"]}
            self.assertEqual(value("masu_memory_arena_quota_bytes", **labels), row["Quota"])
            self.assertEqual(value("masu_memory_arena_refusals_total", **labels), row["Refusals"])
        self.assertEqual(len(families["masu_memory_arena_live_bytes"].samples), len(report["Accounts"]))
        # What has Kubo's name has Kubo's type and labels.
        theirs = exposition_types(scrape(kubo)[1])
        for name, family in families.items():
            if not name.startswith("masu_"):
                self.assertEqual(theirs.get(name), family.type, name)

    def test_counters_only_grow(self):
        masu = self.masu()
        path = self.dir / "file"
        content.write_file(path, 4 * MIB)
        before = exposition.parse(scrape(masu)[1])
        masu.run("add", "-Q", path)
        after = exposition.parse(scrape(masu)[1])
        self.assertEqual(list(before), list(after))
        for name, family in before.items():
            if family.type == "counter":
                for key, value in family.samples.items():
                    self.assertGreaterEqual(after[name].samples[key], value, key)
        self.assertGreater(after["process_cpu_seconds_total"].value(), before["process_cpu_seconds_total"].value())
        self.assertEqual(after["process_start_time_seconds"].value(), before["process_start_time_seconds"].value())


def exposition_types(body):
    """Name to type, of a text that need not pass the strict reader."""
    lines = (line.split(" ") for line in body.decode().split("\n") if line.startswith("# TYPE "))
    return {line[2]: line[3] for line in lines}
