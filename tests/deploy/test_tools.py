"""What others check better than we could: promtool, systemd-analyze, shellcheck, each skipped with the reason where it is not installed.

test_tools.py [NAME...]; prints what was skipped.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile
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

    @needs("systemd-analyze")
    def test_units_are_ones_that_systemd_takes_and_rates_as_safe(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, instance in (("segstream.service", ""), ("segstream@.service", "1")):
                with open(os.path.join(ROOT, "deploy", "systemd", name), encoding="utf-8") as file:
                    text = file.read()
                path = os.path.join(folder, name.replace("@", "@" + instance))
                with open(path, "w", encoding="utf-8") as file:  # the program is looked for, too
                    file.write(text.replace("/usr/bin/segstream", "/bin/true"))
                said = self.good("systemd-analyze", "verify", "--man=no", path)
                self.assertNotIn(os.path.basename(path), said)
                self.good("systemd-analyze", "security", "--offline=true", "--threshold=15", path)

    def test_both_units_differ_only_in_who_they_are(self):
        lines = []
        for name in ("segstream.service", "segstream@.service"):
            with open(os.path.join(ROOT, "deploy", "systemd", name), encoding="utf-8") as file:
                lines.append([line for line in file.read().split("\n") if re.match(r"[A-Z]", line)
                              and not re.match("(Description|ExecStart|Environment|EnvironmentFile)=", line)])
        self.assertEqual(*lines)


if __name__ == "__main__":
    unittest.main(verbosity=2)
