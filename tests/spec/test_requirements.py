"""The index of README.md is whole: every row has a test, and every test it names exists. test_requirements.py"""
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = [f"R{number}" for number in [*range(10, 48), 50, 51, 54]]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def table():
    """Row -> [(file, name of the test)]."""
    found = {}
    for line in read(os.path.join(HERE, "README.md")).splitlines():
        cells = line.split(" | ")
        if len(cells) == 3 and "](" in cells[2]:
            named = [re.fullmatch(r"\[[^]]+\]\(([^)]+)\): (.+)", test) for test in cells[2].rstrip("| ").split("; ")]
            found[cells[0].lstrip("| ")] = [match.groups() for match in named]
    return found


class Index(unittest.TestCase):
    def test_every_row_has_a_test(self):
        rows = table()
        for row in ROWS:
            self.assertTrue(rows.get(row), row)

    def test_every_test_that_is_named_exists(self):
        for row, tests in table().items():
            for path, name in tests:
                self.assertIn(name, read(os.path.join(HERE, path)), f"{row}: {path}")

    def test_every_section_of_the_language_leads_to_its_tests(self):
        page = read(os.path.join(HERE, "..", "..", "deploy", "LANGUAGE.md"))
        for section in re.split(r"^## ", page, flags=re.M)[1:]:
            if "*(not yet)*" not in section.splitlines()[2:3]:
                self.assertIn("](../tests/", section, section.splitlines()[0])

    def test_a_test_in_the_language_carries_its_row_in_its_name_or_a_comment(self):
        for row, tests in table().items():
            for path, name in tests:
                if row in ROWS and path.endswith(".yaml") and "/" not in path:
                    before = read(os.path.join(HERE, path)).split(f"- name: {name}")[0]
                    self.assertIn(row, name + before.rstrip().rsplit("\n", 1)[-1], f"{path}: {name}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])  # the binary, which others here ask for, is not needed
