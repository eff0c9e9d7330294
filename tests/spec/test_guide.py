"""deploy/GUIDE.md does what it says: its files are written, its commands run, and what they print is compared.

test_guide.py BINARY; `test_guide.py BINARY --accept` writes into the guide what the commands print, to be read before it is kept.

In the guide a fence says what its block is: ```yaml NAME or ```json NAME a file of that name, ```console commands ($ ...) with what
they print. A line of dots stands for lines left out. Hashes of configurations and sizes of records differ from version to version and are not compared.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GUIDE = os.path.join(ROOT, "deploy", "GUIDE.md")
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
binary = "build/release/segstream"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def steps(block):
    """The commands of a console block, each with the output below it."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.M)
    return list(zip(parts[1::2], parts[2::2]))


def run(command, folder):
    environment = {**os.environ, "PATH": os.path.join(folder, ".bin") + os.pathsep + os.environ["PATH"]}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, timeout=60, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout if done.stdout.endswith("\n") or not done.stdout else done.stdout + "\n"


def prepare(folder):
    os.mkdir(os.path.join(folder, ".bin"))
    os.symlink(binary, os.path.join(folder, ".bin", "segstream"))
    os.symlink(os.path.join(ROOT, "deploy"), os.path.join(folder, "deploy"))


def play(text, folder):
    """Each command in order: line of the guide, command, what the guide says, what it prints."""
    for fence in FENCE.finditer(text):
        language, name, block = fence.groups()
        if language == "console":
            for command, said in steps(block):
                yield text.count("\n", 0, fence.start()) + 2, command, said, run(command, folder)
        elif name:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(block)


def agrees(said, got):
    """Whether what is printed is what is said; a line of dots stands for any lines."""
    mask = lambda t: re.sub(r"\b[0-9a-f]{16}\b|\b\d+ bytes", "<differs>", t)
    pattern = "".join("(?:.*\n)*" if line.strip() == "..." else re.escape(line) + "\n" for line in mask(said).splitlines())
    return re.fullmatch(pattern, mask(got)) is not None


class Guide(unittest.TestCase):
    maxDiff = None

    def test_every_command_prints_what_the_guide_says(self):
        with tempfile.TemporaryDirectory(prefix="segstream-guide-") as folder:
            prepare(folder)
            count = 0
            for line, command, said, got in play(read(GUIDE), folder):
                count += 1
                with self.subTest(f"deploy/GUIDE.md:{line}: {command}"):
                    if not agrees(said, got):
                        self.assertMultiLineEqual(said, got, "is it better now? test_guide.py BINARY --accept")
            self.assertGreater(count, 10)

    def test_every_command_of_segstream_in_it_exists_and_every_yaml_block_is_used(self):
        text = read(GUIDE)
        console = "".join(block for language, _, block in FENCE.findall(text) if language == "console")
        for language, name, _ in FENCE.findall(text):
            if language in ("yaml", "json") and name:
                self.assertIn(name, console)


def accept():
    text = read(GUIDE)
    with tempfile.TemporaryDirectory(prefix="segstream-guide-") as folder:
        prepare(folder)
        new = text
        for _, command, said, got in play(text, folder):
            if not agrees(said, got):
                new = new.replace(f"$ {command}\n{said}", f"$ {command}\n{got}", 1)
    with open(GUIDE, "w", encoding="utf-8") as file:
        file.write(new)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_guide.py BINARY [--accept | names of tests]")
    binary = os.path.abspath(sys.argv.pop(1))
    if "--accept" in sys.argv:
        accept()
    else:
        unittest.main()
