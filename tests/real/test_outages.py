"""What is away, full or broken: a process waits, says so once, shows it, and goes on by itself; nothing is lost or repeated."""
import json

import lab
import shoppers

START = shoppers.START_MS


def visits(world, partition, count, begin=0):
    """Records of one customer of that partition, in the topic of JSON events."""
    customer = next(c for c in (f"v-{i}" for i in range(1000)) if lab.partition_of(c, world.partitions) == partition)
    return [(world.inputs["events"], customer.encode(), json.dumps(
        {"kind": "visit", "customer": customer, "at": START + i, "id": f"{customer}-{i}", "url": "/a"}).encode())
        for i in range(begin, begin + count)]


def test_a_flood_of_unusable_input_stops_its_partition_until_a_restart(world):
    topic = world.inputs["events"]
    good, behind = visits(world, 0, 50), visits(world, 0, 10, begin=50)
    flood = [(topic, good[0][1], b"{not json", 0)] * 300
    process = world.start_watched("--set", "topics.dead_letters.stop_above=20% per 1h")
    world.await_owned(process)
    world.kafka.produce([*good, *flood, *behind, *visits(world, 1, 60)], world.partitions)
    lab.until("the partition to be stopped", lambda: world.metric(process, "partitions_stopped") == 1)
    lab.until("the other partition to go on", lambda: world.applied()[topic][1] == 60)
    assert world.page(process, "readyz") == (503, "dead letters: 1 of 4 partitions stopped by stop_above\n")
    assert world.metric(process, "ready") == 0
    letters = len(world.records("dead_letter"))
    assert letters == 12, letters  # the 13th of 63 would be more than a fifth
    world.drain(process)  # a stopped partition does not hold up the end
    world.processes.clear()
    said = world.whole_log(process)
    assert said.count("task.stopped") == 1 and "letter=undecodable" in said and f"topic={topic}" in said, said
    process = world.start_watched("--set", "topics.dead_letters.stop_above=100% per 1h")
    world.await_applied()
    assert world.page(process, "readyz") == (200, "ok\n")
    world.drain(process)
    assert len(world.records("dead_letter")) == 300
