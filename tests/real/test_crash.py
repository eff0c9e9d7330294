"""Death at any moment: the worker is killed again and again while it reads; nothing is lost, repeats carry equal ids."""
import random

import lab
import shoppers

DEATHS = 6
SLICE = 60


def test_six_deaths_in_the_middle_lose_nothing_and_repeat_only_equal_ids(world):
    events, expected = shoppers.story(world, seed=4, customers=550, per_customer=12)
    slices = iter([events[i:i + SLICE] for i in range(0, len(events), SLICE)])
    chance = random.Random(4)
    for _ in range(DEATHS):
        process = world.start("--instance", "only")
        world.await_owned(process)
        last_commit = world.commits() + chance.randrange(1, 40)
        while (before := world.commits()) < last_commit:
            world.produce_ordered(next(slices))
            # One partition has committed; the others, and the triggers of this one, are on their way.
            lab.until("a commit", lambda: world.commits() > before)
        process.kill()
        process.wait()
    process = world.start("--instance", "only")
    for rest in slices:
        world.produce_ordered(rest)
    world.await_owned(process)
    world.await_applied()
    world.drain(process)
    repeats = lab.agree(world, expected)
    lab.log(f"{len(events)} events, {DEATHS} deaths, {repeats} triggers repeated with equal ids")
