"""Seeded customers of the example shop: what happens to them, in the order in which it arrives, and what they answer."""
import os
import random
import subprocess
import json

import lab
import shoppers

DAYS = 120
CLOSE_AFTER_MS = 500 * lab.DAY_MS  # later than every deadline of the rules
CITIES = ["New York", "Berlin", "Austin", ""]
ZONES = ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "", "Mars/Base"]
URLS = ["/pricing", "/pricing/teams", "/guide", "/blog", "/demo/request"]
# What one visit to the shop is made of: kinds with their chances.
HABITS = [("visit", 30), ("search", 12), ("click", 20), ("open", 6), ("download", 5), ("demo_request", 3), ("cart", 6),
          ("purchase", 9), ("refund", 2), ("profile", 4), ("bounce", 1), ("unsubscribe", 1), ("subscribe", 1),
          ("complaint", 0.3), ("erase", 0.3)]
LATE, LATE_MAX_MS = 0.03, 2 * lab.HOUR_MS  # arrive after others that are younger; some later than the lateness allowed
TWICE = 0.01


def profile(chance):
    return {"birth_date": f"{chance.randrange(1955, 2010)}-0{chance.randrange(1, 10)}-1{chance.randrange(10)}",
            "city": chance.choice(CITIES), "zone": chance.choice(ZONES), "company_size": chance.choice([3, 40, 400]),
            "industry": chance.choice(["software", "finance", "retail"]), "first_name": chance.choice(["Kim", "Lea", ""]),
            "motivation": chance.choice(["save_time", "save_money", "status", "security"]),
            "consent_email": chance.random() < 0.93}


def change(chance):
    """A later profile: a move, another preference, a consent withdrawn or given."""
    return chance.choice([{"zone": chance.choice(ZONES)}, {"city": chance.choice(CITIES)}, {"letters": chance.choice(["few", "all"])},
                          {"company_size": chance.choice([9, 10, 250])}, {"consent_email": chance.random() < 0.7}])


def happening(chance, kind, customer, at, name):
    event = {"kind": kind, "customer": customer, "at": at, "id": name}
    if kind == "purchase":
        event.update(order="o-" + name, amount=chance.randrange(500, 40000), currency="EUR",
                     items=[{"category": chance.choice(["desks", "chairs", "lamps"])}])
    elif kind == "refund":
        event.update(order="o-" + name, amount=chance.randrange(500, 9000), currency="EUR")
    elif kind in ("click", "visit"):
        event["url"] = chance.choice(URLS)
    elif kind == "bounce":
        event["bounce_class"] = chance.choice(["hard", "soft", "soft", "soft"])
    elif kind == "profile":
        event["set"] = change(chance)
    return event


def life(chance, customer, per_customer):
    """Visits in bursts, with silences between that let segments lapse."""
    at = shoppers.START_MS + chance.randrange(30 * lab.DAY_MS)
    events = [{"kind": "profile", "customer": customer, "at": at, "id": f"p-{customer}", "set": profile(chance)}]
    kinds, weights = zip(*HABITS)
    wanted = chance.randrange(1, 2 * per_customer)
    orders = []
    while len(events) < wanted:
        at += chance.choice([lab.HOUR_MS, lab.DAY_MS, 4 * lab.DAY_MS, 25 * lab.DAY_MS]) + chance.randrange(lab.HOUR_MS)
        for _ in range(chance.randrange(1, 9)):
            at += 1000 + chance.randrange(10 * 60_000)
            kind = chance.choices(kinds, weights)[0]
            event = happening(chance, kind, customer, at, f"{customer}.{len(events)}")
            if kind == "purchase":
                orders.append(event["order"])
            elif kind == "refund" and orders:
                event["order"] = chance.choice(orders)
            events.append(event)
    last = shoppers.START_MS + DAYS * lab.DAY_MS
    return [e for e in events if e["at"] < last]


def arrival(chance, events):
    """In order of time, but for those that come late, and some that come twice."""
    order = []
    for event in sorted(events, key=lambda e: e["at"]):
        delay = chance.randrange(LATE_MAX_MS) if chance.random() < LATE else 0
        order.append((event["at"] + delay, len(order), event))
        if chance.random() < TWICE:
            order.append((event["at"] + chance.randrange(LATE_MAX_MS), len(order), event))
    return [event for _, _, event in sorted(order, key=lambda o: o[:2])]


class Backtest:
    """What the engine says of events in the order of their arrival. Reactions name the triggers that it foretells."""

    def __init__(self, segstream, config, folder):
        self.segstream, self.config, self.folder = segstream, config, folder

    def start(self, lines, name, until_ms=None):
        path = os.path.join(self.folder, f"{name}.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        command = ["nice", self.segstream, "backtest", "-c", self.config, path]
        command += ["--until", str(until_ms)] if until_ms is not None else []
        out = open(os.path.join(self.folder, f"{name}.expected"), "w+", encoding="utf-8")
        return subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True), out

    @staticmethod
    def finish(started, kinds=("trigger", "membership", "outcome", "dead_letter")):
        process, out = started
        said = process.communicate()[1]
        assert process.returncode == 0, f"backtest: {process.returncode} {said[-2000:]}"
        out.seek(0)
        wanted = tuple(f'{{"type":"{kind}"' for kind in kinds)
        with out:
            return [json.loads(line) for line in out if line.startswith(wanted)]


def tell(seed, customers, per_customer, partitions, backtest, rounds=3):
    """Events in order of arrival, the closing ones last."""
    chance = random.Random(seed)
    events, known = [], set()
    for i in range(customers):
        events += life(chance, f"c-{seed}-{i}", per_customer)
    for _ in range(rounds):
        events.sort(key=lambda e: e["at"])
        said = backtest.start((json.dumps(e) for e in events), "planned", events[-1]["at"])
        more = shoppers.reactions(backtest.finish(said, ("trigger",)), known)
        last = events[-1]["at"]
        events += [e for e in more if e["at"] <= last]
    events = arrival(chance, events)
    return events + shoppers.closing_events(partitions, max(e["at"] for e in events) + CLOSE_AFTER_MS)
