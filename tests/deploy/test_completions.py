"""Completions for bash and zsh, and the man page, know every command and option that the program has.

test_completions.py BINARY; zsh is skipped where it is not installed.
"""
import os
import re
import shutil
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGE = os.path.join(ROOT, "deploy", "package")
binary = "build/release/segstream"


def run(*words, **environment):
    return subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, **environment}).stdout


def commands():
    with open(os.path.join(ROOT, "processor", "cli", "main.c"), encoding="utf-8") as file:
        return set(re.findall(r'(?m)^    \{ "([a-z]+)", cmd_', file.read()))


def options(command):
    return set(re.findall(r"(?m)^ +(?:-[^ ], )?(--[a-z][a-z-]*)", run(binary, command, "--help")))


def bash(*words):
    script = (f"source {PACKAGE}/completions/segstream.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _segstream; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    return set(run("bash", "-c", script, "bash", binary, *words).split())


class Completions(unittest.TestCase):
    def test_bash_knows_commands_options_and_forms(self):
        self.assertEqual(bash(""), commands() | {"help", "version"})
        self.assertEqual(bash("sche"), {"schema"})
        for command in ("run", "check", "topics"):
            self.assertEqual({word.rstrip("=") for word in bash(command, "--")}, options(command) | {"--help", "--usage"})
        self.assertEqual(bash("check", "-o", ""), {"text", "json", "github"})
        self.assertEqual(bash("topics", ""), {"plan", "apply"})

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_knows_commands_and_options_and_what_they_mean(self):
        source = f"source {PACKAGE}/completions/_segstream; "
        found = run("zsh", "-fc", source + f"_segstream_commands {binary}", SEGSTREAM_COMPLETION_TEST="1").splitlines()
        self.assertEqual({line.split(":")[0] for line in found}, commands())
        self.assertTrue(all(line.split(":", 1)[1] for line in found), found)
        found = run("zsh", "-fc", source + f"_segstream_options {binary} run", SEGSTREAM_COMPLETION_TEST="1").splitlines()
        self.assertEqual({line.split(":")[0] for line in found}, options("run") | {"--help", "--usage"})

    def test_the_man_page_has_every_command_with_its_options(self):
        page = run(os.path.join(PACKAGE, "man"), binary, "9.9.9")
        self.assertEqual(set(re.findall(r"(?m)^\.SS (\w+)$", page)), commands())
        for command in ("run", "check"):
            section = page.split(f".SS {command}\n")[1].split(".SS ")[0].replace("\\-", "-")
            for option in options(command):
                self.assertIn(option, section)
        if shutil.which("man"):
            done = subprocess.run(["man", "--warnings", "-l", "-"], input=page, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        binary = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
