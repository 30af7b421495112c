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

    # Helia takes some milliseconds for each block, so that ten thousand different files would take it a minute: a
    # hundred contents in turn still show an entry that got another's.

    def test_ten_thousand_entries_from_masu(self):
        masu, helia = self.masu(), self.helia()
        helia.do("dial", address=masu.address())
        path, got = self.dir / "many", self.dir / "got"
        content.write_directory(path, 10_000, contents=100)
        cid = masu.out("add", "-Q", "-r", path, timeout=300)
        self.assertEqual(helia.do("get", cid=cid, path=str(got))["files"], 10_000)
        self.assertEqual(self.files_of(got), self.files_of(path))

    def test_ten_thousand_entries_from_helia(self):
        masu, helia = self.masu(), self.helia()
        masu.connect(helia)
        path, got = self.dir / "many", self.dir / "got"
        content.write_directory(path, 10_000, contents=100)
        cid = helia.do("addDirectory", path=str(path))["cid"]
        self.assertEqual(cid, masu.out("add", "-Q", "-r", "-n", "--cid-version=1", path, timeout=300))
        masu.run("get", "-o", got, cid, timeout=300)
        self.assertEqual(self.files_of(got), self.files_of(path))

    @staticmethod
    def files_of(directory):
        return {file.name: file.read_bytes() for file in directory.iterdir()}
