"""Nodes for the interop tests: masu, Kubo and Helia as processes on loopback; and a browser.

Each node lives in a directory of its own, listens on 127.0.0.1 with a port the kernel chose, and is
stopped by its own pid. A masu daemon is watched: its resident memory is sampled every 50 ms from start to
exit, and the highest value, with VmHWM, is compared with the budget when it stops.
"""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MASU = Path(os.environ.get("MASU", ROOT / "build/release/masu"))
KUBO = Path(os.environ.get("KUBO", ROOT / "build/peers/ipfs"))
NODE = Path(os.environ.get("NODE", ROOT / "build/peers/node"))  # scripts/setup says which one: the machine's may be too old
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
HELIA = ROOT / "tests/interop/peers/helia/peer.mjs"
BROWSER = ROOT / "tests/interop/peers/browser/browser.mjs"
MIB = 1024 * 1024


class CommandFailed(AssertionError):
    def __init__(self, args, result):
        self.result = result
        super().__init__(f"{' '.join(map(str, args))}: exit {result.returncode}: {result.stderr.decode(errors='replace')[:2000]}")


def status_bytes(pid, field):
    """A field of /proc/PID/status in bytes; None when the process is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def wakeups(pid):
    """How often the threads of a process have gone to sleep and been woken, so far."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                count += int(line.split()[1])
    return count


def cpu_seconds(pid):
    """Processor time of a process so far, to the nanosecond (its stat counts ticks of 10 ms)."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


class MemoryWatch(threading.Thread):
    """Samples VmRSS of a process every 50 ms until it ends or stop() is called."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.samples, self.peak, self.high_water = pid, 0, 0, 0
        self._stop_asked = threading.Event()

    def sample(self):
        rss, hwm = status_bytes(self.pid, "VmRSS"), status_bytes(self.pid, "VmHWM")
        if rss is None or hwm is None:
            return False
        self.samples += 1
        self.peak, self.high_water = max(self.peak, rss), max(self.high_water, hwm)
        return True

    def run(self):
        while self.sample() and not self._stop_asked.wait(0.05):
            pass

    def stop(self):
        self._stop_asked.set()
        self.join()
        self.sample()


class Node:
    """A node driven by an `ipfs`-like command line: masu and Kubo."""

    binary: Path
    name: str
    wrap = ()  # a command that becomes the daemon

    def __init__(self, directory):
        self.repo = Path(directory)
        self.process = None
        self.log = None
        self.env = dict(os.environ, IPFS_PATH=str(self.repo), IPFS_TELEMETRY="off")

    def run(self, *args, input=None, timeout=120, check=True, env=None):
        if isinstance(input, str):
            input = input.encode()
        command = [str(self.binary), *map(str, args)]
        result = subprocess.run(command, input=b"" if input is None else input, capture_output=True,
                                timeout=timeout, env={**self.env, **(env or {})})
        if check and result.returncode != 0:
            raise CommandFailed(command, result)
        return result

    def out(self, *args, **kwargs):
        return self.run(*args, **kwargs).stdout.decode().strip()

    def init(self):
        self.run("init", "--profile=test")
        return self

    def configure(self, values):
        """Sets dotted keys in the config file of a node that does not run."""
        path = self.repo / "config"
        config = json.loads(path.read_text())
        for key, value in values.items():
            place = config
            *parents, last = key.split(".")
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        path.write_text(json.dumps(config, indent=2))

    def daemon_args(self):
        return []

    def start(self, timeout=30, extra=()):
        self.log_path = self.repo.parent / f"{self.repo.name}.log"
        self.log = open(self.log_path, "ab")
        start_of_log = self.log_path.stat().st_size
        command = [*self.wrap, str(self.binary), "daemon", *self.daemon_args(), *extra]
        self.process = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.after_spawn()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with open(self.log_path, "rb") as log:
                log.seek(start_of_log)
                if b"Daemon is ready" in log.read():
                    return self
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError(f"{self.name} did not get ready:\n{self.log_text()}")

    def after_spawn(self):
        pass

    def log_text(self):
        return self.log_path.read_text(errors="replace")[-4000:]

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout=20):
        """SIGTERM, and SIGKILL when it does not obey; returns the exit code."""
        if self.process is None:
            return None
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not stop within {timeout} s of SIGTERM:\n{self.log_text()}")
        finally:
            self.log.close()
            self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.process = None

    def peer_id(self):
        return json.loads(self.out("id"))["ID"]

    def address(self):
        """A loopback TCP address of the running node, with its peer id."""
        for address in json.loads(self.out("id"))["Addresses"]:
            if address.startswith("/ip4/127.0.0.1/tcp/"):
                return address
        raise AssertionError(f"{self.name} listens on no loopback TCP address")

    def rpc(self, path):
        """The JSON that the RPC of the running node answers."""
        port = (self.repo / "api").read_text().strip().rpartition("/")[2]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v0/{path}", data=b"", timeout=60) as answer:
            return json.loads(answer.read())

    def connect(self, other):
        self.run("swarm", "connect", other.address())
        return self


class Masu(Node):
    binary, name = MASU, "masu"

    def __init__(self, directory, budget="64M"):
        super().__init__(directory)
        self.budget = budget
        self.watch = None

    def daemon_args(self):
        return [f"--memory-budget={self.budget}"]

    def budget_bytes(self):
        number, unit = int(self.budget[:-1]), self.budget[-1]
        return number * {"M": MIB, "G": 1024 * MIB}[unit]

    def after_spawn(self):
        self.watch = MemoryWatch(self.process.pid)
        self.watch.start()

    def check_memory(self):
        assert self.watch.samples > 0, "the daemon's memory was never sampled"
        highest = max(self.watch.peak, self.watch.high_water)
        assert highest <= self.budget_bytes(), (
            f"resident memory reached {highest / MIB:.2f} MiB of a budget of {self.budget}")

    def stop(self, timeout=20):
        if self.process is None:
            return None
        if self.alive():
            self.watch.sample()
        code = super().stop(timeout)
        self.watch.stop()
        self.check_memory()
        return code

    def kill(self):
        self.watch.sample()
        super().kill()
        self.watch.stop()
        self.check_memory()


class Kubo(Node):
    binary, name = KUBO, "kubo"

    def init(self):
        super().init()
        # Nothing may leave this machine: no DHT, no bootstrap, no auto configuration, one loopback listener.
        self.configure({
            "Addresses.Swarm": ["/ip4/127.0.0.1/tcp/0"],
            "Addresses.API": "/ip4/127.0.0.1/tcp/0",
            "Addresses.Gateway": [],
            "AutoConf.Enabled": False,
            "AutoTLS.Enabled": False,
            "Bootstrap": [],
            "DNS.Resolvers": {},
            "Discovery.MDNS.Enabled": False,
            "Provide.Enabled": False,
            "Routing.Type": "none",
            "Routing.DelegatedRouters": [],
            "Ipns.DelegatedPublishers": [],
            "Swarm.RelayClient.Enabled": False,
            "Swarm.RelayService.Enabled": False,
            "Version.SwarmCheckEnabled": False,
        })
        return self


class Driven:
    """A program of peers/ that takes a JSON command a line and answers each with a line."""

    name: str

    def __init__(self, directory, *command):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = open(self.directory / f"{self.name}.log", "ab")
        self.process = subprocess.Popen([str(NODE), *map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log)
        self.first = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        assert line, f"{self.name} ended"
        return json.loads(line)

    def do(self, command, **arguments):
        self.process.stdin.write(json.dumps({"do": command, **arguments}).encode() + b"\n")
        self.process.stdin.flush()
        answer = self._answer()
        assert answer["ok"], answer.get("error")
        return answer

    def stop(self):
        if self.process.poll() is None:
            try:
                self.do("stop")
            except (AssertionError, BrokenPipeError):
                pass
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()


class Helia(Driven):
    """The Helia peer of peers/helia/peer.mjs."""

    name = "helia"

    def __init__(self, directory):
        super().__init__(directory, HELIA, Path(directory) / "blocks")
        self.id, self.addresses = self.first["id"], self.first["addresses"]

    def address(self):
        return next(a for a in self.addresses if a.startswith("/ip4/127.0.0.1/"))


class Browser(Driven):
    """The headless Chromium of peers/browser/browser.mjs."""

    name = "browser"

    def __init__(self, directory):
        super().__init__(directory, BROWSER, CHROMIUM, Path(directory) / "profile")

    def evaluate(self, script):
        return self.do("evaluate", script=script).get("value")


def have(binary):
    return binary and (Path(binary).exists() or shutil.which(str(binary)) is not None)
