"""Every test that FAULTS.md names exists, and every fault has a row. test_faults.py"""
import os
import re
import sys
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(*path):
    with open(os.path.join(TESTS, *path), encoding="utf-8") as file:
        return file.read()


class Faults(unittest.TestCase):
    def test_every_test_that_is_named_exists(self):
        named = re.findall(r"\]\(([^)]+\.(?:c|py))\): ([^;|(]+)", read("FAULTS.md"))
        self.assertGreater(len(named), 30)
        for path, name in named:
            self.assertIn(name.strip(), read(path), f"{path} has no such test")

    def test_every_page_that_is_named_exists(self):
        for path in re.findall(r"\]\(([^)]+)\)", read("FAULTS.md")):
            self.assertTrue(os.path.exists(os.path.join(TESTS, path)), path)

    def test_every_fault_has_a_row_that_shows_it_or_says_why_not(self):
        numbers = []
        for line in read("FAULTS.md").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if re.fullmatch(r"[\d, ]+", cells[0]):
                numbers += [int(n) for n in cells[0].split(",")]
                self.assertTrue(len(cells) == 3 and cells[2], line)
        self.assertEqual(sorted(numbers), list(range(1, 41)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])  # the binary, which others here ask for, is not needed
