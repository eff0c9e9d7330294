"""What others check better than we could: promtool, systemd-analyze, shellcheck, each skipped with the reason where it is not installed.

test_tools.py [NAME...]; prints what was skipped.
"""
import glob
import os
import shutil
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def needs(tool):
    return unittest.skipUnless(shutil.which(tool), f"{tool} is not installed (deploy/install tests)")


def shell_scripts():
    """Every file of the repository whose first line names a shell."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n")
    if not any(names):  # an unpacked archive
        names = [os.path.relpath(path, ROOT) for path in glob.glob(os.path.join(ROOT, "**", "*"), recursive=True)
                 if not os.path.relpath(path, ROOT).startswith("build")]
    for name in filter(None, names):
        path = os.path.join(ROOT, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                first = file.readline()
            if first.startswith(b"#!") and (first.rstrip().endswith(b"sh") or name.endswith(".sh")):
                yield name


class Tools(unittest.TestCase):
    def good(self, *command):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    @needs("promtool")
    def test_alerts_sound_where_they_must_and_nowhere_else(self):
        self.good("promtool", "check", "rules", "deploy/prometheus/alerts.yaml")
        self.good("promtool", "check", "config", "--syntax-only", "deploy/prometheus/scrape.yaml")
        self.good("promtool", "test", "rules", "tests/deploy/alerts.test.yaml")

    @needs("shellcheck")
    def test_shell_scripts_are_clean(self):
        names = list(shell_scripts())
        self.assertIn("tests/run", names)
        self.good("shellcheck", "--severity=warning", "--external-sources", *names)


if __name__ == "__main__":
    unittest.main(verbosity=2)
