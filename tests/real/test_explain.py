"""Tools beside workers: explain and cuts read the Redis that workers write, up or down, and disturb nothing."""
import json
import os
import subprocess

import lab
import shoppers


def tool(world, *arguments):
    done = subprocess.run([world.segstream, *arguments, "-c", world.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, (arguments, done.stderr[-2000:])
    return done.stdout


def explained(world, customer, at_ms, *more):
    said = json.loads(tool(world, "explain", customer, "--at", str(at_ms), "-o", "json", *more))
    said["partition_count"] = said.pop("partition_count", None)
    for key in ("partition", "partition_count", "decided_at", "record_bytes", "since_record"):
        said.pop(key, None)  # where it is, and how far time alone was followed
    return said


def test_a_customer_is_explained_from_redis_as_after_a_backtest_with_the_worker_up_and_down(world):
    events, expected = shoppers.story(world, customers=40)
    state = os.path.join(world.folder, "state")
    subprocess.run([world.segstream, "backtest", "-c", world.config, os.path.join(world.folder, "events.ndjson"), "--state", state],
                   stdout=subprocess.DEVNULL, check=True)
    world.produce(events)
    process = world.start()
    world.await_applied()
    at_ms = max(e["at"] for e in events) + lab.DAY_MS
    customers = sorted({e["customer"] for e in events})[:12]
    after = {c: explained(world, c, at_ms, "--state", state) for c in customers}
    up = {c: explained(world, c, at_ms) for c in customers}
    cuts_up = tool(world, "cuts", "--at", str(at_ms))
    world.drain(process)
    down = {c: explained(world, c, at_ms) for c in customers}
    for c in customers:
        assert up[c] == after[c], (c, up[c], after[c])
        assert down[c] == after[c], (c, down[c], after[c])
    assert cuts_up == tool(world, "cuts", "--at", str(at_ms)) == tool(world, "cuts", "--at", str(at_ms), "--state", state)
    assert any(s["runs"] for said in after.values() for s in said["sequences"].values()), "nobody ran"
    assert lab.agree(world, expected) == 0, "who only reads makes nobody repeat"
