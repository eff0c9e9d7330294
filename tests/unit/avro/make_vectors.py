#!/usr/bin/env python3
"""Make evolution.ndjson: how schemas of users evolve, and what two other implementations make of it.

    python3 -m venv v && v/bin/pip install avro==1.12.1 fastavro==1.13.1 && v/bin/python make_vectors.py

Each line is a writer's schema, a record written by Apache Avro for Python, and the record as fastavro reads it with the shipped
schema as the reader's (`fields`: by the names of the language), or the name of a field for which both refuse the schema (`refused`).
The same seed gives the same file."""
import copy
import io
import json
import pathlib
import random

import avro.io
import avro.schema
import avro.compatibility
import fastavro

HERE = pathlib.Path(__file__).resolve().parent
SCHEMAS = HERE.parent.parent.parent / "schemas"
INPUTS = ["click", "open", "purchase", "feedback", "activity", "profile"]
LANGUAGE = {"customer_id": "customer", "occurred_at": "at", "event_id": "id", "trigger_id": "email", "order_id": "order",
            "link_id": "link"}
DOWN = {"long": ["int", "long"], "double": ["float", "int", "long"], "string": ["bytes"]}
WRONG = {"string": ["boolean", "double", {"type": "array", "items": "string"}], "long": ["string", "double", "boolean"],
         "boolean": ["string", "long"], "map": ["string", {"type": "array", "items": "string"}], "array": ["long"]}


def plain(j):
    """Without logical types and docs: what resolution looks at."""
    if isinstance(j, dict):
        if j.get("type") in ("long", "int", "string") and len(j) > 1 and "name" not in j:
            return j["type"]
        return {k: plain(v) for k, v in j.items() if k not in ("doc", "logicalType")}
    return [plain(v) for v in j] if isinstance(j, list) else j


def shipped(name):
    return plain(json.loads((SCHEMAS / f"{name}.avsc").read_text()))


def kind_of(t):
    if isinstance(t, list):
        return kind_of([b for b in t if b != "null"][0])
    return t if isinstance(t, str) else t["type"]


def extra(r, number):
    """A field that the shipped schema does not know, of any form."""
    record = {"type": "record", "name": f"extra_{number}", "fields": [
        {"name": "a", "type": "string"}, {"name": "again", "type": ["null", f"extra_{number}"], "default": None}]}
    return {"name": f"new_{number}", "type": r.choice([
        "int", "float", "double", "boolean", "bytes", "string", "null", record,
        {"type": "fixed", "name": f"fixed_{number}", "size": r.choice([0, 1, 16])},
        {"type": "enum", "name": f"enum_{number}", "symbols": ["A", "B", "C"]},
        {"type": "array", "items": {"type": "array", "items": "long"}},
        {"type": "array", "items": record}, {"type": "map", "values": {"type": "map", "values": "double"}},
        {"type": "map", "values": record}, ["long", "null", "string", {"type": "array", "items": "int"}]])}


def evolve(r, schema):
    """Legal changes, a few at once."""
    fields = schema["fields"]
    for number in range(r.randrange(0, 3)):
        fields.append(extra(r, number))
    for f in list(fields):
        t = f["type"]
        chance = r.random()
        if "default" in f and chance < 0.15:
            fields.remove(f)
        elif isinstance(t, list) and chance < 0.3:
            r.shuffle(t)
            f.pop("default", None)
        elif isinstance(t, list) and chance < 0.45:
            f["type"] = [b for b in t if b != "null"][0]
            f.pop("default", None)
        elif isinstance(t, str) and chance < 0.4 and t in DOWN:
            f["type"] = r.choice(DOWN[t])
        elif isinstance(t, dict) and t["type"] == "map" and t["values"] == "string" and chance < 0.3:
            t["values"] = "bytes"
        elif isinstance(t, dict) and t["type"] == "map" and isinstance(t["values"], list) and chance < 0.5:
            t["values"] = [b for b in t["values"] if r.random() < 0.7] or ["long"]
            r.shuffle(t["values"])
    r.shuffle(fields)
    return schema


def spoil(r, schema, reader):
    """One illegal change. Returns the field's name."""
    types = {f["name"]: f["type"] for f in reader["fields"]}
    f = r.choice([f for f in schema["fields"] if not f["name"].startswith("new_")])
    if "default" not in f and r.random() < 0.5:
        schema["fields"].remove(f)
    else:
        f["type"] = copy.deepcopy(r.choice(WRONG[kind_of(types[f["name"]])]))
        f.pop("default", None)
    return f["name"]


def datum(r, t, named, depth=0):
    if isinstance(t, list):
        return datum(r, r.choice(t), named, depth)
    if isinstance(t, dict) and "name" in t:
        named[t["name"]] = t
    kind = t if isinstance(t, str) else t["type"]
    if kind in named and not isinstance(t, dict):
        t = named[kind]
        kind = t["type"]
    text = "".join(r.choice(["a", "b", "\u00e4", "\u20ac", "\U0001f642", " "]) for _ in range(r.randrange(0, 9)))
    if kind == "null":
        return None
    if kind == "boolean":
        return r.random() < 0.5
    if kind in ("int", "long"):
        return r.choice([0, 1, -1, 63, 64, 2 ** 31 - 1, -2 ** 31] + ([2 ** 40] if kind == "long" else []))
    if kind in ("float", "double"):
        return r.choice([0.0, -1.5, 0.25, 65536.0])
    if kind == "bytes":
        return text.encode()
    if kind == "string":
        return text
    if kind == "fixed":
        return bytes(r.randrange(256) for _ in range(t["size"]))
    if kind == "enum":
        return r.choice(t["symbols"])
    if kind == "array":
        return [datum(r, t["items"], named, depth + 1) for _ in range(r.randrange(0, 4))]
    if kind == "map":
        return {f"k{i}": datum(r, t["values"], named, depth + 1) for i in range(r.randrange(0, 3))}
    record = {}
    for f in t["fields"]:
        deep = depth > 3 and isinstance(f["type"], list) and "null" in f["type"]
        record[f["name"]] = None if deep else datum(r, f["type"], named, depth + 1)
    return record


def good(r, schema, record):
    """What an event cannot do without, in the types of this writer."""
    types = {f["name"]: kind_of(f["type"]) for f in schema["fields"]}
    for name, value in (("customer_id", f"c-{r.randrange(99)}"), ("kind", r.choice(["visit", "search"])),
                        ("occurred_at", 1000 * r.randrange(1, 2_000_000)), ("amount", r.randrange(100000))):
        if name in record:
            record[name] = value.encode() if types[name] == "bytes" else value
    if "kind" in record and "subscription" in types:  # feedback
        record["kind"] = b"delivered" if types["kind"] == "bytes" else "delivered"
    return record


def written(schema, record):
    out = io.BytesIO()
    avro.io.DatumWriter(avro.schema.parse(json.dumps(schema))).write(record, avro.io.BinaryEncoder(out))
    return out.getvalue()


def flat(path, value, out):
    if isinstance(value, dict):
        for key, inner in value.items():
            flat(f"{path}.{key}" if path else LANGUAGE.get(key, key), inner, out)
    elif isinstance(value, list):
        lists = {}
        for item in value:
            for key, inner in (item.items() if isinstance(item, dict) else [("", item)]):
                if inner is not None:
                    lists.setdefault(f"{path}.{key}" if key else path, []).append(str(inner))
        out.update(lists)
    elif value is not None:
        out[path] = value


def expected(name, resolved):
    fields = {}
    if name == "profile":
        attributes = dict(resolved.pop("set"))
        attributes.update({key: None for key in resolved.pop("unset")})
        fields["set"] = attributes
    flat("", resolved, fields)
    for key in ("id", "email", "order", "currency"):
        if fields.get(key) == "":
            del fields[key]  # an empty id is none
    return fields


def is_refused(writer, reader):
    ours = avro.compatibility.ReaderWriterCompatibilityChecker().get_compatibility(
        avro.schema.parse(json.dumps(reader)), avro.schema.parse(json.dumps(writer)))
    return ours.compatibility is avro.compatibility.SchemaCompatibilityType.incompatible


def main():
    r = random.Random(20260302)
    lines = []
    while len(lines) < 240:
        name = r.choice(INPUTS)
        reader = shipped(name)
        writer = evolve(r, copy.deepcopy(reader))
        refused = spoil(r, writer, reader) if r.random() < 0.25 else None
        if is_refused(writer, reader) != (refused is not None):
            continue  # where even those two do not agree there is nothing to learn
        line = {"schema": writer, "shipped": name}
        if refused is not None:
            line["refused"] = refused
        else:
            record = good(r, writer, datum(r, writer, {}))
            if "" in record.get("unset", []):
                continue  # an attribute has a name
            body = written(writer, record)
            line["value"] = body.hex()
            read = fastavro.schemaless_reader(io.BytesIO(body), fastavro.parse_schema(copy.deepcopy(writer)),
                                              fastavro.parse_schema(reader))
            line["fields"] = expected(name, read)
        lines.append(line)
    (HERE / "evolution.ndjson").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


main()
