"""The tools for those who write configurations, as a user meets them: test, backtest, explain, cuts, init, check --against.

test_tools.py BINARY; `test_tools.py BINARY --accept` writes what they say into tools/*.expected, to be read before it is kept.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOOLS = "tests/cli/tools/"
SHOP = TOOLS + "shop.yaml"
binary = "build/release/segstream"

# What is held to the letter: name of tools/NAME.expected, exit code, arguments.
SAID = [
    ("test", 0, ["test", SHOP]),
    ("test_coverage", 0, ["test", SHOP, "--coverage"]),
    ("test_failing", 1, ["test", TOOLS + "failing.yaml"]),
    ("test_failing_tap", 1, ["test", TOOLS + "failing.yaml", "-o", "tap", "-n", "segments"]),
    ("test_failing_junit", 1, ["test", TOOLS + "failing.yaml", "-o", "junit", "-n", "consented"]),
]


def run(*arguments, stdin=None, cwd=ROOT):
    return subprocess.run([binary, *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60)


def expected_path(name):
    return os.path.join(ROOT, TOOLS, name + ".expected")


class Said(unittest.TestCase):
    def test_every_tool_says_to_the_letter_what_was_read_and_kept(self):
        for name, code, arguments in SAID:
            with self.subTest(name), open(expected_path(name), encoding="utf-8") as file:
                done = run(*arguments)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(done.stdout, file.read())


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="segstream-tools-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Test(Folder):
    def test_several_files_are_run_and_counted_together(self):
        done = run("test", SHOP, TOOLS + "failing.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.endswith("3 passed, 4 failed\n"), done.stdout)

    def test_a_wrong_file_does_not_hide_the_tests_of_the_others(self):
        done = run("test", self.write("wrong.yaml", "version: 1\napp: shop\nnonsense: 1\n"), SHOP)
        self.assertEqual(done.returncode, 78)
        self.assertIn("E0005", done.stderr)
        self.assertIn("2 passed, 0 failed", done.stdout)

    def test_a_name_that_no_test_has_is_wrong_usage(self):
        done = run("test", SHOP, "-n", "no such thing")
        self.assertEqual(done.returncode, 64)
        self.assertIn("no such thing", done.stderr)

    def test_junit_is_xml_with_a_case_per_test_and_its_line(self):
        root = xml.etree.ElementTree.fromstring(run("test", TOOLS + "failing.yaml", "-o", "junit").stdout)
        cases = root.findall("./testsuite/testcase")
        self.assertEqual(len(cases), 5)
        self.assertEqual(sum(case.find("failure") is not None for case in cases), 4)
        with open(os.path.join(ROOT, TOOLS, "failing.yaml"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        for case in cases:
            self.assertIn(case.get("name"), lines[int(case.get("line")) - 1])

    def test_both_places_of_a_failure_stand_where_they_say(self):
        with open(os.path.join(ROOT, TOOLS, "failing.yaml"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        said = run("test", TOOLS + "failing.yaml", "-n", "segments").stdout
        for of, words in (("expected.*in decision", "in: decision"), ("hint.*is not set", "young: {"), ("hint.*company_size", "small_firm:")):
            number = re.search(of + r".*failing\.yaml:(\d+)\)", said).group(1)
            self.assertIn(words, lines[int(number) - 1])

    def test_wrong_usage_is_exit_code_64(self):
        for arguments in (["test"], ["test", SHOP, "-o", "html"], ["test", "--cover", "--nonsense", SHOP]):
            self.assertEqual(run(*arguments).returncode, 64, arguments)


def accept():
    for name, code, arguments in SAID:
        done = run(*arguments)
        if done.returncode != code:
            print(f"{name}: exit code {done.returncode}, not {code}: {done.stderr}")
        with open(expected_path(name), "w", encoding="utf-8") as file:
            file.write(done.stdout)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_tools.py BINARY [--accept | names of tests]")
    binary = os.path.abspath(sys.argv.pop(1))
    if "--accept" in sys.argv:
        accept()
    else:
        unittest.main()
