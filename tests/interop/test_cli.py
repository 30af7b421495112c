"""Commands, flags, output, errors and exit codes are Kubo's, with a daemon and without."""

import fcntl
import json
import os
import pty
import re
import struct
import termios

import content
import nodes
from case import NodesCase
from nodes import MIB

MISSING = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"  # a block that nobody has


def shape(value):
    """What a JSON value is made of, without its values."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if type(value) in (int, float) else type(value).__name__


class SameAsKubo(NodesCase):
    """Runs the same command on both and compares standard output and exit code."""

    def pair(self, start):
        self.masu_node, self.kubo_node = self.masu(start=start), self.kubo(start=start)
        self.tree = self.dir / "tree"
        (self.tree / "sub").mkdir(parents=True)
        (self.tree / "file").write_text("hello\n")
        content.write_file(self.tree / "sub/large", 600_000)

    def same(self, *args, input=None, errors=True):
        ours = self.masu_node.run(*args, input=input, check=False)
        theirs = self.kubo_node.run(*args, input=input, check=False)
        what = f"{' '.join(map(str, args))}\nmasu: {ours.stderr.decode()}\nkubo: {theirs.stderr.decode()}"
        self.assertEqual(ours.stdout.decode(errors="replace"), theirs.stdout.decode(errors="replace"), what)
        self.assertEqual(ours.returncode, theirs.returncode, what)
        if errors and theirs.returncode != 0:
            self.assertEqual(self.first_error(ours), self.first_error(theirs), what)
        return ours.stdout.decode(errors="replace").strip()

    @staticmethod
    def first_error(result):
        lines = result.stderr.decode().splitlines()
        return lines[0] if lines else ""

    def walk(self):
        root = self.same("add", "-r", "-Q", self.tree)
        self.same("add", "-r", self.tree)
        self.same("ls", root)
        self.same("ls", "-v", root)
        self.same("ls", "--size=false", root)
        self.same("cat", f"{root}/file")
        self.same("cat", f"/ipfs/{root}/file")
        self.same("cat", "-o", "2", "-l", "3", f"{root}/file")
        self.same("refs", root)
        self.same("refs", "-r", root)
        self.same("refs", "-r", "-u", "-e", root)
        self.same("pin", "ls", "--type=recursive", root)
        self.same("pin", "rm", root)
        self.same("pin", "ls", root)
        self.same("pin", "add", root)
        leaf = self.same("block", "put", input="a block")
        self.same("block", "put", "--cid-codec=dag-pb", "--mhtype=sha2-256", input=b"\x0a\x02\x08\x01")
        self.same("block", "stat", leaf)
        self.same("block", "get", leaf)
        self.same("block", "rm", leaf)
        self.same("block", "rm", "-f", leaf)
        self.same("block", "rm", root)

    def walk_repo(self):
        """Files and archives out and in, what the repo holds, and what a collection takes."""
        root = self.same("add", "-r", "-Q", self.tree)
        expected = self.files_of(self.tree)
        for node in (self.masu_node, self.kubo_node):
            got = self.dir / f"got-{node.name}"
            self.assertEqual(node.out("get", "-o", got, root), f"Saving file(s) to {got}")
            self.assertEqual(self.files_of(got), expected)
            nodes.shutil.rmtree(got)
        self.same("get", "-o", self.dir / "none", f"{root}/absent")
        car, theirs = (node.run("dag", "export", root).stdout for node in (self.masu_node, self.kubo_node))
        self.assertEqual(car, theirs)
        for flags in ([], ["--stats"], ["--enc=json", "--stats"], ["--pin-roots=false", "--stats"]):
            self.same("dag", "import", *flags, input=car)
        self.same("dag", "import", input=b"no archive")
        self.same("dag", "import", input=car[:-10])
        # Kubo stores a directory around what it adds, and masu does not; from an archive both have the same blocks.
        for node in (self.masu_node, self.kubo_node):
            node.run("pin", "rm", root)
            node.run("repo", "gc")
        for flags in ([], ["-q"], ["--enc=json"]):
            self.same("dag", "import", "--pin-roots=false", input=car)
            ours, theirs = (sorted(node.out("repo", "gc", *flags).splitlines()) for node in (self.masu_node, self.kubo_node))
            self.assertEqual(len(ours), 7)
            self.assertEqual(ours, theirs)
        for args in (["repo", "stat"], ["repo", "stat", "--human"], ["repo", "stat", "--size-only"]):
            self.same_lines(*args)
        self.same_lines("id", "-f", "<id>\n<addrs>\n")
        for args in (["repo", "stat"], ["id"]):
            self.same_shape(*args)

    @staticmethod
    def files_of(directory):
        return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}

    def plain(self, node, text):
        """Output without what is a node's own: ids, ports, its directory, figures."""
        text = text.replace(json.loads((node.repo / "config").read_text())["Identity"]["PeerID"], "SELF")
        text = re.sub(r"/tcp/\d+", "/tcp/PORT", text.replace(str(node.repo), "REPO"))
        return re.sub(r"\b\d+(\.\d+)?( ?(ms|[kMG]?B)\b)?", "N", text)

    def same_lines(self, *args):
        """Compares the lines without what is a node's own, in any order."""
        ours, theirs = ((node, node.run(*args, check=False)) for node in (self.masu_node, self.kubo_node))
        lines = [sorted(self.plain(node, (ran.stdout + ran.stderr).decode()).splitlines()) for node, ran in (ours, theirs)]
        self.assertEqual(lines[0], lines[1], args)
        self.assertEqual(ours[1].returncode, theirs[1].returncode, args)
        return ours[1].stdout.decode()

    def want(self, cid):
        """Both ask for a block that nobody has, until the test ends."""
        for node in (self.masu_node, self.kubo_node):
            getting = nodes.subprocess.Popen([node.binary, "block", "get", cid], env=node.env, stderr=nodes.subprocess.DEVNULL)
            self.addCleanup(getting.wait)
            self.addCleanup(getting.kill)
            self.wait_until(lambda: node.out("bitswap", "wantlist"))

    def same_shape(self, *args):
        ours, theirs = (node.out(*args, "--enc=json").splitlines() for node in (self.masu_node, self.kubo_node))
        self.assertEqual([shape(json.loads(line)) for line in ours], [shape(json.loads(line)) for line in theirs], args)

    def test_with_daemons(self):
        self.pair(start=True)
        self.walk()
        self.walk_repo()

    def test_without_daemons(self):
        self.pair(start=False)
        self.walk()
        self.walk_repo()

    def test_init(self):
        self.pair(start=False)
        self.masu_node, self.kubo_node = nodes.Masu(self.dir / "masu-new"), nodes.Kubo(self.dir / "kubo-new")
        outputs = []
        for node in (self.masu_node, self.kubo_node):
            text = node.out("init")
            outputs.append(self.plain(node, text))
            again = node.run("init", check=False)
            self.assertEqual(again.returncode, 1)
            outputs.append(again.stderr.decode().strip())
        self.assertEqual(outputs[:2], outputs[2:])

    def test_the_network(self):
        self.pair(start=True)
        other = self.kubo("other")
        for args in (["addrs"], ["addrs", "local"], ["peers"]):
            self.same_lines("swarm", *args)
        for turn in ("connect", "disconnect"):
            for again in range(2):
                self.same("swarm", turn, other.address())
                self.same("swarm", "peers")
                self.same_lines("swarm", "addrs")
                self.same_shape("swarm", "peers")
                self.same("swarm", turn, "--enc=json", other.address())
        self.same("swarm", "connect", other.address())
        self.assertEqual(self.same_lines("ping", "-n", "2", other.peer_id()).count("Pong received"), 2)
        self.same_shape("ping", "-n", "1", other.peer_id())
        self.same("ping", "not-a-peer")
        self.same("ping", "12D3KooWMj87h4vigRJsu8MrkqqNAWQ7opEB1ouUBUkFHNj2czEH")
        self.assertEqual(self.same("bitswap", "wantlist"), "")
        self.want(MISSING)
        self.assertEqual(self.same("bitswap", "wantlist"), MISSING)
        self.same("bitswap", "wantlist", "--enc=json")
        self.same("bitswap", "wantlist", "--peer", other.peer_id())

    def test_errors(self):
        self.pair(start=True)
        self.same("cat", "not-a-cid")
        self.same("cat", "--offline", MISSING)
        self.same("block", "get", "--offline", MISSING)
        self.same("no-such-command", errors=False)
        self.same("pin", "rm", MISSING)
        root = self.same("add", "-r", "-Q", self.tree)
        self.same("cat", f"{root}/absent")
        self.same("cat", root)
        self.same("config", "No.Such.Key")
        self.same("swarm", "connect", "not-an-address", errors=False)

    def test_the_json_shapes_of_answers(self):
        self.pair(start=True)
        self.masu_node.connect(self.kubo_node)
        # For Kubo a peer of Bitswap is one that wants something; for masu each that is connected and speaks it.
        self.want(MISSING)
        for node in (self.masu_node, self.kubo_node):
            self.wait_until(lambda: node.rpc("bitswap/stat")["Peers"])
        for args in (["version"], ["id"], ["repo", "stat"], ["bitswap", "stat"], ["swarm", "peers"], ["pin", "ls"]):
            ours = json.loads(self.masu_node.out(*args, "--enc=json").splitlines()[0])
            theirs = json.loads(self.kubo_node.out(*args, "--enc=json").splitlines()[0])
            self.assertEqual(shape(ours), shape(theirs), args)
        # Kubo's command line prints this one as text whatever it is asked for.
        self.assertEqual(shape(self.masu_node.rpc("stats/bw")), shape(self.kubo_node.rpc("stats/bw")))

    def test_config(self):
        self.pair(start=False)
        self.same("config", "Datastore.StorageMax")
        self.same("config", "--json", "Swarm.ConnMgr", '{"Type":"basic","LowWater":7}')
        self.same("config", "Swarm.ConnMgr")
        self.same("config", "--bool", "Gateway.NoFetch", "true")
        self.same("config", "Gateway.NoFetch")
        self.masu_node.run("config", "--json", "Of.Nobody", '{"a":[1,2]}')
        self.assertEqual(json.loads(self.masu_node.out("config", "Of.Nobody")), {"a": [1, 2]})
        self.assertNotIn("PrivKey", self.masu_node.out("config", "show"))


class Own(NodesCase):
    def test_a_car_goes_both_ways(self):
        masu, kubo = self.masu(), self.kubo()
        path = self.dir / "file"
        digest = content.write_file(path, 3 * MIB)
        cid = masu.out("add", "-Q", path)
        car = masu.run("dag", "export", cid).stdout
        self.assertEqual(car, (kubo.run("add", "-Q", path), kubo.run("dag", "export", cid))[1].stdout)
        other = self.masu("other")
        self.assertIn(cid, other.out("dag", "import", input=car))
        other.run("get", "-o", self.dir / "out", cid)
        self.assertEqual(content.sha256(self.dir / "out"), digest)
        self.assertIn(cid, other.out("pin", "ls", "--type=recursive"))

    def test_the_daemons_lines_and_files(self):
        masu = self.masu()
        log = masu.log_text()
        for line in ("Initializing daemon...", "PeerID: ", "Swarm listening on ", "RPC API server listening on ",
                     "Memory shown at http://127.0.0.1:", "Daemon is ready"):
            self.assertIn(line, log)
        api = (masu.repo / "api").read_text().strip()
        self.assertRegex(api, r"^/ip4/127\.0\.0\.1/tcp/\d+$")
        self.assertEqual(masu.out("--api", api, "id", "-f", "<id>"), masu.peer_id())
        self.assertEqual(masu.stop(), 0)
        self.assertFalse((masu.repo / "api").exists())

    def test_shutdown(self):
        masu = self.masu()
        masu.run("shutdown")
        self.assertEqual(masu.process.wait(10), 0)

    def test_stats_memory_adds_up(self):
        masu = self.masu()
        path = self.dir / "file"
        content.write_file(path, 20 * MIB)
        masu.run("add", "-q", path)
        report = json.loads(masu.out("stats", "memory", "--enc=json"))
        rows = report["Sum"] - report["Rss"]
        self.assertLessEqual(abs(rows), max(MIB, report["Rss"] * 3 // 100), report)
        self.assertEqual(report["Budget"], 64 * MIB)
        table = masu.out("stats", "memory")
        for word in ("live", "peak", "pages", "quota", "refused", "unexplained"):
            self.assertIn(word, table)

    def test_stats_memory_is_watched(self):
        masu = self.masu()
        terminal, end = pty.openpty()
        self.addCleanup(os.close, terminal)
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
        watch = nodes.subprocess.Popen([nodes.MASU, "stats", "memory", "--watch"], env=masu.env, stdin=end, stdout=end,
                                       stderr=end)
        self.addCleanup(watch.kill)
        os.close(end)
        text = b""
        while text.count(b"\x1b[HRSS ") < 3:
            text += os.read(terminal, 4096)
        self.assertTrue(text.startswith(b"\x1b[?1049h\x1b[?25l"), "a screen of its own")
        frame = text.split(b"\x1b[H")[1].replace(b"\x1b[K", b"").replace(b"\x1b[J", b"").split(b"\r\r\n")
        self.assertEqual(len(frame), 20)
        self.assertLessEqual(max(map(len, frame)), 60)
        watch.send_signal(nodes.signal.SIGINT)
        self.assertEqual(watch.wait(10), -nodes.signal.SIGINT)
        while not text.endswith(b"\x1b[?25h\x1b[?1049l"):
            text += os.read(terminal, 4096)

    def on_terminal(self, masu, *args):
        """A command that has a terminal for its errors: (standard output, the lines that the terminal showed one over the other)."""
        terminal, end = pty.openpty()
        command = nodes.subprocess.Popen([nodes.MASU, *map(str, args)], env=masu.env, stdin=nodes.subprocess.DEVNULL,
                                         stdout=nodes.subprocess.PIPE, stderr=end)
        os.close(end)
        text = b""
        try:
            while piece := os.read(terminal, 4096):
                text += piece
        except OSError:  # EIO: nobody has the other end any more
            pass
        os.close(terminal)
        out = command.communicate()[0].decode()
        self.assertEqual(command.returncode, 0, text)
        return out, text.decode().split("\x1b[2K\r")[1:]

    def check_bar(self, shown):
        self.assertGreater(len(shown), 1)
        for line in shown:
            self.assertRegex(line, r"^(\d+(\.\d\d)? (B|KiB|MiB) / 12\.00 MiB \[=*>?-*\] .*\d\.\d\d% .*)?\s*$")
        self.assertRegex(shown[-1], r"^12\.00 MiB / 12\.00 MiB \[=+\] .* 100\.00% \d+s\r\n$")

    def test_add_has_a_bar_on_a_terminal(self):
        masu = self.masu()
        path = self.dir / "file"
        content.write_file(path, 12 * MIB)
        plain = masu.run("add", path)
        self.assertEqual(plain.stderr, b"")
        out, shown = self.on_terminal(masu, "add", path)
        self.assertEqual(out, plain.stdout.decode())
        self.check_bar(shown)
        for flag in ("-Q", "-q", "--silent", "--progress=false"):
            self.assertEqual(self.on_terminal(masu, "add", flag, path)[1], [], flag)

    def test_get_has_a_bar_on_a_terminal(self):
        masu = self.masu()
        path, got = self.dir / "file", self.dir / "got"
        digest = content.write_file(path, 12 * MIB)
        cid = masu.out("add", "-Q", path)
        plain = masu.run("get", "-o", got, cid)
        self.assertEqual(plain.stderr, b"")
        out, shown = self.on_terminal(masu, "get", "-o", got, cid)
        self.assertEqual(out, plain.stdout.decode())
        self.check_bar(shown)
        self.assertEqual(content.sha256(got), digest)
        self.assertEqual(self.on_terminal(masu, "get", "--progress=false", "-o", got, cid)[1], [])
        self.check_bar(self.on_terminal(masu, "get", "-a", "-o", self.dir / "archive", cid)[1])

    def test_get_writes_tar_and_gzip(self):
        masu, kubo = self.masu(), self.kubo()
        tree = self.dir / "tree"
        content.write_directory(tree, 5)
        cid = masu.out("add", "-r", "-Q", tree)
        kubo.run("add", "-r", "-Q", tree)
        for flags in (["-a"], ["-a", "-C"]):
            masu.run("get", *flags, "-o", self.dir / "ours", cid)
            kubo.run("get", *flags, "-o", self.dir / "theirs", cid)
            for name in ("ours", "theirs"):
                archive = next(self.dir.glob(f"{name}*"))
                out = self.dir / f"x-{name}"
                out.mkdir()
                nodes.subprocess.run(["tar", "xf", archive, "-C", out], check=True)
                self.assertEqual(len(list(out.rglob("file-*.txt"))), 5)
                nodes.shutil.rmtree(out)
                archive.unlink()

    def test_an_unknown_command_is_a_404(self):
        masu = self.masu()
        port = re.search(r"tcp/(\d+)", (masu.repo / "api").read_text())[1]
        from http.client import HTTPConnection
        connection = HTTPConnection("127.0.0.1", int(port))
        connection.request("POST", "/api/v0/no/such")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.read()), (404, b"404 page not found\n"))
        connection.request("GET", "/api/v0/id")
        answer = connection.getresponse()
        answer.read()
        self.assertEqual(answer.status, 405)
        connection.close()
