"""What bench/ computes: schedules, slopes, pictures. Run by `tests/run.py bench`; nothing is started here."""

import math
import random
import sys
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import evening  # noqa: E402
import figures  # noqa: E402
import ledger  # noqa: E402
import picture  # noqa: E402
import schedule  # noqa: E402
import soak  # noqa: E402

MIB = 1024 * 1024
SVG = "{http://www.w3.org/2000/svg}"


class Schedule(unittest.TestCase):
    def test_the_same_seed_draws_the_same(self):
        self.assertEqual(schedule.draw(7, 600, 690).text(["bafkqaaa"]), schedule.draw(7, 600, 690).text(["bafkqaaa"]))
        self.assertNotEqual(schedule.draw(7, 600, 690).visits, schedule.draw(8, 600, 690).visits)

    def test_everybody_comes_once_and_leaves_in_time(self):
        plan = schedule.draw(1, 600, 690)
        self.assertEqual(sorted(visit.peer for visit in plan.visits), list(range(690)))
        for visit in plan.visits:
            self.assertLess(visit.joins, visit.leaves)
            self.assertLessEqual(visit.leaves, 600_000)
            self.assertLess(visit.file, plan.files)

    def test_some_hundreds_are_there_at_one_time(self):
        plan = schedule.draw(1, 600, 690)
        self.assertGreater(min(plan.present(second) for second in range(60, 540, 10)), 150)

    def test_in_an_hour_they_come_again(self):
        plan = schedule.draw(3, 3600, 100)
        self.assertEqual(len(plan.visits), 600)
        self.assertGreater(plan.present(3300), 10)

    def test_a_short_one_has_short_visits(self):
        plan = schedule.draw(3, 10, 12)
        self.assertEqual(len(plan.visits), 12)
        self.assertTrue(all(visit.leaves - visit.joins <= 10_000 for visit in plan.visits))

    def test_churn_is_steady(self):
        plan = schedule.churn(2, 1800)
        counts = [plan.present(second) for second in range(180, 1780, 20)]
        first, second = counts[:40], counts[40:]
        self.assertGreater(min(counts), 20)
        self.assertLess(abs(sum(first) - sum(second)), 0.2 * sum(first))
        self.assertEqual(plan, schedule.churn(2, 1800))

    def test_the_text_has_a_line_for_each(self):
        lines = schedule.draw(3, 10, 12).text(["a", "b"]).splitlines()
        self.assertEqual(sum(line.startswith("visit ") for line in lines), 12)
        self.assertEqual([line for line in lines if line.startswith("held ")], ["held a", "held b"])


class LeastSquares(unittest.TestCase):
    def test_a_line_is_found_without_error(self):
        slope, error, start = figures.least_squares([(x, 3 * x + 5) for x in range(10)])
        self.assertAlmostEqual(slope, 3)
        self.assertAlmostEqual(start, 5)
        self.assertAlmostEqual(error, 0)

    def test_a_known_case(self):
        # y = 2.2 + 0.6 x; the residuals' squares are 2.4 in all, those of x about their mean 10.
        slope, error, start = figures.least_squares([(1, 2), (2, 4), (3, 5), (4, 4), (5, 5)])
        self.assertAlmostEqual(slope, 0.6)
        self.assertAlmostEqual(start, 2.2)
        self.assertAlmostEqual(error, math.sqrt(2.4 / 3 / 10))

    def test_noise_has_no_slope_beyond_its_error(self):
        rng = random.Random(5)
        slope, error, _ = figures.least_squares([(x, 100 + rng.gauss(0, 5)) for x in range(500)])
        self.assertLess(abs(slope), 3 * error)

    def test_growth_in_noise_is_seen(self):
        rng = random.Random(5)
        slope, error, _ = figures.least_squares([(x, 0.1 * x + rng.gauss(0, 5)) for x in range(500)])
        self.assertGreater(slope, 10 * error)

    def test_the_slope_of_a_soak(self):
        rss = [(second / 4, 10e6 + (5e6 if second < 1200 else 0) + 1e3 * second / 4) for second in range(7200)]
        slope, error, start, points = soak.slope_of(rss, 300, 1800)
        self.assertAlmostEqual(slope, 60e3, places=3)
        self.assertLess(error, 1)
        self.assertAlmostEqual(start, 10e6, places=3)
        self.assertEqual(points, 50)

    def test_a_peak_is_where_it_is_reached(self):
        rss = [(0, 10), (1, 999), (2, 998), (3, 1000), (4, 5)]
        self.assertEqual(figures.peak_of(rss), (3, 1000))
        self.assertEqual(figures.peak_of(rss, 2), (1, 999))

    def test_what_lives_in_go(self):
        text = ("go_gc_gogc_percent 100\ngo_memstats_heap_alloc_bytes 1.5e+07\ngo_memstats_heap_inuse_bytes 1.9e+07\n"
                "go_memstats_next_gc_bytes 2.4e+07\n")
        self.assertEqual(figures.parse_go_heap(text), {"alloc": 15e6, "inuse": 19e6, "live": 12e6})
        with self.assertRaises(AssertionError):
            figures.parse_go_heap(text.replace("percent 100", "percent 50"))

    def test_means(self):
        self.assertEqual(figures.means([(0, 1), (1, 3), (10, 7), (19, 9)], 10), [(0.5, 2), (14.5, 8)])


class TheLedger(unittest.TestCase):
    def report(self, **changes):
        row = {"Name": "chunks", "Lifetime": "process", "Live": 0, "Peak": 90, "Quota": 100}
        return {"Rss": 10 * MIB, "Unexplained": 0, "Live": 2 * MIB, "Idle": 2 * MIB, "Committed": 7 * MIB,
                "Accounts": [row, {**row, "Name": "net.stream"}], **changes}

    def test_it_keeps_the_worst(self):
        seen = ledger.Ledger(None, self.report())
        for unexplained in (5, -900 * 1024, 800 * 1024):
            seen.note(self.report(Unexplained=unexplained))
        self.assertEqual((seen.worst, seen.samples, seen.good()), (-900 * 1024, 3, True))

    def test_a_mebibyte_or_three_in_a_hundred(self):
        for unexplained, rss, good in ((MIB, 10 * MIB, True), (MIB + 1, 10 * MIB, False), (-MIB - 1, 10 * MIB, False),
                                       (2 * MIB, 70 * MIB, True)):
            seen = ledger.Ledger(None)
            seen.note(self.report(Unexplained=unexplained, Rss=rss))
            self.assertEqual(seen.good(), good, unexplained)
        self.assertFalse(ledger.Ledger(None).good())

    def test_no_account_has_more_than_its_quota(self):
        def rows(chunks, blocks, streams):
            peaks = (("chunks", chunks, 100), ("bitswap.block", blocks, 60), ("net.stream", streams, 100))
            return self.report(Accounts=[{"Name": name, "Peak": peak, "Quota": quota} for name, peak, quota in peaks])

        planned = rows(0, 0, 0)
        self.assertEqual(ledger.above_quota(rows(200, 160, 100), planned), [])  # chunks are lent as many again, and may be for blocks
        self.assertEqual(len(ledger.above_quota(rows(201, 161, 101), planned)), 3)

    def test_what_may_be_committed(self):
        self.assertTrue(ledger.Burst(self.report()).good)
        self.assertFalse(ledger.Burst(self.report(Committed=7 * MIB + 1)).good)


class Picture(unittest.TestCase):
    def result(self, peak):
        points = [(second / 4, peak * (0.5 + 0.5 * math.sin(second / 50) ** 2)) for second in range(2400)]
        return {"rss": points, "live": [(s, size / 3) for s, size in points[::4]], "rss_peak": peak,
                "live_at_peak": peak / 3, "last_left_second": 540}

    def test_it_is_well_formed_and_needs_nothing_from_outside(self):
        text = picture.evening({"masu": self.result(30 * MIB), "kubo": self.result(390 * MIB)}, 64 * MIB)
        root = xml.fromstring(text)
        self.assertEqual(root.tag, SVG + "svg")
        self.assertEqual(len(root.findall(SVG + "polyline")), 4)
        self.assertNotIn("href", text)
        self.assertNotIn("url(", text)
        self.assertIn("prefers-color-scheme: dark", text)
        self.assertIn("at most 390 MiB", root.find(SVG + "desc").text)

    def test_curves_stay_inside(self):
        root = xml.fromstring(picture.evening({"masu": self.result(30 * MIB)}, 64 * MIB))
        for curve in root.findall(SVG + "polyline"):
            for point in curve.get("points").split():
                x, y = map(float, point.split(","))
                self.assertTrue(picture.LEFT <= x <= picture.WIDTH - picture.RIGHT and picture.TOP <= y <= picture.HEIGHT - picture.BOTTOM)

    def test_a_peak_is_kept_when_points_are_thinned(self):
        points = [(n, 5.0) for n in range(10_000)]
        points[4321] = (4321, 99.0)
        kept = picture.thinned([list(point) for point in points])  # as JSON has them
        self.assertLess(len(kept), 1000)
        self.assertIn((4321, 99.0), kept)

    def test_text_is_escaped(self):
        plot = picture.Plot(10, MIB)
        plot.text(1, 1, "a < b & c")
        self.assertEqual(xml.fromstring(plot.svg("t", "<&>")).findall(SVG + "text")[-1].text, "a < b & c")

    def test_steps(self):
        self.assertEqual([picture.nice_step(top) for top in (5, 12, 64, 389, 1000)], [1, 2, 20, 100, 200])


class Verdicts(unittest.TestCase):
    def result(self, **changes):
        kinds = {kind: {"asked": 1000, "answered": 1000, "median_ms": 1.0, "p99_ms": 2.0} for kind in evening.KINDS}
        result = {"rss_peak": 20 * MIB, "high_water": 21 * MIB, "rss_base": 10 * MIB, "rss_after": 11 * MIB, "cpu_seconds": 10.0,
                  "tally": {"wrong": 0, "kinds": kinds}, "chores": {"fetch": {"failed": 0}}}
        return {**result, **changes}

    def failed(self, **changes):
        return [what for what, good in evening.verdicts({"masu": self.result(**changes), "kubo": self.result()}, 64 * MIB) if not good]

    def test_all_good(self):
        self.assertEqual(self.failed(), [])

    def test_each_can_fail(self):
        self.assertEqual(len(self.failed(high_water=65 * MIB)), 1)
        self.assertEqual(len(self.failed(rss_after=15 * MIB)), 1)
        self.assertEqual(len(self.failed(cpu_seconds=10.1)), 1)
        self.assertEqual(len(self.failed(unexplained={"worst": 3 * MIB, "samples": 9, "above": ["3 MiB of 20"]})), 1)
        self.assertEqual(len(self.failed(committed_after_10=5 * MIB, committed_after_10_most=4.9 * MIB)), 1)
        self.assertEqual(len(self.failed(chores={"fetch": {"failed": 1}})), 1)

    def test_99_90_is_not_rounded_up(self):
        self.assertEqual(evening.percent(0.99899999), "99.899 %")


if __name__ == "__main__":
    unittest.main()
