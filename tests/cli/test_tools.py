"""The tools for those who write configurations, as a user meets them: test, backtest, explain, cuts, init, check --against.

test_tools.py BINARY; `test_tools.py BINARY --accept` writes what they say into tools/*.expected, to be read before it is kept.
"""
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOOLS = "tests/cli/tools/"
SHOP = TOOLS + "shop.yaml"
EVENTS = TOOLS + "events.ndjson"
binary = "build/release/segstream"

# What is held to the letter: name of tools/NAME.expected, exit code, arguments. STATE: what backtest --state left of EVENTS.
SAID = [
    ("test", 0, ["test", SHOP]),
    ("test_coverage", 0, ["test", SHOP, "--coverage"]),
    ("test_failing", 1, ["test", TOOLS + "failing.yaml"]),
    ("test_failing_tap", 1, ["test", TOOLS + "failing.yaml", "-o", "tap", "-n", "segments"]),
    ("backtest_summary", 0, ["backtest", "-c", SHOP, EVENTS, "-o", "summary", "--until", "2026-03-20T00:00:00Z"]),
    ("explain_judging", 0, ["explain", "c-1", "-c", SHOP, "--state", "STATE"]),
    ("explain_held", 0, ["explain", "c-4", "-c", SHOP, "--state", "STATE"]),
    ("explain_unsubscribed", 0, ["explain", "c-3", "-c", SHOP, "--state", "STATE"]),
    ("explain_later", 0, ["explain", "c-2", "-c", SHOP, "--state", "STATE", "--at", "2026-05-02T12:30:00Z"]),
    ("explain_json", 0, ["explain", "c-4", "-c", SHOP, "--state", "STATE", "-o", "json"]),
    ("against", 78, ["check", TOOLS + "changed.yaml", "--against", SHOP, "--at", "2026-06-01T00:00:00Z"]),
    ("against_json", 78, ["check", TOOLS + "changed.yaml", "--against", SHOP, "--at", "2026-06-01T00:00:00Z", "-o", "json"]),
    ("against_nothing", 0, ["check", SHOP, "--against", SHOP]),
    ("test_failing_junit", 1, ["test", TOOLS + "failing.yaml", "-o", "junit", "-n", "consented"]),
]


def run(*arguments, stdin=None, cwd=ROOT):
    return subprocess.run([binary, *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60)


def say(folder, arguments):
    """Run one of SAID."""
    state = os.path.join(folder, "customers.state")
    if "STATE" in arguments and not os.path.exists(state):
        run("backtest", "-c", SHOP, EVENTS, "--state", folder)
    return run(*[state if argument == "STATE" else argument for argument in arguments])


def steady(said):
    """Without what another version may change: the size of a record, the hash of the rules."""
    said = re.sub(r"\d+ bytes|(?<=\"record_bytes\":)\d+", "BYTES", said)
    return re.sub(r"(?<=; config )[0-9a-f]{16}|(?<=_config\":\")[0-9a-f]{16}|(?<=rules      )[0-9a-f]{16}|(?<=\"config\":\")[0-9a-f]{16}", "RULES", said)


def expected_path(name):
    return os.path.join(ROOT, TOOLS, name + ".expected")


class Said(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="segstream-tools-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_every_tool_says_to_the_letter_what_was_read_and_kept(self):
        for name, code, arguments in SAID:
            with self.subTest(name), open(expected_path(name), encoding="utf-8") as file:
                done = say(self.folder, arguments)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(steady(done.stdout), file.read())


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="segstream-tools-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Test(Folder):
    def test_several_files_are_run_and_counted_together(self):
        done = run("test", SHOP, TOOLS + "failing.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.endswith("3 passed, 4 failed\n"), done.stdout)

    def test_a_wrong_file_does_not_hide_the_tests_of_the_others(self):
        done = run("test", self.write("wrong.yaml", "version: 1\napp: shop\nnonsense: 1\n"), SHOP)
        self.assertEqual(done.returncode, 78)
        self.assertIn("E0005", done.stderr)
        self.assertIn("2 passed, 0 failed", done.stdout)

    def test_a_name_that_no_test_has_is_wrong_usage(self):
        done = run("test", SHOP, "-n", "no such thing")
        self.assertEqual(done.returncode, 64)
        self.assertIn("no such thing", done.stderr)

    def test_junit_is_xml_with_a_case_per_test_and_its_line(self):
        root = xml.etree.ElementTree.fromstring(run("test", TOOLS + "failing.yaml", "-o", "junit").stdout)
        cases = root.findall("./testsuite/testcase")
        self.assertEqual(len(cases), 5)
        self.assertEqual(sum(case.find("failure") is not None for case in cases), 4)
        with open(os.path.join(ROOT, TOOLS, "failing.yaml"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        for case in cases:
            self.assertIn(case.get("name"), lines[int(case.get("line")) - 1])

    def test_both_places_of_a_failure_stand_where_they_say(self):
        with open(os.path.join(ROOT, TOOLS, "failing.yaml"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        said = run("test", TOOLS + "failing.yaml", "-n", "segments").stdout
        for of, words in (("expected.*in decision", "in: decision"), ("hint.*is not set", "young: {"), ("hint.*company_size", "small_firm:")):
            number = re.search(of + r".*failing\.yaml:(\d+)\)", said).group(1)
            self.assertIn(words, lines[int(number) - 1])

    def test_wrong_usage_is_exit_code_64(self):
        for arguments in (["test"], ["test", SHOP, "-o", "html"], ["test", "--cover", "--nonsense", SHOP]):
            self.assertEqual(run(*arguments).returncode, 64, arguments)


def varint(data, at):
    """A zigzag number of Avro; and the place behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def read_state(path):
    """The customers of a state file: id to record."""
    with open(path, "rb") as file:
        data = file.read()
    first, rest = data.split(b"\n", 1)
    assert first == b"segstream-state 2"
    size, at = varint(rest, 0)
    _, at = varint(rest, at + size + 8)
    count, at = varint(rest, at)
    records = {}
    for _ in range(count):
        pair = []
        for _ in range(2):
            size, at = varint(rest, at)
            pair.append(rest[at:at + size])
            at += size
        records[pair[0].decode()] = pair[1]
    count, at = varint(rest, at)
    for _ in range(count):  # the counters
        size, at = varint(rest, at)
        _, at = varint(rest, at + size)
    assert at == len(rest)
    return records


class Backtest(Folder):
    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.folder, "shop.state")

    def test_the_state_of_the_same_events_is_the_same_bytes(self):
        run("backtest", "-c", SHOP, EVENTS, "--state", self.state)
        with open(self.state, "rb") as file:
            first = file.read()
        run("backtest", "-c", SHOP, EVENTS, "--state", self.folder, "-o", "summary")
        with open(os.path.join(self.folder, "customers.state"), "rb") as file:
            self.assertEqual(file.read(), first)
        self.assertEqual(list(read_state(self.state)), ["c-1", "c-2", "c-3", "c-4"])

    def test_a_place_that_cannot_be_written_is_said(self):
        done = run("backtest", "-c", SHOP, EVENTS, "--state", os.path.join(self.folder, "no", "such"))
        self.assertEqual(done.returncode, 64)
        self.assertIn("cannot write", done.stderr)


class Explain(Folder):
    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.folder, "shop.state")
        run("backtest", "-c", SHOP, EVENTS, "--state", self.state)

    def explain(self, customer, *more):
        return run("explain", customer, "-c", SHOP, "--state", self.state, *more)

    def test_what_comes_next_is_what_a_backtest_says_then(self):
        said = json.loads(self.explain("c-1", "-o", "json").stdout)
        done = run("backtest", "-c", SHOP, EVENTS, "--until", "2027-04-01T00:00:00Z")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        instants = [r["at"] for r in records if r["customer"] == "c-1" and r["at"] > said["at"]]
        self.assertEqual([n["at"] for n in said["next"]], instants[:len(said["next"])])
        self.assertGreater(len(said["next"]), 5)

    def test_the_values_hold_until_the_instant_said_and_not_longer(self):
        until = json.loads(self.explain("c-1", "-o", "json").stdout)["segments"]["lapsed"]["when"][0]["until"]
        for at, truth in ((until - 1, "false"), (until, "true")):
            said = json.loads(self.explain("c-1", "-o", "json", "--at", str(at)).stdout)
            self.assertEqual(said["segments"]["lapsed"]["when"][0]["truth"], truth)

    def test_an_unknown_customer_is_exit_code_1(self):
        done = self.explain("nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody", done.stderr)

    def test_wrong_usage_is_exit_code_64(self):
        for more in (["--at", "2026-03-01T00:00:00Z"], ["--at", "soon"], ["-o", "xml"], ["--partitions", "0"], ["--nonsense"]):
            self.assertEqual(self.explain("c-1", *more).returncode, 64, more)
        self.assertEqual(run("explain", "-c", SHOP).returncode, 64)
        self.assertEqual(run("explain", "c-1").returncode, 64)

    def test_without_redis_in_the_configuration_and_without_a_state_file_it_says_what_is_needed(self):
        done = run("explain", "c-1", "-c", SHOP)
        self.assertEqual(done.returncode, 78)
        self.assertIn("--state", done.stderr)

    def test_a_file_that_is_no_state_is_exit_code_69(self):
        for path in (EVENTS, os.path.join(self.folder, "none")):
            self.assertEqual(run("explain", "c-1", "-c", SHOP, "--state", path).returncode, 69)
        with open(self.state, "rb") as file:
            data = file.read()
        for size in (0, 10, 18, 25, 40, 60, 300, len(data) - 1):
            with open(self.state, "wb") as file:
                file.write(data[:size])
            self.assertEqual(self.explain("c-1").returncode, 69, size)


class Init(Folder):
    def test_the_starter_passes_check_test_and_backtest_at_once(self):
        folder = os.path.join(self.folder, "shop")
        self.assertEqual(run("init", folder).returncode, 0)
        done = run("check", ".", cwd=folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = run("test", ".", "--coverage", cwd=folder)
        self.assertEqual(done.returncode, 0, done.stdout)
        done = run("backtest", "-c", ".", "events.ndjson", "--state", "state", cwd=folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        kinds = {json.loads(line)["type"] for line in done.stdout.splitlines()}
        self.assertEqual(kinds, {"membership", "trigger", "outcome"})
        self.assertEqual(run("explain", "c-1", "-c", ".", "--state", "state", cwd=folder).returncode, 0)

    def test_the_starter_has_what_its_page_names(self):
        run("init", self.folder)
        with open(os.path.join(self.folder, "README.md"), encoding="utf-8") as file:
            named = set(re.findall(r"^\| `([^`]+)` \|", file.read(), re.M))
        self.assertEqual(named | {"README.md"}, set(os.listdir(self.folder)))

    def test_nothing_is_overwritten(self):
        path = self.write("tests.yaml", "mine\n")
        done = run("init", self.folder)
        self.assertEqual(done.returncode, 64)
        self.assertIn("tests.yaml is there already", done.stderr)
        self.assertEqual(os.listdir(self.folder), ["tests.yaml"])
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine\n")


def quintiles(values):
    """The smallest value that i fifths do not exceed, and one more: where the next score begins."""
    values = sorted(values)
    cuts = [next(v for v in values if sum(x <= v for x in values) * 5 >= i * len(values)) + 1 for i in range(1, 5)]
    for i in range(1, 4):
        cuts[i] = max(cuts[i], cuts[i - 1] + 1)
    return cuts


class Cuts(Folder):
    END_MS = 1_790_000_000_000

    def setUp(self):
        super().setUp()
        chance = random.Random(5)
        events, self.population = [], []
        for number in range(40):
            ages = sorted(chance.randrange(1, 300 * 86_400_000) for _ in range(chance.choice((1, 1, 1, 2, 3, 5, 8))))
            amounts = [chance.randrange(100, 50_000) for _ in ages]
            self.population.append((ages[0] // 86_400_000, len(ages), sum(amounts)))
            events += [{"kind": "purchase", "customer": f"c-{number}", "at": self.END_MS - age, "id": f"{number}-{i}",
                        "order": f"{number}-{i}", "amount": amount, "currency": "EUR"}
                       for i, (age, amount) in enumerate(zip(ages, amounts))]
        events.append({"kind": "visit", "customer": "nobody's order", "at": self.END_MS, "id": "v"})
        events.sort(key=lambda event: event["at"])
        self.state = os.path.join(self.folder, "state")
        run("backtest", "-c", SHOP, "-", "--state", self.state, stdin="".join(json.dumps(e) + "\n" for e in events))

    def test_the_patch_holds_the_quintiles_of_the_customers_with_an_order(self):
        done = run("cuts", "-c", SHOP, "--state", self.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Quintiles of the 40 customers, of 41,", done.stdout)
        lists = {key: re.search(key + r": +\[(.*)\]", done.stdout).group(1).split(", ") for key in ("recency", "frequency", "monetary")}
        self.assertEqual(lists["recency"], [f"{age}d" for age in reversed(quintiles([p[0] for p in self.population]))])
        self.assertEqual(lists["frequency"], [str(least) for least in quintiles([p[1] for p in self.population])])
        self.assertEqual(lists["monetary"], [f'"{least // 100}.{least % 100:02}"' for least in quintiles([p[2] for p in self.population])])

    def test_the_patch_is_a_part_of_a_configuration_that_check_accepts(self):
        patch = run("cuts", "-c", SHOP, "--state", self.state).stdout
        with open(os.path.join(ROOT, SHOP), encoding="utf-8") as file:
            shop = file.read()
        for line in patch.splitlines():
            key = line.split(":")[0]
            if "[" in line and not key.strip().startswith("#"):
                shop = re.sub("^" + key + ":.*$", line, shop, flags=re.M)
        done = run("check", self.write("patched.yaml", shop))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(re.search(r"frequency: .*", patch).group(0), shop)

    def test_without_a_single_order_there_is_nothing_to_cut(self):
        run("backtest", "-c", SHOP, "-", "--state", self.state, stdin='{"kind":"visit","customer":"c","at":1,"id":"v"}\n')
        done = run("cuts", "-c", SHOP, "--state", self.state)
        self.assertEqual(done.returncode, 1)
        self.assertIn("none of the 1 customers has an order", done.stderr)


class Against(Folder):
    AT = ["--at", "2026-06-01T00:00:00Z"]

    def changed(self, *pairs):
        with open(os.path.join(ROOT, SHOP), encoding="utf-8") as file:
            shop = file.read()
        for old, new in pairs:
            self.assertIn(old, shop)
            shop = shop.replace(old, new, 1)
        return self.write("changed.yaml", shop)

    def compare(self, *pairs, code=0):
        done = run("check", self.changed(*pairs), "--against", SHOP, *self.AT, "-o", "json")
        self.assertEqual(done.returncode, code, done.stderr)
        return {change["path"]: change for change in json.loads(done.stdout)["changes"]}

    def test_comments_quotes_the_order_of_keys_profiles_and_tests_are_no_change(self):
        changes = self.compare(("version: 1", "# hello\nversion: 1"), ("{at: +3h, click", "{at: +4h, click"),
                               ("{type: date, dimension: demographic}", "{dimension: demographic, type: \"date\"}"),
                               ("lapsed: {dimension: behavioral,", "lapsed: {profile: {tone: sober}, dimension: behavioral,"))
        self.assertEqual(changes, {})

    def test_a_renamed_app_is_a_warning(self):
        changes = self.compare(("app: tools", "app: other"))
        self.assertEqual(list(changes), ["app"])
        self.assertEqual(changes["app"]["severity"], "warning")
        self.assertIn("starts anew", changes["app"]["effect"])

    def test_a_wider_window_is_a_lower_bound_for_the_difference(self):
        changes = self.compare(('count("visit", days(30))', 'count("visit", days(37))'))
        self.assertIn("2026-06-08T00:00:00Z", changes["counter of visit"]["effect"])

    def test_a_narrower_window_names_no_counter(self):
        changes = self.compare(('count("visit", days(30))', 'count("visit", days(3))'))
        self.assertEqual(list(changes), ["segments.small_firm"])

    def test_a_counter_without_a_window_is_a_lower_bound_for_ever(self):
        changes = self.compare(('count("visit", days(30))', 'count("download")'))
        self.assertIn("for ever", changes["counter of download"]["effect"])

    def test_a_new_version_of_an_experiment_is_welcome(self):
        changes = self.compare(("use: s-five-minutes", "use: s-now"), ("    kind: headline", "    version: 2\n    kind: headline"))
        self.assertEqual(changes["experiments.demo_subject"]["severity"], "change")

    def test_other_arms_under_the_same_version_are_refused(self):
        changes = self.compare(("use: s-five-minutes", "use: s-now"), code=78)
        self.assertEqual(changes["experiments.demo_subject"]["severity"], "error")

    def test_a_sequence_that_goes_ends_its_runs(self):
        changes = self.compare(("      no_engagement:         {times_in_a_row: 2, start: reengage}\n", ""),
                               ("  reengage:\n    enter: {on_entering: lapsed, reenter_after: 180d}\n    goal: {event: click}\n"
                                "    emails:\n      - {id: reminder, after: 0d, subject: s-miss-you}\n", ""),
                               ("      - {at: +61d, trigger: reengage.reminder}\n      - {at: +64d, outcome: reengage, is: completed}\n", ""))
        self.assertEqual(changes["sequences.reengage"]["kind"], "removed")
        self.assertIn("gone", changes["sequences.reengage"]["effect"])
        self.assertEqual(changes["sequences.nurture"]["details"][0]["path"], "branch.no_engagement")

    def test_a_wrong_configuration_on_either_side_is_exit_code_78(self):
        wrong = self.write("wrong.yaml", "version: 1\n")
        self.assertEqual(run("check", wrong, "--against", SHOP).returncode, 78)
        self.assertEqual(run("check", SHOP, "--against", wrong).returncode, 78)

    def test_secrets_are_not_shown(self):
        old = self.write("old.yaml", 'version: 1\napp: shop\nstate: {store: "redis://h:1/0", password: !env ONE}\n')
        new = self.write("new.yaml", 'version: 1\napp: shop\nstate: {store: "redis://h:1/0", password: !env TWO}\n')
        os.environ.update(ONE="first-secret", TWO="second-secret")
        done = run("check", new, "--against", old)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("state.password changed", done.stdout)
        self.assertNotIn("-secret", done.stdout + done.stderr)
        newer = self.write("newer.yaml", 'version: 1\napp: shop\nkafka: {brokers: [b], properties: {sasl.password: third-secret}}\n')
        for pair in ((newer, old), (old, newer)):
            done = run("check", pair[0], "--against", pair[1], "-o", "json")
            self.assertIn("kafka.properties", done.stdout, done.stderr)
            self.assertNotIn("-secret", done.stdout + done.stderr)


class Redis(Folder):
    """explain and cuts from a Redis: a server of the test's own, records put there as a worker would."""
    def setUp(self):
        super().setUp()
        self.socket = os.path.join(self.folder, "redis.sock")
        self.server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self.folder,
                                        "--logfile", "redis.log"])
        self.addCleanup(self.stop)
        deadline = time.monotonic() + 20
        while not os.path.exists(self.socket):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        state = os.path.join(self.folder, "shop.state")
        run("backtest", "-c", SHOP, EVENTS, "--state", state)
        self.state = state
        self.arguments = ["-c", SHOP, "--set", "state={store: \"redis+unix://" + self.socket + "\"}"]
        for customer, record in read_state(state).items():
            self.command(b"SET", f"sg:{{tools.{partition_of(customer, 4)}}}:c:{customer}".encode(), record)

    def stop(self):
        self.server.kill()
        self.server.wait()

    def command(self, *words):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.socket)
            link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            return link.recv(1 << 16)

    def test_a_record_in_redis_is_explained_as_the_same_one_in_a_file(self):
        done = run("explain", "c-4", *self.arguments, "--partitions", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        here, there = done.stdout.splitlines(), run("explain", "c-4", "-c", SHOP, "--state", self.state).stdout.splitlines()
        self.assertIn(f"partition {partition_of('c-4', 4)} of 4", here[1])
        self.assertEqual(here[4:8], there[4:8])
        self.assertTrue(any(line.startswith("nurture   run 1") for line in here))

    def test_explaining_writes_nothing(self):
        run("explain", "c-4", *self.arguments, "--partitions", "4")
        self.assertEqual(self.command(b"DBSIZE"), b":4\r\n")
        info = self.command(b"INFO", b"commandstats").decode()
        written = [line for line in info.splitlines() if line.startswith("cmdstat_") and line.split(":")[0][8:]
                   not in ("set", "get", "mget", "ping", "config|get", "dbsize", "info")]
        self.assertEqual(written, [])

    def test_cuts_of_a_redis_are_those_of_the_same_records_in_a_file(self):
        done = run("cuts", *self.arguments, "--partitions", "4", "--at", "2026-03-10T00:00:00Z")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, run("cuts", "-c", SHOP, "--state", self.state, "--at", "2026-03-10T00:00:00Z").stdout)

    def test_a_record_is_inspected_in_the_words_of_the_configuration(self):
        done = run("inspect", "c-4", *self.arguments, "--partitions", "4", "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        explained = json.loads(run("explain", "c-4", "-c", SHOP, "--state", self.state, "-o", "json").stdout)
        self.assertEqual((said["customer"], said["partition"]), ("c-4", partition_of("c-4", 4)))
        self.assertEqual([(run["sequence"], run["email"], run["phase"]) for run in said["runs"]], [("nurture", "welcome", "planned")])
        self.assertEqual(said["runs"][0]["due_at"], explained["sequences"]["nurture"]["due_at"])
        self.assertEqual((said["due_for"], said["due_at"]), ("segment lifecycle", explained["segments"]["lifecycle"]["until"]))
        members = {m["segment"] for m in said["memberships"] if m["member"]}
        self.assertEqual(members, {"lifecycle.decision"})
        self.assertEqual({a["name"]: a["value"] for a in said["attributes"]}, {"consent_email": "true"})
        self.assertEqual([s["name"] for s in said["scores"]], ["intent"])
        lines = run("inspect", "customer:c-4", *self.arguments, "--partitions", "4").stdout.splitlines()
        self.assertTrue(any(re.match(r"  - segment lifecycle.decision, member yes, since 2026-03-06T20:00:00Z", line) for line in lines), lines)

    def test_inspecting_writes_nothing_and_says_who_is_not_known(self):
        for what, code in (("c-1", 0), ("nobody", 1), ("partitions", 0), ("timers", 0), ("outbox:0", 0), ("partition", 64), ("partition:4", 64), ("timers:x", 64)):
            done = run("inspect", what, *self.arguments, "--partitions", "4", "-o", "json")
            self.assertEqual(done.returncode, code, (what, done.stderr))
            self.assertEqual(done.stdout != "", code == 0, (what, done.stdout))
        self.assertEqual(self.command(b"DBSIZE"), b":4\r\n")
        info = self.command(b"INFO", b"commandstats").decode()
        for word in ("mset", "zadd", "zrem", "del", "hset", "watch"):
            self.assertNotIn(f"cmdstat_{word}:", info)
        for wrong in (["inspect", "-c", SHOP], ["inspect", "c-1"], ["inspect", "c-1", "-c", SHOP, "--limit", "0"]):
            self.assertEqual(run(*wrong).returncode, 64)
        self.assertEqual(run("inspect", "c-1", "-c", SHOP).returncode, 78)

    def test_a_redis_without_the_app_is_said(self):
        self.command(b"FLUSHALL")
        done = run("explain", "c-4", *self.arguments)
        self.assertEqual(done.returncode, 69)
        self.assertIn("no state of the app `tools`", done.stderr)

    def test_a_redis_that_is_away_is_exit_code_69(self):
        self.stop()
        done = run("explain", "c-4", *self.arguments)
        self.assertEqual(done.returncode, 69)
        self.assertIn("Redis does not answer", done.stderr)


class Operator(Folder):
    """replay and erase, as far as they come without a Kafka; tests/real has the rest."""
    WIRED = ("kafka={brokers: [127.0.0.1:1]}", "topics={in: {e: {kind: {field: kind}, format: json}}, triggers: {topic: t}, memberships: {topic: m}, outcomes: {topic: o}, "
             "dead_letters: {topic: d}}",
             "state={store: \"redis://127.0.0.1:1\"}")

    def wired(self, *arguments, wired=WIRED):
        return run(*arguments, "-c", SHOP, *[word for setting in wired for word in ("--set", setting)])

    def test_wrong_usage_is_exit_code_64(self):
        for arguments in (["erase", "-c", SHOP], ["erase", "c-1"], ["erase", "c-1", "c-2", "-c", SHOP], ["erase", "", "-c", SHOP], ["erase", "x" * 257, "-c", SHOP],
                          ["erase", "c-1", "-c", SHOP, "--wait", "long"], ["replay", "-c", SHOP], ["replay", "--from", "earliest"],
                          ["replay", "--from", "earliest", "-c", SHOP, "--into", "topic"], ["replay", "--from", "earliest", "-c", SHOP, "--emit"],
                          ["replay", "--from", "earliest", "-c", SHOP, "--discard"], ["replay", "--from", "earliest", "-c", SHOP, "--partition", "-1"]):
            self.assertEqual(run(*arguments).returncode, 64, arguments)
        for wrong in ("yesterday", "stored", "e/0", "e/0=-1", "other/0=1", "e/0=1;e/1=2"):
            done = self.wired("replay", "--from", wrong)
            self.assertEqual((done.returncode, "--from is earliest" in done.stderr), (64, True), (wrong, done.stderr))
        done = self.wired("erase", "c-1", "--receipt", os.path.join(self.folder, "no", "such"))
        self.assertEqual((done.returncode, "cannot write" in done.stderr), (64, True), done.stderr)

    def test_a_configuration_without_kafka_or_with_a_store_in_memory_is_exit_code_78(self):
        for command in (["erase", "c-1"], ["replay", "--from", "earliest"]):
            self.assertEqual(run(*command, "-c", SHOP).returncode, 78)
            done = self.wired(*command, wired=(*self.WIRED[:2], "state={store: memory}"))
            self.assertEqual((done.returncode, "names no Redis" in done.stderr), (78, True), done.stderr)

    def test_a_kafka_that_is_away_is_exit_code_69(self):
        for command in (["erase", "c-1"], ["replay", "--from", "earliest"]):
            done = self.wired(*command)
            self.assertEqual((done.returncode, "no broker of 127.0.0.1:1 answers" in done.stderr), (69, True), done.stderr)


def murmur2(data):
    """The hash of Kafka's Java producers."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    value = (0x9747B28C ^ len(data)) & mask
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        value = (value * m & mask) ^ k
    if len(data) & 3:
        value = (value ^ int.from_bytes(data[whole:], "little")) * m & mask
    value = (value ^ value >> 13) * m & mask
    return value ^ value >> 15


def partition_of(customer, partitions):
    return (murmur2(customer.encode()) & 0x7FFFFFFF) % partitions


def accept():
    folder = tempfile.TemporaryDirectory(prefix="segstream-tools-")
    for name, code, arguments in SAID:
        done = say(folder.name, arguments)
        if done.returncode != code:
            print(f"{name}: exit code {done.returncode}, not {code}: {done.stderr}")
        with open(expected_path(name), "w", encoding="utf-8") as file:
            file.write(steady(done.stdout))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_tools.py BINARY [--accept | names of tests]")
    binary = os.path.abspath(sys.argv.pop(1))
    if "--accept" in sys.argv:
        accept()
    else:
        unittest.main()
