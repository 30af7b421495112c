"""Runs the interop tests in a network namespace of their own; prints one line a test and their count.

    python3 tests/interop/run.py [NAME...]     tests whose id contains one of the names

A missing peer skips its tests, unless CI is set: then the run fails. What no machine can be given (a memory controller) is
said, and counted in a line of its own.
"""

import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from case import NOT_HERE  # noqa: E402


def enter_namespace():
    """Runs this program again in namespaces of its own (network: nothing but loopback; mounts), where it may."""
    if os.environ.get("MASU_NETNS"):
        return
    probe = subprocess.run(["unshare", "--net", "--mount", "ip", "link", "set", "lo", "up"], capture_output=True)
    if probe.returncode != 0:
        print("no network namespace here: using this machine's loopback", flush=True)
        return
    command = 'ip link set lo up && exec "$@"'
    os.execvpe("unshare", ["unshare", "--net", "--mount", "sh", "-c", command, "sh", sys.executable, *sys.argv],
               {**os.environ, "MASU_NETNS": "1"})


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.not_here = 0

    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()
        self.problem = False

    def line(self, word, test):
        print(f"  {word} {test.id()} ({time.monotonic() - self.begin:.1f} s)", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line("ok  ", test)

    def addError(self, test, error):
        super().addError(test, error)
        self.line("FAIL", test)
        print(self.errors[-1][1])

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.line("FAIL", test)
        print(self.failures[-1][1])

    def addSkip(self, test, reason):
        if reason.startswith(NOT_HERE):
            self.not_here += 1
        else:
            super().addSkip(test, reason)
        self.line(f"skip ({reason})", test)


def select(suite, names):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from select(test, names)
        elif not names or any(name in test.id() for name in names):
            yield test


def main():
    enter_namespace()
    found = unittest.defaultTestLoader.discover(str(HERE), pattern="test_*.py", top_level_dir=str(HERE))
    result = Result()
    unittest.TestSuite(select(found, sys.argv[1:])).run(result)
    failed, skipped = len(result.errors) + len(result.failures), len(result.skipped)
    if result.not_here:
        print(f"not possible on this machine: {result.not_here}")
    print(f"{max(0, result.testsRun - failed - skipped - result.not_here)} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
