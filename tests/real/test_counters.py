"""What reports count is exact through deaths, and an experiment whose arms have changed does not go on."""
import collections

import lab
import shoppers


def stored(world):
    """The counters of all partitions, summed; the arms of experiments apart, equal everywhere."""
    sums, arms = collections.Counter(), {}
    for partition in range(world.partitions):
        words = world.redis.cli("HGETALL", f"sg:{{{world.app}.{partition}}}:n").splitlines()
        for name, value in zip(words[::2], words[1::2]):
            if name.endswith("/arms"):
                assert arms.setdefault(name, value) == value
            else:
                sums[name] += int(value)
    return sums, arms


def foretold(expected):
    """The same, from the records of a backtest."""
    sums, exposed = collections.Counter(), {}
    for r in expected:
        if r["type"] == "membership":
            sums[f"segment/{r['segment']}/{r['status']}"] += 1
        elif r["type"] == "outcome" and r["email"] is None:
            sums[f"sequence/{r['sequence']}/{r['outcome']}"] += 1
        elif r["type"] == "outcome":
            sums[f"email/{r['sequence']}/{r['email']}/{r['outcome']}"] += 1
        elif r["type"] == "trigger":
            sums[f"email/{r['sequence']}/{r['email']}/sent"] += 1
            for experiment, arm in r["experiments"].items():
                exposed.setdefault((experiment, r["customer"]), arm)
    for (experiment, _), arm in exposed.items():
        sums[f"{experiment}/{arm}"] += 1
    return sums


def test_counters_are_what_a_backtest_says_after_three_deaths(world):
    events, expected = shoppers.story(world, seed=6, customers=200)
    size = len(events) // 4 + 1
    for begin in range(0, len(events), size):
        process = world.start("--instance", "only")
        world.await_owned(process)
        before = world.commits()
        world.produce_ordered(events[begin:begin + size])
        if begin + size < len(events):
            lab.until("a commit", lambda: world.commits() > before)
            process.kill()
            process.wait()
    world.await_applied()
    world.drain(process)
    sums, arms = stored(world)
    wanted = foretold(expected)
    for name, value in wanted.items():
        if name.startswith("welcome_cta/"):
            days = f"experiment/welcome_cta/1/{name.split('/')[1]}/day/"
            assert sum(v for k, v in sums.items() if k.startswith(days) and k.endswith("/exposed")) == value, name
        else:
            assert sums[name] == value, f"{name}: {sums[name]}, not {value}"
    assert sum(wanted.values()) > 0 and list(arms) == ["experiment/welcome_cta/1/arms"]
    assert any(name.endswith("/converted") and "/day/" in name for name in sums), "nobody converted"
    lab.log(f"{len(events)} events, {len(sums)} counters")


def test_changed_arms_are_refused_until_they_have_a_new_version(world):
    events, _ = shoppers.story(world, seed=8, customers=40)
    process = world.start()
    world.produce_ordered(events)
    world.await_applied()
    world.drain(process)
    changed = ["--set", "experiments.welcome_cta.arms.call.weight=10"]
    process = world.start(*changed)
    lab.until("the changed arms to be refused", lambda: process.poll() is not None)
    assert process.returncode == 78, world.tail(process)
    assert "task.refused" in world.tail(process) and "experiment=welcome_cta" in world.tail(process)
    assert "needs a new version" in world.tail(process), world.tail(process)
    process = world.start(*changed, "--set", "experiments.welcome_cta.version=2")
    world.await_owned(process)
    world.drain(process)
