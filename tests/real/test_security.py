"""Secrets and privileges: a Redis user who may do only what deploy/SECURITY.md lists is enough, and no secret is ever printed."""
import os
import re
import subprocess

import lab
import shoppers

SECRET = "s3cret-of-the-test"


def acl():
    """The line of the page."""
    with open(os.path.join(lab.ROOT, "deploy", "SECURITY.md"), encoding="utf-8") as file:
        return re.search(r"(?m)^    ACL SETUSER segstream (.*)$", file.read())[1]


def test_a_redis_user_with_the_least_privileges_is_enough_and_its_password_is_never_printed(world):
    events, expected = shoppers.story(world, seed=31, customers=60)
    words = acl().replace("PASSWORD", SECRET).replace("APP", world.app).split()
    assert world.redis.cli("ACL", "SETUSER", "segstream", *words) == "OK"
    assert world.redis.cli("ACL", "SETUSER", "default", "resetkeys", "-@all", "+ping", "+acl") == "OK"
    secret = os.path.join(world.folder, "password")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("wrong-" + SECRET + "\n")
    with open(world.config, encoding="utf-8") as file:
        text = file.read()
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(text.replace(f'"{world.redis.url}"', f'"{world.redis.url}", user: segstream, password: !file {secret}'))
    process = world.start("--set", "state.guarantee=exactly_once", "--instance", "only")
    lab.until("the wrong password to be said", lambda: re.search(r'store\.down reason="?WRONGPASS', world.whole_log(process)))
    world.drain(process)
    world.processes.clear()
    with open(secret, "w", encoding="utf-8") as file:
        file.write(SECRET + "\n")
    process = world.start("--set", "state.guarantee=exactly_once", "--instance", "only")
    world.produce_ordered(events)
    world.await_applied()
    world.drain(process)
    lab.agree_exactly(world, expected)
    assert "store.down" not in world.whole_log(process) and "NOPERM" not in world.whole_log(process)
    for name in os.listdir(world.folder):
        if name.endswith(".log"):
            with open(os.path.join(world.folder, name), encoding="utf-8") as file:
                assert SECRET not in file.read(), name


def table():
    """What the page says a process may do in Kafka: (resource, operations)."""
    with open(os.path.join(lab.ROOT, "deploy", "SECURITY.md"), encoding="utf-8") as file:
        rows = re.findall(r"(?m)^\| ([^|]*) \| ([^|]*) \| [^|]* \|$", file.read())
    return {what: operations.split(", ") for what, operations in rows if what not in ("resource", "---")}


def allow(kafka, world):
    """Each row of the page for the user segstream, by Kafka's own tool."""
    rows = table()
    kinds = {"input topics": [w for t in world.inputs.values() for w in ("--topic", t)],
             "output topics": [w for t in world.outputs.values() for w in ("--topic", t)],
             "group `APP`": ["--group", world.app],
             "transactional ids with the prefix `APP.`": ["--transactional-id", world.app + ".", "--resource-pattern-type", "prefixed"]}
    for what, names in kinds.items():
        operations = [w for operation in rows[what] for w in ("--operation", operation)]
        subprocess.run([os.path.join(lab.HERE, "kafka"), "acl", kafka.servers, "--add", "--allow-principal", "User:segstream",
                        *operations, *names], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def connect(world, kafka, password, ca):
    """The configuration as who connects with TLS and SCRAM."""
    secret = os.path.join(world.folder, "kafka-password")
    with open(secret, "w", encoding="utf-8") as file:
        file.write(password + "\n")
    with open(world.config, encoding="utf-8") as file:
        text = file.read()
    properties = (f"properties: {{security.protocol: SASL_SSL, sasl.mechanism: SCRAM-SHA-512, sasl.username: segstream, "
                  f"sasl.password: !file {secret}, ssl.ca.location: {ca}}}")
    text = re.sub(r"(?m)^kafka: \{brokers: \[[^\]]*\](, properties: \{[^}]*\})?", f"kafka: {{brokers: [\"{kafka.secure}\"], {properties}", text)
    with open(world.config, "w", encoding="utf-8") as file:
        file.write(text)


def test_a_kafka_with_tls_scram_and_an_authorizer_needs_no_more_than_the_page_says(world):
    kafka = lab.Kafka(password=SECRET)
    secure = lab.Lab(kafka, world.segstream, "secure")
    try:
        events, expected = shoppers.story(secure, seed=32, customers=60)
        allow(kafka, secure)
        other = os.path.join(secure.folder, "other.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other", "-keyout",
                        os.path.join(secure.folder, "other.key"), "-out", other], check=True, stderr=subprocess.DEVNULL)
        for password, ca, said in (("wrong-" + SECRET, kafka.ca, "[Aa]uthentication"), (SECRET, other, "certificate")):
            connect(secure, kafka, password, ca)
            process = secure.start("--set", "state.guarantee=exactly_once", "--instance", "only")
            lab.until(f"{said} to be said", lambda: re.search(r"event=kafka\.error.*" + said, secure.whole_log(process)))
            assert process.poll() is None, "it waits for a broker that takes it"
            process.kill()
            process.wait()
        secure.processes.clear()
        connect(secure, kafka, SECRET, kafka.ca)
        process = secure.start("--set", "state.guarantee=exactly_once", "--instance", "only")
        secure.produce_ordered(events)
        secure.await_applied()
        secure.drain(process)
        lab.agree_exactly(secure, expected)
        for name in os.listdir(secure.folder):
            if name.endswith(".log"):
                with open(os.path.join(secure.folder, name), encoding="utf-8") as file:
                    assert SECRET not in file.read(), name
    finally:
        secure.stop()
        kafka.stop()
