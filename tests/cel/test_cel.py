"""Our predicates beside CEL: the public conformance data, and another implementation as oracle on random expressions.

    test_cel.py conformance CEL_EVAL CACHE      every case of the shared part answers as the data says
    test_cel.py oracle CEL_EVAL CACHE [COUNT [SEED]]      run by the venv's python in CACHE (cel-python)

`deploy/install tests` fills CACHE; without it the test is skipped (77). What the language leaves out of CEL is refused with a
sentence: such cases are counted, and the count is pinned from below, so that nothing shared is lost unseen.
"""
import math
import os
import random
import re
import subprocess
import sys

SKIP = 77
SHARED_LEAST = 325     # cases of the conformance data that our language understands

ATTRIBUTES = {"i": 7, "n": -3, "zero": 0, "big": 2**63 - 1, "d": 2.5, "e": -0.125, "s": "red", "t": "Straße", "yes": True,
              "no": False, "tags": ["a", "b", "red"]}


def ask(program, sources):
    lines = "".join(source.encode().hex() + "\n" for source in sources)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(sources), (len(answers), len(sources))
    return answers


# --- conformance: a JavaScript module that is one literal ---
class Literal:
    """Objects, arrays, strings, numbers and words of JavaScript, as Python values."""
    SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.S)
    WORD = re.compile(r"[A-Za-z_$][\w$.]*")
    NUMBER = re.compile(r"-?(?:0x[0-9a-fA-F]+|Infinity|[\d.]+(?:[eE][-+]?\d+)?)n?")
    ESCAPE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}

    def __init__(self, text, at):
        self.text, self.at = text, at

    def peek(self):
        self.at = self.SPACE.match(self.text, self.at).end()
        return self.text[self.at]

    def take(self, pattern):
        found = pattern.match(self.text, self.at)
        self.at = found.end()
        return found.group()

    def value(self):
        c = self.peek()
        if c == "{":
            return self.many("}", dict)
        if c == "[":
            return self.many("]", list)
        if c in "\"'`":
            return self.string(c)
        if c.isdigit() or c in "-.":
            text = self.take(self.NUMBER).rstrip("n")
            return float(text) if re.search(r"[.eI]", text) and "x" not in text else int(text, 0)
        return {"true": True, "false": False, "null": None}.get(self.take(self.WORD))

    def many(self, end, kind):
        self.at += 1
        items = kind()
        while self.peek() != end:
            if kind is dict:
                c = self.peek()
                key = self.string(c) if c in "\"'`" else self.take(self.WORD)
                assert self.peek() == ":", self.text[self.at:self.at + 40]
                self.at += 1
                items[key] = self.value()
            else:
                items.append(self.value())
            if self.peek() == ",":
                self.at += 1
        self.at += 1
        return items

    def string(self, quote):
        self.at += 1
        out = []
        while self.text[self.at] != quote:
            c = self.text[self.at]
            self.at += 1
            if c == "\\":
                c = self.text[self.at]
                self.at += 1
                if c in "xu":
                    size = 2 if c == "x" else 4
                    c = chr(int(self.text[self.at:self.at + size], 16))
                    self.at += size
                else:
                    c = self.ESCAPE.get(c, c)
            out.append(c)
        self.at += 1
        return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def cases(suite, path=""):
    for one in suite.get("suites", []):
        yield from cases(one, path + "/" + one["name"])
    for test in suite.get("tests", []):
        if "original" in test:
            yield path + "/" + test["original"]["name"], test["original"]


def quoted(text):
    return '"' + "".join(c if c.isalnum() or c == " " else "\\U%08x" % ord(c) for c in text) + '"'


def literal(value):
    """The expected value as one of our constants; None: of a type that we have not."""
    (kind, v), = value.items() if len(value) == 1 else ((None, None),)
    if kind == "boolValue":
        return "true" if v else "false"
    if kind == "int64Value":
        return str(v)
    if kind == "stringValue" and "\0" not in v:
        return quoted(v)
    if kind == "doubleValue" and not isinstance(v, str) and math.isfinite(v):
        return repr(float(v))
    return None


def question(test):
    """The case as an expression, and the answer it must have; None: it asks for what we have not."""
    expr = test["expr"]
    if test.get("bindings") or test.get("container") or test.get("typeEnv") or test.get("disableMacros"):
        return None
    if "value" in test:
        expected = literal(test["value"])
        if expected in ("true", "false"):
            return expr, expected
        return expected and (f"({expr}\n) == {expected}", "true")
    if "evalError" in test:
        return f"({expr}\n) == ({expr}\n)", "unknown"
    return None


# Where LANGUAGE.md decides otherwise than CEL.
OURS = {
    # our durations are milliseconds: ten thousand years are none too many
    "/timestamps/timestamp_range/sub_time_duration_over",
    "/timestamps/timestamp_range/sub_time_duration_under",
}


def conformance(program, cache):
    path = os.path.join(cache, "package/dist/esm/testdata/conformance.js")
    if not os.path.exists(path):
        print(f"no {path}; deploy/install tests fetches it")
        return SKIP
    with open(path, encoding="utf-8") as file:
        text = file.read()
    suite = Literal(text, text.index("=", text.index("export const tests")) + 1).value()
    named = [(name, question(test)) for name, test in cases(suite)]
    asked = [(name, q) for name, q in named if q]
    answers = ask(program, [q[0] for _, q in asked])
    refused, wrong, shared = 0, [], 0
    for (name, (expr, expected)), got in zip(asked, answers):
        if got.startswith("error"):
            refused += 1
        elif got == expected:
            shared += 1
        elif name not in OURS:
            wrong.append(f"{name}: {expr!r} is {got}, not {expected}")
    print(f"{len(named)} cases, {shared} shared and right, {refused} refused as not of the language, {len(wrong)} wrong")
    print("\n".join(wrong))
    return 0 if not wrong and shared >= SHARED_LEAST else 1


# --- oracle: random expressions, each written for both ---
class Random:
    """Typed expressions that mean the same in both; where the texts differ (durations) there are two."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *options):
        return self.r.choice(options)

    def both(self, form, *parts):
        return tuple(form.format(*(part[side] for part in parts)) for side in (0, 1))

    def int(self, depth):
        if depth == 0 or self.r.random() < 0.3:
            word = self.pick("customer.i", "customer.n", "customer.zero", "customer.big", "customer.none", "0", "1", "2", "7",
                             "-3", "9223372036854775807", "0x1F", "-9223372036854775808")
            return word, word
        form = self.pick("({} + {})", "({} - {})", "({} * {})", "({} / {})", "({} % {})", "size", "-", "?")
        if form == "size":
            return self.both("size({})", self.text(depth - 1))
        if form == "-":
            return self.both("-({})", self.int(depth - 1))
        if form == "?":
            return self.both("({} ? {} : {})", self.bool(depth - 1), self.int(depth - 1), self.int(depth - 1))
        return self.both(form, self.int(depth - 1), self.int(depth - 1))

    def double(self, depth):
        if depth == 0 or self.r.random() < 0.3:
            word = self.pick("customer.d", "customer.e", "0.0", "1.5", "-2.25", "1e3", ".5")
            return word, "0.5" if word == ".5" else word
        if self.r.random() < 0.2:     # cel-python has its own mind about x / 0.0, which IEEE 754 and the conformance data settle
            return self.both("({} / %s)" % self.pick("4.0", "-0.5", "3.0"), self.double(depth - 1))
        return self.both(self.pick("({} + {})", "({} - {})", "({} * {})"), self.double(depth - 1), self.double(depth - 1))

    def text(self, depth):
        if depth == 0 or self.r.random() < 0.5:
            word = self.pick("customer.s", "customer.t", '""', '"red"', "'Stra'", '"a\\nb"', 'r"\\d"', '"\\u00df"')
            return word, word
        return self.both("({} + {})", self.text(depth - 1), self.text(depth - 1))

    def instant(self, depth):
        if depth == 0 or self.r.random() < 0.4:
            word = 'timestamp("%s")' % self.pick("2026-03-02T08:00:00Z", "2024-02-29T23:59:59.999Z", "1969-12-31T00:00:00Z")
            return word, word
        return self.both(self.pick("({} + {})", "({} - {})"), self.instant(depth - 1), self.duration(depth - 1))

    def duration(self, depth):
        if depth == 0 or self.r.random() < 0.5:
            unit, seconds = self.pick(("hours", 3600), ("minutes", 60), ("days", 86400), ("seconds", 1))
            n = self.r.randrange(0, 400)
            return f"{unit}({n})", f'duration("{n * seconds}s")'
        if self.r.random() < 0.5:
            return self.both("({} - {})", self.instant(depth - 1), self.instant(depth - 1))
        return self.both(self.pick("({} + {})", "({} - {})"), self.duration(depth - 1), self.duration(depth - 1))

    def bool(self, depth):
        if depth == 0 or self.r.random() < 0.15:
            word = self.pick("customer.yes", "customer.no", "true", "false", "(customer.none > 1)", "has(customer.i)",
                             "has(customer.none)", '("a" in customer.tags)', "(customer.s in customer.tags)")
            return word, word
        form = self.pick("&&", "||", "!", "?", "int", "int", "double", "text", "text", "instant", "duration", "in", "test", "bool")
        if form in ("&&", "||"):
            return self.both("({} %s {})" % form, self.bool(depth - 1), self.bool(depth - 1))
        if form == "!":
            return self.both("!({})", self.bool(depth - 1))
        if form == "?":
            return self.both("({} ? {} : {})", self.bool(depth - 1), self.bool(depth - 1), self.bool(depth - 1))
        if form == "in":
            return self.both("({} in [{}, {}])", *(("1", "1"), ("7", "7"), ("-3", "-3"))) if self.r.random() < 0.2 else \
                self.both("({} in [1, 7, -3])", self.int(depth - 1))
        if form == "test":
            method = self.pick("startsWith", "endsWith", "contains")
            subject = self.text(0 if method == "contains" else depth - 1)   # cel-python forgets the method of a sum of texts
            return self.both("({}).%s({})" % method, subject, self.text(depth - 1))
        if form == "bool":
            return self.both("({} %s {})" % self.pick("==", "!="), self.bool(depth - 1), self.bool(depth - 1))
        make = getattr(self, form)
        return self.both("({} %s {})" % self.pick("==", "!=", "<", "<=", ">", ">="), make(depth - 1), make(depth - 1))


def oracle(program, count, seed):
    try:
        import celpy
    except ImportError:
        print("no cel-python; deploy/install tests installs it")
        return SKIP
    environment = celpy.Environment()
    bindings = {"customer": celpy.json_to_cel(ATTRIBUTES)}
    made = Random(seed)
    pairs = [made.bool(4) for _ in range(count)]
    pairs = [pair for pair in pairs if len(pair[0]) < 1500]
    answers = ask(program, [ours for ours, _ in pairs])
    wrong, refused, unknown = [], {}, 0
    for (ours, theirs), got in zip(pairs, answers):
        if got.startswith("error"):
            sentence = re.sub(r"`.*`", "", got)
            refused[sentence] = refused.get(sentence, 0) + 1
            continue
        try:
            value = environment.program(environment.compile(theirs)).evaluate(bindings)
            expected = "unknown" if isinstance(value, Exception) else "true" if value else "false"
        except celpy.CELEvalError:
            expected = "unknown"
        unknown += expected == "unknown"
        if got != expected:
            wrong.append(f"{ours}\n    is {got}, cel-python has {expected}")
    print(f"{len(pairs)} expressions, seed {seed}: {unknown} unknown, {len(wrong)} differ, refused {refused}")
    print("\n".join(wrong[:20]))
    few = sum(refused.values()) * 4 < len(pairs)
    return 0 if not wrong and few else 1


def main():
    what, program, cache = sys.argv[1:4]
    if what == "conformance":
        return conformance(program, cache)
    return oracle(program, int(sys.argv[4]) if len(sys.argv) > 4 else 4000, int(sys.argv[5]) if len(sys.argv) > 5 else 1)


if __name__ == "__main__":
    sys.exit(main())
