"""report and samplesize as a user meets them.

test_report.py BINARY
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
binary = "build/release/segstream"


def run(*arguments, stdin=None, cwd=ROOT):
    return subprocess.run([binary, *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60)


def stats(arms, **more):
    done = run("report", "--stats", "-", stdin=json.dumps({"arms": arms, **more}))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def arm(assigned, converted, **more):
    return {"name": "x", "assigned": assigned, "converted": converted, **more}


class Stats(unittest.TestCase):
    def test_two_arms_are_one_flat_object_of_nine_digits(self):
        said = stats([arm(10000, 200, weight=50), arm(10000, 250, weight=50)], alpha=0.05)
        self.assertEqual(list(said), ["srm_p", "z", "p", "newcombe", "evalue", "anytime_p", "wilson", "verdict"])
        self.assertEqual(said["srm_p"], 1)
        self.assertEqual(said["z"], 2.38399513)
        self.assertEqual(said["p"], 0.0171258289)
        self.assertEqual(said["newcombe"], [0.000887047599, 0.00913826672])
        self.assertAlmostEqual(said["evalue"], 4.160366, places=5)  # e to 1.425603138
        self.assertAlmostEqual(said["anytime_p"], 1 / said["evalue"], places=8)
        self.assertEqual(len(said["wilson"]), 2)
        self.assertEqual(said["verdict"], "inconclusive")

    def test_a_winner_needs_evidence_and_a_good_split(self):
        self.assertEqual(stats([arm(10000, 180), arm(10000, 270)])["verdict"], "winner")
        self.assertEqual(stats([arm(600, 180), arm(400, 170)])["verdict"], "invalid")
        self.assertEqual(stats([arm(850, 100, weight=9), arm(150, 50, weight=1)])["verdict"], "invalid")

    def test_nothing_converted_is_no_difference(self):
        said = stats([arm(50, 0), arm(70, 0)])
        self.assertEqual((said["z"], said["p"], said["verdict"]), (0, 1, "inconclusive"))
        said = stats([arm(0, 0), arm(0, 0)])
        self.assertEqual((said["srm_p"], said["z"], said["p"], said["wilson"]), (1, 0, 1, [[0, 1], [0, 1]]))

    def test_overwhelming_evidence_is_still_a_number(self):
        said = stats([arm(10**9, 10**6), arm(10**9, 9 * 10**8)])
        self.assertGreater(said["evalue"], 1e290)
        self.assertEqual(said["verdict"], "winner")

    def test_more_arms_are_compared_with_the_first(self):
        said = stats([arm(10000, 200), arm(10000, 280, name="b"), arm(10000, 205, name='"c"')])
        self.assertEqual([c["name"] for c in said["comparisons"]], ["b", '"c"'])
        self.assertEqual([c["verdict"] for c in said["comparisons"]], ["winner", "inconclusive"])
        self.assertEqual(said["verdict"], "winner")
        alone = stats([arm(10000, 200), arm(10000, 280)])
        self.assertAlmostEqual(said["comparisons"][0]["anytime_p"], 2 * alone["anytime_p"], places=8)

    def test_what_is_wrong_with_a_file_is_said_in_a_sentence(self):
        for text, sentence in [("{", "line 1"), ("[]", "not an object"), ('{"arms": []}', "2 to 64"),
                               ('{"arms": [{"assigned": 1, "converted": 2}, {}]}', "more conversions than customers"),
                               ('{"arms": [{"assigned": 1.5, "converted": 1}, {}]}', "not a number of customers"),
                               ('{"alpha": 2, "arms": []}', "between 0 and 1"),
                               ('{"alfa": 0.1, "arms": [{"assigned": 1, "converted": 1}, {"assigned": 1, "converted": 1}]}', "`alfa`")]:
            with self.subTest(text):
                done = run("report", "--stats", "-", stdin=text)
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertIn(sentence, done.stderr)
        self.assertEqual(run("report", "--stats", "no-such-file").returncode, 64)
        self.assertEqual(run("report").returncode, 64)


class SampleSize(unittest.TestCase):
    def test_the_published_size(self):
        said = run("samplesize", "--baseline", "4%", "--detect", "5%")
        self.assertEqual(said.stdout, "6745 customers per arm, 13490 in all (4% -> 5%, alpha 0.05, power 0.8)\n")
        said = run("samplesize", "--baseline", "50%", "--detect", "0.75", "--power", "0.9", "-o", "json")
        self.assertEqual(json.loads(said.stdout)["per_arm"], [77, 77])

    def test_the_table_of_base_rates_and_lifts(self):
        table = {1: (637010, 163095, 42693, 7750), 2: (315206, 80682, 21109, 3826), 5: (122124, 31234, 8158, 1471),
                 10: (57763, 14751, 3841, 686), 20: (25583, 6510, 1683, 294)}
        for base, sizes in table.items():
            for lift, size in zip((5, 10, 20, 50), sizes):
                said = run("samplesize", "--baseline", f"{base}%", "--detect", f"{base * (100 + lift) / 100}%", "-o", "json")
                self.assertEqual(json.loads(said.stdout)["per_arm"][0], size, (base, lift))

    def test_unequal_arms(self):
        said = run("samplesize", "--baseline", "5%", "--detect", "6%", "--ratio", "9", "-o", "json")
        self.assertEqual(json.loads(said.stdout)["per_arm"], [4651, 41859])

    def test_wrong_figures_are_refused(self):
        for arguments in [["--baseline", "4%"], ["--baseline", "4%", "--detect", "4%"], ["--baseline", "4", "--detect", "5"],
                          ["--baseline", "4%", "--detect", "5%", "--power", "1"], ["--baseline", "x", "--detect", "5%"]]:
            self.assertEqual(run("samplesize", *arguments).returncode, 64, arguments)


if __name__ == "__main__":
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
