"""Run tests with real parts: run.py --segstream BINARY FILE...; every function test_* of a file is a test.

Prints "ok NAME" or "not ok NAME" for each and "done" at the end. One Kafka serves all of them.
"""
import argparse
import importlib.util
import os
import sys
import time
import traceback

import lab


def load(path):
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_one(name, function, kafka, segstream):
    began = time.monotonic()
    world = lab.Lab(kafka, segstream, name.replace("test_", "").replace("_", "-")[:16].strip("-"))
    try:
        function(world)
        print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)
        return True
    except Exception:
        print(f"not ok {name}", flush=True)
        traceback.print_exc(file=sys.stdout)
        for process in world.processes:
            print(f"--- {process.log_path}\n{world.tail(process)}", flush=True)
        return False
    finally:
        world.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--segstream", required=True)
    parser.add_argument("-k", default="", help="only tests whose name contains this")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    kafka = lab.Kafka()
    good = True
    try:
        for path in arguments.files:
            module = load(path)
            for name, function in sorted(vars(module).items(), key=lambda item: getattr(
                    getattr(item[1], "__code__", None), "co_firstlineno", 0)):
                if name.startswith("test_") and arguments.k in name:
                    good &= run_one(name, function, kafka, os.path.abspath(arguments.segstream))
    finally:
        kafka.stop()
    print("done", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
