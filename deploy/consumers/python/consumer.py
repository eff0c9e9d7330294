#!/usr/bin/env python3
"""Reads triggers and sends each email once. Debian 12: apt install python3-confluent-kafka python3-avro

consumer.py BROKERS TOPIC GROUP STATE.sqlite [SCHEMA.avsc]
"""
import io
import json
import re
import signal
import sqlite3
import sys
import time

import avro.io
import avro.schema
import confluent_kafka

KEEP_IDS_S = 14 * 86_400  # longer than the topic keeps records


def crc_64_avro(data):
    empty = 0xC15D213AA4D7A795
    value = empty
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (empty if value & 1 else 0)
    return value


class Triggers:
    """Avro single-object encoding: C3 01, the fingerprint of the writer's schema, the record."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.schema = avro.schema.parse(file.read())
        # this library leaves {"type":"long"} where a logical type was taken off; the canonical form has "long"
        canonical = re.sub(r'\{"type":"(\w+)"\}', r'"\1"', self.schema.canonical_form)
        self.header = b"\xc3\x01" + crc_64_avro(canonical.encode()).to_bytes(8, "little")

    def decode(self, value):
        if value[:10] != self.header:
            raise ValueError("another version of the schema: take its trigger.avsc, too")
        return avro.io.DatumReader(self.schema).read(avro.io.BinaryDecoder(io.BytesIO(value[10:])))


def send(trigger):
    """Put your email system here, and give it the trigger_id as its idempotency key if it takes one: that closes the last gap, a
    death between sending and the commit below."""
    print(json.dumps({"send": trigger["trigger_id"], "customer": trigger["customer_id"], "email": trigger["email"],
                      "subject": trigger["content"].get("subject")}), flush=True)


def handle(database, trigger):
    with database:  # one transaction: the id, and in your system the email's own row
        database.execute("DELETE FROM sent WHERE at < ?", (time.time() - KEEP_IDS_S,))
        fresh = database.execute("INSERT OR IGNORE INTO sent VALUES (?, ?)", (trigger["trigger_id"], time.time())).rowcount
        if fresh and trigger["expires_at"].timestamp() > time.time():
            send(trigger)


def main(brokers, topic, group, state, schema="schemas/trigger.avsc"):
    triggers = Triggers(schema)
    database = sqlite3.connect(state)
    database.execute("CREATE TABLE IF NOT EXISTS sent (trigger_id TEXT PRIMARY KEY, at REAL)")
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": brokers, "group.id": group, "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",   # the default here; said since the promise rests on it
        "enable.auto.commit": False,           # an offset is committed behind its email, never before
    })
    consumer.subscribe([topic])
    running = [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    while running:
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error():
            print(message.error(), file=sys.stderr)  # librdkafka tries again by itself
            continue
        handle(database, triggers.decode(message.value()))
        consumer.commit(message, asynchronous=True)
    consumer.close()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
