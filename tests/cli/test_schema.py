"""The JSON Schema that editors use says of form what `segstream check` says: the same table writes both.

test_schema.py BINARY; needs python3-yaml and python3-jsonschema, and is skipped without them.
"""
import copy
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import jsonschema
    import yaml
except ImportError:
    print("skipped: python3-yaml or python3-jsonschema is not installed")
    sys.exit(0)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOP = os.path.join(ROOT, "deploy", "demo-shop.yaml")
binary = "build/release/segstream"


class Yaml12(yaml.SafeLoader):
    """Plain scalars as YAML 1.2 and the YAML language server read them: no dates, no yes and no."""


Yaml12.yaml_implicit_resolvers = {}
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)$"), list("tf"))
Yaml12.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|)$"), ["~", "n", ""])
Yaml12.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
Yaml12.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+\.[0-9]+$"),
                             list("-+0123456789"))


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=Yaml12)


def put(tree, path, value):
    tree = copy.deepcopy(tree)
    at = tree
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return tree


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run([binary, "schema", "config"], capture_output=True, text=True, check=True)
        cls.schema = json.loads(done.stdout)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def test_it_is_a_schema_of_draft_2020_12(self):
        self.assertEqual(self.schema["$schema"], "https://json-schema.org/draft/2020-12/schema")
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_every_key_is_described_in_a_sentence(self):
        def walk(schema, path):
            for name, value in schema.get("properties", {}).items():
                if schema is not self.schema.get("$defs", {}).get("predicate"):
                    self.assertRegex(value.get("description", ""), r"\w.*[^ ]$", path + "." + name)
                walk(value, path + "." + name)
            for word in ("additionalProperties", "items"):
                if isinstance(schema.get(word), dict):
                    walk(schema[word], path + ".*")
            for other in schema.get("anyOf", []):
                walk(other, path)
        walk(self.schema, "")

    def test_good_configurations_are_accepted(self):
        paths = [SHOP] + sorted(glob.glob(os.path.join(ROOT, "tests", "spec", "*.yaml")))
        self.assertGreater(len(paths), 4)
        for path in paths:
            errors = [f"{'.'.join(map(str, e.absolute_path))}: {e.message[:200]}"
                      for e in self.validator.iter_errors(load(path))]
            self.assertEqual(errors, [], path)

    # Where the shop is changed, and to what; None takes a key away.
    WRONG = [
        (["version"], 2),
        (["app"], None),
        (["app"], ["demo"]),
        (["clok"], "event"),
        (["time", "allowed_lateness"], "1 hour"),
        (["time", "allowed_lateness"], "1h1d"),
        (["time", "allowed_lateness"], 5),
        (["time", "clock"], "sun"),
        (["topics", "in"], None),
        (["topics", "in", "shop.events"], {}),
        (["topics", "triggers", "format"], "xml"),
        (["attributes", "birth_date", "type"], "text"),
        (["attributes", "birth_date", "dimension"], "mood"),
        (["scores", "rfm", "window"], None),
        (["scores", "rfm", "recency"], ["60d", "a month", "14d", "7d"]),
        (["scores", "rfm", "frequency"], [0, 1, 2, 3]),
        (["scores", "rfm", "monetary"], ["1", "2.5", "3", "4"]),
        (["scores", "intent", "half_life"], "three days"),
        (["scores", "intent", "level"], {"low": 0}),
        (["segments", "gen_z", "when"], ["a", "b"]),
        (["segments", "gen_z", "when"], {"all": [], "any": []}),
        (["segments", "gen_z", "when"], {"every": ["true"]}),
        (["segments", "gen_z", "dimension"], None),
        (["segments", "evaluating", "min_stay"], "-6h"),
        (["segments", "lifecycle", "first_of", "decision"], {"leave_when": "true"}),
        (["content", "email", "default"], None),
        (["content", "email", "want"], {"subject": "five"}),
        (["sequences", "reengage", "emails"], {"id": "a"}),
        (["sequences", "reengage", "emails", 0, "id"], None),
        (["sequences", "reengage", "emails", 0, "after"], "0"),
        (["sequences", "reengage", "holdout"], "10"),
        (["sequences", "reengage", "engagement"], "dogs"),
        (["sequences", "nurture_trial", "branch", "converted"], {"end": True}),
        (["sequences", "nurture_trial", "branch", "no_engagement", "times_in_a_row"], 0),
        (["limits"], {"quiet_hours": "9 to 5"}),
        (["limits"], {"emails": "1 per 24h"}),
        (["tests"], [{"name": "a", "start": "tomorrow", "expect": []}]),
        (["tests"], [{"name": "a", "start": "2026-03-02T09:00:00Z", "expect": [{"at": "3d", "in": "gen_z"}]}]),
        (["send_if"], {"all": ["true"], "any": ["true"]}),
        (["http"], {"lisen": "none"}),
    ]

    def test_what_is_malformed_is_refused_and_check_refuses_it_too(self):
        shop = load(SHOP)
        self.assertTrue(self.validator.is_valid(shop))
        with tempfile.TemporaryDirectory(prefix="segstream-schema-") as folder:
            paths = [os.path.join(folder, f"{i}.yaml") for i in range(len(self.WRONG))]
            for file_path, (path, value) in zip(paths, self.WRONG):
                wrong = put(shop, path, value)
                self.assertFalse(self.validator.is_valid(wrong), (path, value))
                with open(file_path, "w", encoding="utf-8") as file:
                    json.dump(wrong, file)  # JSON is YAML
            done = subprocess.run([binary, "check", "-o", "json", *paths], capture_output=True, text=True, check=False)
        for (path, value), said in zip(self.WRONG, json.loads(done.stdout)["configurations"]):
            self.assertFalse(said["good"], (path, value))


if __name__ == "__main__":
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
