"""The .deb: built by CPack, unpacked, run, and looked at by lintian.

test_package.py BUILD_DIRECTORY; exit 77 (skipped) without dpkg-deb.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.path.join(ROOT, "build", "release")


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, check=True, **more).stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="segstream-package-")
        run("cpack", "-G", "DEB", "-B", cls.folder, "--config", os.path.join(build, "CPackConfig.cmake"), cwd=build)
        (cls.deb,) = glob.glob(os.path.join(cls.folder, "*.deb"))
        cls.root = os.path.join(cls.folder, "unpacked")
        run("dpkg-deb", "-x", cls.deb, cls.root)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def path(self, name):
        path = os.path.join(self.root, name)
        self.assertTrue(os.path.exists(path), name)
        return path

    def test_what_is_needed_is_named(self):
        depends = run("dpkg-deb", "-f", self.deb, "Depends")
        for library in ("librdkafka1", "libavro23", "libhiredis0.14", "libfyaml0", "libjansson4", "libmicrohttpd12", "tzdata"):
            self.assertIn(library, depends)

    def test_the_program_in_it_runs_and_takes_the_examples_in_it(self):
        program = self.path("usr/bin/segstream")
        self.assertRegex(run(program, "version"), r"^segstream \d+\.\d+\.\d+$")
        for example in ("examples/starter", "examples/shop", "examples/past-purchases.yaml"):
            run(program, "check", "-q", self.path("usr/share/doc/segstream/" + example))

    def test_man_page_completions_units_rules_schemas_and_pages_are_in_it(self):
        for name in ("usr/share/man/man1/segstream.1.gz", "usr/share/bash-completion/completions/segstream",
                     "usr/share/zsh/vendor-completions/_segstream", "usr/share/segstream/prometheus/alerts.yaml",
                     "usr/share/segstream/grafana/dashboard.json", "usr/share/segstream/schemas/trigger.avsc",
                     "usr/share/doc/segstream/RUNBOOK.md", "usr/share/doc/segstream/copyright", "etc/segstream/conf.d"):
            self.path(name)
        for name in ("segstream.service", "segstream@.service"):
            with open(self.path("lib/systemd/system/" + name), encoding="utf-8") as file:
                for program in re.findall(r"(?m)^Exec\w+=(\S+)", file.read()):
                    self.path(program.lstrip("/"))
        self.assertEqual(os.stat(self.path("etc/segstream/secrets")).st_mode & 0o777, 0o700)

    @unittest.skipUnless(shutil.which("lintian"), "lintian is not installed (deploy/install tests)")
    def test_lintian_finds_no_error(self):
        done = subprocess.run(["lintian", "--fail-on", "error", self.deb], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    if not shutil.which("dpkg-deb") or not shutil.which("cpack"):
        print("skipped: dpkg-deb or cpack is not installed")
        sys.exit(77)
    if len(sys.argv) > 1:
        build = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
