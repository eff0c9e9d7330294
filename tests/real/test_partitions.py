"""Topics that grow: refused by name while the state has another count, moved by segstream rekey."""
import subprocess

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
    world.drain(pinned)
    lab.agree(world, expected)
