"""The examples of deploy/consumers read triggers as they promise: committed ones only, each id once, none that has expired, also after a restart."""
import json
import os
import shutil
import signal
import subprocess
import time

import confluent_kafka

import lab

EXAMPLES = os.path.join(lab.ROOT, "deploy", "consumers")
SCHEMA = os.path.join(lab.ROOT, "schemas", "trigger.avsc")


def trigger(name, expires_in_s=3600):
    now = int(time.time() * 1000)
    return {"trigger_id": f"{name:0>32}", "customer_id": "c-" + name, "sequence": "nurture", "run": 1, "entered_at": lab.millis(now),
            "email": "welcome", "attempt": 1, "reason": "entered", "planned_at": lab.millis(now), "sent_at": lab.millis(now),
            "expires_at": lab.millis(now + expires_in_s * 1000), "template": None, "purpose": None, "theme": None,
            "content": {"subject": "s-" + name}, "landing": {}, "segments": ["decision"], "rfm": None, "scores": {},
            "lifecycle": None, "experiments": {}, "context": {"first_name": None}, "last_events": {"click": lab.millis(now)},
            "days_since_engagement": 0, "subscription": None, "transactional": False, "cause": "time", "config": "0" * 16,
            "origin": "live"}


def produce(world, producer, triggers, commit=True):
    producer.begin_transaction()
    for one in triggers:
        producer.produce(world.outputs["trigger"], key=one["customer_id"], value=lab.schema("trigger").encode(one),
                         partition=lab.partition_of(one["customer_id"], world.partitions))
    producer.flush(30)
    producer.commit_transaction(30) if commit else producer.abort_transaction(30)


def python(_):
    return ["/usr/bin/python3", os.path.join(EXAMPLES, "python", "consumer.py")]


def java(folder):
    """Maven fetches what it needs once; without a network and a cache: None."""
    source = os.path.join(folder, "java")
    shutil.copytree(os.path.join(EXAMPLES, "java"), source)
    command = ["mvn", "-q", "-B", "-f", os.path.join(source, "pom.xml"), "compile", "dependency:copy-dependencies",
               f"-DoutputDirectory={source}/lib"]
    if subprocess.run([*command, "-o"], stdout=subprocess.DEVNULL).returncode != 0:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            assert "ERROR" in done.stdout and "COMPILATION" not in done.stdout, done.stdout[-3000:]
            return None
    return ["java", "-cp", f"{source}/target/classes:{source}/lib/*", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "example.Consumer"]


def go(folder):
    """Modules come by Go's proxy once; without Go, or without both: None."""
    if not shutil.which("go"):
        return None
    program = os.path.join(folder, "trigger-consumer")
    done = subprocess.run(["go", "build", "-o", program, "."], cwd=os.path.join(EXAMPLES, "go"), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        assert "dial tcp" in done.stdout or "lookup" in done.stdout, done.stdout[-3000:]
        return None
    return [program]


class Consumer:
    def __init__(self, world, name, command, group):
        self.log = os.path.join(world.folder, f"{name}-{group}.out")
        state = os.path.join(world.folder, name + ".state")
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen([*command, world.kafka.servers, world.outputs["trigger"], f"{world.app}-{name}-{group}",
                                             state, SCHEMA], stdout=out, stderr=subprocess.STDOUT)
        world.processes.append(self.process)
        self.process.log_path = self.log

    def sent(self):
        with open(self.log, encoding="utf-8") as file:
            return sorted(json.loads(line)["customer"] for line in file if line.startswith("{"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def test_example_consumers_send_each_committed_trigger_once(world):
    producer = confluent_kafka.Producer({"bootstrap.servers": world.kafka.servers, "transactional.id": world.app + "-t"})
    producer.init_transactions(30)
    produce(world, producer, [trigger("a"), trigger("b")])
    produce(world, producer, [trigger("aborted")], commit=False)
    produce(world, producer, [trigger("a"), trigger("late", -60), trigger("d")])
    commands = {}
    for make in (python, java, go):
        commands[make.__name__] = make(world.folder)
        if commands[make.__name__] is None:
            lab.log(f"skipped: the {make.__name__} example cannot be built here")
            del commands[make.__name__]
    first = {name: Consumer(world, name, command, "1") for name, command in commands.items()}
    for name, consumer in first.items():
        lab.until(f"{name} to send", lambda c=consumer: len(c.sent()) >= 3 or c.process.poll() is not None, 90)
        assert consumer.sent() == ["c-a", "c-b", "c-d"], (name, consumer.sent())
    produce(world, producer, [trigger("a"), trigger("e")])
    for name, consumer in first.items():
        lab.until(f"{name} to go on", lambda c=consumer: "c-e" in c.sent(), 60)
        consumer.stop()
        assert consumer.sent() == ["c-a", "c-b", "c-d", "c-e"], (name, consumer.sent())
    # everything once more, by a group that knows of no offset: what was sent is remembered
    again = {name: Consumer(world, name, command, "2") for name, command in commands.items()}
    produce(world, producer, [trigger("f")])
    for name, consumer in again.items():
        lab.until(f"{name} to send what is new", lambda c=consumer: "c-f" in c.sent(), 90)
        consumer.stop()
        assert consumer.sent() == ["c-f"], (name, consumer.sent())
