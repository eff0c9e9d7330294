"""What a person meets at the terminal: commands, exit codes, sentences. Needs neither Kafka nor Redis.

test_cli.py BINARY; `test_cli.py BINARY --accept` writes what check says into check/*.expected, to be read before it is kept.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHOP = "deploy/demo-shop.yaml"
COMMANDS = ("demo", "init", "run", "check", "test", "schema", "backtest", "cuts", "explain")
binary = "build/release/segstream"


def run(*arguments, stdin=None):
    return subprocess.run([binary, *arguments], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=60)


def check_cases():
    folder = os.path.join("tests", "cli", "check")
    return [os.path.join(folder, name) for name in sorted(os.listdir(os.path.join(ROOT, folder)))
            if name.endswith(".yaml")]


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="segstream-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Usage(unittest.TestCase):
    def test_help_fits_a_screen_names_every_command_and_shows_examples(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        lines = done.stdout.splitlines()
        self.assertLessEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 100)
        for word in (*COMMANDS, "version", "examples:", "exit codes:"):
            self.assertIn(word, done.stdout)

    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0, command)
            self.assertIn("Usage: segstream " + command, done.stdout)

    def test_version_is_one_line(self):
        done = run("version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"\Asegstream \d+\.\d+\.\d+\n\Z")

    def test_wrong_usage_is_exit_code_64(self):
        for arguments in ([], ["chekc"], ["check"], ["check", "--nonsense", SHOP], ["backtest"], ["run"], ["schema"], ["schema", "avro"],
                          ["backtest", "-c", SHOP, "--until", "tomorrow", "-"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 64, arguments)
            self.assertNotEqual(done.stderr, "", arguments)

    def test_a_mistyped_command_is_told_the_nearest_one(self):
        self.assertIn("did you mean `check`?", run("chekc").stderr)


    def test_a_mistyped_option_is_told_the_nearest_one(self):
        for command, wrong, right in (("test", "--covrage", "--coverage"), ("explain", "--partition-s=3", "--partitions"),
                                      ("backtest", "--untill", "--until"), ("check", "--agianst", "--against")):
            done = run(command, wrong)
            self.assertEqual(done.returncode, 64)
            self.assertIn(f"there is no option `{wrong.split('=')[0]}`; did you mean `{right}`?", done.stderr)

    def test_what_an_option_takes_may_look_like_an_option(self):
        done = run("test", SHOP, "-n", "--covrage")
        self.assertNotIn("there is no option", done.stderr)


class Check(Files):
    def test_every_mistake_is_said_with_its_place_and_a_hint(self):
        for path in check_cases():
            with self.subTest(path), open(os.path.join(ROOT, path + ".expected"), encoding="utf-8") as file:
                done = run("check", path)
                self.assertEqual(done.returncode, 78)
                self.assertEqual(done.stderr, file.read())

    def test_a_good_configuration_is_summed_up_in_a_line(self):
        done = run("check", SHOP)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(SHOP + ": good.", done.stdout)

    def test_a_file_that_is_not_there_is_said(self):
        done = run("check", "no-such.yaml")
        self.assertEqual(done.returncode, 78)
        self.assertIn("cannot read no-such.yaml", done.stderr)

    def test_a_folder_is_read_as_one_configuration(self):
        self.write("a.yaml", "version: 1\napp: shop\n")
        self.write("b.yaml", "segments:\n  new: {dimension: intent, when: 'count(\"visit\") > 0'}\n")
        self.assertEqual(run("check", self.folder).returncode, 0)
        self.write("c.yaml", "app: other\n")
        done = run("check", self.folder)
        self.assertEqual(done.returncode, 78)
        self.assertIn("c.yaml:1:1", done.stderr)

    def test_run_says_what_it_needs_beyond_the_rules(self):
        done = run("run", "-c", SHOP)
        self.assertEqual(done.returncode, 78)
        self.assertIn("`kafka`, `state` are missing: this command needs them", done.stderr)


class Backtest(Files):
    EVENTS = ('{"kind":"profile","customer":"c-1","at":"2026-03-02T09:00:00Z","consent_email":true}\n'
              '{"kind":"demo_request","customer":"c-1","at":"2026-03-02T09:30:00Z","id":"e-1"}\n'
              'not json\n'
              '{"kind":"visit","customer":"c-2","at":"2026-04-20T09:30:00Z","id":"e-2"}\n')

    def test_events_become_lines_and_a_bad_one_a_dead_letter(self):
        done = run("backtest", "-c", SHOP, "-", stdin=self.EVENTS)
        self.assertEqual(done.returncode, 0, done.stderr)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([r["line"] for r in records if r["type"] == "dead_letter"], [3])
        emails = [r["email"] for r in records if r["type"] == "trigger" and r["customer"] == "c-1"]
        self.assertEqual(emails[:3], ["welcome", "guide", "reminder"])

    def test_a_file_and_standard_input_give_the_same_bytes(self):
        path = self.write("events.ndjson", self.EVENTS)
        first, second = run("backtest", "-c", SHOP, path), run("backtest", "-c", SHOP, "-", stdin=self.EVENTS)
        self.assertEqual(first.stdout, second.stdout)
        self.assertNotEqual(first.stdout, "")

    def test_an_event_later_than_until_is_wrong_usage(self):
        done = run("backtest", "-c", SHOP, "--until", "2026-03-03T00:00:00Z", "-", stdin=self.EVENTS)
        self.assertEqual(done.returncode, 64)
        self.assertIn("line 4 is later than --until", done.stderr)

    def test_a_summary_is_for_people(self):
        done = run("backtest", "-c", SHOP, "-o", "summary", "-", stdin=self.EVENTS)
        self.assertEqual(done.returncode, 0)
        self.assertIn("nurture_trial", done.stdout)
        self.assertNotIn("{", done.stdout)
        self.assertRegex(done.stdout, r"experiment welcome_cta, version 1\n  guide +exposed \d+ converted \d+")


class Test(Files):
    RULES = """version: 1
app: shop
segments:
  new: {dimension: intent, when: 'count("visit") > 0'}
tests:
  - name: a visitor is new
    start: 2026-03-02T09:00:00Z
    events: [{at: +1h, visit: {}}]
    expect:
      - {at: +1h, enters: new}
"""

    def test_a_test_that_holds_is_exit_code_0(self):
        done = run("test", self.write("shop.yaml", self.RULES))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_test_that_fails_is_exit_code_1_and_shows_what_came_instead(self):
        path = self.write("shop.yaml", self.RULES.replace("- {at: +1h, enters", "- {at: +2h, enters"))
        done = run("test", path)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for word in ("a visitor is new", path + ":10", "enters new"):
            self.assertIn(word, done.stdout)

    def test_no_tests_at_all_is_said(self):
        done = run("test", SHOP)
        self.assertIn("there are no tests", (done.stdout + done.stderr).lower())


def accept():
    for path in check_cases():
        with open(os.path.join(ROOT, path + ".expected"), "w", encoding="utf-8") as file:
            file.write(run("check", path).stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_cli.py BINARY [--accept | names of tests]")
    binary = os.path.abspath(sys.argv.pop(1))
    if "--accept" in sys.argv:
        accept()
    else:
        unittest.main()
