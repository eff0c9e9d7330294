"""A laboratory for tests with real parts: an Apache Kafka, a redis-server, segstream processes, and clients that know
nothing of segstream but its Avro schemas.

Everything runs on loopback or in a temporary folder and ends by pid. Nothing sleeps for a fixed time: `until` asks again.
"""
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import avro.io
import avro.schema
import confluent_kafka
import confluent_kafka.admin

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def until(what, ask, seconds=60):
    """Ask until the answer is true; the time is a limit for a broken world, not a delay."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for: {what}")
        time.sleep(0.02)


# ---- Avro, as any client would do it -------------------------------------------------------------------------------
def _rabin(data):
    empty = 0xC15D213AA4D7A795
    value = empty
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (empty if value & 1 else 0)
    return value


class Schema:
    def __init__(self, name):
        with open(os.path.join(ROOT, "schemas", name + ".avsc"), encoding="utf-8") as file:
            self.schema = avro.schema.parse(file.read())
        # The canonical form of the specification (and of Java): this library leaves {"type":"long"} where a logical
        # type was taken off.
        canonical = re.sub(r'\{"type":"(\w+)"\}', r'"\1"', self.schema.canonical_form)
        self.header = b"\xc3\x01" + _rabin(canonical.encode()).to_bytes(8, "little")

    def encode(self, record, header=True):
        out = io.BytesIO()
        avro.io.DatumWriter(self.schema).write(record, avro.io.BinaryEncoder(out))
        return (self.header if header else b"") + out.getvalue()

    def decode(self, data):
        if data[:10] != self.header:
            raise AssertionError(f"not a single-object {self.schema.name}: {data[:10].hex()}")
        source = io.BytesIO(data[10:])
        record = avro.io.DatumReader(self.schema).read(avro.io.BinaryDecoder(source))
        assert source.read() == b"", "bytes behind the record"
        return record


_schemas = {}


def schema(name):
    if name not in _schemas:
        _schemas[name] = Schema(name)
    return _schemas[name]


def murmur2(data):
    """The hash of Kafka's Java producers."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    value = (0x9747B28C ^ len(data)) & mask
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        value = (value * m & mask) ^ k
    if len(data) & 3:
        value = (value ^ int.from_bytes(data[whole:], "little")) * m & mask
    value = (value ^ value >> 13) * m & mask
    return value ^ value >> 15


def partition_of(customer, partitions):
    return (murmur2(customer.encode()) & 0x7FFFFFFF) % partitions


# ---- events in both forms: a backtest line, and a record of a shipped schema ---------------------------------------
FEEDBACK = ("delivered", "bounce", "complaint", "unsubscribe", "subscribe", "reply", "refund")
TOPIC_OF = {"click": "click", "open": "open", "purchase": "purchase", "profile": "profile",
            **{kind: "feedback" for kind in FEEDBACK}}
TOPICS = ["click", "open", "purchase", "feedback", "activity", "profile"]


def topic_of(event):
    return TOPIC_OF.get(event["kind"], "activity")


def millis(ms):
    """What Python's Avro wants for timestamp-millis."""
    import datetime
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=ms)


def to_ms(value):
    import datetime
    if not isinstance(value, datetime.datetime):
        return value
    delta = value - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (delta.days * 86400 + delta.seconds) * 1000 + delta.microseconds // 1000


RENAMED = {"id": "event_id", "customer": "customer_id", "at": "occurred_at", "email": "trigger_id",
           "order": "order_id", "link": "link_id"}


def to_record(event):
    """A backtest line as a record of its shipped schema: missing fields as null or their default."""
    of = schema(topic_of(event)).schema
    known = {field.name: field for field in of.fields}
    record = {}
    for name, field in known.items():
        if field.has_default:
            record[name] = field.default
    for name, value in event.items():
        name = RENAMED.get(name, name)
        if name in known:
            record[name] = millis(value) if name == "occurred_at" else value
        elif "properties" in known:
            record["properties"] = {**(record.get("properties") or {}), name: str(value)}
    return record


# ---- the parts ---------------------------------------------------------------------------------------------------
class Kafka:
    def __init__(self, password=None):
        """password: of the user segstream, for whom a broker listens with TLS and SCRAM at `secure`."""
        self.folder = os.path.join(tempfile.mkdtemp(prefix="segstream-kafka-"), "broker")
        environment = {**os.environ, **({"KAFKA_SECURE": password} if password else {})}
        self.servers = subprocess.run([os.path.join(HERE, "kafka"), "up", self.folder], check=True, env=environment,
                                      stdout=subprocess.PIPE, text=True).stdout.strip()
        if password:
            self.ca = os.path.join(self.folder, "1", "ca.pem")
            with open(os.path.join(self.folder, "1", "secure"), encoding="utf-8") as file:
                self.secure = "localhost:" + file.read().strip()
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.servers})

    def create(self, topics, partitions):
        wanted = [confluent_kafka.admin.NewTopic(topic, partitions, 1) for topic in topics]
        for future in self.admin.create_topics(wanted).values():
            future.result(30)

    def produce(self, records, partitions):
        """records: (topic, key, value) in order; the partition is that of a Java producer unless given as a fourth."""
        producer = confluent_kafka.Producer({"bootstrap.servers": self.servers, "enable.idempotence": True,
                                             "queue.buffering.max.messages": 1_000_000, "linger.ms": 5})
        failed = []
        for topic, key, value, *rest in records:
            partition = rest[0] if rest else partition_of(key.decode() if isinstance(key, bytes) else key, partitions)
            producer.produce(topic, key=key, value=value, partition=partition,
                             on_delivery=lambda error, _: failed.append(error) if error else None)
            producer.poll(0)
        assert producer.flush(60) == 0, "records were not delivered"
        assert not failed, failed[:3]

    def read(self, topic, partitions):
        """All records of a topic, partition by partition: (partition, key, value)."""
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.servers, "group.id": "lab-" + os.urandom(6).hex(),
                                             "enable.auto.commit": False, "enable.partition.eof": True})
        consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(partitions)])
        records, ended = [], set()
        deadline = time.monotonic() + 60
        while len(ended) < partitions:
            assert time.monotonic() < deadline, f"{topic} could not be read to its end"
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
                ended.add(message.partition())
            else:
                records.append((message.partition(), message.key(), message.value()))
        consumer.close()
        return records

    def group_offsets(self, group, topic, partitions):
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.servers, "group.id": group})
        try:
            answer = consumer.committed([confluent_kafka.TopicPartition(topic, p) for p in range(partitions)],
                                        timeout=10)
        except confluent_kafka.KafkaException:  # the group's coordinator is still being found
            return [-1] * partitions
        finally:
            consumer.close()
        return [p.offset for p in answer]

    def kill(self):
        subprocess.run([os.path.join(HERE, "kafka"), "kill", self.folder], check=True)

    def again(self):
        subprocess.run([os.path.join(HERE, "kafka"), "again", self.folder], check=True)

    def configure(self, topic, name, value):
        resource = confluent_kafka.admin.ConfigResource(confluent_kafka.admin.RESOURCE_TOPIC, topic, {name: value})
        for future in self.admin.alter_configs([resource]).values():
            future.result(30)

    def stop(self):
        subprocess.run([os.path.join(HERE, "kafka"), "down", self.folder], check=True)
        shutil.rmtree(os.path.dirname(self.folder), ignore_errors=True)


class Redis:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="segstream-redis-")
        self.socket = os.path.join(self.folder, "redis.sock")
        self.url = "redis+unix://" + self.socket
        self.start()

    def start(self, *options, await_ready=True):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--appendonly", "yes",
             "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction",
             "--logfile", os.path.join(self.folder, "log"), *options], stdout=subprocess.DEVNULL)
        if await_ready:
            until("redis-server", lambda: self.cli("PING") == "PONG")

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-s", self.socket, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout.strip()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def save_copy(self):
        """What a server would find that has lost everything since."""
        self.cli("WAITAOF", "1", "0", "1000")  # newer servers only; the copy may be up to a second older
        self.copy = tempfile.mkdtemp(prefix="segstream-redis-copy-")
        shutil.copytree(self.folder, self.copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock", "log"))

    def come_back_as_copied(self):
        self.kill()
        shutil.rmtree(os.path.join(self.folder, "appendonlydir"))
        shutil.copytree(self.copy, self.folder, dirs_exist_ok=True)
        shutil.rmtree(self.copy)
        self.start()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Lab:
    """One test's world: fresh topics on the shared broker, a fresh Redis, a folder, segstream processes."""

    def __init__(self, kafka, segstream, name, partitions=4, rules="lab.yaml"):
        self.kafka, self.segstream, self.partitions = kafka, segstream, partitions
        self.output_partitions = partitions
        self.app = name + "-" + os.urandom(3).hex()
        self.folder = tempfile.mkdtemp(prefix="segstream-lab-")
        self.redis = Redis()
        self.processes = []
        self.inputs = {topic: f"{self.app}.{topic}" for topic in [*TOPICS, "events"]}
        self.outputs = {kind: f"{self.app}.{kind}" for kind in ("trigger", "membership", "outcome", "dead_letter")}
        kafka.create([*self.inputs.values(), *self.outputs.values()], partitions)
        with open(os.path.join(HERE, rules), encoding="utf-8") as file:
            rules_text = file.read()
        self.config = os.path.join(self.folder, "shop.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(rules_text.replace("app: lab", "app: " + self.app) + self._wiring())

    def _wiring(self):
        kinds = {"click": "click", "open": "open", "purchase": "purchase", "profile": "profile",
                 "feedback": "{field: kind}", "activity": "{field: kind}"}
        lines = [f"kafka: {{brokers: [{self.kafka.servers}], consumer_properties: {{session.timeout.ms: \"6000\", "
                 f"heartbeat.interval.ms: \"500\"}}}}",
                 f"state: {{store: \"{self.redis.url}\"}}", "http: {listen: none}", "topics:", "  in:"]
        lines += [f"    {self.inputs[topic]}: {{kind: {kinds[topic]}}}" for topic in TOPICS]
        lines += [f"    {self.inputs['events']}: {{kind: {{field: kind}}, format: json}}"]
        lines += [f"  {key}: {{topic: {self.outputs[kind]}}}" for key, kind in
                  (("triggers", "trigger"), ("memberships", "membership"), ("outcomes", "outcome"),
                   ("dead_letters", "dead_letter"))]
        return "\n" + "\n".join(lines) + "\n"

    # -- events
    def produce(self, events):
        self.kafka.produce([(self.inputs[topic_of(e)], e["customer"], schema(topic_of(e)).encode(to_record(e)))
                            for e in events], self.partitions)

    def produce_ordered(self, events):
        """All kinds in one topic, as JSON: for tests that write while workers read, where the order across kinds matters."""
        self.kafka.produce([(self.inputs["events"], e["customer"], json.dumps(e).encode()) for e in events],
                           self.partitions)

    def backtest(self, events, until_ms=None):
        path = os.path.join(self.folder, "events.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(e) + "\n" for e in events)
        command = [self.segstream, "backtest", "-c", self.config, path]
        if until_ms is not None:
            command += ["--until", str(until_ms)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, f"backtest: {done.returncode} {done.stderr[-2000:]}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    # -- processes
    def start(self, *arguments):
        log = open(os.path.join(self.folder, f"run-{len(self.processes)}.log"), "wb")
        process = subprocess.Popen([self.segstream, "run", "-c", self.config, *arguments], stdout=log, stderr=log)
        process.log_path = log.name
        log.close()
        self.processes.append(process)
        return process

    def applied(self):
        """Offsets the group has committed, of every input partition: what is durably applied."""
        return {topic: self.kafka.group_offsets(self.app, topic, self.partitions) for topic in self.inputs.values()}

    def ends(self):
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.kafka.servers, "group.id": "lab-ends"})
        ends = {}

        def found():  # a topic just made may have no leader yet
            try:
                for topic in self.inputs.values():
                    ends[topic] = [consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, p),
                                                                  timeout=10)[1] for p in range(self.partitions)]
            except confluent_kafka.KafkaException:
                return False
            return True

        until("every partition to have a leader", found)
        consumer.close()
        return ends

    def await_applied(self, seconds=120):
        """Wait until everything written is applied: offsets committed behind the last record of every partition."""
        ends = self.ends()

        def all_applied():
            for process in self.processes:
                if process.poll() not in (None, -signal.SIGKILL):
                    raise AssertionError(f"segstream ended with {process.returncode}:\n{self.tail(process)}")
            applied = self.applied()
            return all(applied[t][p] >= end for t in ends for p, end in enumerate(ends[t]) if end > 0)
        until(f"all input to be applied; at {self.applied} of {ends}", all_applied, seconds)

    def await_owned(self, *processes):
        """Wait until these processes together own every partition: claimed, timers read, records applied from now on."""
        def all_owned():
            for process in processes:
                assert process.poll() is None, self.tail(process)
            said = [re.findall(r"task\.(ready|lost) partition=(\d+)", self.whole_log(p)) for p in processes]
            last = [{partition: word for word, partition in words} for words in said]
            return len({p for words in last for p, word in words.items() if word == "ready"}) == self.partitions
        until("every partition to be owned", all_owned)

    def commits(self):
        """How many commits Redis has taken, over all partitions: the versions of their guards."""
        guards = self.redis.cli("MGET", *[f"sg:{{{self.app}.{p}}}:g" for p in range(self.partitions)]).splitlines()
        return sum(int(guard.split(".")[1]) for guard in guards if guard)

    def at_end(self, process):
        """By the offsets that Redis holds, whatever the group says."""
        del process
        ends = self.ends()
        keys = [f"sg:{{{self.app}.{p}}}:m" for p in range(self.partitions)]
        for p, key in enumerate(keys):
            raw = subprocess.run(["redis-cli", "-s", self.redis.socket, "GET", key], stdout=subprocess.PIPE).stdout[:-1]
            at = {x["topic"]: x["next_offset"] for x in schema("partition").decode(raw)["positions"]}
            if any(at.get(topic, -1) < topic_ends[p] for topic, topic_ends in ends.items() if topic_ends[p] > 0):
                return False
        return True

    def whole_log(self, process):
        with open(process.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def tail(self, process):
        return self.whole_log(process)[-3000:]

    def start_watched(self, *arguments):
        """A process whose pages can be read."""
        process = self.start("--set", "http.listen=127.0.0.1:0", *arguments)
        found = until("the pages", lambda: re.search(r"http\.listening port=(\d+)", self.whole_log(process)))
        process.pages = f"http://127.0.0.1:{found[1]}"
        return process

    def page(self, process, name):
        """Returns: status and text."""
        try:
            with urllib.request.urlopen(f"{process.pages}/{name}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, process, name):
        return float(re.search(rf"(?m)^segstream_{name} (-?[0-9.]+)$", self.page(process, "metrics")[1])[1])

    def drain(self, process, seconds=30):
        process.send_signal(signal.SIGTERM)
        process.wait(seconds)
        assert process.returncode == 0, f"drained with {process.returncode}:\n{self.tail(process)}"

    # -- outputs
    def records(self, kind):
        return [(key, schema(kind).decode(value)) for _, key, value in
                self.kafka.read(self.outputs[kind], self.output_partitions) if value is not None]

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


# ---- what two runs must agree on ---------------------------------------------------------------------------------
def membership_id(r):
    return (r.get("customer_id") or r["customer"], r["segment"], r["status"], to_ms(r["at"]), r["cause"])


def outcome_id(r):
    return (r.get("customer_id") or r["customer"], r["sequence"], r["run"], r["email"], r["attempt"], r["outcome"],
            r["reason"], to_ms(r["at"]))


def trigger_fields(r):
    return (r.get("customer_id") or r["customer"], r["sequence"], r["run"], to_ms(r["entered_at"]), r["email"],
            r["attempt"], r["reason"], to_ms(r["planned_at"]), to_ms(r["sent_at"]), to_ms(r["expires_at"]),
            json.dumps(r["content"], sort_keys=True), json.dumps(r["segments"]), r["lifecycle"])


def agree(lab, expected):
    """The topics hold what the backtest says: nothing missing, nothing else, repeats only with equal ids and content.
    Returns the number of repeats."""
    triggers = {}
    repeats = 0
    for key, record in lab.records("trigger"):
        assert key.decode() == record["customer_id"]
        fields = trigger_fields(record)
        repeats += record["trigger_id"] in triggers
        assert triggers.setdefault(record["trigger_id"], fields) == fields, "one id, two contents"
    same("triggers", triggers, {r["trigger_id"]: trigger_fields(r) for r in expected if r["type"] == "trigger"})
    same("memberships", {membership_id(r): 0 for _, r in lab.records("membership")},
         {membership_id(r): 0 for r in expected if r["type"] == "membership"})
    same("outcomes", {outcome_id(r): 0 for _, r in lab.records("outcome")},
         {outcome_id(r): 0 for r in expected if r["type"] == "outcome"})
    return repeats


def agree_exactly(lab, expected):
    """As `agree`, and each output is there once, in order per customer."""
    assert agree(lab, expected) == 0, "triggers repeat"
    for kind, identity in (("trigger", lambda r: r["trigger_id"]), ("membership", membership_id), ("outcome", outcome_id)):
        got, wanted = {}, {}
        for _, record in lab.records(kind):
            got.setdefault(record["customer_id"], []).append(identity(record))
        for record in expected:
            if record["type"] == kind:
                wanted.setdefault(record["customer"], []).append(identity(record))
        for customer, names in wanted.items():
            assert len(got[customer]) == len(names), f"{kind}s of {customer}: {len(got[customer])}, not {len(names)}"
            assert got[customer] == names, f"{kind}s of {customer} are out of order"


def same(what, got, expected):
    missing = [k for k in expected if k not in got]
    extra = [k for k in got if k not in expected]
    other = [(got[k], expected[k]) for k in expected if k in got and got[k] != expected[k]]
    assert not missing and not extra and not other, (
        f"{what}: {len(missing)} missing of {len(expected)}, {len(extra)} extra, {len(other)} different; "
        f"missing {missing[:3]}, extra {extra[:3]}, different {other[:2]}")


def log(text):
    print("     " + text, flush=True)


if __name__ == "__main__":
    sys.exit("run.py runs the tests")
