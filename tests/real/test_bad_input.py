"""Keys, sizes and values of every kind: each is a fact or a dead letter with its reason, and nothing stops."""
import json

import confluent_kafka

import lab

AT = 1_767_571_200_000


def event(customer, at=AT, **more):
    return json.dumps({"kind": "visit", "customer": customer, "at": at, "url": "/a", **more}, ensure_ascii=False).encode()


def played(world, records, *arguments):
    """Records of the JSON topic, all in one partition's order; what became of them: dead letters and who was entered."""
    world.kafka.produce([(world.inputs["events"], key, value, partition) for key, value, partition in records], world.partitions)
    process = world.start(*arguments)
    world.await_applied()
    world.drain(process)
    entered = {r["customer_id"] for _, r in world.records("membership") if r["status"] == "entered"}
    reasons = [r["reason"] for _, r in sorted(world.records("dead_letter"), key=lambda item: (item[1]["partition"], item[1]["offset"]))]
    return entered, reasons


def at_home(world, customer, value=None):
    return customer.encode(), value or event(customer), lab.partition_of(customer, world.partitions)


def test_keys_of_every_kind_are_customers_or_dead_letters(world):
    good = ["c", "x" * 256, "{a}.{b}", "a\r\nb", "sg:{x.0}:g", " ", "\U0001f600", "\u202eabc", "*?[a-z]", "a:b"]
    bad = [(None, event("c"), 0, "key_missing"), (b"", event(""), 0, "missing_field"), (b"x" * 257, event("x" * 257), 0, "too_large"),
           (b"\xff\xfe", b'{"kind": "visit", "customer": "\xff\xfe", "at": 1}', 0, "undecodable"),
           (b"\xc0\xaf", b'{"kind": "visit", "customer": "\xc0\xaf", "at": 1}', 0, "undecodable"),
           (b"a\0b", b'{"kind": "visit", "customer": "a\\u0000b", "at": 1}', 0, "undecodable"),
           (b"c", event("d"), 0, "wrong_key")]
    entered, reasons = played(world, [at_home(world, c) for c in good] + [b[:3] for b in bad])
    assert entered == set(good), entered ^ set(good)
    assert reasons == [reason for *_, reason in bad], reasons


def test_values_beyond_belief_are_dead_letters_or_facts(world):
    home = lab.partition_of("c", world.partitions)
    purchase = b'{"kind": "purchase", "customer": "c", "at": %d, "order": "o-%%d", "currency": "EUR", "amount": %%s}' % AT
    records = [(b"c", purchase % (i, amount), home) for i, amount in enumerate(
        [b"NaN", b"Infinity", b"1e308", b"-5", b"12.5", b"9223372036854775808", b"9223372036854775807", b"0", b'"100"'])]
    records += [(b"c", event("c", at=at), home) for at in (-1, 0, 1_767_571_200, 253_402_300_800_000, 1 << 62)]
    records += [(b"c", event("c", kind="never.heard.of"), home), (b"c", event("c", kind=""), home)]
    entered, reasons = played(world, records, "--set", "time.clock=wall")
    assert entered == {"c"}  # 2^63-1 and 0 are amounts, 1970 and seconds taken for milliseconds are times, any name is a kind
    assert reasons == ["undecodable", "undecodable", "bad_value", "bad_value", "bad_value", "undecodable", "bad_value"] + ["bad_value"] * 3, reasons


def test_what_is_large_is_bounded(world):
    topic = world.inputs["events"]
    world.kafka.configure(topic, "max.message.bytes", "4000000")
    home = lab.partition_of("c", world.partitions)
    producer = confluent_kafka.Producer({"bootstrap.servers": world.kafka.servers, "message.max.bytes": 4_000_000, "compression.type": "gzip"})
    producer.produce(topic, key=b"c", value=event("c", url="a" * 3_000_000), partition=home)
    producer.produce(topic, key=b"c", value=event("c", url="a" * 1_000_000), partition=home)
    producer.produce(topic, key=b"c", value=event("c"), partition=home, headers=[(f"h{i}", b"x" * 20) for i in range(10_000)])
    producer.produce(topic, key=b"c", value=b"[" * 1_040_000, partition=home)
    assert producer.flush(60) == 0
    entered, reasons = played(world, [at_home(world, "d")])
    assert entered == {"c", "d"} and reasons == ["too_large", "too_large", "undecodable"], (entered, reasons)
    found = [r for _, r in world.records("dead_letter")]
    assert [len(r["value"]) for r in found] == [1024] * 3, "of what no topic would take only the beginning is kept"
