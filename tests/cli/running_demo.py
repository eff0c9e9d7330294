"""A demo that runs for as long as a test asks it things over HTTP."""
import json
import signal
import socket
import subprocess


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class RunningDemo:
    TOKEN = "demo"

    def __init__(self, binary):
        self.address = f"127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            [binary, "demo", "--plain", "--store", "memory", "--seconds", "600", "--http", self.address],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:  # a customer whom the processor knows for sure: the first trigger's
            if line.startswith('{"type":"trigger"'):
                self.customer = json.loads(line)["customer"]
                return
        raise AssertionError("the demo ended before its first trigger")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)
