"""More processes: they share the partitions; one dies, the others go on."""
import lab
import shoppers


def members_with_work(world):
    """How many processes have applied anything, by their own count of claimed partitions in the log."""
    return [world.tail(p).count("task.claimed") for p in world.processes]


def test_two_processes_share_the_partitions_and_one_goes_on_when_the_other_dies(world):
    events, expected = shoppers.story(world, seed=3)
    first = world.start("--instance", "a")
    second = world.start("--instance", "b")
    lab.until("both processes to own partitions", lambda: all(members_with_work(world)))
    half = len(events) // 2
    world.produce_ordered(events[:half])
    world.await_applied()
    first.kill()
    first.wait()
    world.produce_ordered(events[half:])
    world.await_owned(second)
    world.await_applied()
    world.drain(second)
    repeats = lab.agree(world, expected)
    lab.log(f"{len(events)} events over two processes, {repeats} repeats after the death of one")
