"""The evening's schedule: who comes when, for how long, with how much to want and to tell. All of it follows from the seed."""

import random
from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Visit:
    peer: int
    joins: int  # milliseconds from the start
    leaves: int
    file: int  # of the files that the peers have between them; -1: none
    wants: int  # that nobody has, at a time
    addresses: int


@dataclass(frozen=True)
class Schedule:
    seed: int
    seconds: int
    peers: int
    visits: tuple
    files: int = 8
    file_bytes: int = 8 * MIB
    ask_ms: int = 2500
    limit_ms: int = 10_000

    def text(self, held):
        """As bench/peers reads it (bench/peers/plan.hpp). `held`: CIDs of raw blocks that the node has."""
        lines = [f"seed {self.seed}", f"files {self.files} {self.file_bytes}", f"ask {self.ask_ms}", f"limit {self.limit_ms}"]
        lines += [f"held {cid}" for cid in held]
        lines += [f"visit {v.peer} {v.joins} {v.leaves} {v.file} {v.wants} {v.addresses}" for v in self.visits]
        return "\n".join(lines) + "\n"

    def present(self, second):
        return sum(1 for visit in self.visits if visit.joins <= second * 1000 < visit.leaves)


def visit_seconds(rng, seconds):
    """A fifth look in, a third stay for some minutes, the others for long; of a short evening in proportion."""
    kind = rng.random()
    low, high = (10, 60) if kind < 0.2 else (60, 240) if kind < 0.53 else (240, 580)
    return rng.uniform(low, high) * min(1.0, seconds / 600)


def want_count(rng):
    kind = rng.random()
    return rng.randint(0, 10) if kind < 0.2 else rng.randint(20, 150) if kind < 0.7 else rng.randint(150, 600)


def draw(seed, seconds, peers, **options):
    """One visit of each peer for each ten minutes, a third of them within the first twentieth of the time. The last has left at
    `seconds`."""
    rng = random.Random(seed)
    files = options.get("files", Schedule.files)
    visits = []
    for part in range(max(1, round(seconds / 600))):
        begin = part * 600
        length = min(600, seconds)
        for peer in range(peers):
            early = part == 0 and rng.random() < 0.33
            joins = begin + rng.uniform(0, length * (0.05 if early else 0.95))
            leaves = min(joins + visit_seconds(rng, seconds), seconds)
            visits.append(Visit(peer, int(joins * 1000), max(int(leaves * 1000), int(joins * 1000) + 1),
                                rng.randrange(files) if rng.random() < 0.5 else -1, want_count(rng),
                                min(60, 4 + int(rng.expovariate(1 / 14)))))
    return Schedule(seed, seconds, peers, tuple(sorted(visits, key=lambda visit: (visit.joins, visit.peer))), **options)


def churn(seed, seconds, joins_a_minute=40, **options):
    """Strangers without end, each for ten seconds to two minutes: after two minutes as many are there at any time."""
    rng = random.Random(seed)
    files = options.get("files", Schedule.files)
    visits, at = [], 0.0
    while at < seconds - 1:
        leaves = min(at + rng.uniform(10, 120), seconds)
        visits.append(Visit(len(visits), int(at * 1000), max(int(leaves * 1000), int(at * 1000) + 1),
                            rng.randrange(files) if rng.random() < 0.5 else -1, want_count(rng), min(60, 4 + int(rng.expovariate(1 / 14)))))
        at += rng.expovariate(joins_a_minute / 60)
    return Schedule(seed, seconds, len(visits), tuple(visits), **options)
