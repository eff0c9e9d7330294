"""What operators do and see: topics, the service manager's messages, the lag, logs."""
import os
import re
import signal
import socket
import subprocess

import confluent_kafka.admin

import lab


# ---- topics --------------------------------------------------------------------------------------------------------
def topics(world, action, *arguments):
    done = subprocess.run([world.segstream, "topics", action, "-c", world.config, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stdout, done.stderr


def rename(world, suffix, only=""):
    """The same configuration with topics that are not there yet."""
    with open(world.config, encoding="utf-8") as file:
        text = file.read()
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(re.sub(rf"\b{re.escape(world.app)}\.({only or '[a-z_]+'})\b", rf"{world.app}.\g<1>{suffix}", text))


def settings(world, topic):
    resource = confluent_kafka.admin.ConfigResource(confluent_kafka.admin.ConfigResource.Type.TOPIC, topic)
    (future,) = world.kafka.admin.describe_configs([resource]).values()
    return {name: entry.value for name, entry in future.result(30).items()}


def test_topics_apply_makes_what_is_missing_once_and_changes_nothing(world):
    rename(world, "2")
    code, planned, said = topics(world, "plan", "--partitions", "6")
    assert code == 0 and len(re.findall(r"(?m)^create ", planned)) == 11, (code, planned, said)
    assert "11 topics: 0 there, 11 to create" in planned, planned
    assert f"{world.app}.click2" not in world.kafka.admin.list_topics(timeout=10).topics, "a plan makes nothing"

    code, made, said = topics(world, "apply", "--partitions", "6")
    assert code == 0 and len(re.findall(r"(?m)^created ", made)) == 11, (code, made, said)
    found = lab.until("the topics", lambda: (lambda t: t if f"{world.app}.membership2" in t else None)(
        world.kafka.admin.list_topics(timeout=10).topics))
    assert all(len(found[f"{world.app}.{name}2"].partitions) == 6 for name in ("click", "events", "trigger", "outcome"))
    assert settings(world, f"{world.app}.membership2")["cleanup.policy"] == "compact"
    assert settings(world, f"{world.app}.trigger2")["retention.ms"] == "604800000"

    code, again, said = topics(world, "apply")
    assert code == 0 and "11 topics: 11 there, 0 created" in again, (code, again, said)
    assert "differs" not in again and "must be" not in again, again


def test_topics_refuses_unequal_inputs_and_says_which_setting_must_be_another(world):
    lab.until("the topics to be known", lambda: set(world.outputs.values()) | set(world.inputs.values()) <=
              set(world.kafka.admin.list_topics(timeout=10).topics))
    code, said, _ = topics(world, "plan")  # the laboratory makes all topics alike
    assert code == 78 and f"{world.app}.membership" in said and "must be another: cleanup.policy=delete" in said, said
    assert f"--entity-name {world.app}.membership --add-config cleanup.policy=compact" in said, said

    rename(world, "3", "click")
    code, _, said = topics(world, "apply", "--partitions", "7")
    assert code == 78 and "is there with 4 partitions" in said, said
    code, said, _ = topics(world, "plan")
    assert f"create  {world.app}.click3  partitions=4 replication=1" in said, said
    world.kafka.create([world.app + ".click3"], 3)
    lab.until("the topic to be known", lambda: world.app + ".click3" in world.kafka.admin.list_topics(timeout=10).topics)
    code, _, said = topics(world, "plan")
    assert code == 78 and "equal counts" in said, said


def test_topics_without_a_broker_is_a_service_that_is_unavailable(world):
    code, _, said = topics(world, "plan", "--set", "kafka.brokers=127.0.0.1:1")
    assert code == 69 and "Kafka does not answer" in said, (code, said)


# ---- the service manager ---------------------------------------------------------------------------------------------
class Manager:
    """A socket as systemd has it."""

    def __init__(self, world, watchdog_s):
        self.path = os.path.join(world.folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.heard = []
        os.environ.update(NOTIFY_SOCKET=self.path, WATCHDOG_USEC=str(int(watchdog_s * 1e6)))

    def listen(self):
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.heard

    def count(self, word):
        return sum(line.startswith(word) for line in self.listen())

    def close(self):
        self.socket.close()
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]


def test_the_service_manager_hears_of_start_progress_outage_and_end(world):
    manager = Manager(world, 4)
    try:
        process = world.start_watched()
        lab.until("READY=1", lambda: manager.count("READY=1"))
        world.await_owned(process)
        lab.until("signs of life", lambda: manager.count("WATCHDOG=1") >= 2)
        lab.until("a status", lambda: any(re.match(r"STATUS=ready: 4 of 4 partitions ready, 0 records behind", line)
                                          for line in manager.listen()))
        world.redis.kill()
        lab.until("the outage to be seen", lambda: world.metric(process, "store_up") == 0)
        before = manager.count("WATCHDOG=1")
        lab.until("waiting to be a sign of life", lambda: manager.count("WATCHDOG=1") >= before + 3)
        world.redis.start()
        lab.until("the store again", lambda: world.metric(process, "store_up") == 1)
        assert manager.count("STOPPING=1") == 0
        world.drain(process)
        assert manager.count("STOPPING=1") == 1
        missing = world.start("--set", f"topics.triggers.topic={world.app}.nowhere")
        lab.until("the start to be extended", lambda: manager.count("EXTEND_TIMEOUT_USEC="))
        assert any(line == f"STATUS=waiting for topic {world.app}.nowhere" for line in manager.listen()), manager.heard
        missing.send_signal(signal.SIGTERM)
        missing.wait(30)
    finally:
        manager.close()


# ---- the lag, and logs ---------------------------------------------------------------------------------------------
def test_the_lag_counts_what_is_not_applied_and_no_customer_is_in_the_log(world):
    events = [{"kind": "visit", "customer": f"shy-{n}", "at": 1_772_442_000_000 + n, "id": f"v-{n}", "url": "/"}
              for n in range(400)]
    world.produce_ordered(events)
    process = world.start_watched()
    world.await_applied()
    lab.until("no lag", lambda: world.metric(process, "input_lag_records") == 0 and
              world.metric(process, "events_total") == 400)
    world.redis.kill()
    lab.until("the outage to be seen", lambda: world.metric(process, "store_up") == 0)
    world.produce_ordered([{**e, "id": e["id"] + "x"} for e in events])
    lab.until("the lag to show", lambda: world.metric(process, "input_lag_records") > 0)
    world.redis.start()
    lab.until("no lag again", lambda: world.metric(process, "input_lag_records") == 0, 90)
    info = re.search(r'(?m)^segstream_info\{version="[^"]+",config="([0-9a-f]{16})"\} 1$', world.page(process, "metrics")[1])
    assert info and f"config={info[1]}" in world.whole_log(process)
    # broken input that quotes customers, a key that is not the customer, a partition that is another's
    partition = lab.partition_of("shy-1", world.partitions)
    world.kafka.produce([(world.inputs["events"], "shy-1", b'{"kind":"visit","customer":"shy-1" "oops":"shy-1"}'),
                         (world.inputs["events"], "shy-2", b"shy-2 is not JSON"),
                         (world.inputs["click"], "shy-3", b"shy-3 is not Avro"),
                         (world.inputs["events"], "shy-1", b'{"kind":"visit","customer":"shy-1","at":1772442000000}',
                          (partition + 1) % world.partitions)], world.partitions)
    lab.until("the dead letters", lambda: world.metric(process, "dead_letters_total") == 4)
    world.drain(process)
    text = world.whole_log(process)
    assert "shy-" not in text, [line for line in text.split("\n") if "shy-" in line]
    for line in filter(None, text.split("\n")):
        assert re.match(r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(info|warn|error) event=[a-z]+\.[a-z_]+( |$)",
                        line), line
