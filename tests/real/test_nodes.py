"""State over many redis-servers: a slot that moves, a master that dies, in a cluster and under a sentinel."""
import re

import lab
import redis_nodes
import shoppers


def use(world, nodes):
    """The world's Redis is these nodes."""
    world.redis.stop()
    world.redis = nodes
    with open(world.config, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"(?m)^state: .*$", lambda _: f"state: {{{nodes.state}, guarantee: exactly_once}}", text)
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(text)


def play(world, events, faults):
    """Events in parts, a fault before each part but the first, while a part is being worked on."""
    process = world.start("--instance", "a")
    size = len(events) // (len(faults) + 1) + 1
    world.produce_ordered(events[:size])
    world.await_applied()
    for i, fault in enumerate(faults, start=1):
        world.produce_ordered(events[i * size:(i + 1) * size])
        fault()
        world.await_applied(180)
    world.drain(process)
    return process


def test_a_cluster_loses_a_master_and_moves_a_slot_and_every_output_is_there_once(world):
    cluster = redis_nodes.Cluster()
    use(world, cluster)
    key = f"sg:{{{world.app}.1}}:g"
    events, expected = shoppers.story(world, seed=11)

    def move():
        source, target = cluster.move(key)
        assert cluster.owner(key)[0] is target and source is not target

    def lose_master():
        cluster.owner(key)[0].kill()
        lab.until("a replica to take over", lambda: cluster.owner(key)[0] is not None)

    process = play(world, events, [move, lose_master])
    lab.agree_exactly(world, expected)
    log = world.whole_log(process)
    assert "store.handover" in log
    lab.log(f"{len(events)} events over a cluster; {log.count('store.handover')} handovers, {log.count('task.redo')} redone")


def test_a_sentinel_names_a_new_master_and_every_output_is_there_once(world):
    nodes = redis_nodes.Sentinel()
    use(world, nodes)
    events, expected = shoppers.story(world, seed=12)

    def lose_master():
        nodes.master.kill()
        lab.until("the replica to be master", lambda: "role:master" in nodes.replica.cli("INFO", "replication"), 60)

    process = play(world, events, [lose_master])
    lab.agree_exactly(world, expected)
    log = world.whole_log(process)
    assert "store.handover" in log
    lab.log(f"{len(events)} events over a failover; {log.count('task.redo')} redone")
