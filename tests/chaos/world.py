"""The real parts: brokers, a Redis with its append-only file, workers, the proxy between them, and who writes the input."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import confluent_kafka
import confluent_kafka.admin

import lab

HERE = os.path.dirname(os.path.abspath(__file__))
KAFKA, KAFKA_VERSION = os.path.join(lab.ROOT, "tests", "real", "kafka"), "3.9.2"  # as tests/run has it
APP = "chaos"
OUTPUTS = {"trigger": "chaos.trigger", "membership": "chaos.membership", "outcome": "chaos.outcome",
           "dead_letter": "chaos.dead-letter"}
PARTITIONS = 8
SESSION_MS = 4000
APP_YAML = """version: 1
app: {app}
currency: EUR
time: {{zone: Europe/Berlin, zone_from: customer.zone, allowed_lateness: 1h, clock: event}}
limits: {{emails: [1 per 24h, 3 per 7d], quiet_hours: "21:00-08:00", priority: [reengage, nurture], holdout: 5%}}
http: {{listen: none}}
state: {{store: "redis+unix://{redis}", guarantee: exactly_once, commit_every: 100ms}}
kafka:
  brokers: [{brokers}]
  consumer_properties: {{session.timeout.ms: "{session_ms}", heartbeat.interval.ms: "500"}}
topics:
  in: {{{inputs}}}
  triggers: {{topic: {trigger}}}
  memberships: {{topic: {membership}}}
  outcomes: {{topic: {outcome}}}
  dead_letters: {{topic: {dead_letter}}}
"""


class Brokers:
    """One node, or three with three copies of everything. We write and read past the proxy."""

    def __init__(self, folder, count):
        self.folder, self.count = folder, count
        cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
        self.environment = {"KAFKA_LIBS": os.path.join(cache, "segstream", "kafka-" + KAFKA_VERSION), **os.environ,
                            "KAFKA_PROXIED": "1"}
        self.servers = subprocess.run([KAFKA, "up", folder, str(count)], check=True, stdout=subprocess.PIPE, text=True,
                                      env=self.environment).stdout.strip()
        self.doors = {f"kafka{n}": self._doors(n) for n in self.nodes()}
        self.proxied = ",".join("127.0.0.1:" + told for told, _ in self.doors.values())
        self.admin = confluent_kafka.admin.AdminClient(self.client())
        self.starting = {}

    def _doors(self, node):
        with open(os.path.join(self.folder, str(node), "proxied"), encoding="utf-8") as file:
            return file.read().split()

    def nodes(self):
        return range(1, self.count + 1)

    def create(self, topics):
        wanted = [confluent_kafka.admin.NewTopic(topic, PARTITIONS, self.count if self.count == 3 else 1) for topic in topics]
        for future in self.admin.create_topics(wanted).values():
            future.result(60)

    def signal(self, node, what):
        with open(os.path.join(self.folder, str(node), "pid"), encoding="utf-8") as file:
            os.kill(int(file.read()), what)

    def again(self, node):
        self.starting[node] = subprocess.Popen([KAFKA, "again", self.folder, str(node)], stdout=subprocess.DEVNULL,
                                               env=self.environment)

    def is_up(self, node):
        """Started, as far as we ordered it to."""
        process = self.starting.get(node)
        if process is not None and process.poll() is not None:
            assert process.returncode == 0, f"broker {node} did not start; see {self.folder}/{node}/log"
            del self.starting[node]
        return node not in self.starting

    def client(self, **more):
        return {"bootstrap.servers": self.servers, "topic.metadata.refresh.interval.ms": 5000, "log_level": 2, **more}

    def read(self, topic):
        """All committed records of a topic: a list of (key, value) by partition."""
        consumer = confluent_kafka.Consumer(self.client(**{"group.id": "reader-" + os.urandom(6).hex(), "enable.partition.eof": True,
                                                           "enable.auto.commit": False, "isolation.level": "read_committed"}))
        consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        records, ended = [[] for _ in range(PARTITIONS)], set()
        deadline = time.monotonic() + 120
        while len(ended) < PARTITIONS:
            assert time.monotonic() < deadline, f"{topic} could not be read to its end"
            for message in consumer.consume(10000, 1):
                if not message.error():
                    records[message.partition()].append((message.key(), message.value()))
                elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
        consumer.close()
        return records

    def ends(self, topics):
        """By partition: topic to the offset behind its last record."""
        consumer = confluent_kafka.Consumer(self.client(**{"group.id": "ends"}))
        ends = [{t: consumer.get_watermark_offsets(confluent_kafka.TopicPartition(t, p), timeout=30)[1] for t in topics}
                for p in range(PARTITIONS)]
        consumer.close()
        return ends

    def stop(self):
        """What they wrote stays, for a second look at what went wrong."""
        for node in self.nodes():
            try:
                self.signal(node, signal.SIGKILL)
            except (OSError, ValueError):
                pass


class Redis:
    """A redis-server whose append-only file can be cut back to what it was a moment ago, as a power failure would."""
    KEPT_S = 3

    def __init__(self, folder, fsync):
        self.folder, self.fsync = folder, fsync
        self.socket = os.path.join(folder, "direct.sock")
        self.link, self.lock = None, threading.Lock()
        self.sizes = []  # (when, file, size) of the last seconds
        os.makedirs(folder)
        self.start()
        lab.until("redis-server", self.is_up)

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--appendonly", "yes",
             "--appendfsync", self.fsync, "--save", "", "--maxmemory-policy", "noeviction",
             "--logfile", os.path.join(self.folder, "log")], stdout=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def _append_file(self):
        folder = os.path.join(self.folder, "appendonlydir")
        names = [n for n in os.listdir(folder) if n.endswith(".incr.aof")]
        return os.path.join(folder, max(names, key=lambda n: int(n.split(".")[-3]))) if names else None

    def note_size(self):
        file = self._append_file()
        if file is not None:
            now = time.monotonic()
            self.sizes.append((now, file, os.path.getsize(file)))
            self.sizes = [s for s in self.sizes if s[0] > now - self.KEPT_S]

    def lose_a_second(self, chance):
        """Requires: killed. Cuts at any byte of the last second. Returns the bytes lost."""
        file = self._append_file()
        size = os.path.getsize(file)
        then = [s for s in self.sizes if s[0] > time.monotonic() - 1 and s[1] == file]
        kept = min(size, then[0][2] + chance.randrange(200)) if then else size
        os.truncate(file, kept)
        return size - kept

    def ask(self, *words):
        """The answer to one command; None when there is none. A list for arrays, text for all else."""
        request = b"*%d\r\n" % len(words)
        for word in words:
            data = word.encode()
            request += b"$%d\r\n%s\r\n" % (len(data), data)
        with self.lock:
            try:
                if self.link is None:
                    connection = socket.socket(socket.AF_UNIX)
                    connection.settimeout(1)
                    connection.connect(self.socket)
                    self.link = connection, connection.makefile("rb")
                self.link[0].sendall(request)
                return self._answer(self.link[1])
            except OSError:
                if self.link is not None:
                    self.link[0].close()
                self.link = None
                return None

    def _answer(self, file):
        line = file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("the connection ended")
        if line[:1] == b"*":
            return [self._answer(file) for _ in range(int(line[1:]))]
        if line[:1] != b"$":
            return line[1:-2]
        size = int(line[1:])
        return None if size < 0 else file.read(size + 2)[:-2]

    def is_up(self):
        return self.ask("PING") == b"PONG"

    def guards(self):
        """(epoch, version) by partition: its owner's, and commits so far. None while Redis is away."""
        guards = self.ask("MGET", *[f"sg:{{{APP}.{p}}}:g" for p in range(PARTITIONS)])
        return [tuple(map(int, g.split(b".")[:2])) if g else (0, 0) for g in guards] if isinstance(guards, list) else None

    def versions(self):
        guards = self.guards()
        return [version for _, version in guards] if guards is not None else None

    def state(self, partition):
        raw = self.ask("GET", f"sg:{{{APP}.{partition}}}:m")
        return lab.schema("partition").decode(raw) if raw else None

    def stop(self):
        self.process.kill()
        self.process.wait()


class Proxy:
    def __init__(self, doors):
        ways = [f"{name}={listen}>{target}" for name, (listen, target) in doors.items()]
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "proxy.py"), *ways], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def order(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.kill()
        self.process.wait()


class Worker:
    """One instance, started again and again under its name, if it has one for the group."""

    def __init__(self, world, name, is_named=True):
        self.world, self.name = world, name
        self.names = ["--instance", name] if is_named else []
        self.process = None
        self.is_wanted = False
        self.is_stopped = False
        self.log_path = os.path.join(world.folder, name + ".log")

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.world.segstream, "run", "-c", self.world.config, *self.names],
                                            stdout=log, stderr=log)
        self.is_wanted = True

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, what):
        if self.is_running():
            self.process.send_signal(what)
        self.is_stopped = what == signal.SIGSTOP and self.is_running()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()


class Feeder(threading.Thread):
    """Writes the story in order, so fast that it lasts as long as it should; then without idempotence, a fatal error of which would
    end the run: now and then a record is there twice, as in life."""

    def __init__(self, world, events, seconds):
        super().__init__(daemon=True)
        self.world, self.events, self.seconds = world, events, seconds
        self.is_done, self.failure, self.written = False, None, 0
        self.is_hurried = False

    def run(self):
        producer = confluent_kafka.Producer(self.world.brokers.client(**{
            "acks": "all", "max.in.flight.requests.per.connection": 1, "enable.idempotence": self.seconds == 0,
            "message.timeout.ms": 0, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000}))
        try:
            self._write(producer)
        except Exception as error:  # said by the main thread
            self.failure = error
        self.is_done = True

    def _told(self, error, _):
        if error:
            self.failure = error
        else:
            self.written += 1

    def _write(self, producer):
        began = time.monotonic()
        for i, event in enumerate(self.events):
            while not self.is_hurried and time.monotonic() - began < self.seconds * i / len(self.events):
                producer.poll(0.02)
            customer = event["customer"]
            producer.produce(self.world.input_of(event), key=customer, value=json.dumps(event), on_delivery=self._told,
                             partition=lab.partition_of(customer, PARTITIONS))
            producer.poll(0)
        while producer.flush(1) > 0:
            pass


class World:
    def __init__(self, segstream, folder, brokers, fsync, workers, is_proxied=True, session_ms=SESSION_MS,
                 has_topics=False):
        self.segstream, self.folder = os.path.abspath(segstream), folder
        self.brokers = Brokers(os.path.join(folder, "kafka"), brokers)
        self.redis = Redis(os.path.join(folder, "redis"), fsync)
        self.inputs = [f"{APP}.{name}" for name in (lab.TOPICS if has_topics else ["events"])]
        self.brokers.create([*self.inputs, *OUTPUTS.values()])
        servers, redis = self.brokers.servers, self.redis.socket
        self.proxy = None
        if is_proxied:
            servers, redis = self.brokers.proxied, os.path.join(folder, "redis.sock")
            self.proxy = Proxy({**self.brokers.doors, "redis": (redis, self.redis.socket)})
        self.config = os.path.join(folder, "shop")
        shutil.copytree(os.path.join(lab.ROOT, "deploy", "examples", "shop"), self.config)
        with open(os.path.join(self.config, "app.yaml"), "w", encoding="utf-8") as file:
            file.write(APP_YAML.format(app=APP, redis=redis, brokers=servers, session_ms=session_ms, **OUTPUTS,
                                       inputs=", ".join(f"{t}: {{kind: {{field: kind}}, format: json}}" for t in self.inputs)))
        self.workers = [Worker(self, f"w{i}") for i in range(1, workers + 3)]
        self.wanted_workers = workers

    def start_workers(self):
        for worker in self.workers[:self.wanted_workers]:
            worker.start()

    def running(self):
        return [w for w in self.workers if w.is_running() and not w.is_stopped]

    def input_of(self, event):
        return self.inputs[0] if len(self.inputs) == 1 else f"{APP}.{lab.topic_of(event)}"

    def is_applied(self, partition, ends):
        state = self.redis.state(partition)
        return state is not None and all(ends[partition][x["topic"]] in (0, x["next_offset"]) for x in state["positions"])

    def is_drained(self, ends, closing_ms):
        """Everything is applied, every timer before the closing event has fired, everything has been published."""
        for p in range(PARTITIONS):
            state = self.redis.state(p)
            if state is None or not self.is_applied(p, ends):
                return False
            if state["outbox_trimmed"] != state["outbox_last"] or state["stream_time"] < closing_ms:
                return False
            if self.redis.ask("ZCOUNT", f"sg:{{{APP}.{p}}}:t", "-inf", f"({closing_ms}") != b"0":
                return False
        return True

    def stop(self):
        for worker in self.workers:
            if worker.is_running():
                worker.process.kill()
                worker.process.wait()
        if self.proxy is not None:
            self.proxy.stop()
        self.redis.stop()
        self.brokers.stop()
