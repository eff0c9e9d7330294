"""Death at any moment: the worker is killed again and again; nothing is lost, repeats carry equal ids."""
import random

import lab
import shoppers


def total(applied):
    return sum(max(offset, 0) for offsets in applied.values() for offset in offsets)


def test_ten_deaths_in_the_middle_lose_nothing_and_repeat_only_equal_ids(world):
    events, expected = shoppers.story(world, seed=4, customers=900, per_customer=12)
    world.produce(events)
    chance = random.Random(4)
    deaths = 0
    while deaths < 10:
        before = total(world.applied())
        process = world.start()
        # Let it get a different part of the way each time: some records, then death without warning.
        share = chance.randrange(1, max(2, len(events) // 14))
        lab.until("some progress", lambda: process.poll() is not None or
                  total(world.applied()) >= min(before + share, len(events) - 20 * (10 - deaths)), 60)
        assert process.poll() is None, world.tail(process)
        process.kill()
        process.wait()
        deaths += 1
    process = world.start()
    world.await_applied()
    world.drain(process)
    repeats = lab.agree(world, expected)
    lab.log(f"{len(events)} events, {deaths} deaths, {repeats} triggers repeated with equal ids")
