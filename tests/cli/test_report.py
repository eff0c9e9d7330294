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


SHOP = """
version: 1
app: rep
currency: EUR
attributes:
  plan: {type: string, dimension: firmographic}
time: {clock: event, allowed_lateness: 0s}
segments:
  stage: {dimension: lifecycle, first_of: {buyer: 'count("purchase") > 0', visitor: 'true'}}
  paying:
    dimension: firmographic
    when: 'customer.plan == "paid"'
    profile: {size_estimate: 80%}
content:
  email: {slots: [subject], resolve: [paying], default: {subject: s-plain}, paying: {subject: s-paid}}
sequences:
  hello:
    enter: {on_event: signup}
    goal: {event: purchase}
    engagement_window: 3d
    emails:
      - {id: first, after: 0d, subject: s-a, experiment: words}
      - {id: second, after: 4d}
experiments:
  words:
    version: 2
    kind: headline
    hypothesis: numbers beat words, because they are short
    slot: email.subject
    arms: {words: {weight: 50, use: s-a}, numbers: {weight: 50, use: s-b}}
    success: {event: purchase, within: 7d}
    plan: {baseline: 10%, detect: 14%, alpha: 0.05, power: 0.8}
    guard: {unsubscribe: 0.1%, complaint: 0.1%}
"""
DAY = 86400000
START = 20500 * DAY
CUSTOMERS = 1200


def story(folder):
    """Customers who sign up over ten days; of the arm `numbers` a fifth buys, of the other a twentieth, all after a click."""
    config, events = os.path.join(folder, "rep.yaml"), os.path.join(folder, "events.ndjson")
    state = os.path.join(folder, "rep.state")
    with open(config, "w", encoding="utf-8") as file:
        file.write(SHOP)
    lines = []
    for i in range(CUSTOMERS):
        at = START + i * 10 * DAY // CUSTOMERS
        lines.append((at, {"kind": "profile", "customer": f"c-{i}", "at": at, "plan": "paid" if i % 4 == 0 else "free"}))
        lines.append((at + 1, {"kind": "signup", "customer": f"c-{i}", "at": at + 1}))

    def write():
        lines.sort(key=lambda line: line[0])
        with open(events, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for _, line in lines)
    write()
    arms = {}
    for line in run("backtest", "-c", config, events).stdout.splitlines():
        said = json.loads(line)
        if said["type"] == "trigger" and said["email"] == "first":
            arms[said["customer"]] = said["experiments"]["words"]
    bought = {"words": 0, "numbers": 0}
    for i in range(CUSTOMERS):
        arm, at = arms[f"c-{i}"], START + i * 10 * DAY // CUSTOMERS
        bought_before = bought[arm]
        if i % (5 if arm == "numbers" else 20) == 0:
            lines.append((at + DAY, {"kind": "click", "customer": f"c-{i}", "at": at + DAY, "email": "hello.first", "url": "/a"}))
            lines.append((at + DAY + 60000, {"kind": "purchase", "customer": f"c-{i}", "at": at + DAY + 60000, "order": f"o-{i}",
                                             "amount": 1000, "currency": "EUR"}))
            bought[arm] = bought_before + 1
    write()
    done = run("backtest", "-c", config, events, "--state", state, "--until", str(START + 20 * DAY))
    assert done.returncode == 0, done.stderr
    return config, state, arms, bought, [json.loads(line) for line in done.stdout.splitlines()]


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="segstream-report-")
        cls.config, cls.state, cls.arms, cls.bought, cls.outputs = story(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def report(self, *more):
        done = run("report", "-c", self.config, "--state", self.state, *more, cwd=self.folder.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def rows(self, key, *more):
        sections = [s for s in json.loads(self.report("-o", "json", *more))["sections"] if s["key"] == key]
        self.assertTrue(sections, key)
        return [row for section in sections for row in section["rows"]]

    def count(self, **wanted):
        return sum(all(o.get(k) == v for k, v in wanted.items()) for o in self.outputs)

    def test_segments_are_what_left_the_process(self):
        rows = {row["segment"]: row for row in self.rows("segments")}
        buyers = sum(self.bought.values())
        self.assertEqual(rows["stage.buyer"]["customers"], buyers)
        self.assertEqual(rows["stage.visitor"]["customers"], CUSTOMERS - buyers)
        self.assertEqual(rows["stage.visitor"]["left"], buyers)
        self.assertAlmostEqual(rows["stage.buyer"]["share"], buyers / CUSTOMERS, places=6)
        self.assertEqual(rows["paying"]["customers"], CUSTOMERS // 4)
        self.assertEqual(rows["paying"]["estimate"], 0.8)
        self.assertEqual(rows["paying"]["judgement"], "smaller than planned")
        entered = {(o["customer"], o["segment"]): o["at"] for o in self.outputs if o["type"] == "membership" and o["status"] == "entered"}
        spent = [START + 20 * DAY - at for (_, segment), at in entered.items() if segment == "paying"]
        self.assertAlmostEqual(rows["paying"]["mean_stay_ms"] / 1000, sum(spent) / len(spent) / 1000, delta=2)

    def test_overlap_is_counted_as_customers_move(self):
        rows = {(row["a"], row["b"]): row["both"] for row in self.rows("overlap")}
        ends = {}
        for o in self.outputs:
            if o["type"] == "membership":
                ends[o["customer"]] = o["segments"]
        for (a, b), both in rows.items():
            self.assertEqual(both, sum(a in segments and b in segments for segments in ends.values()), (a, b))
        self.assertIn(("stage.visitor", "paying"), rows)

    def test_funnels_goals_and_revenue_are_what_left_the_process_and_stand_apart(self):
        run_row = self.rows("sequences")[0]
        self.assertEqual(run_row["entered"], CUSTOMERS)
        self.assertEqual(run_row["converted"], sum(self.bought.values()))
        first, second = self.rows("funnel")
        self.assertEqual((first["email"], first["sent"]), ("first", self.count(type="trigger", email="first")))
        self.assertEqual(second["sent"], self.count(type="trigger", email="second"))
        for outcome in ("converted", "no_engagement", "clicked_not_converted"):
            self.assertEqual(first[outcome], self.count(type="outcome", email="first", outcome=outcome), outcome)
        revenue = self.rows("revenue")
        self.assertEqual((revenue[0]["orders"], revenue[0]["revenue"]), (sum(self.bought.values()), 1000 * sum(self.bought.values())))
        self.assertEqual(revenue[1]["orders"], 0)

    def test_content_is_counted_by_what_was_shown_to_whom(self):
        shown = {}
        for o in self.outputs:
            if o["type"] == "trigger":
                key = ("paying" if "paying" in o["segments"] else "default", o["content"]["subject"])
                shown[key] = shown.get(key, 0) + 1
        rows = self.rows("content")
        self.assertEqual({(row["segment"], row["content"]): row["sent"] for row in rows}, shown)
        self.assertEqual(sum(row["converted"] for row in rows), sum(self.bought.values()))

    def test_an_experiment_has_a_verdict_and_a_next_step(self):
        words, numbers = self.rows("experiment")
        self.assertEqual((words["exposed"], numbers["exposed"]),
                         tuple(sum(arm == name for arm in self.arms.values()) for name in ("words", "numbers")))
        self.assertEqual((words["converted"], numbers["converted"]), (self.bought["words"], self.bought["numbers"]))
        alone = stats([arm(words["exposed"], words["converted"]), arm(numbers["exposed"], numbers["converted"])])
        self.assertAlmostEqual(numbers["p"], alone["p"], places=9)
        self.assertLessEqual(numbers["anytime_p"], alone["anytime_p"] * 1.000001)
        said = self.report()
        self.assertIn("Experiment words, version 2: winner numbers", said)
        self.assertIn("next: use numbers", said)
        self.assertIn("hypothesis: numbers beat words", said)

    def test_since_leaves_out_what_was_before(self):
        moves = {row["segment"]: row for row in self.rows("segments", "--since", "15d")}
        day = START + 5 * DAY
        self.assertEqual(moves["paying"]["entered"],
                         sum(o["type"] == "membership" and o["segment"] == "paying" and o["at"] >= day for o in self.outputs))
        self.assertEqual(moves["paying"]["customers"], CUSTOMERS // 4)
        funnel = self.rows("funnel", "--since", "15d")
        self.assertEqual(funnel[0]["sent"], sum(o["type"] == "trigger" and o["email"] == "first" and o["at"] >= day for o in self.outputs))
        self.assertEqual(self.rows("sequences", "--since", "1h")[0]["entered"], 0)
        self.assertEqual(run("report", "-c", self.config, "--state", self.state, "--since", "soon").returncode, 64)

    def test_every_form_says_the_same_and_html_needs_nothing_from_outside(self):
        html = self.report("-o", "html")
        self.assertTrue(html.startswith("<!doctype html>"))
        for part in ("<svg", "prefers-color-scheme:dark", "width=device-width", "Experiment words, version 2"):
            self.assertIn(part, html)
        for part in ("http:", "https:", "<script", "@import", "src="):
            self.assertNotIn(part, html)
        self.assertIn("| paying |", self.report("-o", "md"))
        self.assertIn("segments,", self.report("-o", "csv"))

    def test_the_journal_grows_and_says_nothing_twice(self):
        path = os.path.join(self.folder.name, "experiments.md")
        self.report("--journal")
        with open(path, encoding="utf-8") as file:
            first = file.read()
        for part in ("words, version 2: winner", "**Hypothesis.** numbers beat words", "**Result.**", "**Learning.** The hypothesis holds",
                     "**Where else to apply.** `hello.second`"):
            self.assertIn(part, first)
        self.report("--journal")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), first)


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
