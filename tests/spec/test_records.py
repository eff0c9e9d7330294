"""What the language says of records and of late arrival, which `tests:` of a configuration cannot say: small files through
`segstream backtest`. test_records.py BINARY. Rows of requirements are named as in README.md of this folder."""
import itertools
import json
import os
import subprocess
import sys
import tempfile
import unittest

binary = "build/release/segstream"
DAY = 86400000
HOUR = 3600000
START = 1772442000000  # 2026-03-02T09:00:00Z


def backtest(rules, events, until):
    """Records of a run; events are (hours, kind, fields) or (hours, kind, fields, customer) in order of arrival."""
    with tempfile.TemporaryDirectory(prefix="segstream-spec-") as folder:
        path = os.path.join(folder, "rules.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(rules)
        lines = ""
        for number, (hours, kind, fields, *customer) in enumerate(events):
            event = {"kind": kind, "customer": (customer or ["c-1"])[0], "at": START + round(hours * HOUR), "id": f"e-{number}"}
            lines += json.dumps({**event, **fields}) + "\n"
        done = subprocess.run([binary, "backtest", "-c", path, "--until", str(START + round(until * HOUR)), "-"],
                              input=lines, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def outcomes(records):
    return [(r["sequence"], r["email"], r["outcome"], (r["at"] - START) / HOUR) for r in records if r["type"] == "outcome"]


class Content(unittest.TestCase):
    RULES = """version: 1
app: spec
currency: EUR
attributes: {name: {type: string}, role: {type: string, default: reader}, size: {type: int}, born: {type: date}}
remember: {bought: {last: purchase, field: items.category}}
segments: {keen: {dimension: intent, when: 'count("search", days(1)) >= 1'}}
content:
  email: {slots: [subject], default: {subject: s}}
  landing: {slots: [hero], default: {hero: lh}}
sequences:
  hello:
    enter: {on_entering: keen}
    emails:
      - {id: one, after: 0d, template: t, purpose: look, theme: greetings, expires_in: 2d,
         personalize: [customer.name, customer.role, customer.size, customer.born, customer.bought, event.query, event.nothing]}
  back:
    enter: {on_leaving: keen}
    emails:
      - {id: one, after: 0d, personalize: [customer.role, customer.name, event.query]}
"""
    EVENTS = [(0, "profile", {"size": 7, "born": "1990-02-03"}),
              (1, "purchase", {"order": "o", "amount": 100, "currency": "EUR", "items": [{"category": "shoes"}, {"category": "hats"}]}),
              (2, "search", {"query": "boots"})]

    def test_a_trigger_carries_what_its_email_says_and_the_values_it_personalizes_with(self):
        hello = [r for r in backtest(self.RULES, self.EVENTS, 50) if r["type"] == "trigger"][0]
        self.assertEqual({k: hello[k] for k in ("template", "purpose", "theme", "content", "landing")},
                         {"template": "t", "purpose": "look", "theme": "greetings", "content": {"subject": "s"}, "landing": {"hero": "lh"}})
        self.assertEqual(hello["context"], {"customer.role": "reader", "customer.size": "7", "customer.born": "1990-02-03",
                                            "customer.bought": "shoes, hats", "event.query": "boots"})

    def test_values_of_an_event_are_absent_when_time_entered(self):
        back = [r for r in backtest(self.RULES, self.EVENTS, 50) if r["type"] == "trigger"][1]
        self.assertEqual((back["sequence"], back["cause"], back["context"]), ("back", "time", {"customer.role": "reader"}))

    def test_last_engagement_and_previous_behaviour_travel_in_the_trigger(self):
        events = [(0, "open", {}), (60, "search", {"query": "boots"})]
        hello = [r for r in backtest(self.RULES, events, 60) if r["type"] == "trigger"][0]
        self.assertEqual(hello["days_since_engagement"], 2)
        self.assertEqual(hello["last_events"], {"open": START, "search": START + 60 * HOUR})

    def test_a_trigger_says_how_long_it_may_be_delivered(self):
        """R40: not after sent_at + expires_in; without expires_in stale_after stands in."""
        hello, back = [r for r in backtest(self.RULES, self.EVENTS, 50) if r["type"] == "trigger"]
        self.assertEqual(hello["expires_at"] - hello["sent_at"], 2 * DAY)
        self.assertEqual(back["expires_at"] - back["sent_at"], 3 * DAY)


class Lateness(unittest.TestCase):
    RULES = """version: 1
app: spec
currency: EUR
time: {allowed_lateness: 2h, clock: event}
scores: {intent: {half_life: 1d, points: {click: 8, visit: 1}, levels: {low: 0, high: 8}}}
segments:
  fresh: {dimension: intent, when: 'count("webinar", hours(5)) >= 1'}
  warm:  {dimension: intent, when: 'intent.level == "high"', min_stay: 1h}
sequences:
  tips:
    enter: {on_event: visit}
    goal: {event: purchase}
    engagement_window: 24h
    conversion_window: 6h
    emails: [{id: one, after: 0d}, {id: two, after: 3d}]
    branch: {opened_not_clicked: {goto: two}}
"""

    def test_an_event_older_than_the_window_changes_no_membership(self):
        """R14"""
        records = backtest(self.RULES, [(10, "search", {}), (5, "webinar", {})], 20)
        self.assertEqual([r for r in records if r["type"] == "membership"], [])

    def test_a_late_event_within_its_window_enters_now_and_leaves_by_its_own_time(self):
        """R14"""
        records = backtest(self.RULES, [(10, "search", {}), (6, "webinar", {})], 20)
        self.assertEqual([(r["status"], (r["at"] - START) / HOUR) for r in records if r["type"] == "membership"],
                         [("entered", 10), ("left", 11)])

    def test_an_engagement_before_the_deadline_that_is_read_after_it_takes_its_branch(self):
        """R25: the judgement waits for allowed_lateness, so what other customers did meanwhile decides nothing."""
        events = [(0, "visit", {}), (25, "search", {}, "c-2"), (23, "open", {"email": "tips.one"})]
        found = outcomes(backtest(self.RULES, events, 30))
        self.assertIn(("tips", "one", "opened_not_clicked", 24), found)

    def test_an_engagement_read_after_the_judgement_was_made_does_not_branch_again(self):
        """R26"""
        events = [(0, "visit", {}), (26.1, "search", {}, "c-2"), (23, "open", {"email": "tips.one"})]
        records = backtest(self.RULES, events, 80)
        self.assertIn(("tips", "one", "no_engagement", 24), outcomes(records))
        two = [r for r in records if r["type"] == "trigger" and r["email"] == "two"]
        self.assertEqual([(r["reason"], (r["at"] - START) / HOUR) for r in two], [("no_engagement", 72)])

    def test_every_order_of_arrival_within_the_lateness_ends_in_the_same_outcomes(self):
        """R15: a customer for each order of five facts within the lateness. (Goals and stops alone may depend on it.)"""
        facts = [(22.2, "open", {"email": "tips.one"}), (22.9, "delivered", {"email": "tips.one"}), (23.1, "webinar", {}),
                 (23.4, "search", {}), (23.9, "open", {"email": "tips.one"})]
        orders = {f"c-{number}": order for number, order in enumerate(itertools.permutations(facts))}
        events = [(0, "visit", {}, customer) for customer in orders]
        events += [(*order[place], customer) for place in range(len(facts)) for customer, order in orders.items()]
        found = {customer: [] for customer in orders}
        for record in backtest(self.RULES, events, 200):
            if record["type"] in ("outcome", "trigger"):
                found[record["customer"]].append((record["type"], record["email"], record.get("outcome"), record["at"]))
        self.assertIn(("outcome", "one", "opened_not_clicked", START + 24 * HOUR), found["c-0"])
        for customer, records in found.items():
            self.assertEqual(records, found["c-0"], orders[customer])


class Identity(unittest.TestCase):
    RULES = """version: 1
app: shop
time: {allowed_lateness: 0d}
segments: {all: {dimension: lifecycle, when: 'true'}}
sequences:
  news:
    enter: {on_event: visit, reenter_after: 0d}
    engagement_window: 1h
    emails: [{id: one, after: 0d}]
"""

    def test_feedback_belongs_to_the_delivery_it_names_also_when_a_newer_run_sent_the_same_email(self):
        """R30: the first run's trigger id is answered while the second run's is open."""
        first, = [r["trigger_id"] for r in backtest(self.RULES, [(0, "visit", {})], 0.5) if r["type"] == "trigger"]
        events = [(0, "visit", {}), (2, "visit", {}), (2.1, "open", {"email": first})]
        self.assertEqual([o[2] for o in outcomes(backtest(self.RULES, events, 4)) if o[1] is not None],
                         ["no_engagement", "no_engagement"])
        second = [r["trigger_id"] for r in backtest(self.RULES, events[:2], 2.5) if r["type"] == "trigger"][1]
        events[2] = (2.1, "open", {"email": second})
        self.assertEqual([o[2] for o in outcomes(backtest(self.RULES, events, 4)) if o[1] is not None],
                         ["no_engagement", "opened_not_clicked"])

    def test_an_id_with_another_payload_is_a_duplicate_and_no_dead_letter(self):
        """R04: LANGUAGE.md decides that an id seen is dropped, whatever its kind and content."""
        events = [(0, "visit", {"id": "same"}), (1, "purchase", {"id": "same", "order": "o", "amount": 1, "currency": "EUR"})]
        records = backtest(self.RULES, events, 2)
        self.assertEqual([r for r in records if r["type"] == "dead_letter"], [])
        self.assertEqual(len([r for r in records if r["type"] == "trigger"]), 1)


class Holdout(unittest.TestCase):
    RULES = Identity.RULES.replace("reenter_after: 0d}", "reenter_after: 0d}\n    holdout: 50%")

    def test_every_record_of_a_held_out_run_says_so_and_the_draw_is_of_the_customer_alone(self):
        events = [(hour, "visit", {}, f"c-{number}") for hour in (0, 5) for number in range(40)]
        records = backtest(self.RULES, events, 20)
        held = {}
        for record in records:
            if record["type"] == "outcome":
                held.setdefault(record["customer"], set()).add(record["holdout"])
        self.assertTrue(all(len(said) == 1 for said in held.values()), "the same in every record of every run")
        out = {customer for customer, said in held.items() if True in said}
        self.assertTrue(8 <= len(out) <= 32, len(out))
        self.assertEqual({r["customer"] for r in records if r["type"] == "trigger"}, set(held) - out)
        self.assertEqual({r["outcome"] for r in records if r["type"] == "outcome" and r["customer"] in out}, {"entered", "completed"})


class Nothing(unittest.TestCase):
    """`cancel`: nothing is announced ahead, so nothing is cancelled: no record of a kind `cancel` exists."""

    def test_a_goal_between_two_emails_leaves_the_records_of_the_end_and_no_other(self):
        rules = Lateness.RULES
        events = [(0, "visit", {}), (30, "purchase", {"order": "o", "amount": 100, "currency": "EUR"})]
        found = outcomes(backtest(rules, events, 200))
        self.assertEqual(found, [("tips", None, "entered", 0), ("tips", "one", "no_engagement", 24), ("tips", None, "converted", 30)])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_records.py BINARY [names of tests]")
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
