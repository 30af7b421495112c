"""What a masu says of its own memory (`stats memory`), once a second; and what must be true of it at any time."""

import http.client
import threading
import time

from nodes import MIB

COMMITTED_SECONDS = 10  # after any burst
POOL = "chunks"  # may have twice its part of the plan, out of what others leave idle
# Shares of the pool: all that it is lent may be theirs.
SHARES = {POOL, "bitswap.block", "bitswap.send", "net.receive", "net.send", "net.window", "request.block", "request.upload"}


def unexplained_max(report):
    """Of resident bytes that no row accounts for: 3 % of RSS, or 1 MiB."""
    return max(0.03 * report["Rss"], MIB)


def committed_max(report):
    """COMMITTED_SECONDS after any burst. Idle: what pools keep, and caches."""
    return 1.25 * (report["Live"] + report["Idle"]) + 2 * MIB


def above_quota(report, planned):
    """The accounts that had more than their quota, as text. `planned`: a report before there was any work."""
    quotas = {row["Name"]: row["Quota"] for row in planned["Accounts"]}
    lent = quotas.get(POOL, 0)
    quotas.update((name, quotas[name] + lent) for name in SHARES & quotas.keys())
    return [f"{row['Name']} had {row['Peak']} of {quotas.get(row['Name'], row['Quota'])}" for row in report["Accounts"]
            if row["Peak"] > quotas.get(row["Name"], row["Quota"])]


class Burst:
    """What is committed some seconds after a burst ended, beside what it may be."""

    def __init__(self, report):
        self.committed, self.held = report["Committed"], report["Live"] + report["Idle"]
        self.most = committed_max(report)
        self.good = self.committed <= self.most

    def text(self):
        return (f"committed {self.committed / MIB:.2f} MiB, live and caches {self.held / MIB:.2f} MiB "
                f"(at most {self.most / MIB:.2f} wanted)")


class Ledger(threading.Thread):
    """Asks `ask()` for a report each second until stop(), or within a `with`. The first one is asked for at once."""

    def __init__(self, ask, planned=None, interval=1.0):
        super().__init__(daemon=True)
        self.ask, self.planned, self.interval = ask, planned, interval
        self.samples, self.missed, self.worst, self.problems = 0, 0, 0, []
        self.last = None
        self._ended = threading.Event()

    def run(self):
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due = max(due + self.interval, time.monotonic())
            try:
                self.note(self.ask())
            except (OSError, http.client.HTTPException, ValueError):
                self.missed += 1  # refused, or too late: whether requests are answered is looked at elsewhere

    def note(self, report):
        self.samples += 1
        self.last = report
        unexplained = report["Unexplained"]
        if abs(unexplained) > abs(self.worst):
            self.worst = unexplained
        if abs(unexplained) > unexplained_max(report):
            self.problems.append(f"{unexplained} bytes of {report['Rss']} are unexplained")
        if self.planned:
            self.problems += above_quota(report, self.planned)

    def stop(self):
        self._ended.set()
        self.join()

    def good(self):
        return self.samples > 0 and not self.problems

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def check(self):
        assert self.samples, f"the ledger was never seen ({self.missed} requests failed)"
        assert not self.problems, f"{len(self.problems)} times in {self.samples} samples: {self.problems[:3]}"

    def text(self):
        return f"unexplained at most {self.worst / 1024:+.0f} KiB in {self.samples} samples"
