"""The operator's tools beside workers: inspect, erase, check --live, replay; and what Kafka's own tools say of us."""
import json
import os
import subprocess
import time

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


def exactly_once(world):
    with open(world.config, encoding="utf-8") as file:
        rules = file.read()
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(rules.replace("state: {store: ", "state: {guarantee: exactly_once, store: "))


def findings(world, *arguments, code=0):
    done = subprocess.run([world.segstream, "check", "--live", world.config, "-o", "json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    found = json.loads(done.stdout)["findings"]
    assert all(f["fix"] for f in found if f["level"] in ("warn", "fail")), "what is wrong and not how to mend it"
    return found


def failures(found):
    return [f["area"] + ": " + f["says"] for f in found if f["level"] == "fail"]


def test_check_live_says_what_does_not_fit_and_what_to_fix(world):
    exactly_once(world)
    found = findings(world)
    assert not failures(found), found
    text = " / ".join(f["says"] for f in found)
    for wanted in ("1 brokers: ", "7 input topics of 4 partitions", "transactions may begin", "noeviction", "append-only file, appendfsync everysec",
                   "its clock and this host's differ by", "is new to this Redis", "has one replica"):
        assert wanted in text, (wanted, text)
    assert failures(findings(world, "--deny", "warnings", code=1)) == []

    # -- Redis does not fit
    cli = world.redis.cli
    cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    cli("CONFIG", "SET", "appendonly", "no")
    said_so = " / ".join(failures(findings(world, code=78)))
    assert "allkeys-lru" in said_so and "append-only file is off" in said_so, said_so
    cli("CONFIG", "SET", "maxmemory-policy", "noeviction")
    cli("CONFIG", "SET", "appendonly", "yes")
    cli("REPLICAOF", "127.0.0.1", "1")
    said_so = " / ".join(failures(findings(world, code=78)))
    assert "this is a replica" in said_so and "READONLY" in said_so, said_so
    cli("REPLICAOF", "NO", "ONE")
    cli("ACL", "SETUSER", "small", "on", ">secret", "~sg:*", "+@read", "+@connection", "+info", "+time", "+multi", "+discard", "+exec", "+watch")
    user = ["--set", f'state={{store: "{world.redis.url}", user: small, password: "secret"}}']
    said_so = " / ".join(failures(findings(world, *user, code=78)))
    assert "it refuses MSET: NOPERM" in said_so and "secret" not in said_so, said_so
    assert cli("DBSIZE") == "0", "a check has written"

    # -- Kafka does not fit
    world.kafka.create([world.app + ".odd"], 3)
    with open(world.config, encoding="utf-8") as file:
        rules = file.read()
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(rules.replace(world.inputs["open"] + ":", world.app + ".odd:").replace(world.inputs["profile"] + ":", world.app + ".none:"))
    said_so = " / ".join(failures(findings(world, code=78)))
    assert "has 3 partitions" in said_so and f"no topic {world.app}.none" in said_so, said_so
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(rules)

    # -- the state does not fit the group
    events, _ = shoppers.story(world, customers=5)
    world.produce_ordered(events)
    process = world.start()
    world.await_applied()
    world.drain(process)
    assert any("it fits the group" in f["says"] for f in findings(world))
    cli("FLUSHALL")
    found = findings(world, code=78)
    assert "lost the partition's state" in failures(found)[0], found
    assert any("segstream replay --from earliest" in (f["fix"] or "") for f in found)

    # -- nobody there
    world.redis.kill()
    said_so = " / ".join(failures(findings(world, "--set", "kafka={brokers: [127.0.0.1:1]}", code=69)))
    assert "Redis does not answer (refused)" in said_so and "no broker of 127.0.0.1:1 answers" in said_so, said_so
    world.redis.start()


def kafkas_own_word(world):
    """What kafka-consumer-groups says: {(topic, partition): (committed, end, lag)}."""
    done = subprocess.run([os.path.join(lab.HERE, "kafka"), "group", world.kafka.servers, world.app], stdout=subprocess.PIPE, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {(row[1], int(row[2])): tuple(int(x) if x.isdigit() else None for x in row[3:6]) for row in rows if row[:1] == [world.app]}


def test_lag_as_kafkas_own_tool_shows_it_is_what_is_not_applied(world):
    events, _ = shoppers.story(world, customers=20)
    world.produce_ordered(events)
    process = world.start()
    world.await_applied()
    world.drain(process)
    topic, ends = world.inputs["events"], world.ends()[world.inputs["events"]]
    word = kafkas_own_word(world)
    for p in range(world.partitions):
        assert word[topic, p] == (ends[p], ends[p], 0), (p, word)
    more = [dict(e, id="again-" + e["id"]) for e in events[:25]]
    world.produce_ordered(more)  # nobody there: the lag is what was written since
    word = kafkas_own_word(world)
    for p in range(world.partitions):
        written = sum(lab.partition_of(e["customer"], world.partitions) == p for e in more)
        stored = {x["topic"]: x["next_offset"] for x in said(world, "inspect", f"partition:{p}")["positions"]}
        assert word[topic, p] == (stored[topic], ends[p] + written, written), (p, word, stored)


def records_of(world):
    """Every customer's record in Redis, raw."""
    found = {}
    for key in world.redis.cli("KEYS", "sg:*:c:*").splitlines():
        raw = subprocess.run(["redis-cli", "-s", world.redis.socket, "GET", key], stdout=subprocess.PIPE).stdout[:-1]
        found[key] = raw
    return found


def counters_of(world):
    return {p: world.redis.cli("HGETALL", f"sg:{{{world.app}.{p}}}:n") for p in range(world.partitions)}


def test_a_lost_redis_is_built_anew_from_the_topics_and_nothing_is_sent_again(world):
    events, expected = shoppers.story(world, customers=40)
    half = len(events) // 2
    exactly_once(world)
    world.produce_ordered(events[:half])
    process = world.start()
    world.await_applied()

    # -- a report compares; beside a worker that rests, and after: no difference, nothing written
    lab.until("what was published to be written down", lambda: all(
        p["trimmed"] == p["last"] and p["pending"] == 0 for p in said(world, "inspect", "outbox")["partitions"]))
    same = said(world, "replay", "--from", "earliest")
    assert same["differing"] == 0 and sum(p["records"] for p in same["partitions"]) == half, same
    refused = tool(world, "replay", "--from", "earliest", "--into", "state", code=69)
    assert "stop them all first" in refused.stderr, refused.stderr
    world.drain(process)
    world.processes.remove(process)
    before, counted = records_of(world), counters_of(world)
    key = sorted(before)[5]
    world.redis.cli("COPY", sorted(before)[6], key, "REPLACE")  # another's record in its place
    broken = said(world, "replay", "--from", "earliest", code=1)
    assert broken["differing"] == 1 and key.endswith(":c:" + broken["differences"][0]["customer"])
    text = tool(world, "replay", "--from", "earliest", code=1).stdout
    assert "    - " in text and "    + " in text

    # -- Redis is lost: refused by workers, built by replay, in two goes
    world.redis.cli("FLUSHALL")
    process = world.start()
    process.wait(60)
    assert process.returncode == 69 and "lost the partition's state" in world.tail(process)
    world.processes.remove(process)
    tool(world, "replay", "--from", "earliest", "--into", "state", "--partition", "0")
    part = said(world, "replay", "--from", "earliest", "--into", "state")["partitions"]
    assert [p["was_done"] for p in part] == [True] + [False] * (world.partitions - 1)
    assert records_of(world) == before and counters_of(world) == counted
    published = {kind: len(world.records(kind)) for kind in ("trigger", "membership", "outcome")}

    # -- and on as if nothing had been
    world.produce_ordered(events[half:])
    process = world.start()
    world.await_applied()
    world.drain(process)
    world.processes.remove(process)
    lab.agree_exactly(world, expected)
    assert sum(published.values()) < len(expected)

    # -- a state with other words is not touched; discarded on demand it is the same again
    before = records_of(world)
    refused = tool(world, "replay", "--from", "earliest", "--into", "state", code=78)
    assert "--discard" in refused.stderr
    tool(world, "replay", "--from", "earliest", "--into", "state", "--discard")
    assert records_of(world) == before
    assert said(world, "replay", "--from", "earliest")["differing"] == 0
    assert sum(len(world.records(kind)) for kind in ("trigger", "membership", "outcome")) == len(expected)


def test_a_replay_that_is_killed_goes_on_no_worker_takes_what_is_half_built_and_an_older_copy_catches_up(world):
    exactly_once(world)
    events, expected = shoppers.story(world, customers=60)
    third = len(events) // 3
    world.produce_ordered(events[:third])
    process = world.start()
    world.await_applied()
    lab.until("all outputs to be published", lambda: all(p["pending"] == 0 for p in said(world, "inspect", "outbox")["partitions"]))
    world.redis.save_copy()
    world.produce_ordered(events[third:2 * third])
    world.await_applied()
    world.drain(process)
    world.processes.remove(process)
    before = records_of(world)

    # -- an older copy comes back: refused, then brought to where the group is, in silence
    world.redis.come_back_as_copied()
    assert records_of(world) != before
    process = world.start()
    process.wait(60)
    assert process.returncode == 69 and "older than what was committed" in world.tail(process), world.tail(process)
    world.processes.remove(process)
    tool(world, "replay", "--from", "stored", "--into", "state")
    assert records_of(world) == before

    # -- killed in the middle of building
    world.redis.cli("FLUSHALL")
    building = subprocess.Popen([world.segstream, "replay", "--from", "earliest", "--into", "state", "-c", world.config],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lab.until("its first commit", lambda: world.redis.cli("EXISTS", f"sg:{{{world.app}.0}}:m") == "1")
    building.kill()
    building.wait()
    process = world.start()
    process.wait(60)
    assert process.returncode == 69, world.tail(process)
    assert "not the one this group worked on" in world.tail(process) or "lost the partition's state" in world.tail(process), world.tail(process)
    world.processes.remove(process)
    refused = tool(world, "replay", "--from", world.inputs["events"] + "/0=1", "--into", "state", code=78)
    assert "other words" in refused.stderr, refused.stderr
    parts = said(world, "replay", "--from", "earliest", "--into", "state")["partitions"]
    assert parts[0]["resumed"] or parts[0]["was_done"], parts[0]
    assert records_of(world) == before

    world.produce_ordered(events[2 * third:])
    process = world.start()
    world.await_applied()
    world.drain(process)
    lab.agree_exactly(world, expected)


def test_with_the_wall_clock_a_replay_decides_as_the_worker_did_when_it_read_the_events(world):
    with open(world.config, encoding="utf-8") as file:
        rules = file.read()
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(rules.replace("clock: event", "clock: wall"))
    process = world.start()
    world.await_owned(process)
    now = int(time.time() * 1000)
    events = []
    for i in range(24):
        at = now - (1000 if i % 3 else 5 * lab.DAY_MS)  # a third is stale: enters nothing
        events.append({"kind": "profile", "customer": f"w-{i}", "at": at, "id": f"p-{i}", "set": {"consent_email": True}})
        events.append({"kind": "demo_request", "customer": f"w-{i}", "at": at + i, "id": f"d-{i}"})
    events.append({"kind": "visit", "customer": "w-1", "at": now + 10 * 60 * 1000, "id": "ahead"})  # a dead letter then and now
    world.produce_ordered(events)
    world.await_applied()
    lab.until("the emails to leave", lambda: len(world.records("trigger")) >= 16)
    lab.until("the outbox to be published", lambda: all(p["pending"] == 0 for p in said(world, "inspect", "outbox")["partitions"]))
    world.drain(process)
    world.processes.remove(process)
    stale = [r for _, r in world.records("outcome") if r["outcome"] == "not_entered" and r["reason"] == "stale"]
    assert len(stale) == 8 and len(world.records("trigger")) == 16 and len(world.records("dead_letter")) == 1
    compared = said(world, "replay", "--from", "earliest")
    assert compared["differing"] == 0, compared
    before = records_of(world)
    world.redis.cli("FLUSHALL")
    tool(world, "replay", "--from", "earliest", "--into", "state")
    assert records_of(world) == before
    process = world.start()
    world.await_owned(process)
    world.drain(process)
    assert len(world.records("trigger")) == 16, "an email of the past was sent again"
