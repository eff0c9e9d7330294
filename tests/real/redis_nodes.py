"""Many redis-servers on loopback: a cluster of three masters with a replica each, or a master, a replica and a sentinel."""
import os
import shutil
import socket
import subprocess
import tempfile

import lab


def free_ports(count):
    """Whose cluster bus (port + 10000) is a port, too."""
    found = []
    held = []
    while len(found) < count:
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        held.append(s)
        if s.getsockname()[1] < 55000:
            found.append(s.getsockname()[1])
        else:
            with socket.socket() as other:
                for port in range(20000, 55000):
                    try:
                        other.bind(("127.0.0.1", port))
                        if port not in found:
                            found.append(port)
                            break
                    except OSError:
                        continue
    for s in held:
        s.close()
    return found


class Server:
    def __init__(self, folder, port, *arguments, program="redis-server"):
        self.folder, self.port, self.arguments, self.program = os.path.join(folder, str(port)), port, arguments, program
        os.makedirs(self.folder, exist_ok=True)
        self.start()

    def start(self):
        common = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--logfile", os.path.join(self.folder, "log")]
        if self.program == "redis-sentinel":
            with open(os.path.join(self.folder, "sentinel.conf"), "w", encoding="utf-8") as file:
                file.write("\n".join(self.arguments) + "\n")
            command = ["redis-server", os.path.join(self.folder, "sentinel.conf"), "--sentinel", *common]
        else:
            command = ["redis-server", *common, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
                       "--maxmemory-policy", "noeviction", *self.arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        lab.until(f"redis at {self.port}", lambda: self.cli("PING") == "PONG")

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True).stdout.strip()

    def kill(self):
        self.process.kill()
        self.process.wait()


class Nodes:
    """What a Lab takes instead of its one Redis: `state` is the YAML of it."""

    def stop(self):
        for server in self.servers:
            if server.process.poll() is None:
                server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Cluster(Nodes):
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="segstream-cluster-")
        ports = free_ports(6)
        self.servers = [Server(self.folder, port, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
                               "--cluster-replica-validity-factor", "0") for port in ports]
        subprocess.run(["redis-cli", "--cluster", "create", *[f"127.0.0.1:{p}" for p in ports], "--cluster-replicas", "1",
                        "--cluster-yes"], check=True, stdout=subprocess.DEVNULL)
        lab.until("the cluster", lambda: all("cluster_state:ok" in s.cli("CLUSTER", "INFO") for s in self.servers))
        lab.until("replicas", lambda: sum("role:slave" in s.cli("INFO", "replication") for s in self.servers) == 3)
        self.state = f'store: "redis://127.0.0.1:{ports[0]}", layout: cluster, nodes: ["127.0.0.1:{ports[1]}", "127.0.0.1:{ports[2]}"]'

    def owner(self, key):
        """The master that has the key's slot, and the slot."""
        any_server = next(s for s in self.servers if s.process.poll() is None)
        slot = any_server.cli("CLUSTER", "KEYSLOT", key)
        for server in self.servers:
            if server.process.poll() is not None or "role:master" not in server.cli("INFO", "replication"):
                continue
            for line in server.cli("CLUSTER", "NODES").splitlines():
                words = line.split()
                if "myself" in words[2]:
                    for span in words[8:]:
                        low, _, high = span.strip("[]").partition("-")
                        if low.isdigit() and int(low) <= int(slot) <= int(high or low):
                            return server, slot
        return None, slot

    def move(self, key):
        """The key's slot to another master, as an operator does it, key by key."""
        source, slot = self.owner(key)
        target = next(s for s in self.servers if s is not source and "role:master" in s.cli("INFO", "replication"))
        source_id, target_id = source.cli("CLUSTER", "MYID"), target.cli("CLUSTER", "MYID")
        target.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        while keys := source.cli("CLUSTER", "GETKEYSINSLOT", slot, "100").split("\n"):
            if keys == [""]:
                break
            source.cli("MIGRATE", "127.0.0.1", str(target.port), "", "0", "5000", "KEYS", *keys)
        for server in (target, source, *[s for s in self.servers if s not in (source, target)]):
            server.cli("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        return source, target


class Sentinel(Nodes):
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="segstream-sentinel-")
        master, replica, sentinel = free_ports(3)
        self.master = Server(self.folder, master)
        self.replica = Server(self.folder, replica, "--replicaof", "127.0.0.1", str(master))
        lab.until("replication", lambda: "master_link_status:up" in self.replica.cli("INFO", "replication"))
        self.sentinel = Server(self.folder, sentinel, f"sentinel monitor shop 127.0.0.1 {master} 1",
                               "sentinel down-after-milliseconds shop 1000", "sentinel failover-timeout shop 5000",
                               program="redis-sentinel")
        lab.until("the sentinel to know the replica", lambda: "num-slaves\n1" in self.sentinel.cli("SENTINEL", "MASTER", "shop"))
        self.servers = [self.master, self.replica, self.sentinel]
        self.state = f'store: "redis://127.0.0.1:{master}", layout: sentinel, nodes: ["127.0.0.1:{sentinel}"], master: shop'
