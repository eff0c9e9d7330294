"""The table of deploy/CAPACITY.md is what its formulas say."""
import math
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def row(customers, rate):
    def redis(record):
        return customers * (record + 350) * 1.5

    workers = max(1, math.ceil(rate * 15e-6 / 0.5))
    shards = max(1, math.ceil(max(rate * 8e-6 / 0.5, redis(1000) / 48e9)))
    partitions = max(8, 2 ** math.ceil(math.log2(max(2 * workers, 4 * shards))))
    memory = 1 + customers / 2 * 100 / 1e9 / workers + partitions / workers * 0.06 + 0.2
    return (f"| {customers:,} | {rate:,} | {partitions} | {workers} | {redis(1000) / 1e9:,.1f} GB | {redis(2500) / 1e9:,.1f} GB "
            f"| {shards} | {memory:.1f} GB | {rate * 300 / 1e6:,.1f} MB/s | {customers / partitions / 1000 / 60:.0f} min |")


class Capacity(unittest.TestCase):
    def test_every_row_is_what_the_formulas_say(self):
        with open(os.path.join(ROOT, "deploy", "CAPACITY.md"), encoding="utf-8") as file:
            rows = re.findall(r"(?m)^\| [\d,]+ \| [\d,]+ \|.*$", file.read())
        self.assertGreaterEqual(len(rows), 8)
        for line in rows:
            customers, rate = (int(cell.replace(",", "")) for cell in line.split("|")[1:3])
            self.assertEqual(line, row(customers, rate))
        self.assertEqual((customers, rate), (1_000_000_000, 1_000_000))


if __name__ == "__main__":
    unittest.main()
