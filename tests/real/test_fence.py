"""Somebody else claims a partition that the group gives to us: fenced at once, owner again soon, nothing lost."""
import lab
import shoppers


def test_an_owner_that_was_fenced_by_mistake_claims_its_partitions_again(world):
    events, expected = shoppers.story(world, seed=7, customers=80)
    half = len(events) // 2
    process = world.start()
    world.produce_ordered(events[:half])
    world.await_applied()
    for partition in range(world.partitions):
        key = f"sg:{{{world.app}.{partition}}}:g"
        guard = world.redis.cli("GET", key)
        epoch, rest = guard.split(".", 1)
        assert world.redis.cli("SET", key, f"{int(epoch) + 1}.{rest}") == "OK"
    world.produce_ordered(events[half:])
    lab.until("the loss to be said", lambda: "task.lost" in world.tail(process))
    world.await_owned(process)
    world.await_applied()
    world.drain(process)
    lab.agree(world, expected)
