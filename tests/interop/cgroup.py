"""A memory cgroup of a size for one process: version 1 or 2, whichever this machine has."""

import errno
import os
import time
from pathlib import Path

from nodes import MIB


class NoController(Exception):
    """This machine has no memory controller that a test may use, and why."""


def mounts(kind, option=None):
    """Where file systems of a kind are mounted, with that option."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, found, options, *_ = line.split()
        if found == kind and (option is None or option in options.split(",")):
            yield Path(place)


def own_path(controller):
    """This process's group: of a version 1 hierarchy with that controller, or (empty name) of version 2."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return path.lstrip("/")
    return ""


class Group:
    """A group whose limit is `size`. born() is what Node.wrap takes: the daemon is born into it."""

    def __init__(self, path):
        self.path = path

    def born(self):
        return ["sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh"]

    def read(self, name):
        return int((self.path / name).read_text())

    def counts(self, name):
        return {key: int(value) for key, value in map(str.split, (self.path / name).read_text().splitlines())}

    def remove(self):
        """Once its process has ended; the kernel may need a moment to see that."""
        for _ in range(50):
            try:
                return self.path.rmdir()
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                time.sleep(0.1)
        self.path.rmdir()


class GroupV1(Group):
    version = 1

    @classmethod
    def parents(cls):
        yield from mounts("cgroup", "memory")

    def limit(self, size):
        (self.path / "memory.limit_in_bytes").write_text(str(size))
        # Buffers of TCP count only after this was written.
        tcp = self.path / "memory.kmem.tcp.limit_in_bytes"
        if tcp.exists():
            tcp.write_text(str(size))

    def kills(self):
        return self.counts("memory.oom_control").get("oom_kill", 0)

    def text(self):
        used = f"{self.read('memory.max_usage_in_bytes') / MIB:.1f} MiB with page cache"
        tcp = self.path / "memory.kmem.tcp.max_usage_in_bytes"
        return used + (f", {self.read(tcp.name) / MIB:.2f} MiB of TCP buffers" if tcp.exists() else "")


class GroupV2(Group):
    version = 2

    @classmethod
    def parents(cls):
        """The groups from our own one up whose children may have the controller."""
        for root in mounts("cgroup2"):
            own = root / own_path("")
            for place in [own, *own.parents]:
                if not place.is_relative_to(root):
                    break
                if "memory" not in (place / "cgroup.controllers").read_text().split():
                    continue
                if "memory" not in (place / "cgroup.subtree_control").read_text().split():
                    try:
                        (place / "cgroup.subtree_control").write_text("+memory")
                    except OSError:
                        continue  # it has processes of its own, or is not ours
                yield place

    def limit(self, size):
        (self.path / "memory.max").write_text(str(size))
        swap = self.path / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")

    def kills(self):
        return self.counts("memory.events")["oom_kill"]

    def text(self):
        peak = self.path / "memory.peak"  # since Linux 5.19
        used = f"{self.read(peak.name) / MIB:.1f} MiB with page cache" if peak.exists() else "unknown to this kernel"
        return f"{used}, now {self.counts('memory.stat').get('sock', 0) / MIB:.2f} MiB of socket buffers"


def make(size):
    """A new group with that limit, of version 2 where it has the controller. NoController: there is none for us."""
    why = "no cgroup file system with it is mounted"
    for kind in (GroupV2, GroupV1):
        for parent in kind.parents():
            group = kind(parent / f"masu-test-{os.getpid()}-{time.monotonic_ns()}")
            try:
                group.path.mkdir()
            except OSError as error:
                why = str(error)
                continue
            try:
                group.limit(size)
                return group
            except OSError as error:
                group.path.rmdir()
                why = str(error)
    raise NoController(f"there is no memory controller for tests: {why}")
