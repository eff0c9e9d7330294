"""The operator's tools beside workers: inspect, erase, check --live, replay; and what Kafka's own tools say of us."""
import json
import os
import subprocess

import lab
import shoppers


def tool(world, *arguments, code=0):
    done = subprocess.run([world.segstream, *arguments, "-c", world.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def said(world, *arguments, code=0):
    return json.loads(tool(world, *arguments, "-o", "json", code=code).stdout)


def test_inspect_shows_what_redis_holds_and_erase_goes_the_way_of_events_and_says_when_it_is_done(world):
    events, expected = shoppers.story(world, customers=30)
    customers = sorted({e["customer"] for e in events})
    gone = customers[3]
    late = {"kind": "visit", "customer": gone, "at": min(e["at"] for e in events), "id": "too-old", "url": "/"}
    world.produce_ordered(events)
    process = world.start()
    world.await_applied()

    # -- inspect: what is there agrees with what was written
    parts = said(world, "inspect", "partitions")["partitions"]
    assert [p["partition"] for p in parts] == list(range(world.partitions))
    assert sum(p["customers"] for p in parts) == len(customers)
    assert all(p["config_is_this"] and p["guard"].startswith("1.") for p in parts)
    ends = world.ends()[world.inputs["events"]]
    for p in range(world.partitions):
        one = said(world, "inspect", f"partition:{p}")
        assert {x["topic"]: x["next_offset"] for x in one["positions"]}[world.inputs["events"]] == ends[p]
    lab.until("the outbox to be published", lambda: all(p["pending"] == 0 for p in said(world, "inspect", "outbox")["partitions"]))
    last = {p["partition"]: p["last"] for p in said(world, "inspect", "outbox")["partitions"]}
    assert sum(last.values()) == len(expected)
    timers = said(world, "inspect", "timers", "--limit", "1000")["partitions"]
    assert all(t["due_at"] <= u["due_at"] for p in timers for t, u in zip(p["timers"], p["timers"][1:]))
    record = said(world, "inspect", customers[0])
    mine = [t for p in timers for t in p["timers"] if t["customer"] == customers[0]]
    assert [t["due_at"] for t in mine] == ([record["due_at"]] if record["due_at"] else []), (mine, record["due_at"])

    # -- erase
    before = said(world, "inspect", gone)
    receipt_path = os.path.join(world.folder, "receipt.json")
    receipt = said(world, "erase", gone, "--reason", "request 7", "--receipt", receipt_path)
    with open(receipt_path, encoding="utf-8") as file:
        assert json.load(file) == receipt
    assert receipt["applied"] and receipt["customer"] == gone and receipt["reason"] == "request 7"
    assert receipt["partition"] == lab.partition_of(gone, world.partitions) == before["partition"]
    assert receipt["removed"]["record_bytes"] == before["record_bytes"]
    assert set(receipt["removed"]["memberships_left"]) == {m["segment"] for m in before["memberships"] if m["member"]}
    assert receipt["removed"]["active_runs"] == len(before["runs"])
    after = said(world, "inspect", gone)
    assert after["erased_at"] == receipt["erased_at"] and after["created_at"] is None
    assert not after["memberships"] and not after["attributes"] and not after["orders"] and not after["sent"]
    lab.until("the tombstone", lambda: (gone.encode(), None) in
              [(key, value) for _, key, value in world.kafka.read(world.outputs["membership"], world.partitions)])
    left = {r["segment"] for key, r in world.records("membership") if key.decode() == gone and r["cause"] == "erased"}
    assert left == set(receipt["removed"]["memberships_left"])
    world.produce_ordered([late])
    world.await_applied()
    assert said(world, "inspect", gone)["created_at"] is None, "an event older than the erase came through"

    # -- nobody there to do it: written, said so, done later
    world.drain(process)
    world.processes.remove(process)
    other = customers[4]
    done = tool(world, "erase", other, "-o", "json", "--wait", "1s", code=69)
    assert json.loads(done.stdout)["applied"] is False and "no worker has come to it yet" in done.stderr
    process = world.start()
    world.await_applied()
    assert said(world, "inspect", other)["created_at"] is None
    world.drain(process)
