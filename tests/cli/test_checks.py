"""deploy/CHECKS.md explains every code that the source uses, and its examples are true.

test_checks.py BINARY. Each wrong example gets its code, no right one does; `check --explain` prints the page's sections.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "deploy", "CHECKS.md")
SOURCES = os.path.join(ROOT, "processor", "config")
binary = "build/release/segstream"

# Examples that need what is still refused as not supported yet: until then they get E0901 instead.
NOT_YET = {"W0104": ("forgetting customers",)}


def run(*arguments):
    return subprocess.run([binary, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def sections():
    with open(PAGE, encoding="utf-8") as file:
        parts = re.split(r"(?m)^## (?=[EW]\d{4} )", file.read())
    return [part.split(" ", 1)[0] for part in parts[1:]], parts[1:]


def used_codes():
    codes = set()
    for name in os.listdir(SOURCES):
        if name.endswith((".c", ".h")):
            with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
                codes |= set(re.findall(r'"([EW]\d{4})"', file.read()))
    return codes


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.codes, cls.texts = sections()

    def problems(self, examples):
        """What check says to each of these configurations."""
        with tempfile.TemporaryDirectory(prefix="segstream-checks-") as folder:
            paths = [os.path.join(folder, f"{i}.yaml") for i in range(len(examples))]
            for path, text in zip(paths, examples):
                with open(path, "w", encoding="utf-8") as file:
                    file.write("version: 1\napp: shop\n" + text)
            found = []
            for i in range(0, len(paths), 32):
                done = run("check", "--all", "-o", "json", *paths[i:i + 32])
                found += json.loads(done.stdout)["configurations"]
        return [f["problems"] for f in found]

    def test_every_code_in_the_source_is_explained_once_and_no_other(self):
        self.assertEqual(self.codes, sorted(self.codes), "in order")
        self.assertEqual(sorted(used_codes()), self.codes)
        self.assertGreater(len(self.codes), 60)

    def test_the_wrong_example_gets_the_code_and_the_right_one_is_good(self):
        blocks = [re.findall(r"(?s)```yaml\n(.*?)```", text) for text in self.texts]
        self.assertEqual({len(b) for b in blocks}, {2}, "a wrong and a right example each")
        wrong, right = (self.problems([b[i] for b in blocks]) for i in (0, 1))
        for code, bad, good in zip(self.codes, wrong, right):
            with self.subTest(code):
                if code in NOT_YET and any(word in p["message"] for p in bad for word in NOT_YET[code]):
                    continue
                self.assertIn(code, {p["code"] for p in bad}, bad)
                self.assertEqual({p["code"] for p in bad if p["severity"] == "error"},
                                 {code} if code[0] == "E" else set(), bad)
                self.assertNotIn(code, {p["code"] for p in good}, good)
                self.assertEqual([p for p in good if p["severity"] == "error"], [])

    def test_explain_prints_the_section(self):
        done = run("check", "--explain", "E0102")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, self.texts[self.codes.index("E0102")])
        self.assertEqual(run("check", "--explain=E0102").stdout, done.stdout)

    def test_explain_alone_lists_the_codes_with_their_titles(self):
        done = run("check", "--explain")
        self.assertEqual(done.stdout.splitlines(), [text.splitlines()[0] for text in self.texts])

    def test_explaining_what_does_not_exist_is_wrong_usage(self):
        done = run("check", "--explain", "E9999")
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertIn("E9999", done.stderr)


if __name__ == "__main__":
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
