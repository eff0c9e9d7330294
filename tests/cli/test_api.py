"""What a running process tells over HTTP: the demo is asked as a dashboard, a landing page and a stranger would.

test_api.py BINARY
"""
import json
import os
import re
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from running_demo import RunningDemo

binary = "build/release/segstream"


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.demo = RunningDemo(binary)
        cls.address, cls.customer = cls.demo.address, cls.demo.customer

    @classmethod
    def tearDownClass(cls):
        cls.demo.stop()

    def ask(self, path, token=None, method="GET"):
        request = urllib.request.Request(f"http://{self.address}{path}", method=method)
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def json(self, path, token=None):
        status, headers, body = self.ask(path, token)
        self.assertEqual(headers["Content-Type"], "application/json; charset=utf-8")
        return status, json.loads(body)

    def test_the_summary_says_what_the_process_is_and_does(self):
        deadline = time.monotonic() + 20
        status, s = self.json("/api/v1/summary")
        while s["metrics"]["triggers_total"] == 0 and time.monotonic() < deadline:  # told twice a second
            status, s = self.json("/api/v1/summary")
        self.assertEqual(status, 200)
        self.assertEqual((s["app"], s["state"], s["ready"], s["problems"]), ("demo", "running", True, []))
        self.assertEqual((s["guarantee"], s["partition_count"], s["shows_customers"]), ("at_least_once", 4, True))
        self.assertGreater(s["metrics"]["events_total"], 0)
        self.assertGreater(s["metrics"]["triggers_total"], 0)

    def test_the_api_page_names_every_field_of_the_summary(self):
        _, _, page = self.ask("/api/v1/openapi.yaml")
        required = re.search(r"Summary:\n\s+type: object\n\s+required: \[([^\]]*)\]", page).group(1).split(", ")
        self.assertEqual(sorted(self.json("/api/v1/summary")[1]), sorted(required))

    def test_a_customer_is_explained_to_who_has_the_token_and_to_nobody_else(self):
        path = "/api/v1/customers/" + urllib.parse.quote(self.customer, safe="")
        for token in (None, "", "dem", "demo ", "demodemo", "Demo"):
            status, said = self.json(path, token)
            self.assertEqual((status, list(said)), (401, ["error"]), token)
        status, said = self.json(path, "demo")
        self.assertEqual((status, said["customer"]), (200, self.customer))
        self.assertTrue(any(s["member"] for s in said["segments"].values()))
        self.assertIn("next", said)

    def test_an_unknown_customer_is_not_found(self):
        self.assertEqual(self.json("/api/v1/customers/nobody", "demo")[0], 404)

    def test_a_customer_can_be_looked_at_later_but_not_earlier(self):
        path = "/api/v1/customers/" + self.customer
        status, later = self.json(path + "?at=2027-01-01T00:00:00Z", "demo")
        self.assertEqual((status, later["at"]), (200, 1798761600000))
        self.assertEqual(self.json(path + "?at=1970-01-02T00:00:00Z", "demo")[0], 400)
        self.assertEqual(self.json(path + "?at=tomorrow", "demo")[0], 400)

    def test_a_landing_page_learns_which_content_the_customer_gets(self):
        query = "/api/v1/content?channel=email&customer=" + self.customer
        self.assertEqual(self.json(query)[0], 401)
        status, said = self.json(query, "demo")
        self.assertEqual((status, said["from"], said["channel"]), (200, "owner", "email"))
        self.assertIn("subject", said["content"])
        self.assertEqual(self.json("/api/v1/content?customer=x&channel=fax", "demo")[0], 404)

    def test_read_outs_are_those_of_the_report(self):
        status, report = self.json("/api/v1/report")
        self.assertEqual(status, 200)
        keys = [s["key"] for s in report["sections"]]
        for name, first in (("segments", "segments"), ("sequences", "runs"), ("content", "content"), ("experiments", None)):
            status, part = self.json("/api/v1/" + name + "?since=7d")
            self.assertEqual(status, 200, name)
            self.assertTrue({s["key"] for s in part["sections"]} <= set(keys), name)
        segments = next(s for s in report["sections"] if s["key"] == "segments")["rows"]
        self.assertGreater(sum(row["entered"] for row in segments), 0)
        self.assertEqual(self.json("/api/v1/segments?since=tomorrow")[0], 400)

    def test_the_dashboard_loads_nothing_from_elsewhere(self):
        status, headers, page = self.ask("/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        for name in re.findall(r'(?:src|href)="([^"]*)"', page):
            if not name.startswith("data:"):
                self.assertNotIn("//", name)
                self.assertIn(self.ask("/" + name)[0], (200, 503), name)

    def test_only_questions_are_answered(self):
        self.assertEqual(self.ask("/api/v1/summary", method="POST")[0], 405)
        for path in ("/api", "/api/v1", "/api/v1/customers/", "/api/v1/summary/x", "/dashboard", "/../etc/passwd"):
            self.assertEqual(self.ask(path)[0], 404, path)

    def test_answers_come_while_the_processor_works(self):
        path = "/api/v1/content?channel=email&customer=" + self.customer
        took = []
        for _ in range(300):
            began = time.perf_counter()
            self.assertEqual(self.json(path, "demo")[0], 200)
            took.append((time.perf_counter() - began) * 1000)
        took.sort()
        print(f"content of a customer over HTTP, a connection each: p50 {took[150]:.2f} ms, p99 {took[297]:.2f} ms")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_api.py BINARY [names of tests]")
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
