"""The budget holds at each size, and changes while the node works."""

import hashlib
import json
import os
import random
import signal
import threading
import time

import cgroup
import content
import nodes
from case import NodesCase
from nodes import MIB


class Work(threading.Thread):
    """Runs something beside the test; check() says what went wrong in it."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.error = work, None
        self.start()

    def run(self):
        try:
            self.work()
        except Exception as error:  # noqa: BLE001
            self.error = error

    def check(self, timeout=120):
        self.join(timeout)
        assert not self.is_alive(), "it does not end"
        if self.error:
            raise self.error


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Budget(NodesCase):
    def file(self, name, size):
        path = self.dir / name
        content.write_file(path, size, name)
        return path

    def trade(self, node, size):
        """Takes a file in, gives it to Kubo, and fetches another one from there."""
        kubo = self.kubo(f"kubo-{node.repo.name}")
        mine, theirs = self.file(f"mine-{node.repo.name}", size), self.file(f"theirs-{node.repo.name}", size)
        own, other = node.out("add", "-Q", mine), kubo.out("add", "-Q", theirs)
        node.connect(kubo)
        node.run("pin", "add", other)
        kubo.run("pin", "add", own)
        self.assertEqual(digest(node.run("cat", other).stdout), digest(theirs.read_bytes()))
        self.assertEqual(digest(kubo.run("cat", own).stdout), digest(mine.read_bytes()))
        kubo.stop()

    def test_sixteen_mebibytes(self):
        self.trade(self.masu("masu-16", budget="16M"), 48 * MIB)

    def test_thirty_two_mebibytes(self):
        self.trade(self.masu("masu-32", budget="32M"), 48 * MIB)

    def test_idle_parts_of_the_plan_are_lent_to_a_fetch_and_come_back(self):
        node, kubo = self.masu(budget="16M"), self.kubo()

        def quota(name="chunks"):
            accounts = json.loads(node.out("stats", "memory", "--enc=json"))["Accounts"]
            return next(account["Quota"] for account in accounts if account["Name"] == name)

        planned, most = quota(), 0
        cid = kubo.out("add", "-Q", self.file("theirs", 192 * MIB), timeout=300)
        node.connect(kubo)
        fetch = Work(lambda: node.run("pin", "add", cid, timeout=300))
        while fetch.is_alive():
            most = max(most, quota())
        fetch.check()
        self.assertGreater(most, planned)
        self.assertLessEqual(most, 2 * planned)
        until = time.monotonic() + 60  # given back a step each second, from the fifth on
        while quota() > planned and time.monotonic() < until:
            time.sleep(0.5)
        self.assertEqual(quota(), planned)

    def test_the_profile_of_firmware_has_its_budget(self):
        node = self.masu("firmware", budget="16M", start=False)
        node.daemon_args = list
        node.run("config", "profile", "apply", "firmware")
        node.start()
        self.assertEqual(json.loads(node.out("stats", "memory", "--enc=json"))["Budget"], 16 * MIB)
        some = self.file("some", MIB)
        self.assertEqual(node.run("cat", node.out("add", "-Q", some)).stdout, some.read_bytes())

    def test_what_is_planned_is_printed(self):
        node = self.masu(start=False)
        plan = json.loads(node.out("memory", "plan", "--memory-budget=16M", "--enc=json"))
        self.assertLessEqual(plan["Sum"], plan["Budget"])
        self.assertEqual(sum(row["Bytes"] for row in plan["Rows"]), plan["Sum"])
        desktop = json.loads(node.out("memory", "plan", "--enc=json"))
        self.assertGreaterEqual(desktop["Connections"], 900)
        self.assertIn("net.connection", node.out("memory", "plan", "--memory-budget=1G"))
        refused = node.run("memory", "plan", "--memory-budget=2M", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"too small", refused.stderr)
        self.assertIn(b"RocksDB", refused.stdout)

    def check_set(self, node, budget):
        """Sets it, and watches for a moment that it holds."""
        size = int(budget.rstrip("M")) * MIB
        answer = json.loads(node.out("memory", "set", budget, "--enc=json"))
        self.assertEqual(answer["Budget"], size)
        self.assertLessEqual(answer["Rss"], size, "after a second at most")
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            self.assertLessEqual(nodes.status_bytes(node.pid, "VmRSS"), size)
            time.sleep(0.01)

    def test_it_changes_while_a_fetch_an_import_and_a_collection_run(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"SEED={seed}", flush=True)
        choose = random.Random(seed)
        node, kubo = self.masu(), self.kubo()
        node.connect(kubo)
        garbage = self.file("garbage", 32 * MIB)
        node.run("add", "-Q", "--pin=false", garbage)
        mine, theirs = self.file("mine", 256 * MIB), self.file("theirs", 256 * MIB)
        other = kubo.out("add", "-Q", theirs, timeout=300)
        added = []
        works = [Work(lambda: added.append(node.out("add", "-Q", mine, timeout=300))),
                 Work(lambda: node.run("pin", "add", other, timeout=300)), Work(lambda: node.run("repo", "gc", timeout=300))]
        for _ in range(12):
            self.check_set(node, choose.choice(["16M", "20M", "24M", "32M", "48M", "64M"]))
        for work in works:
            work.check()
        self.check_set(node, "64M")
        report = json.loads(node.out("stats", "memory", "--enc=json"))
        self.assertEqual(report["Budget"], 64 * MIB)
        self.assertEqual(node.run("cat", added[0], timeout=300).stdout, mine.read_bytes())
        self.assertEqual(node.run("cat", other, timeout=300).stdout, theirs.read_bytes())

    def test_set_back_it_has_what_it_had(self):
        node, kubo = self.masu(), self.kubo()
        node.connect(kubo)

        def capacity():
            report = json.loads(node.out("stats", "memory", "--enc=json"))
            quotas = {account["Name"]: account["Quota"] for account in report["Accounts"]}
            doors = [report[door]["Limit"] for door in ("Ours", "Libraries")]
            return quotas, doors, [rung["Threshold"] for rung in report["Rungs"]], report["Budget"]

        before = capacity()
        self.check_set(node, "16M")
        small = capacity()
        for name in ("chunks", "http.request", "net.link", "bitswap.block", "request.upload"):
            self.assertLess(small[0][name], before[0][name], name)
        self.check_set(node, "64M")
        self.assertEqual(capacity(), before)
        theirs = self.file("theirs", 48 * MIB)
        cid = kubo.out("add", "-Q", theirs)
        self.assertEqual(digest(node.run("cat", cid, timeout=300).stdout), digest(theirs.read_bytes()))

    def test_what_cannot_be_is_refused_and_the_old_one_stays(self):
        node = self.masu(budget="32M")
        for wrong, why in [("1M", "too small"), ("64M", "start it anew"), ("much", "no size"), ("-5", "no size")]:
            refused = node.run("memory", "set", "--", wrong, check=False)
            self.assertEqual(refused.returncode, 1, wrong)
            self.assertIn(why, refused.stderr.decode(), wrong)
        self.assertEqual(json.loads(node.out("stats", "memory", "--enc=json"))["Budget"], 32 * MIB)
        self.assertEqual(self.masu("alone", start=False).run("memory", "set", "32M", check=False).returncode, 1)

    def test_sighup_takes_the_budget_of_the_configuration(self):
        node = self.masu()

        def budget():
            return json.loads(node.out("stats", "memory", "--enc=json"))["Budget"]

        def hang_up(text, expected):
            node.configure({"Memory.Budget": text})
            os.kill(node.pid, signal.SIGHUP)
            for _ in range(200):
                if expected in node.log_text():
                    return
                time.sleep(0.02)
            self.fail(f"{expected!r} is not in:\n{node.log_text()}")

        hang_up("24M", "Memory budget: 24.00 MiB")
        self.assertEqual(budget(), 24 * MIB)
        hang_up("2M", "too small")
        self.assertEqual(budget(), 24 * MIB)
        hang_up("56M", "Memory budget: 56.00 MiB")
        self.assertEqual(budget(), 56 * MIB)
        self.assertTrue(node.alive())

    def trade_in_group(self, budget):
        """In a memory cgroup as large as the budget: the kernel counts page cache and sockets too, and never kills it."""
        node = self.masu(f"masu-in-{budget}", budget=budget, start=False)
        try:
            group = cgroup.make(node.budget_bytes())
        except cgroup.NoController as error:
            self.not_here(str(error))
        self.addCleanup(group.remove)
        node.wrap = group.born()
        node.start()
        self.addCleanup(node.stop)
        self.assertIn(str(node.pid), (group.path / "cgroup.procs").read_text().split())
        self.trade(node, 48 * MIB)
        self.assertTrue(node.alive())
        self.assertEqual(group.kills(), 0)
        print(f"cgroup v{group.version} of {budget}: at most {group.text()}", flush=True)
        self.assertEqual(node.stop(), 0)

    def test_in_a_memory_cgroup_of_16_mebibytes_it_is_not_killed(self):
        self.trade_in_group("16M")

    def test_in_a_memory_cgroup_of_32_mebibytes_it_is_not_killed(self):
        self.trade_in_group("32M")

    def test_in_a_memory_cgroup_of_64_mebibytes_it_is_not_killed(self):
        self.trade_in_group("64M")
