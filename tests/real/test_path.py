"""The whole path: events of a client that knows only the schemas, through a real Kafka and a real Redis, to the topics."""
import os
import subprocess

import lab
import shoppers


def test_events_become_the_triggers_memberships_and_outcomes_that_a_backtest_says(world):
    events, expected = shoppers.story(world)
    world.produce(events)
    process = world.start()
    world.await_applied()
    world.drain(process)
    repeats = lab.agree(world, expected)
    kinds = {kind: sum(r["type"] == kind for r in expected) for kind in ("trigger", "membership", "outcome")}
    outcomes = {r["outcome"] for r in expected if r["type"] == "outcome"}
    lab.log(f"{len(events)} events: {kinds}, {repeats} repeats, outcomes {sorted(outcomes)}")
    assert repeats == 0, "nothing was interrupted, so nothing may repeat"
    assert {"opened_not_clicked", "clicked_not_converted", "no_engagement", "converted"} <= outcomes


def test_a_backtest_gives_the_same_bytes_twice(world):
    events, _ = shoppers.story(world, seed=2, customers=60)
    path = os.path.join(world.folder, "events.ndjson")
    runs = [subprocess.run([world.segstream, "backtest", "-c", world.config, path], stdout=subprocess.PIPE,
                           check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1] and runs[0].count(b"\n") > len(events) / 4


def test_a_poison_record_goes_to_the_dead_letters_and_stops_nothing(world):
    click = lab.schema("click")
    topic = world.inputs["click"]
    at = shoppers.START_MS
    good = lambda name, k: click.encode(lab.to_record(
        {"kind": "click", "customer": name, "at": at + k, "id": f"{name}-{k}", "url": "/demo/request"}))
    wrong_place = (lab.partition_of("c-3", world.partitions) + 1) % world.partitions
    poison = [
        (topic, b"c-1", b"\xc3\x01garbage", "schema_unknown"),
        (topic, b"c-1", good("c-1", 1)[:-3], "undecodable"),
        (topic, b"c-1", click.header + b"\xff" * 40, "undecodable"),
        (topic, b"c-1", None, "null_value"),
        (topic, b"c-2", good("c-1", 2), "wrong_key"),
        (topic, b"c-3", good("c-3", 3), "wrong_partition"),
    ]
    records = []
    for i, (where, key, value, reason) in enumerate(poison):
        records.append((where, key, value, wrong_place) if reason == "wrong_partition" else (where, key, value))
        records.append((topic, b"c-1", good("c-1", 100 + i)))
    world.kafka.produce(records, world.partitions)
    process = world.start()
    world.await_applied()
    world.drain(process)
    letters = [record for _, record in world.records("dead_letter")]
    assert sorted(r["reason"] for r in letters) == sorted(reason for *_, reason in poison), letters
    for letter in letters:
        assert letter["topic"] == topic and letter["text"]
        by_reason = [(k, v) for _, k, v, reason in poison if reason == letter["reason"]]
        assert (letter["key"], letter["value"]) in by_reason, letter
    entered = {(r["customer_id"], r["segment"]) for _, r in world.records("membership") if r["status"] == "entered"}
    assert ("c-1", "lifecycle.decision") in entered, entered


def test_wrong_wiring_is_refused_with_a_sentence(world):
    world.kafka.create([world.app + ".five"], 5)
    with open(world.config, encoding="utf-8") as file:
        text = file.read()
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(text.replace(world.inputs["open"] + ":", world.app + ".five:"))
    process = world.start()
    process.wait(60)
    said = world.tail(process)
    assert process.returncode not in (0, -9), process.returncode
    assert "partition" in said and world.app + ".five" in said, said
