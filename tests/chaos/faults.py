"""What goes wrong: a table of faults. A fault is a generator: it breaks something, yields how many seconds it wants to wait (or a
function that says when to go on), and mends it. What it may not share with another fault under way stands in its `holds`."""
import signal
import time

import world as parts

SESSION_S = parts.SESSION_MS / 1000


# ---- workers ------------------------------------------------------------------------------------------------------
def kill(chaos):
    """kill -9; started again at once (the group has not noticed), or when others have taken over."""
    worker = chaos.a_worker()
    worker.process.kill()
    worker.process.wait()
    yield chaos.chance.choice([0, 0, 0.3, 2, SESSION_S + 2])
    worker.start()
    yield 0.5


def freeze(chaos):
    """SIGSTOP past the session's time-out: others take over; it wakes and believes that nothing has happened."""
    worker = chaos.a_worker()
    worker.signal(signal.SIGSTOP)
    yield SESSION_S + chaos.chance.choice([1, 2, 4, 12])
    worker.signal(signal.SIGCONT)
    yield 0.5


def doze(chaos):
    """SIGSTOP for less than a session."""
    worker = chaos.a_worker()
    worker.signal(signal.SIGSTOP)
    yield 0.2 + 2 * chaos.chance.random()
    worker.signal(signal.SIGCONT)


def move(chaos):
    """SIGTERM: it drains, and is started again under its name; now and then it does not get the time to end."""
    worker = chaos.a_worker()
    worker.signal(signal.SIGTERM)
    deadline = time.monotonic() + chaos.chance.choice([0.05, 20, 20, 20])
    yield lambda: not worker.is_running() or time.monotonic() > deadline
    if worker.is_running():
        worker.process.kill()
        worker.process.wait()
    yield chaos.chance.choice([0, 0, 1, SESSION_S + 1])
    worker.start()


def scale_out(chaos):
    """One more joins: the group moves partitions to it."""
    chaos.an_idle_worker().start()
    yield 1


def scale_in(chaos):
    """One leaves for good."""
    worker = chaos.a_worker()
    worker.is_wanted = False
    worker.signal(signal.SIGTERM)
    deadline = time.monotonic() + 20
    yield lambda: not worker.is_running() or time.monotonic() > deadline
    if worker.is_running():
        worker.process.kill()
        worker.process.wait()


# ---- brokers ------------------------------------------------------------------------------------------------------
def broker_kill(chaos):
    """kill -9 of any broker: leaders and coordinators move, if there are others."""
    node = chaos.a_broker()
    chaos.world.brokers.signal(node, signal.SIGKILL)
    yield chaos.chance.choice([0, 1, 4]) if chaos.world.brokers.count > 1 else 0
    chaos.world.brokers.again(node)
    yield lambda: chaos.world.brokers.is_up(node)


def broker_freeze(chaos):
    """SIGSTOP: requests are taken and not answered, of a coordinator too."""
    node = chaos.a_broker()
    chaos.world.brokers.signal(node, signal.SIGSTOP)
    yield chaos.chance.choice([0.5, 1, 3, 6, 9])
    chaos.world.brokers.signal(node, signal.SIGCONT)
    yield 0.5


# ---- Redis --------------------------------------------------------------------------------------------------------
def redis_kill(chaos):
    chaos.world.redis.kill()
    yield chaos.chance.choice([0, 0.5, 3])
    chaos.world.redis.start()
    yield chaos.world.redis.is_up


def redis_freeze(chaos):
    chaos.world.redis.process.send_signal(signal.SIGSTOP)
    yield chaos.chance.choice([0.3, 1, 3, 7])
    chaos.world.redis.process.send_signal(signal.SIGCONT)


def redis_cut(chaos):
    """The server closes every connection, in the middle of whatever it is."""
    for _ in range(chaos.chance.choice([1, 1, 5])):
        chaos.world.redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        yield 0.1


def redis_older(chaos):
    """Redis comes back without its last second, cut at any byte, while those live who worked on it: only when nothing
    else is wrong and no partition has moved for a while."""
    before = chaos.world.redis.versions()
    chaos.world.redis.kill()
    chaos.bytes_lost += chaos.world.redis.lose_a_second(chaos.chance)
    chaos.world.redis.start()
    yield chaos.world.redis.is_up
    yield lambda: all(now > then for now, then in zip(chaos.world.redis.versions() or before, before))


# ---- the network --------------------------------------------------------------------------------------------------
def some_door(chaos, kind):
    doors = [d for d in ("all", *chaos.world.brokers.doors)] if kind == "kafka" else ["redis"]
    return chaos.chance.choice(doors)


def kafka_cut(chaos):
    chaos.world.proxy.order("cut", some_door(chaos, "kafka"))
    yield 0.2


def kafka_hold(chaos):
    """Half-open: nothing arrives in either direction, and nobody says so."""
    seconds = chaos.chance.choice([0.3, 1, 3, SESSION_S + 2])
    chaos.world.proxy.order("hold", some_door(chaos, "kafka"), seconds)
    yield seconds


def kafka_deaf(chaos):
    """What is asked is done, and the answer is lost: of commits of transactions and of offsets, too."""
    seconds = chaos.chance.choice([0.1, 0.3, 1])
    chaos.world.proxy.order("deaf", some_door(chaos, "kafka"), seconds)
    yield seconds + 0.1


def kafka_late(chaos):
    """What was asked last arrives when whoever asked has long gone on over another connection."""
    seconds = chaos.chance.choice([0.2, 1, 3])
    chaos.world.proxy.order("late", some_door(chaos, "kafka"), seconds)
    yield seconds + 0.1


def redis_deaf(chaos):
    seconds = chaos.chance.choice([0.05, 0.3, 1])
    chaos.world.proxy.order("deaf", "redis", seconds)
    yield seconds + 0.1


def redis_late(chaos):
    seconds = chaos.chance.choice([0.2, 1, 3])
    chaos.world.proxy.order("late", "redis", seconds)
    yield seconds + 0.1


# name: (weight, what it holds, fault)
FAULTS = {
    "kill": (20, "worker", kill),
    "freeze": (10, "worker", freeze),
    "doze": (5, "worker", doze),
    "move": (8, "worker", move),
    "scale_out": (6, "worker", scale_out),
    "scale_in": (6, "worker", scale_in),
    "broker_kill": (8, "broker", broker_kill),
    "broker_freeze": (8, "broker", broker_freeze),
    "redis_kill": (8, "redis", redis_kill),
    "redis_freeze": (5, "redis", redis_freeze),
    "redis_cut": (5, "redis", redis_cut),
    "redis_older": (6, "everything", redis_older),
    "redis_deaf": (5, "redis", redis_deaf),
    "redis_late": (5, "redis", redis_late),
    "kafka_cut": (6, "network", kafka_cut),
    "kafka_hold": (5, "network", kafka_hold),
    "kafka_deaf": (7, "network", kafka_deaf),
    "kafka_late": (7, "network", kafka_late),
}
