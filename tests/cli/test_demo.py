"""The demo as a person runs it: the whole path in one process, with an embedded Kafka and a private redis-server.

test_demo.py BINARY
"""
import glob
import os
import signal
import subprocess
import sys
import tempfile
import unittest

binary = "build/release/segstream"


class Demo(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="segstream-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, *arguments):
        return subprocess.Popen([binary, "demo", "--plain", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, env={**os.environ, "TMPDIR": self.folder})

    def tell(self, *arguments):
        process = self.start("--seconds", "1", *arguments)
        text, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, text)
        self.assertIn("each exactly as the timeline of the same events says", text)
        lines = text.splitlines()
        self.assertEqual(sum(line.startswith('{"type":"trigger"') for line in lines), 3)
        return lines[max(i for i, line in enumerate(lines) if line.startswith("day ")) + 1:]

    def left_behind(self):
        servers = subprocess.run(["pgrep", "-f", self.folder], capture_output=True, text=True).stdout.split()
        return servers, glob.glob(os.path.join(self.folder, "*"))

    def test_every_trigger_is_the_one_that_the_timeline_foretells(self):
        for store in ("redis", "memory"):
            with self.subTest(store):
                self.tell("--store", store)
                self.assertEqual(self.left_behind(), ([], []))

    def test_another_seed_is_another_story(self):
        first, again, other = (self.tell("--store", "memory", "--seed", seed) for seed in ("7", "7", "8"))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_ctrl_c_ends_it_and_leaves_nothing_behind(self):
        process = self.start("--seconds", "600")
        for line in process.stdout:
            if line.startswith('{"type":"trigger"'):
                break
        process.send_signal(signal.SIGINT)
        text = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 0, text)
        self.assertEqual(self.left_behind(), ([], []))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_demo.py BINARY [names of tests]")
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
