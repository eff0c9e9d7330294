"""Somebody else claims a partition that the group gives to us: fenced at once, owner again soon, nothing lost."""
import lab
import shoppers

# At once: a commit between a GET and a SET would be undone by half, which nobody who claims can do.
CLAIM = """local epoch, rest = string.match(redis.call("GET", KEYS[1]), "^(%d+)(%..*)$")
return redis.call("SET", KEYS[1], string.format("%d", epoch + 1) .. rest)"""


def test_an_owner_that_was_fenced_by_mistake_claims_its_partitions_again(world):
    events, expected = shoppers.story(world, seed=7, customers=80)
    half = len(events) // 2
    process = world.start()
    world.produce_ordered(events[:half])
    world.await_applied()
    for partition in range(world.partitions):
        assert world.redis.cli("EVAL", CLAIM, "1", f"sg:{{{world.app}.{partition}}}:g") == "OK"
    world.produce_ordered(events[half:])
    lab.until("the loss to be said", lambda: "task.lost" in world.tail(process))
    world.await_owned(process)
    world.await_applied()
    world.drain(process)
    lab.agree(world, expected)
