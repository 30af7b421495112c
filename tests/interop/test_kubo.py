"""masu and a real Kubo trade pings, blocks, files and directories, inside the budget all the while."""

import hashlib
import time

import content
from case import NodesCase
from nodes import MIB

SIZES = [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 64 * MIB]


class Ping(NodesCase):
    def test_masu_pings_kubo(self):
        masu, kubo = self.masu(), self.kubo()
        masu.connect(kubo)
        out = masu.out("ping", "-n", "3", kubo.peer_id())
        self.assertEqual(out.count("Pong received"), 3, out)

    def test_kubo_pings_masu(self):
        masu, kubo = self.masu(), self.kubo()
        kubo.connect(masu)
        out = kubo.out("ping", "-n", "3", masu.peer_id())
        self.assertEqual(out.count("Pong received"), 3, out)

    def test_each_sees_the_other_as_a_peer(self):
        masu, kubo = self.masu(), self.kubo()
        masu.connect(kubo)
        self.assertIn(kubo.peer_id(), masu.out("swarm", "peers"))
        self.assertIn(masu.peer_id(), kubo.out("swarm", "peers"))
        self.assertIn("masu/", kubo.out("id", masu.peer_id()))
        self.assertIn("kubo/", masu.out("id", kubo.peer_id()))
        masu.run("swarm", "disconnect", kubo.address())
        self.assertNotIn(kubo.peer_id(), masu.out("swarm", "peers"))


class Blocks(NodesCase):
    def test_one_block_each_way(self):
        masu, kubo = self.masu(), self.kubo()
        kubo.connect(masu)
        for giver, taker, text in ((masu, kubo, b"from masu"), (kubo, masu, b"from kubo")):
            cid = giver.out("block", "put", input=text)
            self.assertEqual(taker.run("block", "get", cid).stdout, text)

    def test_a_block_of_two_mebibytes_each_way(self):
        masu, kubo = self.masu(), self.kubo()
        masu.connect(kubo)
        for giver, taker in ((masu, kubo), (kubo, masu)):
            data = b"".join(content.pieces(2 * MIB, giver.name))
            cid = giver.out("block", "put", input=data)
            self.assertEqual(hashlib.sha256(taker.run("block", "get", cid).stdout).digest(), hashlib.sha256(data).digest())


class Switches(NodesCase):
    def trade(self, values):
        """A masu with these settings, a Kubo that is connected with it, and a block of each."""
        masu, kubo = self.masu(start=False), self.kubo()
        masu.configure(values)
        masu.start()
        masu.connect(kubo)
        return masu, kubo, masu.out("block", "put", input=b"of masu"), kubo.out("block", "put", input=b"of kubo")

    def test_without_its_server_masu_fetches_and_does_not_serve(self):
        masu, kubo, own, other = self.trade({"Bitswap.ServerEnabled": False})
        self.assertEqual(masu.run("block", "get", other).stdout, b"of kubo")
        self.assertNotEqual(kubo.run("block", "get", "--timeout=3s", own, check=False).returncode, 0)
        self.assertIn("Pong received", masu.out("ping", "-n", "1", kubo.peer_id()))

    def test_without_libp2p_bitswap_nothing_is_asked_for_or_given(self):
        masu, kubo, own, other = self.trade({"Bitswap.Libp2pEnabled": False})
        self.assertNotEqual(kubo.run("block", "get", "--timeout=3s", own, check=False).returncode, 0)
        self.assertNotEqual(masu.run("block", "get", "--timeout=3s", other, check=False).returncode, 0)
        self.assertNotIn("bitswap", kubo.out("id", masu.peer_id()))
        self.assertNotEqual(masu.run("bitswap", "stat", check=False).returncode, 0)
        self.assertIn("Pong received", masu.out("ping", "-n", "1", kubo.peer_id()))
        self.assertEqual(masu.run("block", "get", own).stdout, b"of masu")


class Restart(NodesCase):
    def test_a_restarted_masu_finds_the_kubo_that_it_fetched_from(self):
        masu, kubo = self.masu(), self.kubo()
        masu.connect(kubo)
        first = kubo.out("block", "put", input=b"before the restart")
        self.assertEqual(masu.run("block", "get", first).stdout, b"before the restart")
        masu.stop()
        second = kubo.out("block", "put", input=b"after it")
        masu.start()
        self.assertEqual(masu.run("block", "get", second, timeout=30).stdout, b"after it")
        self.assertIn(kubo.peer_id(), masu.out("swarm", "peers"))

    def test_a_restarted_masu_calls_nobody_when_it_is_offline_or_told_not_to(self):
        masu, kubo = self.masu(), self.kubo()
        masu.connect(kubo)
        cid = kubo.out("block", "put", input=b"before the restart")
        masu.run("block", "get", cid)
        masu.stop()
        masu.start(extra=["--offline"])
        time.sleep(3)
        self.assertNotIn(masu.peer_id(), kubo.out("swarm", "peers"))
        masu.stop()
        masu.configure({"Internal.BackupBootstrapInterval": "0s"})
        masu.start()
        time.sleep(3)
        self.assertNotIn(masu.peer_id(), kubo.out("swarm", "peers"))


class Files(NodesCase):
    def trade(self, giver, taker, size, *flags):
        path = self.dir / f"{giver.name}-{size}"
        digest = content.write_file(path, size, giver.name)
        cid = giver.out("add", "-Q", *flags, path)
        fetched = self.dir / f"{taker.name}-got-{size}"
        taker.run("get", "-o", fetched, cid, timeout=300)
        self.assertEqual(content.sha256(fetched), digest, f"{size} bytes from {giver.name}")
        cat = taker.run("cat", cid, timeout=300).stdout
        self.assertEqual(hashlib.sha256(cat).hexdigest(), digest)

    def test_kubo_fetches_masus_files(self):
        masu, kubo = self.masu(), self.kubo()
        kubo.connect(masu)
        for size in SIZES:
            self.trade(masu, kubo, size)

    def test_masu_fetches_kubos_files(self):
        masu, kubo = self.masu(), self.kubo()
        masu.connect(kubo)
        for size in SIZES:
            self.trade(kubo, masu, size)

    def test_files_of_the_2025_profile_both_ways(self):
        masu, kubo = self.masu(start=False), self.kubo(start=False)
        for node in (masu, kubo):
            node.run("config", "profile", "apply", "unixfs-v1-2025")
            node.start()
        masu.connect(kubo)
        for size in (1, 3 * MIB + 1, 16 * MIB):
            self.trade(masu, kubo, size)
            self.trade(kubo, masu, size)

    def test_a_part_of_a_file(self):
        masu, kubo = self.masu(), self.kubo()
        masu.connect(kubo)
        path = self.dir / "file"
        content.write_file(path, 3 * MIB)
        cid = kubo.out("add", "-Q", path)
        got = masu.run("cat", "--offset", 1234567, "--length", 654321, cid).stdout
        self.assertEqual(got, path.read_bytes()[1234567 : 1234567 + 654321])

    def test_a_fetch_from_two_peers_counts_few_duplicates(self):
        masu, first, second = self.masu(), self.kubo("kubo-1"), self.kubo("kubo-2")
        path = self.dir / "file"
        digest = content.write_file(path, 32 * MIB)
        cid = first.out("add", "-Q", path)
        self.assertEqual(second.out("add", "-Q", path), cid)
        masu.connect(first).connect(second)
        self.assertEqual(hashlib.sha256(masu.run("cat", cid).stdout).hexdigest(), digest)
        duplicates = next(line for line in masu.out("bitswap", "stat").splitlines() if "dup data received" in line)
        self.assertLess(int(duplicates.split(":")[1].split()[0]), 32 * MIB * 0.05, duplicates)


class Directories(NodesCase):
    def trade(self, giver, taker, entries):
        path = self.dir / f"{giver.name}-{entries}"
        content.write_directory(path, entries)
        cid = giver.out("add", "-Q", "-r", path, timeout=300)
        fetched = self.dir / f"{taker.name}-got-{entries}"
        # Kubo's `get` asks for one entry after the other and waits 20 ms before each; pinning asks for many.
        taker.run("pin", "add", cid, timeout=300)
        taker.run("get", "-o", fetched, cid, timeout=300)
        expected = {file.name: file.read_bytes() for file in path.iterdir()}
        self.assertEqual({file.name: file.read_bytes() for file in fetched.iterdir()}, expected)
        self.assertEqual(len(taker.out("ls", "--size=false", cid, timeout=300).splitlines()), entries)

    def test_ten_thousand_entries_from_masu(self):
        masu, kubo = self.masu(), self.kubo()
        kubo.connect(masu)
        self.trade(masu, kubo, 10_000)

    def test_ten_thousand_entries_from_kubo(self):
        masu, kubo = self.masu(), self.kubo()
        masu.connect(kubo)
        self.trade(kubo, masu, 10_000)

    def test_a_tree_with_links_and_empty_directories(self):
        masu, kubo = self.masu(), self.kubo()
        masu.connect(kubo)
        tree = self.dir / "tree"
        (tree / "a/b/c").mkdir(parents=True)
        (tree / "empty").mkdir()
        (tree / "a/file").write_text("file")
        (tree / "a/b/c/deep").write_text("deep")
        (tree / "link").symlink_to("a/file")
        for giver, taker in ((masu, kubo), (kubo, masu)):
            cid = giver.out("add", "-Q", "-r", tree)
            out = self.dir / f"from-{giver.name}"
            taker.run("get", "-o", out, cid)
            self.assertEqual((out / "a/b/c/deep").read_text(), "deep")
            self.assertEqual((out / "link").readlink().as_posix(), "a/file")
            self.assertTrue((out / "empty").is_dir())
            self.assertEqual(taker.out("cat", f"/ipfs/{cid}/a/b/c/deep"), "deep")
