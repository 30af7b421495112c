"""masu and a real Helia (js-libp2p over TCP, Noise and yamux) trade files both ways."""

import content
from case import NodesCase
from nodes import MIB

SIZES = [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 64 * MIB]


class Helia(NodesCase):
    def test_helia_pings_masu(self):
        masu, helia = self.masu(), self.helia()
        self.assertGreaterEqual(helia.do("ping", address=masu.address())["ms"], 0)

    def test_masu_pings_helia(self):
        masu, helia = self.masu(), self.helia()
        masu.connect(helia)
        self.assertEqual(masu.out("ping", "-n", "2", helia.id).count("Pong received"), 2)

    def test_helia_fetches_masus_files(self):
        masu, helia = self.masu(), self.helia()
        helia.do("dial", address=masu.address())
        for size in SIZES:
            path = self.dir / f"masu-{size}"
            digest = content.write_file(path, size, "to helia")
            cid = masu.out("add", "-Q", path)
            got = self.dir / f"helia-got-{size}"
            self.assertEqual(helia.do("cat", cid=cid, path=str(got))["bytes"], size)
            self.assertEqual(content.sha256(got), digest)

    def test_masu_fetches_helias_files(self):
        masu, helia = self.masu(), self.helia()
        masu.connect(helia)
        for size in SIZES:
            path = self.dir / f"helia-{size}"
            digest = content.write_file(path, size, "from helia")
            cid = helia.do("add", path=str(path))["cid"]
            got = self.dir / f"masu-got-{size}"
            masu.run("get", "-o", got, cid, timeout=300)
            self.assertEqual(content.sha256(got), digest)

    def test_helia_lists_a_directory_of_ten_thousand(self):
        masu, helia = self.masu(), self.helia()
        helia.do("dial", address=masu.address())
        path = self.dir / "many"
        content.write_directory(path, 10_000)
        cid = masu.out("add", "-Q", "-r", path, timeout=300)
        self.assertEqual(sorted(helia.do("ls", cid=cid)["names"]), sorted(file.name for file in path.iterdir()))
