"""What a person meets at the terminal: commands, exit codes, sentences. Needs neither Kafka nor Redis.

test_cli.py BINARY; `test_cli.py BINARY --accept` writes what check says into check/*.expected, to be read before it is kept.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHOP = "deploy/demo-shop.yaml"
COMMANDS = ("demo", "init", "run", "check", "test", "schema", "backtest", "cuts", "explain", "report", "samplesize", "inspect", "erase", "replay")
binary = "build/release/segstream"


def run(*arguments, stdin=None):
    return subprocess.run([binary, *arguments], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=60)


def check_cases():
    folder = os.path.join("tests", "cli", "check")
    return [os.path.join(folder, name) for name in sorted(os.listdir(os.path.join(ROOT, folder)))
            if not name.endswith(".expected")]  # files, and folders that are one configuration


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
                self.assertEqual(done.returncode, 0 if os.path.basename(path).startswith("warnings") else 78)
                self.assertEqual(done.stderr, file.read())

    def test_the_wrong_configurations_have_far_more_than_sixty_causes_each_with_its_line(self):
        said = set()
        for path in check_cases():
            with open(os.path.join(ROOT, path + ".expected"), encoding="utf-8") as file:
                for line in file:
                    if re.match(r".*: (error|warning)\[[EW]\d{4}\]: ", line):
                        self.assertRegex(line, r"^tests/cli/check/[^:]+:\d+:\d+: ")
                        said.add(line)
        self.assertGreater(len(said), 200)

    def test_a_good_configuration_is_summed_up_in_a_line(self):
        done = run("check", SHOP)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(SHOP + ": good.", done.stdout)

    def test_its_rules_are_priced_in_bytes_per_customer_and_steps_per_event(self):
        done = run("check", SHOP)
        self.assertRegex(done.stdout, r"state per customer: about \d+ (bytes|KiB) \(.*\), at most \d+ (KiB|MiB)\n")
        self.assertRegex(done.stdout, r"an event looks again at: \w+ \d+ of \d+ segments, \d+ steps")

    def test_for_tools_it_writes_one_json_document_with_the_same_fields(self):
        done = run("check", "-o", "json", SHOP, "tests/cli/check/cycles.yaml")
        self.assertEqual((done.returncode, done.stderr), (78, ""))
        good, bad = json.loads(done.stdout)["configurations"]
        self.assertTrue(good["good"])
        self.assertGreater(good["state"]["most_bytes"], good["state"]["typical_bytes"])
        self.assertEqual(good["state"]["typical_bytes"], sum(p["typical_bytes"] for p in good["state"]["parts"].values()))
        self.assertIn("click", [e["kind"] for e in good["events"]])
        problem = bad["problems"][0]
        self.assertEqual((problem["code"], problem["line"], problem["column"]), ("E0140", 5, 3))
        self.assertEqual(problem["note"]["line"], 6)

    def test_for_github_it_writes_annotations(self):
        done = run("check", "-o", "github", "tests/cli/check/cycles.yaml", "tests/cli/check/warnings.yaml")
        self.assertEqual(done.returncode, 78)
        self.assertIn("::error file=tests/cli/check/cycles.yaml,line=5,col=3,endColumn=6,title=E0140::segments ask", done.stdout)
        self.assertIn("::warning file=tests/cli/check/warnings.yaml,", done.stdout)
        self.assertIn("%0Ahint: ", done.stdout)

    def test_denied_warnings_are_exit_code_1_and_quiet_hides_the_others(self):
        path = "tests/cli/check/warnings.yaml"
        self.assertEqual(run("check", path).returncode, 0)
        self.assertEqual(run("check", "--deny", "warnings", path).returncode, 1)
        self.assertEqual(run("check", "--deny", "warnings", SHOP).returncode, 0)
        done = run("check", "--quiet", path)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertIn("warning[W", run("check", "--quiet", "--deny", "warnings", path).stderr)
        self.assertEqual(run("check", "--deny", "errors", path).returncode, 64)

    def test_what_is_only_worth_a_look_is_shown_when_asked_for(self):
        self.assertNotIn("W08", run("check", "tests/cli/check/warnings.yaml").stderr)
        self.assertIn("warning[W0801]", run("check", "--all", "tests/cli/check/warnings.yaml").stderr)

    def test_a_secret_is_never_shown_not_even_in_an_error(self):
        path = self.write("secret.yaml", "version: 1\napp: shop\nstate: {store: memory, cache: !env SEGSTREAM_TEST_SECRET}\n")
        for form in ("text", "json", "github"):
            done = subprocess.run([binary, "check", "-o", form, path], capture_output=True, text=True, timeout=60,
                                  env={"SEGSTREAM_TEST_SECRET": "hunter2222", "ASAN_OPTIONS": "detect_leaks=0"}, check=False)
            self.assertEqual(done.returncode, 78)
            self.assertIn("E0007", done.stdout + done.stderr)
            self.assertNotIn("hunter", done.stdout + done.stderr)

    def test_a_key_on_the_command_line_is_checked_like_one_in_the_file(self):
        done = run("check", "--set", "limits.max_delay=0d", SHOP)
        self.assertEqual(done.returncode, 78)
        self.assertIn("--set:1:1: error[E0008]", done.stderr)
        self.assertEqual(run("check", "--set", "limits.max_delay=3d", SHOP).returncode, 0)

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
