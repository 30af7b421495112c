"""Builds and runs the test suites; the last line counts all tests. See scripts/test."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ["alloc", "multiformats", "net", "store", "unixfs", "bitswap", "http", "core", "sim"]
PROGRAMS = [f"tests/{folder}/{folder}-tests" for folder in FOLDERS] + ["tests/store/rebuild-tests", "tests/core/loop-tests"]
THREADED = ["tests/alloc/alloc-tests", "tests/store/store-tests", "tests/core/loop-tests"]
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "5"))


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def build(kind, *targets):
    subprocess.run([ROOT / "scripts/build", kind, *targets], check=True, stdin=subprocess.DEVNULL)


def run_gtest(program, env=None):
    """Runs one gtest program. One that ends without a report (crash, sanitizer) counts as a failure."""
    count = Count()
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        result = subprocess.run([program, f"--gtest_output=json:{report}", "--gtest_brief=1"], stdin=subprocess.DEVNULL,
                                env={**os.environ, **(env or {})}, capture_output=True, timeout=1200)
        if report.exists():
            tests = json.loads(report.read_text())
            for suite in tests["testsuites"]:
                for test in suite["testsuite"]:
                    if test.get("failures"):
                        count.failed += 1
                    elif test["result"] == "SKIPPED":
                        count.skipped += 1
                    else:
                        count.passed += 1
        if result.returncode != 0:
            print(result.stdout.decode(errors="replace")[-20000:], result.stderr.decode(errors="replace")[-20000:])
            count.failed = max(count.failed, 1)
    return count


def gtest_suite(kind, directory, names, env=None):
    begin = time.monotonic()
    build(kind, *names)
    print(f"  built ({time.monotonic() - begin:.0f} s)", flush=True)
    total = Count()

    def run(name):
        begin = time.monotonic()
        count = run_gtest(ROOT / directory / name, env)
        return f"  {Path(name).name}: {count} ({time.monotonic() - begin:.1f} s)", count

    # Each has one thread for most of its time.
    with ThreadPoolExecutor(2) as pool:
        for line, count in pool.map(run, names):
            print(line, flush=True)
            total.add(count)
    return total


def unit():
    return gtest_suite("--tests", "build/release", PROGRAMS)


def asan():
    return gtest_suite("--asan", "build/asan", PROGRAMS,
                       {"ASAN_OPTIONS": "detect_stack_use_after_return=1", "UBSAN_OPTIONS": "halt_on_error=1"})


def tsan():
    return gtest_suite("--tsan", "build/tsan", THREADED, {"TSAN_OPTIONS": f"halt_on_error=1:suppressions={ROOT}/tests/tsan.supp"})


def fuzz():
    names = sorted(path.name.removesuffix("_fuzz.cpp") for path in (ROOT / "tests/fuzz").glob("*_fuzz.cpp"))
    build("--asan", *(f"tests/fuzz/{name}_fuzz" for name in names))
    count = Count()

    def smoke(name):
        return name, subprocess.run([ROOT / "scripts/fuzz", "--built", str(FUZZ_SECONDS), name], stdin=subprocess.DEVNULL,
                                    capture_output=True)

    # A target has one thread and most of its seconds to itself: two at a time.
    with ThreadPoolExecutor(2) as pool:
        for name, result in pool.map(smoke, names):
            if result.returncode == 0:
                count.passed += 1
            else:
                count.failed += 1
                print(f"  {name}:\n{result.stderr.decode(errors='replace')[-8000:]}")
    return count


def style():
    result = subprocess.run([sys.executable, ROOT / "tests/style/check.py"], stdin=subprocess.DEVNULL, capture_output=True)
    text = result.stdout.decode()
    last = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped\s*$", text)
    if last is None or (result.returncode != 0 and last[2] == "0"):
        print(text, result.stderr.decode())
        return Count(failed=1)
    if last[2] != "0":
        print(text)
    return Count(*map(int, last.groups()))


def bench():
    """What bench/ computes; no measurement."""
    result = subprocess.run([sys.executable, "-m", "unittest", ROOT / "tests/bench/test_bench.py"], stdin=subprocess.DEVNULL, cwd=ROOT,
                            capture_output=True)
    text = result.stderr.decode()
    ran = re.search(r"^Ran (\d+) tests?", text, re.MULTILINE)
    if ran is None or result.returncode != 0:
        print(text)
        return Count(failed=1)
    return Count(passed=int(ran[1]))


def interop():
    build("--tests", "masu", "tests/core/full-node", "bench/peers/peers")
    subprocess.run([ROOT / "scripts/setup", "--peers"], check=True, stdin=subprocess.DEVNULL)
    result = subprocess.run([sys.executable, ROOT / "tests/interop/run.py"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE)
    text = result.stdout.decode()
    print(text, end="")
    last = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped\s*$", text)
    if last is None:
        return Count(failed=1)
    return Count(*map(int, last.groups()))


def attack():
    build("--tests", "core/masu", "tests/attack/hostile")
    subprocess.run([ROOT / "scripts/setup", "--peers"], check=True, stdin=subprocess.DEVNULL)
    result = subprocess.run([sys.executable, ROOT / "tests/attack/suite.py"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    text = result.stdout.decode()
    print(text, end="")
    last = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped\s*$", text)
    return Count(*map(int, last.groups())) if last else Count(failed=1)


SUITES = {"bench": bench, "unit": unit, "asan": asan, "fuzz": fuzz, "interop": interop, "attack": attack, "style": style, "tsan": tsan}
# Compilers that use what this one, and those that follow, leave idle while they wait for their peers; one after the other.
BESIDE = {"interop": ["style", "tsan"]}


def run_suite(name):
    begin = time.monotonic()
    print(f"== {name}", flush=True)
    try:
        count = SUITES[name]()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(error)
        count = Count(failed=1)
    print(f"== {name}: {count} ({time.monotonic() - begin:.0f} s)", flush=True)
    return count


def give_way():
    """This thread, and what it starts, runs when nobody else does."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def main(names):
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        sys.exit(f"no such suite: {' '.join(unknown)}; there are {' '.join(SUITES)}")
    names = names or list(SUITES)
    total = Count()
    with ThreadPoolExecutor(1, initializer=give_way) as pool:
        beside = {}
        for name in names:
            for other in BESIDE.get(name, []):
                if other in names:
                    beside[other] = pool.submit(run_suite, other)
            total.add(beside[name].result() if name in beside else run_suite(name))
    if os.environ.get("CI") and total.skipped:
        print("CI runs every test: what was skipped above counts as a failure")
        total.failed += total.skipped
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
