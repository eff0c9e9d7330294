"""Topics that grow: refused by name while the state has another count, moved by segstream rekey."""
import random
import subprocess
import time

import confluent_kafka.admin

import lab
import shoppers

EXACTLY_ONCE = ("--set", "state.guarantee=exactly_once")


def grow(world, partitions):
    wanted = [confluent_kafka.admin.NewPartitions(topic, partitions) for topic in world.inputs.values()]
    for future in world.kafka.admin.create_partitions(wanted).values():
        future.result(30)


def segstream(world, *arguments):
    done = subprocess.run([world.segstream, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def stop(world, process):
    world.drain(process)
    world.processes.remove(process)


def ends_refused(world, process, topics, state):
    process.wait(60)
    said = world.tail(process)
    assert process.returncode == 78, (process.returncode, said)
    assert f"the input topics have {topics} partitions and the stored state has {state}" in said, said
    assert f"segstream rekey -c FILE --partitions {topics}" in said, said
    assert f"segstream run -c FILE --partitions {state}" in said, said
    world.processes.remove(process)


def test_topics_that_grow_are_refused_while_running_and_at_the_start(world):
    events, expected = shoppers.story(world, seed=21, customers=80)
    half = len(events) // 2
    process = world.start("--instance", "only", "--set", "kafka.consumer_properties={topic.metadata.refresh.interval.ms: \"500\"}")
    world.await_owned(process)
    world.produce_ordered(events[:half])
    world.await_applied()
    world.produce_ordered(events[half:])
    grow(world, 8)
    ends_refused(world, process, 8, 4)
    ends_refused(world, world.start("--instance", "only"), 8, 4)
    ends_refused(world, world.start("--instance", "new"), 8, 4)
    for partition in range(4, 8):
        assert world.redis.cli("EXISTS", f"sg:{{{world.app}.{partition}}}:g") == "0", "a partition that is new has begun"
    pinned = world.start("--instance", "only", "--partitions", "4")  # what was written before is applied all the same
    world.await_owned(pinned)
    world.await_applied()
    stop(world, pinned)
    lab.agree(world, expected)


def story(world, **wanted):
    """Closed for eight partitions, and so for four of them."""
    world.partitions = 8
    found = shoppers.story(world, **wanted)
    world.partitions = 4
    return found


def move(world, partitions, deaths=0, chance=random.Random(0)):
    """rekey, killed at any moment as often as told, then to its end. Returns what it said last."""
    lab.until("the group to be empty", lambda: not world.kafka.admin.list_groups(world.app, timeout=10)[0].members)
    for death in range(deaths):
        process = subprocess.Popen([world.segstream, "rekey", "-c", world.config, "--partitions", str(partitions)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * 2.5)
        process.kill()
        process.wait()
    code, said, wrong = segstream(world, "rekey", "-c", world.config, "--partitions", str(partitions))
    assert code == 0, wrong
    return said


def test_rekey_moves_every_customer_while_everything_stands_still(world):
    events, expected = story(world, seed=22, customers=90)
    third = len(events) // 3
    process = world.start("--instance", "only", *EXACTLY_ONCE)
    world.await_owned(process)
    world.produce_ordered(events[:third])
    world.await_applied()
    code, _, wrong = segstream(world, "rekey", "-c", world.config, "--partitions", "8", "--set",
                               "kafka.consumer_properties={session.timeout.ms: \"1000\"}")  # as long as it waits
    assert code == 69 and "workers" in wrong, wrong
    stop(world, process)
    code, _, wrong = segstream(world, "rekey", "-c", world.config, "--partitions", "8")
    assert code == 78 and "kafka-topics --alter" in wrong, wrong
    world.produce_ordered(events[third:third + 40])  # written before the topics grow, not applied
    grow(world, 8)
    code, _, wrong = segstream(world, "rekey", "-c", world.config, "--partitions", "8")
    assert code == 69 and "--partitions 4, until the lag is 0" in wrong, wrong
    pinned = world.start("--instance", "only", "--partitions", "4", *EXACTLY_ONCE)
    world.await_owned(pinned)
    world.await_applied()
    stop(world, pinned)
    world.partitions = 8
    said = move(world, 8, 6, random.Random(22))
    assert "nothing to move" in said or "rekeyed from 4 to 8" in said, said
    for key in world.redis.cli("KEYS", "*").split():
        assert key == f"sg:{{{world.app}}}:generation" or ".1}:" in key, f"left over: {key}"
    world.produce_ordered(events[third + 40:])
    process = world.start("--instance", "only", *EXACTLY_ONCE)
    world.await_owned(process)
    world.await_applied()
    stop(world, process)
    lab.agree_exactly(world, expected)
    code, said, _ = segstream(world, "explain", events[0]["customer"], "-c", world.config)
    assert code == 0, "tools find the moved state"


def test_rekey_that_was_begun_keeps_workers_away_and_can_be_given_up(world):
    events, expected = story(world, seed=23, customers=60)
    half = len(events) // 2
    process = world.start()
    world.await_owned(process)
    world.produce_ordered(events[:half])
    world.await_applied()
    stop(world, process)
    grow(world, 8)
    in_the_way = f"sg:{{{world.app}.5.1}}:g"  # of another type: it stops there
    world.redis.cli("LPUSH", in_the_way, "x")
    code, said, wrong = segstream(world, "rekey", "-c", world.config, "--partitions", "8")
    assert code == 69 and "partition 5" in wrong, (said, wrong)
    world.redis.cli("DEL", in_the_way)
    worker = world.start()
    worker.wait(60)
    assert worker.returncode == 78 and "segstream rekey -c FILE --partitions 8" in world.tail(worker), world.tail(worker)
    world.processes.remove(worker)
    code, said, wrong = segstream(world, "rekey", "-c", world.config, "--partitions", "4")
    assert code == 0 and "given up" in said, (said, wrong)
    pinned = world.start("--partitions", "4")
    world.await_owned(pinned)
    stop(world, pinned)
    said = move(world, 8)
    assert "rekeyed from 4 to 8" in said, said
    world.partitions = 8
    world.produce_ordered(events[half:])
    process = world.start()
    world.await_owned(process)
    world.await_applied()
    stop(world, process)
    assert lab.agree(world, expected) == 0
