"""Each CID equals Kubo's for the same input and the same flags."""

import content
from case import NodesCase
from nodes import MIB

FLAGS = [
    [],
    ["--cid-version=1"],
    ["--raw-leaves"],
    ["--cid-version=1", "--raw-leaves=false"],
    ["--chunker=size-1048576"],
    ["--chunker=size-1000"],
    ["--hash=sha2-512"],
    ["--hash=blake3"],
    ["--hash=blake2b-256"],
    ["--inline", "--inline-limit=100", "--cid-version=1"],
    ["-w"],
]
SIZES = [0, 1, 100, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 5 * MIB + 17]


class Cids(NodesCase):
    def compare(self, masu, kubo, *args):
        ours, theirs = masu.out("add", *args, timeout=300), kubo.out("add", *args, timeout=300)
        self.assertEqual(ours, theirs, " ".join(map(str, args)))

    def test_files_by_size_and_flags(self):
        masu, kubo = self.masu(), self.kubo()
        paths = []
        for size in SIZES:
            paths.append(self.dir / f"file-{size}")
            content.write_file(paths[-1], size)
        for flags in FLAGS:
            self.compare(masu, kubo, "-n", *flags, *paths)

    def test_a_file_with_three_levels(self):
        masu, kubo = self.masu(), self.kubo()
        path = self.dir / "file"
        content.write_file(path, 70 * MIB)
        self.compare(masu, kubo, "-n", "-q", path)
        small = self.dir / "small"
        content.write_file(small, 2 * MIB)
        self.compare(masu, kubo, "-n", "-q", "--chunker=size-64", small)

    def test_the_2025_profile(self):
        masu, kubo = self.masu(start=False), self.kubo(start=False)
        for node in (masu, kubo):
            node.run("config", "profile", "apply", "unixfs-v1-2025")
            node.start()
        for size in [*SIZES, MIB - 1, MIB, MIB + 1, 20 * MIB]:
            path = self.dir / f"file-{size}"
            content.write_file(path, size)
            self.compare(masu, kubo, "-n", "-q", path)

    def test_directories_of_the_2025_profile(self):
        masu, kubo = self.masu(start=False), self.kubo(start=False)
        for node in (masu, kubo):
            node.run("config", "profile", "apply", "unixfs-v1-2025")
            node.start()
        # Here the size of the block decides, 256 KiB at most: 4 bytes, and 59 for each link (a name of 15, a CID of 36).
        for entries in (0, 4443):
            path = self.dir / f"dir-{entries}"
            content.write_directory(path, entries, size=16)
            self.compare(masu, kubo, "-n", "-r", "-Q", path)
        (path / "file-004443.txt").write_bytes(b"one file more..\n")
        self.compare(masu, kubo, "-n", "-r", "-Q", path)

    def test_directories_by_entries(self):
        masu, kubo = self.masu(), self.kubo()
        for entries in (0, 1, 100, 4000, 6000):
            path = self.dir / f"dir-{entries}"
            content.write_directory(path, entries, size=16)
            for flags in ([], ["--cid-version=1"], ["-w"]):
                self.compare(masu, kubo, "-n", "-r", "-Q", *flags, path)

    def test_a_tree_and_what_is_printed_of_it(self):
        masu, kubo = self.masu(), self.kubo()
        tree = self.dir / "tree"
        (tree / "sub/deeper").mkdir(parents=True)
        (tree / "empty").mkdir()
        (tree / ".hidden").write_text("hidden")
        (tree / "sub/ä file").write_text("spaces and letters")
        (tree / "sub/deeper/x").write_bytes(b"x" * 300_000)
        (tree / "link").symlink_to("sub/deeper/x")
        for flags in ([], ["-H"], ["-w"], ["-q"], ["-Q"], ["--cid-version=1"], ["--ignore=sub"]):
            self.compare(masu, kubo, "-r", *flags, tree)

    def test_standard_input(self):
        masu, kubo = self.masu(), self.kubo()
        for text in (b"", b"hello\n", b"x" * 600_000):
            self.assertEqual(masu.out("add", "-q", input=text), kubo.out("add", "-q", input=text))
        self.assertEqual(masu.out("add", "-w", "--stdin-name=name", input=b"text"),
                         kubo.out("add", "-w", "--stdin-name=name", input=b"text"))
