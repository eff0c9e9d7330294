"""guarantee: exactly_once: whatever dies at whatever moment, a reader of committed records finds each output once, in order."""
import random
import signal
import time

import lab
import shoppers

EXACTLY_ONCE = ("--set", "state.guarantee=exactly_once")
SLICE = 60


def feed(world, slices):
    world.produce_ordered(next(slices, []))


def test_five_deaths_in_the_middle_lose_nothing_and_repeat_nothing(world):
    events, expected = shoppers.story(world, seed=11, customers=350, per_customer=12)
    slices = iter([events[i:i + SLICE] for i in range(0, len(events), SLICE)])
    chance = random.Random(11)
    for death in range(5):
        process = world.start("--instance", "only", *EXACTLY_ONCE)
        world.await_owned(process)
        last_commit = world.commits() + chance.randrange(1, 40)
        while (before := world.commits()) < last_commit:
            feed(world, slices)
            lab.until("a commit", lambda: world.commits() > before)
        if death % 2:  # transactions are under way: some produced, some with their offsets
            time.sleep(chance.random() * 0.02)
        process.kill()
        process.wait()
    process = world.start("--instance", "only", *EXACTLY_ONCE)
    for rest in slices:
        world.produce_ordered(rest)
    world.await_owned(process)
    world.await_applied()
    world.drain(process)
    lab.agree_exactly(world, expected)
    lab.log(f"{len(events)} events, 5 deaths, nothing repeated")


def test_a_worker_that_was_stopped_too_long_adds_nothing_when_it_wakes(world):
    events, expected = shoppers.story(world, seed=12, customers=200)
    half = len(events) // 2
    first = world.start("--instance", "a", *EXACTLY_ONCE)
    world.await_owned(first)
    world.produce_ordered(events[:half])
    last = world.commits() + 2
    lab.until("some commits", lambda: world.commits() >= last)
    first.send_signal(signal.SIGSTOP)  # in the middle of its work
    second = world.start("--instance", "b", *EXACTLY_ONCE)
    world.await_owned(second)
    world.produce_ordered(events[half:])
    first.send_signal(signal.SIGCONT)
    world.await_applied()
    world.drain(second)
    world.drain(first)
    lab.agree_exactly(world, expected)


def test_of_two_processes_with_one_name_the_later_one_stays(world):
    events, expected = shoppers.story(world, seed=15, customers=100)
    half = len(events) // 2
    first = world.start("--instance", "same", *EXACTLY_ONCE)
    world.await_owned(first)
    world.produce_ordered(events[:half])
    second = world.start("--instance", "same", *EXACTLY_ONCE)
    world.await_owned(second)
    first.wait(60)
    assert first.returncode == 69 and "another process has this instance's name" in world.tail(first), world.tail(first)
    world.processes.remove(first)
    world.produce_ordered(events[half:])
    world.await_applied()
    world.drain(second)
    lab.agree_exactly(world, expected)


def test_a_redis_that_comes_back_older_gets_its_lost_commits_again(world):
    events, expected = shoppers.story(world, seed=13, customers=200)
    third = len(events) // 3
    process = world.start("--instance", "only", *EXACTLY_ONCE)
    world.await_owned(process)
    world.produce_ordered(events[:third])
    world.await_applied()
    world.redis.save_copy()
    before = world.commits()
    world.produce_ordered(events[third:2 * third])
    lab.until("commits that will be lost", lambda: world.commits() > before + 4)
    world.redis.come_back_as_copied()
    world.produce_ordered(events[2 * third:])
    world.await_applied()
    world.drain(process)
    assert "task.redo" in world.whole_log(process), world.tail(process)
    lab.agree_exactly(world, expected)


def test_a_store_that_contradicts_the_group_is_not_guessed_over(world):
    events, expected = shoppers.story(world, seed=14, customers=60)
    process = world.start("--instance", "only", *EXACTLY_ONCE)
    world.await_owned(process)
    world.produce_ordered(events[:len(events) // 2])
    world.await_applied()
    world.redis.save_copy()
    world.produce_ordered(events[len(events) // 2:])
    world.await_applied()
    world.drain(process)
    world.redis.come_back_as_copied()
    process = world.start("--instance", "only", *EXACTLY_ONCE)
    process.wait(60)
    assert process.returncode == 69 and "older than what was committed" in world.tail(process), world.tail(process)
    assert "state.guarantee=at_least_once" in world.tail(process)
    world.processes.clear()
    process = world.start("--instance", "only")  # the way out: what is in doubt repeats, with equal ids
    world.await_owned(process)
    lab.until("the input to be applied again", lambda: world.at_end(process))
    world.drain(process)
    assert "task.repeating" in world.whole_log(process)
    assert lab.agree(world, expected) > 0
    process = world.start("--instance", "only", *EXACTLY_ONCE)
    world.await_owned(process)
    world.drain(process)
    world.redis.cli("FLUSHALL")
    process = world.start("--instance", "only", *EXACTLY_ONCE)
    process.wait(60)
    assert process.returncode == 69 and "lost the partition" in world.tail(process), world.tail(process)
    world.processes.clear()
