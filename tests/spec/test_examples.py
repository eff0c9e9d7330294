"""The examples of deploy/examples hold what they promise: check, their own tests, and every count.
test_examples.py BINARY"""
import json
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXAMPLES = ["deploy/examples/shop", "deploy/examples/past-purchases.yaml", "deploy/demo-shop.yaml"]
SHOP = os.path.join(ROOT, "deploy/examples/shop")
DIMENSIONS = ["behavioral", "demographic", "firmographic", "intent", "lifecycle", "psychographic"]
PROFILE = ["size_estimate", "demographics", "behaviors", "psychographics", "pain_points", "prefers", "messages", "objections",
           "value_propositions", "tone", "conversion_path"]
MATRIX = {"subject": 5, "value_prop": 3, "cta": 4, "proof": 3, "objection": 3}
EMAIL = ["subject", "hook", "pain_point", "value_prop", "proof", "cta"]
LANDING = ["hero", "problem", "solution", "trust", "cta", "faq"]
binary = "build/release/segstream"


def run(*arguments, stdin=None):
    return subprocess.run([binary, *arguments], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=60)


def text(name):
    with open(os.path.join(SHOP, name), encoding="utf-8") as file:
        return file.read()


def blocks(source, indent):
    """Keys at an indent, each with the lines below it."""
    found, name = {}, None
    for line in source.splitlines():
        key = re.match(rf" {{{indent}}}(\w+):", line)
        if key:
            name = key[1]
            found[name] = line + "\n"
        elif line[:1] != " " and line.strip():
            name = None
        elif name:
            found[name] += line + "\n"
    return found


def items(block, slot):
    values = re.search(rf"\b{slot}: (\[[^\]]*\]|[\w-]+)", block)[1]
    return [v.strip() for v in values.strip("[]").split(",")]


def audiences():
    return {name: block for name, block in blocks(text("segments.yaml"), 2).items() if "profile:" in block}


class Examples(unittest.TestCase):
    def test_every_example_is_good_and_passes_its_own_tests(self):
        for path in EXAMPLES:
            done = run("check", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)
            done = run("test", path)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_example_is_listed_on_the_page(self):
        with open(os.path.join(ROOT, "deploy/examples/README.md"), encoding="utf-8") as file:
            page = file.read()
        for name in sorted(os.listdir(os.path.join(ROOT, "deploy/examples"))):
            self.assertTrue(name == "README.md" or name in page, name)


class Counts(unittest.TestCase):
    def test_there_are_four_to_six_audiences_and_they_cover_six_dimensions(self):
        found = audiences()
        self.assertTrue(4 <= len(found) <= 6, found.keys())
        self.assertEqual(sorted(re.search(r"dimension: (\w+)", block)[1] for block in found.values()), DIMENSIONS)

    def test_every_profile_has_all_parts(self):
        for name, block in audiences().items():
            for part in PROFILE:
                self.assertRegex(block, rf"\n      {part}: \S", f"{name}: {part}")
            for parts in (["primary", "secondary", "triggers"], ["formats", "topics", "channels", "engagement"],
                          ["journey", "touchpoints", "decision_factors"]):
                self.assertRegex(block, r"\{" + ".*".join(f"{part}: " for part in parts), name)

    def test_every_audience_has_the_content_variation_matrix_with_its_counts(self):
        channels = blocks(text("content.yaml"), 2)
        rows = blocks(channels["email"], 4)
        self.assertEqual({slot: int(re.search(rf"{slot}: (\d)", rows["want"])[1]) for slot in MATRIX}, MATRIX)
        for name in audiences():
            for slot, count in MATRIX.items():
                found = items(rows[name], slot)
                self.assertEqual((len(found), len(set(found))), (count, count), f"{name}: {slot}")

    def test_an_email_has_six_slots_and_a_landing_page_six_parts_in_every_audience(self):
        channels = blocks(text("content.yaml"), 2)
        for channel, slots in (("email", EMAIL), ("landing", LANDING)):
            rows = blocks(channels[channel], 4)
            self.assertEqual(items(rows["slots"], "slots")[:6], slots)
            for name in ["default", *audiences()]:
                for slot in slots:
                    self.assertTrue(items(rows[name], slot)[0], f"{channel}: {name}: {slot}")

    def test_no_two_audiences_get_the_same_message(self):
        rows = blocks(blocks(text("content.yaml"), 2)["email"], 4)
        firsts = [tuple(items(rows[name], slot)[0] for slot in EMAIL) for name in ["default", *audiences()]]
        self.assertEqual(len(set(firsts)), 7)

    def test_email_social_landing_and_ad_have_a_matrix(self):
        self.assertEqual(sorted(blocks(text("content.yaml"), 2)), ["ad", "email", "landing", "social"])

    def test_five_emails_nurture_each_with_subject_goal_theme_call_personal_values_and_delay(self):
        emails = re.findall(r"\{id: .*?\}\n", blocks(text("sequences.yaml"), 2)["nurture"], re.S)
        self.assertEqual(len(emails), 5)
        for email in emails:
            for part in ("after", "purpose", "theme", "cta", "personalize"):
                self.assertIn(part + ": ", email)
        self.assertTrue(all("subject: " in email for email in emails[1:]))  # the first has the matrix's own

    def test_three_branches_follow_what_the_reader_did(self):
        branch = blocks(text("sequences.yaml"), 2)["nurture"].split("branch:")[1]
        for outcome, action in (("opened_not_clicked", "resend"), ("clicked_not_converted", "goto"), ("no_engagement", "start")):
            self.assertRegex(branch, rf"{outcome}: .*{action}: ")

    def test_four_stages_win_back_and_the_last_offers_to_change_preferences(self):
        emails = re.findall(r"\{id: (\w+), .*?\}\n", blocks(text("sequences.yaml"), 2)["reengage"], re.S)
        self.assertEqual(emails, ["reminder", "value", "incentive", "last_chance"])
        self.assertRegex(text("sequences.yaml"), r"last_chance.*c-preferences")

    def test_experiments_of_four_kinds_say_hypothesis_expected_impact_success_and_plan(self):
        experiments = blocks(text("experiments.yaml"), 2)
        self.assertEqual(sorted(re.search(r"kind: (\w+)", block)[1] for block in experiments.values()), ["copy", "cta", "headline", "layout"])
        for name, experiment in experiments.items():
            for part in ("hypothesis: .*because", "expected_impact: ", "success: .*within: ", "baseline: ", "benchmark: ", "detect: ",
                         "alpha: ", "power: ", "guard: "):
                self.assertRegex(experiment, part)
            self.assertIn(f"experiment: {name}", blocks(text("sequences.yaml"), 2)["nurture"])

    def test_a_win_back_trigger_carries_last_engagement_and_previous_behaviour(self):
        events = ('{"kind":"profile","customer":"c-1","at":"2026-03-02T09:00:00Z","consent_email":true,"first_name":"Ada"}\n'
                  '{"kind":"visit","customer":"c-1","at":"2026-03-02T09:01:00Z","url":"/chairs"}\n'
                  '{"kind":"purchase","customer":"c-1","at":"2026-03-02T09:02:00Z","order":"o-1","amount":4900,"currency":"EUR",'
                  '"items":[{"category":"chairs"}]}\n')
        done = run("backtest", "-c", "deploy/examples/shop", "--until", "2026-05-10T00:00:00Z", "-", stdin=events)
        reminder, = [r for r in map(json.loads, done.stdout.splitlines()) if r["type"] == "trigger" and r["email"] == "reminder"]
        self.assertEqual(reminder["days_since_engagement"], 61)
        self.assertEqual(sorted(reminder["last_events"]), ["profile", "purchase", "visit"])
        self.assertEqual(reminder["context"], {"customer.first_name": "Ada", "customer.last_bought": "chairs", "customer.last_page": "/chairs"})
        self.assertIn("lapsed", reminder["segments"])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_examples.py BINARY [names of tests]")
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
