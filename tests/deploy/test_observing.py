"""What operators look at agrees with the program: the page of metrics, alert rules, dashboard, the page of log events.

test_observing.py BINARY; needs python3-yaml. promtool's own tests of the rules are deploy.alerts.
"""
import functools
import glob
import json
import os
import re
import subprocess
import sys
import unittest

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
binary = "build/release/segstream"


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


@functools.lru_cache
def table():
    return subprocess.run([binary, "schema", "metrics"], capture_output=True, text=True, check=True).stdout


@functools.lru_cache
def metrics():
    """name -> type"""
    return dict(re.findall(r"(?m)^\| `(\w+)` \| (\w+) \|", table()))


def named_in(expression):
    return set(re.findall(r"\b(?:segstream|process)_\w+", expression))


def rules():
    return [rule for group in yaml.safe_load(read("deploy", "prometheus", "alerts.yaml"))["groups"] for rule in group["rules"]]


def expressions_of_the_dashboard():
    board = json.loads(read("deploy", "grafana", "dashboard.json"))
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    found += [annotation["expr"] for annotation in board["annotations"]["list"]]
    return board, found


def check_counters(case, expression):
    """A counter is only looked at as it grows, a gauge never so."""
    for name, kind in metrics().items():
        for at in re.finditer(rf"\b{name}\b", expression):
            before = expression[:at.start()]
            grows = re.search(r"(rate|increase)\($", before) is not None
            case.assertEqual(grows, kind == "counter", f"{name} in {expression}")


class Metrics(unittest.TestCase):
    def test_the_page_holds_the_table_as_the_program_prints_it(self):
        self.assertIn(table(), read("deploy", "METRICS.md"))

    def test_alert_rules_name_metrics_of_the_table_and_look_at_counters_as_they_grow(self):
        known = set(metrics())
        for rule in rules():
            self.assertLessEqual(named_in(rule["expr"]), known, rule["alert"])
            check_counters(self, rule["expr"])

    def test_every_alert_says_how_bad_it_is_and_links_to_its_section_of_the_runbook(self):
        headings = {re.sub(r"[^a-z0-9 -]", "", line[3:].strip().lower()).replace(" ", "-")
                    for line in read("deploy", "RUNBOOK.md").split("\n") if line.startswith("## ")}
        for rule in rules():
            self.assertIn(rule["labels"]["severity"], ("warning", "critical"), rule["alert"])
            page, anchor = rule["annotations"]["runbook"].split("#")
            self.assertEqual((page, anchor), ("RUNBOOK.md", rule["alert"].lower()))
            self.assertIn(anchor, headings)
            self.assertTrue(rule["annotations"]["summary"])

    def test_every_alert_is_tested_where_it_sounds_and_where_it_is_silent(self):
        tests = yaml.safe_load(read("tests", "deploy", "alerts.test.yaml"))["tests"]
        seen = {(case["alertname"], bool(case["exp_alerts"])) for test in tests for case in test["alert_rule_test"]}
        self.assertEqual(seen, {(rule["alert"], sounds) for rule in rules() for sounds in (True, False)})

    def test_the_dashboard_shows_every_metric_and_none_that_is_not_there(self):
        _, found = expressions_of_the_dashboard()
        self.assertEqual(set().union(*map(named_in, found)), set(metrics()))
        for expression in found:
            if not expression.startswith("changes("):
                check_counters(self, expression)

    def test_the_dashboard_is_one_that_grafana_takes(self):
        board, _ = expressions_of_the_dashboard()
        ids = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        taken = set()
        for panel in board["panels"]:
            self.assertTrue(panel["title"] and panel["type"] in ("stat", "timeseries"), panel)
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, f"{panel['title']} lies over another")
            self.assertLessEqual(at["x"] + at["w"], 24)
            taken |= cells
            references = [target["refId"] for target in panel["targets"]]
            self.assertEqual(len(references), len(set(references)))
        variables = {variable["name"] for variable in board["templating"]["list"]}
        self.assertEqual(variables, {"datasource", "app"})


class Logs(unittest.TestCase):
    def test_the_page_lists_every_event_that_the_source_writes_and_no_other(self):
        said = set()
        for folder in ("processor", "sinks"):
            for path in glob.glob(os.path.join(ROOT, folder, "**", "*.c"), recursive=True):
                text = read(path)
                for call in re.finditer(r"\b(?:log_line|say_held)\(([^;]*?)\)\s*;", text):
                    name = re.search(r'"([a-z]+\.[a-z_]+)"', call[1])
                    if name:
                        said.add(name[1])
        page = set()
        for line in read("deploy", "LOGS.md").split("\n"):
            if line.startswith("| `"):
                page |= set(re.findall(r"`([a-z]+\.[a-z_]+)`", line.split("|")[1]))
        self.assertEqual(page, said)

    def test_fields_are_key_and_value_and_text_stands_in_quotes(self):
        for folder in ("processor", "sinks"):
            for path in glob.glob(os.path.join(ROOT, folder, "**", "*.c"), recursive=True):
                for call in re.finditer(r'\blog_line\(\s*[^;]*?"[a-z]+\.[a-z_]+",((?:\s*"(?:[^"\\]|\\.)*")+)', read(path)):
                    form = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call[1]))
                    left = re.sub(r'[a-z_]+=(\\"(?:[^"\\])*\\"|[^\s"\\=]+)', "", form)
                    self.assertEqual(left.strip(), "", f"{path}: {form}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
