"""What a reader of committed records found, beside what a backtest says of the same input: each output once, in order per customer."""
import heapq
import itertools
import json

import lab
import world as parts

TOMBSTONE = ("nothing is left",)  # a record without a value, behind an erase
IDENTITY = {"trigger": lambda r: (r["trigger_id"], *lab.trigger_fields(r)),
            "membership": lambda r: lab.membership_id(r) if r["segment"] is not None else TOMBSTONE,
            "outcome": lab.outcome_id}
SHOWN = 3  # customers whose stories are told


def arrived(world):
    """By partition, in the order in which its owner takes them: of several topics the one whose next record is the oldest goes
    first, then the one that is listed first; all of them were written before anybody read."""
    topics = [world.brokers.read(topic) for topic in world.inputs]
    if len(topics) == 1:
        return topics[0]
    return [[(key, value) for _, key, value in heapq.merge(
        *[[(json.loads(value)["at"], key, value) for key, value in topic[p]] for topic in topics], key=lambda r: r[0])]
        for p in range(parts.PARTITIONS)]


def expected(world, backtest, inputs):
    """By kind and customer. Each partition by itself, as its owner sees it; two at a time."""
    said = {kind: {} for kind in IDENTITY}
    started = []
    for p in range(parts.PARTITIONS):
        lines = (value.decode() for _, value in inputs[p])
        started.append(backtest.start(lines, f"partition-{p}"))
        if len(started) == 2 or p + 1 == parts.PARTITIONS:
            for one in started:
                for record in backtest.finish(one, tuple(IDENTITY)):
                    said[record["type"]].setdefault(record["customer"], []).append(IDENTITY[record["type"]](record))
            started = []
    return said


def found(world, kind):
    said = {}
    for partition in world.brokers.read(parts.OUTPUTS[kind]):
        for key, value in partition:
            record = {"segment": None} if value is None else lab.schema(kind).decode(value)
            assert record.get("customer_id", key.decode()) == key.decode()
            said.setdefault(key.decode(), []).append(IDENTITY[kind](record))
    return said


# What is judged as of an instant is decided when stream time is past it by the lateness allowed.
JUDGED = ("no_engagement", "opened_not_clicked", "clicked_not_converted", "not_delivered", "completed", "moved", "exhausted")
LATENESS_MS = lab.HOUR_MS  # of APP_YAML


def decided(kind, record):
    """When, and whether by time; None: as whatever stands before it."""
    if record == TOMBSTONE:
        return None, False
    if kind == "membership":
        return record[3], record[4] == "time"
    return record[7] + LATENESS_MS * (record[5] in JUDGED), record[5] in JUDGED


def in_order_of_lines(kind, records):
    """A late event takes effect at the latest instant decided, behind what time did there; a backtest's lines of one instant are
    those of events, then those of time. Nothing else is moved."""
    if kind == "trigger":
        return records
    when = [decided(kind, r) for r in records]
    instants = itertools.accumulate((at for at, _ in when), lambda last, at: at or last)
    lines = []
    for _, instant in itertools.groupby(zip(instants, when, records), lambda line: line[0]):
        lines += [r for _, _, r in sorted(instant, key=lambda line: line[1][1])]  # stable
    return lines


def difference(got, wanted):
    """What is wrong with one customer's outputs of one kind, as a sentence; None: nothing."""
    if got == wanted:
        return None
    missing = [w for w in wanted if w not in got]
    extra = [g for g in got if g not in wanted]
    twice = [g for g in got if got.count(g) > wanted.count(g) > 0]
    if missing or extra or twice:
        return f"{len(missing)} missing {missing[:2]}, {len(extra)} extra {extra[:2]}, {len(set(twice))} repeated {twice[:2]}"
    return "out of order"


def compare(world, backtest, say):
    """Returns: records compared, and the number of customers with differences, by kind."""
    inputs = arrived(world)
    wanted = expected(world, backtest, inputs)
    compared, wrong = {}, {}
    for kind in IDENTITY:
        got = {customer: in_order_of_lines(kind, records) for customer, records in found(world, kind).items()}
        wanted[kind] = {customer: in_order_of_lines(kind, records) for customer, records in wanted[kind].items()}
        compared[kind] = sum(len(v) for v in wanted[kind].values())
        differences = {}
        for customer in set(got) | set(wanted[kind]):
            sentence = difference(got.get(customer, []), wanted[kind].get(customer, []))
            if sentence is not None:
                differences[customer] = sentence
        wrong[kind] = len(differences)
        for customer in sorted(differences)[:SHOWN]:
            say(f"DIFFERENCE {kind}s of {customer} (partition {lab.partition_of(customer, parts.PARTITIONS)}): {differences[customer]}")
            tell(customer, inputs, got.get(customer, []), wanted[kind].get(customer, []), say)
    letters = sum(len(p) for p in world.brokers.read(parts.OUTPUTS["dead_letter"]))
    if letters:
        say(f"DIFFERENCE {letters} dead letters, of input that is good")
        wrong["dead letter"] = letters
    return sum(len(p) for p in inputs), compared, wrong


def tell(customer, inputs, got, wanted, say):
    for offset, (key, value) in enumerate(inputs[lab.partition_of(customer, parts.PARTITIONS)]):
        if key.decode() == customer:
            say(f"    offset {offset}: {value.decode()}")
    for at, (one, other) in enumerate(zip(got + [None] * len(wanted), wanted + [None] * len(got))):
        if one != other:
            say(f"    from output {at}: found    {json.dumps(got[at:at + 4])}")
            say(f"    from output {at}: expected {json.dumps(wanted[at:at + 4])}")
            return
