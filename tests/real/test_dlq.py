"""Dead letters are counted, shown, and written back once their reason is gone."""
import json
import subprocess

import lab
import shoppers


def dlq(world, *arguments, code=0):
    done = subprocess.run([world.segstream, "dlq", *arguments, "-c", world.config, "-o", "json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-1000:], done.stderr[-1000:])
    return json.loads(done.stdout)


def rewrite(world, old, new):
    with open(world.config, encoding="utf-8") as file:
        text = file.read()
    assert old in text
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def test_letters_of_a_wrong_mapping_are_retried_once_it_is_right_and_nothing_is_missing(world):
    topic = world.inputs["events"]
    right, wrong = f"{topic}: {{kind: {{field: kind}}", f"{topic}: {{kind: {{field: sort}}"
    events, expected = shoppers.story(world, seed=21, customers=40)
    assert dlq(world, "ls") == {"letters": [], "matching": 0}

    rewrite(world, right, wrong)
    process = world.start()
    world.produce_ordered(events)
    world.kafka.produce([(topic, "c-broken", b'{"kind":')], world.partitions)
    world.await_applied()
    world.drain(process)
    world.processes.clear()  # it has ended, as it should
    rewrite(world, wrong, right)

    counted = {c["reason"]: c for c in dlq(world, "ls")["letters"]}
    assert counted["missing_field"]["count"] == len(events) and counted["undecodable"]["count"] == 1, counted
    assert counted["missing_field"]["topic"] == topic and "kind" in counted["missing_field"]["last"]
    shown = dlq(world, "show", "--reason", "undecodable")["letters"]
    assert [(s["key"], s["value"]) for s in shown] == [("c-broken", '{"kind":')]
    assert dlq(world, "show", shown[0]["letter"])["letters"] == shown
    assert len(dlq(world, "show", "--limit", "3")["letters"]) == 3

    dry = dlq(world, "retry", "--reason", "missing_field", "--dry-run")
    assert (dry["retried"], dry["dry_run"]) == (len(events), True)
    assert sum(world.ends()[topic]) == len(events) + 1, "a dry run writes nothing"
    done = dlq(world, "retry", "--reason", "missing_field")
    assert done["retried"] == done["matching"] == len(events)
    process = world.start()
    world.await_applied()
    world.drain(process)
    lab.agree(world, expected)
    lab.log(f"{len(events)} letters retried, every output there")
