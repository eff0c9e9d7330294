"""What is away, full or broken: a process waits, says so once, shows it, and goes on by itself; nothing is lost or repeated."""
import json
import os
import random
import re
import select
import signal
import socket
import threading
import time

import lab
import shoppers

START = shoppers.START_MS


def visits(world, partition, count, begin=0):
    """Records of one customer of that partition, in the topic of JSON events."""
    customer = next(c for c in (f"v-{i}" for i in range(1000)) if lab.partition_of(c, world.partitions) == partition)
    return [(world.inputs["events"], customer.encode(), json.dumps(
        {"kind": "visit", "customer": customer, "at": START + i, "id": f"{customer}-{i}", "url": "/a"}).encode())
        for i in range(begin, begin + count)]


def test_a_flood_of_unusable_input_stops_its_partition_until_a_restart(world):
    topic = world.inputs["events"]
    good, behind = visits(world, 0, 50), visits(world, 0, 10, begin=50)
    flood = [(topic, good[0][1], b"{not json", 0)] * 300
    process = world.start_watched("--set", "topics.dead_letters.stop_above=20% per 1h")
    world.await_owned(process)
    world.kafka.produce([*good, *flood, *behind, *visits(world, 1, 60)], world.partitions)
    lab.until("the partition to be stopped", lambda: world.metric(process, "partitions_stopped") == 1)
    lab.until("the other partition to go on", lambda: world.applied()[topic][1] == 60)
    assert world.page(process, "readyz") == (503, "dead letters: 1 of 4 partitions stopped by stop_above\n")
    assert world.metric(process, "ready") == 0
    letters = len(world.records("dead_letter"))
    assert letters == 12, letters  # the 13th of 63 would be more than a fifth
    world.drain(process)  # a stopped partition does not hold up the end
    world.processes.clear()
    said = world.whole_log(process).replace('"', "")
    assert said.count("task.stopped") == 1 and "letter=undecodable" in said and f"topic={topic}" in said, said
    process = world.start_watched("--set", "topics.dead_letters.stop_above=100% per 1h")
    world.await_applied()
    assert world.page(process, "readyz") == (200, "ok\n")
    world.drain(process)
    assert len(world.records("dead_letter")) == 300


EXACTLY_ONCE = ("--set", "state.guarantee=exactly_once", "--instance", "only")


class Trouble:
    """What befalls a Redis, and how it ends."""

    def __init__(self, world):
        self.redis = world.redis

    def away(self):
        self.redis.kill()
        return self.redis.start

    def silent(self):
        self.redis.process.send_signal(signal.SIGSTOP)
        return lambda: self.redis.process.send_signal(signal.SIGCONT)

    def full(self):
        self.redis.cli("CONFIG", "SET", "maxmemory", "1")
        return lambda: self.redis.cli("CONFIG", "SET", "maxmemory", "0")

    def read_only_replica(self):
        self.redis.cli("REPLICAOF", "127.0.0.1", "1")
        return lambda: self.redis.cli("REPLICAOF", "NO", "ONE")

    def unable_to_save(self):  # MISCONF
        os.mkdir(os.path.join(self.redis.folder, "dump.rdb"))
        self.save("err")

        def end():
            os.rmdir(os.path.join(self.redis.folder, "dump.rdb"))
            self.save("ok")
            self.redis.cli("CONFIG", "SET", "save", "")
        return end

    def save(self, wanted):
        self.redis.cli("CONFIG", "SET", "save", "3600 1")
        self.redis.cli("BGSAVE")
        lab.until("the end of the save", lambda: f"rdb_last_bgsave_status:{wanted}" in self.redis.cli("INFO", "persistence"))

    def loading(self):  # which it says after every 1,024th command that it reads
        self.redis.cli("EVAL", "for i = 1, 4000 do redis.call('SET', 'filler', i) end", "0")
        self.redis.kill()
        self.redis.start("--key-load-delay", "800", await_ready=False)
        lab.until("a Redis that loads", lambda: "LOADING" in self.redis.cli("PING"))
        return lambda: lab.until("the end of the loading", lambda: self.redis.cli("PING") == "PONG")


def test_whatever_befalls_redis_a_worker_waits_says_so_once_and_goes_on(world):
    events, expected = shoppers.story(world, seed=21, customers=200)
    trouble = Trouble(world)
    kinds = [("away", "refused|closed"), ("silent", "timeout"), ("full", "OOM|EXECABORT"), ("read_only_replica", "READONLY"),
             ("unable_to_save", "MISCONF"), ("loading", "LOADING|closed|refused")]
    size = len(events) // (2 * len(kinds)) + 1
    slices = [events[i:i + size] for i in range(0, len(events), size)]
    process = world.start_watched(*EXACTLY_ONCE)
    world.await_owned(process)
    for name, reason in kinds:
        world.produce_ordered(slices.pop(0) if slices else [])
        world.await_applied()
        before = world.whole_log(process).count("store.down")
        end = getattr(trouble, name)()
        world.produce_ordered(slices.pop(0) if slices else [])
        lab.until(f"{name} to be said", lambda: world.whole_log(process).count("store.down") > before)
        said = re.findall(r'store\.down reason="?([^" ]+)', world.whole_log(process))[-1]
        assert re.fullmatch(reason, said), (name, said)
        status, page = world.page(process, "readyz")
        assert status == 503 and "store: does not answer, or takes no writes\n" in page, (name, page)
        assert world.metric(process, "store_up") == 0 or lab.until("the metric", lambda: world.metric(process, "store_up") == 0)
        time.sleep(0.5)  # a few more attempts, of which nothing may be heard
        assert world.whole_log(process).count("store.down") == before + 1, (name, world.tail(process))
        end()
        lab.until(f"{name} to end", lambda: world.page(process, "readyz")[0] == 200)
    for rest in slices:
        world.produce_ordered(rest)
    world.await_applied()
    world.drain(process)
    said = world.whole_log(process)
    assert said.count("group.assigned") == 1, "it stayed in the group"
    lab.agree_exactly(world, expected)


def rss_mib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) // 1024


def test_memory_stays_bounded_while_redis_is_away_and_a_backlog_waits(world):
    """Of each topic and partition librdkafka holds 16 MiB, the task 4 MiB and what it was sent at once."""
    backlog, page = 20_000, "/" + "a" * 20_000
    customers = [f"b-{i}" for i in range(500)]
    home = [lab.partition_of(c, world.partitions) for c in customers]
    process = world.start_watched()
    world.await_owned(process)
    before = rss_mib(process)
    world.redis.kill()

    def record(i):
        c = i % len(customers)
        event = f'{{"kind": "visit", "customer": "{customers[c]}", "at": {START + i}, "id": "b-{i}", "url": "{page}"}}'
        return world.inputs["events"], customers[c].encode(), event.encode(), home[c]
    world.kafka.produce((record(i) for i in range(backlog)), world.partitions)
    lab.until("the outage to be met", lambda: "store.down" in world.whole_log(process))
    seen = [rss_mib(process)]
    lab.until("memory to rest", lambda: seen.append(rss_mib(process)) or len(seen) > 100 and seen[-1] == seen[-100])
    lab.log(f"{backlog} events of 20 KB wait: {before} MiB before, {seen[-1]} MiB while away")
    process.kill()
    process.wait()
    assert seen[-1] - before < 260, (before, seen[-1])


class Proxy:
    """Between a worker and its Redis: cuts each connection after so many bytes of one direction, until it is told to be good."""

    def __init__(self, folder, to, seed):
        self.path, self.to, self.chance = os.path.join(folder, "proxy.sock"), to, random.Random(seed)
        self.is_good, self.cuts, self.replies_lost = False, 0, 0
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.server.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.to)
        budget = {client: 1 << 60, server: 1 << 60}
        if not self.is_good:
            budget[self.chance.choice([client, server])] = self.chance.choice([40, 400, 4000, 40000]) * self.chance.randrange(1, 4)
        other = {client: server, server: client}
        while True:
            for end in select.select([client, server], [], [])[0]:
                data = end.recv(65536)
                part = data[:budget[end]]
                budget[end] -= len(part)
                if part:
                    other[end].sendall(part)
                if len(part) < len(data) or not data:
                    self.cuts += bool(data)
                    self.replies_lost += bool(data) and end is server
                    client.close()
                    server.close()
                    return


def test_a_connection_cut_in_the_middle_of_anything_loses_and_repeats_nothing(world):
    events, expected = shoppers.story(world, seed=22, customers=150)
    proxy = Proxy(world.folder, world.redis.socket, seed=22)
    process = world.start_watched(*EXACTLY_ONCE, "--set", f"state.store=redis+unix://{proxy.path}")
    slices = iter([events[i:i + 60] for i in range(0, len(events), 60)])
    for part in slices:
        before = proxy.cuts, world.commits()
        world.produce_ordered(part)
        lab.until("a cut or a commit", lambda: (proxy.cuts, world.commits()) != before)
        if proxy.cuts > 30:
            break
    proxy.is_good = True
    for rest in slices:
        world.produce_ordered(rest)
    world.await_applied()
    world.drain(process)
    lab.agree_exactly(world, expected)
    lab.log(f"{proxy.cuts} connections cut, {proxy.replies_lost} of them in an answer")


def with_idle_segment(world):
    """The wall clock rules, and six seconds without a visit are a segment."""
    with open(world.config, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("clock: event", "clock: wall").replace(
        "  lapsed:\n", "  idle: {dimension: behavioral, when: 'now - last(\"visit\") >= seconds(6)'}\n  lapsed:\n")
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(text)


def visit_now(world, customer, at_ms):
    world.produce_ordered([{"kind": "visit", "customer": customer, "at": at_ms, "id": f"{customer}-{at_ms}", "url": "/a"}])


def idle_entries(world, customer):
    return [lab.to_ms(r["at"]) for _, r in world.records("membership")
            if r["customer_id"] == customer and r["segment"] == "idle" and r["status"] == "entered"]


def now_ms():
    return int(time.time() * 1000)


def wait_past(at_ms):
    lab.until("an instant", lambda: now_ms() > at_ms)


def test_time_stands_still_while_kafka_is_away_and_a_process_that_was_stopped_first_reads_what_it_missed(world):
    with_idle_segment(world)
    process = world.start_watched()
    world.await_owned(process)
    first = now_ms()
    visit_now(world, "c-1", first)
    world.await_applied()
    world.kafka.kill()
    lab.until("Kafka's absence to be shown", lambda: world.page(process, "readyz") == (503, "kafka: no broker answers\n"))
    fired = world.metric(process, "timers_fired_total")
    wait_past(first + 7000)  # due at six seconds
    assert world.metric(process, "timers_fired_total") == fired, "silence proves nothing while Kafka is away"
    assert world.metric(process, "stream_time_lag_seconds") > 1
    process.send_signal(signal.SIGSTOP)
    world.kafka.again()
    visit_now(world, "c-1", first + 5000)  # before it was due
    process.send_signal(signal.SIGCONT)
    lab.until("the silence after that visit", lambda: idle_entries(world, "c-1"))
    assert idle_entries(world, "c-1") == [first + 11000], (first, idle_entries(world, "c-1"))
    assert world.whole_log(process).count("kafka.down client=source") == 1, world.tail(process)
    second = now_ms()
    visit_now(world, "c-2", second)
    world.await_applied()
    process.send_signal(signal.SIGSTOP)
    visit_now(world, "c-2", second + 3000)
    wait_past(second + 7000)
    process.send_signal(signal.SIGCONT)
    lab.until("the silence after the second visit", lambda: idle_entries(world, "c-2"))
    assert idle_entries(world, "c-2") == [second + 9000], (second, idle_entries(world, "c-2"))
    world.drain(process)


def test_an_output_topic_that_takes_nothing_is_shown_and_waited_for(world):
    events, expected = shoppers.story(world, seed=23, customers=60)
    world.kafka.configure(world.outputs["membership"], "max.message.bytes", "150")
    process = world.start_watched(*EXACTLY_ONCE)
    world.await_owned(process)
    world.produce_ordered(events)
    shown = lab.until("stuck outputs to be shown", lambda: "outputs:" in world.page(process, "readyz")[1] and world.page(process, "readyz"))
    assert shown[0] == 503 and "outputs.stuck" in world.whole_log(process), shown
    world.kafka.configure(world.outputs["membership"], "max.message.bytes", "1048588")
    lab.until("outputs to move", lambda: world.page(process, "readyz")[0] == 200)
    world.await_applied()
    world.drain(process)
    lab.agree_exactly(world, expected)


def test_a_topic_that_is_not_there_yet_is_waited_for_and_shown(world):
    missing = world.app + ".later"
    process = world.start_watched("--set", f"topics.outcomes.topic={missing}")
    lab.until("the topic to be named", lambda: world.page(process, "readyz") == (
        503, f"starting: waiting for the topic {missing}, or for a broker\n"))
    assert world.page(process, "healthz") == (200, "ok\n")
    world.kafka.create([missing], world.partitions)
    world.await_owned(process)
    lab.until("readiness", lambda: world.page(process, "readyz")[0] == 200)
    world.drain(process)
    assert world.whole_log(process).count("kafka.waiting") == 1
