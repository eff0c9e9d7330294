#!/usr/bin/env python3
"""Random configurations and histories: the naive model and `segstream backtest` must say the same, line by line.

  model.py --segstream BINARY [--seed FIRST] [--count N] [--jobs N]      compare N cases, the seeds FIRST, FIRST + 1, ..
  model.py --segstream BINARY --seed N --keep DIR                        one case: shrink it, and leave its files in DIR
"""
import argparse
import copy
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import traceback

import generate
import naive
import render

# Fields that only one side can know (hash of the compiled rules) or that belong to other tests.
IGNORED = {"config", "origin", "last_events", "days_since_engagement", "cause_of_trigger", "experiments"}
PROPERTIES_EVERY = 5          # one seed in so many also tries the properties that need no model


class Refused(Exception):
    """The configuration or an event is refused: a fault of the generator."""


def run_engine(binary, case, folder):
    config, events = os.path.join(folder, "case.yaml"), os.path.join(folder, "events.ndjson")
    with open(config, "w") as f:
        f.write(render.configuration(case["config"]))
    with open(events, "w") as f:
        f.write(render.event_lines(case["events"]))
    done = subprocess.run([binary, "backtest", "-c", config, events, "--until", str(case["until"])], capture_output=True, timeout=60)
    if done.returncode != 0:
        raise Refused("exit %d\n%s" % (done.returncode, done.stderr.decode()[:3000]))
    records = [json.loads(line) for line in done.stdout.decode().splitlines()]
    dead = [r for r in records if r["type"] == "dead_letter"]
    if dead:
        raise Refused(json.dumps(dead[0]))
    return records


def plain(record):
    out = {k: v for k, v in record.items() if k not in IGNORED}
    if record["type"] == "trigger":
        out.pop("cause", None)
        if out.get("scores"):
            out["scores"] = {k: v["level"] for k, v in out["scores"].items()}
    return out


def hints_of(case, records):
    """Instants of the engine's answer, and those a `for` or `min_stay` before them."""
    spans = {0}
    for s in case["config"].get("segments", {}).values():
        spans |= {s.get("for") or 0, s.get("min_stay") or 0}
    out = {}
    for r in records:
        if "at" in r and "customer" in r:
            out.setdefault(r["customer"], set()).update(r["at"] - d for d in spans)
    return out


def close(case, engine, model):
    """Scores of triggers, by value."""
    for a, b in zip(engine, model):
        if a["type"] == "trigger" == b["type"]:
            for name, s in (a.get("scores") or {}).items():
                want = (b.get("scores") or {}).get(name)
                if want is None or abs(s["score"] - want["score"]) > 1e-5 * max(1, want["score"]):
                    return "score %s: engine %s, model %s" % (name, s, want)
    return None


def same_lines(engine, model):
    return sorted(json.dumps(plain(r), sort_keys=True) for r in engine) == sorted(json.dumps(plain(r), sort_keys=True) for r in model)


def compare(case, engine):
    """None, or the first difference."""
    engine = [r for r in engine if not (r["type"] == "membership" and r["segment"] is None)]
    model = naive.play(case, hints_of(case, engine))
    if case["config"]["time"]["allowed_lateness"] and same_lines(engine, model):
        return None                   # judgements made at once at the end of the file may be told in another order
    for i in range(max(len(engine), len(model))):
        a = plain(engine[i]) if i < len(engine) else None
        b = plain(model[i]) if i < len(model) else None
        if a and b and "|" in (b.get("reason") or "") and a.get("reason") in b["reason"].split("|"):
            b["reason"] = a["reason"]
        if a != b:
            return {"line": i + 1, "engine": a, "model": b,
                    "fields": sorted(k for k in set(a or {}) | set(b or {}) if (a or {}).get(k, "-") != (b or {}).get(k, "-"))}
    text = close(case, engine, model)
    return {"line": 0, "engine": text, "model": None, "fields": ["scores"]} if text else None


def case_of(binary, seed, off, folder):
    """The case of a seed; in some, feedback names the triggers that the engine sent."""
    generator = generate.Generator(seed, off)
    case = generator.case()
    if generator.chance(0.4) and case["config"].get("sequences"):
        triggers = [r for r in run_engine(binary, case, folder) if r["type"] == "trigger"]
        if triggers:
            generator.answers(case, triggers)
    return case


def check(binary, case, folder):
    return compare(case, run_engine(binary, case, folder))


# ---- properties that need no model -----------------------------------------------------------------------------------------
def final(records):
    """The memberships at the end."""
    return next((r["segments"] for r in reversed(records) if r["type"] == "membership"), [])


def properties(binary, seed, off, folder):
    """Arrival shuffled within allowed_lateness ends in the same facts; the same file gives the same lines."""
    case, shuffled = generate.Generator(seed, off).orderless()
    in_order, late = run_engine(binary, case, folder), run_engine(binary, shuffled, folder)
    if run_engine(binary, shuffled, folder) != late:
        return {"line": 0, "engine": "the same file", "model": "other lines", "fields": ["same file, same bytes"]}
    if final(in_order) != final(late):
        return {"line": 0, "engine": final(late), "model": final(in_order), "fields": ["shuffled arrival"]}
    return None


# ---- shrinking -------------------------------------------------------------------------------------------------------------
def smaller(value, path=()):
    """Places of a case that may be taken away, large ones first."""
    if isinstance(value, dict):
        for k in list(value):
            if path or k in ("config", "events"):
                if path:
                    yield path + (k,)
                yield from smaller(value[k], path + (k,))
    elif isinstance(value, list):
        for i in reversed(range(len(value))):
            yield path + (i,)
            yield from smaller(value[i], path + (i,))


def without(case, path):
    out = copy.deepcopy(case)
    out.pop("constants", None)
    at = out
    for k in path[:-1]:
        at = at[k]
    del at[path[-1]]
    return out


def raised(case, path):
    """A subtree of a predicate in the place of the whole."""
    at = case
    for k in path:
        at = at[k]
    if isinstance(at, list) and at and at[0] in ("and", "or", "not", "if", "all", "any", "none"):
        for x in at[1:]:
            out = copy.deepcopy(case)
            out.pop("constants", None)
            place = out
            for k in path[:-1]:
                place = place[k]
            place[path[-1]] = x
            yield out


def shrink(binary, case, folder, say):
    first = check(binary, case, folder)

    def fails(c):
        try:
            now = check(binary, c, folder)
            return now is not None and now["fields"] == first["fields"]
        except Exception:                     # not a case any more
            return False
    progress = True
    while progress:
        progress = False
        for path in list(smaller(case)):
            try:
                trials = [without(case, path)] + list(raised(case, path))
            except (KeyError, IndexError, TypeError):
                continue
            for trial in trials:
                if fails(trial):
                    case = trial
                    progress = True
                    say(".")
                    break
    say("\n")
    return case


# ---- the runs --------------------------------------------------------------------------------------------------------------
def one(job):
    binary, seed, folder, off = job
    try:
        case = case_of(binary, seed, off, folder)
        difference = check(binary, case, folder)
        if difference is None and seed % PROPERTIES_EVERY == 0:
            difference = properties(binary, seed, off, folder)
    except Refused as e:
        return seed, {"line": 0, "engine": "refused", "model": str(e), "fields": ["refused"]}
    except Exception:
        return seed, {"line": 0, "engine": "broken", "model": traceback.format_exc(), "fields": ["broken"]}
    return seed, difference


def some(job):
    binary, seeds, off = job
    with tempfile.TemporaryDirectory() as folder:
        return [one((binary, seed, folder, off)) for seed in seeds]


def show(seed, difference, binary):
    print("seed %d: line %s differs in %s\n  engine %s\n  model  %s\n  replay: tests/model/model.py --segstream %s --seed %d --keep DIR"
          % (seed, difference["line"], ", ".join(difference["fields"]), json.dumps(difference["engine"]),
             difference["model"] if isinstance(difference["model"], str) else json.dumps(difference["model"]), binary, seed))


def keep(args):
    os.makedirs(args.keep, exist_ok=True)
    try:
        case = case_of(args.segstream, args.seed, args.off, args.keep)
        difference = check(args.segstream, case, args.keep)
    except Refused as e:
        print(e)
        return 1
    if difference and not args.no_shrink:
        case = shrink(args.segstream, case, args.keep, lambda s: print(s, end="", flush=True))
        difference = check(args.segstream, case, args.keep)
    engine = run_engine(args.segstream, case, args.keep)
    for name, records in (("engine", engine), ("model", naive.play(case, hints_of(case, engine)))):
        with open(os.path.join(args.keep, name + ".ndjson"), "w") as f:
            f.writelines(json.dumps(plain(r)) + "\n" for r in records)
    if difference:
        show(args.seed, difference, args.segstream)
        print("files: " + ", ".join(os.path.join(args.keep, n) for n in ("case.yaml", "events.ndjson", "engine.ndjson", "model.ndjson")))
        return 1
    print("seed %d: %d lines agree" % (args.seed, len(engine)))
    return 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--segstream", required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=2000)
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--keep")
    p.add_argument("--no-shrink", action="store_true")
    p.add_argument("--off", nargs="*", default=[], help="features the generator leaves out")
    args = p.parse_args()
    args.segstream = os.path.abspath(args.segstream)
    if args.keep:
        return keep(args)
    seeds = list(range(args.seed, args.seed + args.count))
    lots = [(args.segstream, seeds[i:i + 10], args.off) for i in range(0, len(seeds), 10)]
    bad = 0
    with multiprocessing.Pool(args.jobs) as pool:
        for results in pool.imap(some, lots):
            for seed, difference in results:
                if difference:
                    bad += 1
                    if bad <= 5:
                        show(seed, difference, args.segstream)
    print("%d cases agree, %d differ" % (len(seeds) - bad, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
