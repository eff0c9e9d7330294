"""segstream repartition: a topic keyed by anything, into an input topic keyed by the customer, each record once."""
import json
import random
import subprocess
import time

import confluent_kafka

import lab
import shoppers


def raw_records(events, chance, kinds=3):
    """The key is a session, or none; the customer stands in one of two fields."""
    records = []
    for i, event in enumerate(events):
        value = {("user" if i % 2 else "member"): event["customer"], **{k: v for k, v in event.items() if k != "customer"}}
        records.append((f"session-{chance.randrange(50)}".encode() if i % 5 else None, json.dumps(value).encode()))
    return records


def write(world, topic, records, partitions, chance):
    """Returns the time of each record, by its value."""
    producer = confluent_kafka.Producer({"bootstrap.servers": world.kafka.servers, "enable.idempotence": True})
    at = {}
    for i, (key, value) in enumerate(records):
        at[value] = 1_700_000_000_000 + i
        producer.produce(topic, key=key, value=value, partition=chance.randrange(partitions), timestamp=at[value],
                         headers=[("source", b"web"), ("n", str(i).encode())])
        producer.poll(0)
    assert producer.flush(60) == 0
    return at


def read(world, topic, partitions):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": world.kafka.servers, "group.id": world.app + "-reader",
                                         "enable.partition.eof": True, "isolation.level": "read_committed"})
    consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(partitions)])
    messages, ended = [], set()
    while len(ended) < partitions:
        message = consumer.poll(10)
        assert message is not None, "not read to its end"
        if message.error():
            ended.add(message.partition())
        else:
            messages.append(message)
    consumer.close()
    return messages


def test_each_record_is_keyed_anew_once_whoever_is_killed(world):
    chance = random.Random(31)
    events = shoppers.base_events(31, 60, 20, 10)
    source, partitions = world.app + ".raw", 3
    world.kafka.create([source], partitions)
    records = raw_records(events, chance)
    bad = [(b"k", b"no json"), (b"k", json.dumps({"kind": "visit", "at": 5}).encode()), (None, None)]
    at = write(world, source, records[:100] + bad + records[100:], partitions, chance)
    command = [world.segstream, "repartition", source, world.inputs["events"], "-c", world.config, "--key", "user", "--key",
               "member", "--set", "kafka.consumer_properties={session.timeout.ms: \"6000\"}", "--instance"]
    for death in range(4):
        process = subprocess.Popen([*command, "a"], stderr=subprocess.PIPE)
        lab.until("partitions", lambda: b"group.assigned" in process.stderr.readline())
        time.sleep(chance.random() * 0.4)
        process.kill()
        process.communicate()
    done = subprocess.run([*command, "a", "--until-end"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]
    found = lab.until("the last transaction to be seen", lambda: [
        messages for messages in [read(world, world.inputs["events"], world.partitions)] if len(messages) >= len(records)])[0]
    assert len(found) == len(records), f"{len(found)} records, not {len(records)}: {done.stdout}"
    assert {m.value() for m in found} == {value for _, value in records}
    for m in found:
        value = json.loads(m.value())
        assert m.key().decode() == value.get("user", value.get("member"))
        assert m.partition() == lab.partition_of(m.key().decode(), world.partitions)
        assert m.timestamp()[1] == at[m.value()], "its time has changed"
        assert dict(m.headers())["source"] == b"web"
    letters = [lab.schema("dead_letter").decode(v) for _, _, v in world.kafka.read(world.outputs["dead_letter"], world.partitions)]
    assert sorted(x["reason"] for x in letters) == ["missing_field", "null_value", "undecodable"], letters
    assert {x["topic"] for x in letters} == {source}
    again = subprocess.run([*command, "a", "--until-end"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=90)
    assert again.stdout.startswith("0 records read"), again.stdout


def test_a_topic_that_is_no_input_is_refused(world):
    done = subprocess.run([world.segstream, "repartition", "a", "b", "-c", world.config], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 78 and "topics.in" in done.stderr, done.stderr
