"""Seeded shoppers: a stream of events with believable habits, and reactions to the triggers a backtest foretells."""
import random

import lab

START_MS = 1_767_571_200_000  # 2026-01-05T00:00:00Z, a Monday
KINDS = ["visit", "visit", "visit", "search", "click", "click", "open", "purchase", "demo_request", "demo_click"]


def base_events(seed, customers, days, per_customer):
    random.seed(seed)
    events = []
    for i in range(customers):
        customer = f"c-{seed}-{i}"
        first = START_MS + random.randrange(5 * lab.DAY_MS)
        profile = {"company_size": random.choice([3, 40, 400]), "consent_email": random.random() < 0.9}
        if random.random() < 0.5:
            profile["birth_date"] = f"{random.randrange(1960, 2008)}-05-01"
        events.append({"kind": "profile", "customer": customer, "at": first, "id": f"p-{seed}-{i}", "set": profile})
        for k in range(random.randrange(1, 2 * per_customer)):
            at = first + 1 + int(random.random() ** 2 * days * lab.DAY_MS)
            events.append(one_event(customer, at, f"e-{seed}-{i}-{k}"))
    return in_order(events)


def one_event(customer, at, event_id):
    kind = random.choice(KINDS)
    event = {"kind": kind, "customer": customer, "at": at, "id": event_id}
    if kind == "purchase":
        event.update(order="o-" + event_id, amount=random.randrange(500, 40000), currency="EUR")
    elif kind == "demo_click":
        event.update(kind="click", url="/demo/request")
    elif kind in ("click", "visit"):
        event["url"] = random.choice(["/pricing", "/guide", "/blog"])
    return event


def reactions(triggers, known):
    """What customers do with their emails: by what the email is, so the same whatever order they are seen in and
    whatever the app is called (trigger ids depend on it)."""
    events = []
    for trigger in triggers:
        name = trigger["trigger_id"]
        if name in known:
            continue
        known.add(name)
        chance = random.Random(repr(lab.trigger_fields(trigger)[:3] + lab.trigger_fields(trigger)[4:6]))  # not the app
        event = {"customer": trigger["customer"], "email": name}
        sent = trigger["sent_at"]
        draw = chance.random()
        if draw < 0.1:
            events.append({**event, "kind": "open", "machine": True, "at": sent + 1500, "id": "m-" + name})
        if draw < 0.55:
            events.append({**event, "kind": "open", "at": sent + chance.randrange(lab.DAY_MS), "id": "o-" + name})
        if draw < 0.25:
            events.append({**event, "kind": "click", "url": "/guide", "at": sent + chance.randrange(2 * lab.DAY_MS),
                           "id": "k-" + name})
        if 0.25 < draw < 0.28:
            for link in ("/a", "/b", "/c"):
                events.append({**event, "kind": "click", "url": link, "at": sent + 5000 + chance.randrange(400),
                               "id": f"b{link}-{name}"})
        if 0.95 < draw < 0.97:
            events.append({**event, "kind": "unsubscribe", "at": sent + chance.randrange(lab.DAY_MS), "id": "u-" + name})
        if 0.97 < draw:
            events.append({**event, "kind": "bounce", "bounce_class": "hard", "at": sent + 1000, "id": "h-" + name})
    return events


def in_order(events):
    """The order of a backtest: by time, equal times in the order of the topics, then as written."""
    return sorted(events, key=lambda e: (e["at"], lab.TOPICS.index(lab.topic_of(e))))


def closing_events(partitions, at):
    """One event per partition and topic later than every deadline, so that each partition's time runs past them."""
    events, found, i = [], set(), 0
    while len(found) < partitions:
        customer = f"closing-{i}"
        i += 1
        partition = lab.partition_of(customer, partitions)
        if partition not in found:
            found.add(partition)
            events.append({"kind": "visit", "customer": customer, "at": at, "id": customer})
    return events


def quiet_after(events):
    """Later than every deadline that these events can leave behind."""
    return events[-1]["at"] + 120 * lab.DAY_MS


def story(world, seed=1, customers=150, days=40, per_customer=8):
    """Events with reactions, closed; and what a backtest of them says."""
    events, known = base_events(seed, customers, days, per_customer), set()
    for _ in range(4):
        said = world.backtest(events, quiet_after(events))
        more = reactions([r for r in said if r["type"] == "trigger"], known)
        if not more:
            break
        events = in_order(events + more)
    events += closing_events(world.partitions, quiet_after(events))
    return events, world.backtest(events)
