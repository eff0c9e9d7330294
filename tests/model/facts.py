"""What is known of one customer: the list of all its events and nothing derived. Every question walks the list."""
import math

from expression import UNKNOWN, Constants, day_edges, holds, DAY

RF11 = {5: ["new_customers", "potential_loyalist", "potential_loyalist", "champions", "champions"],
        4: ["promising", "potential_loyalist", "potential_loyalist", "loyal", "loyal"],
        3: ["about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"],
        2: ["hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose_them"],
        1: ["lost", "hibernating", "at_risk", "at_risk", "cannot_lose_them"]}
L125 = {name: set(codes.split()) for name, codes in {
    "champions": "555 554 544 545 454 455 445",
    "loyal": "543 444 435 355 354 345 344 335",
    "potential_loyalist": "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 341 333 323",
    "new_customers": "512 511 422 421 412 411 311",
    "promising": "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313",
    "need_attention": "535 534 443 434 343 334 325 324",
    "about_to_sleep": "331 321 312 221 213 231 241 251",
    "at_risk": "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124",
    "cannot_lose_them": "155 154 144 214 215 115 114 113",
    "hibernating": "332 322 233 232 223 222 132 123 122 212 211",
    "lost": "111 112 121 131 141 151"}.items()}
RFM_NAMES = ["champions", "loyal", "potential_loyalist", "new_customers", "promising", "need_attention", "about_to_sleep",
             "at_risk", "cannot_lose_them", "hibernating", "lost", "prospect", "lapsed"]


class Fact:
    """One event that counts: at `at`, under each of `kinds` (its kind, its `.any` form, the filters it passes)."""

    def __init__(self, at, kinds, fields, order):
        self.at, self.kinds, self.fields, self.order = at, kinds, fields, order


class Order:
    """All records of one order and its refunds; the earliest record speaks for it."""

    def __init__(self):
        self.records, self.refunds = [], []

    def record(self):
        return min(self.records, key=lambda r: (r[0], r[1]))      # (at, id, amount, currency)

    def net(self, at):
        return max(0, self.record()[2] - self.refunded(at))

    def refunded(self, at):
        return sum(amount for when, amount in self.refunds if when <= at)

    def is_purchase(self, at):
        returned = any(when <= at for when, _ in self.refunds) and self.net(at) == 0 if self.records else False
        return bool(self.records) and self.record()[0] <= at and not returned


class Facts:
    def __init__(self, case, hints):
        self.case = case
        self.hints = hints            # instants of the engine's answer: where a crossing may lie within its tolerance
        self.facts, self.orders, self.points = [], {}, []
        self.attributes = {}          # name -> (at, arrival, value)
        self.remembered = {}
        self.arrivals = 0

    # ---- applying ------------------------------------------------------------------------------------------------------
    def set_attribute(self, name, at, value):
        self.arrivals += 1
        have = self.attributes.get(name)
        if have is None or at >= have[0]:
            self.attributes[name] = (at, self.arrivals, value)

    def add(self, at, kinds, event):
        """`kinds` are the names under which the event counts. Returns whether it is the second record of an order."""
        config = self.case["config"]
        self.arrivals += 1
        kind = event["kind"]
        second = False
        if kind == "purchase":
            name = event.get("order") or "own %d" % self.arrivals
            order = self.orders.setdefault(name, Order())
            second = bool(order.records)
            order.records.append((at, event.get("id") or "", event.get("amount") or 0, event.get("currency")))
            self.facts.append(Fact(at, {k for k in kinds if k != "purchase"}, event, name))
        elif kind == "refund" and event.get("order"):
            self.orders.setdefault(event["order"], Order()).refunds.append((at, event.get("amount") or 0))
            self.facts.append(Fact(at, kinds, event, None))
        else:
            self.facts.append(Fact(at, kinds, event, None))
        if not second:
            for score, rule in config.get("scores", {}).items():
                if score != "rfm":
                    self.points += [(score, at, p) for k, p in rule["points"].items() if k in kinds]
        for name, rule in config.get("remember", {}).items():
            if rule["last"] in kinds and event.get(rule["field"]) is not None:
                have = self.remembered.get(name)
                if have is None or at >= have[0]:
                    self.remembered[name] = (at, self.arrivals, event[rule["field"]])
        return second

    def view(self, at, customer):
        return View(self, at, customer)


class View:
    """The answers at one instant."""

    def __init__(self, facts, at, customer):
        self.facts, self.at, self.customer = facts, at, customer

    # ---- attributes ----------------------------------------------------------------------------------------------------
    def attr(self, name):
        rules = self.facts.case["config"].get("attributes", {})
        if name in rules:
            have = self.facts.attributes.get(name)
            v = have[2] if have else None
            if v is None:
                v = rules[name].get("default")
            if v is not None and rules[name]["type"] == "date":
                v = tuple(int(x) for x in v.split("-"))
        else:
            have = self.facts.remembered.get(name)
            v = have[2] if have else None
        if v is None:
            return UNKNOWN
        return tuple(v) if isinstance(v, list) else v

    def has(self, name):
        return self.attr(name) is not UNKNOWN

    # ---- history -------------------------------------------------------------------------------------------------------
    def within(self, at, window):
        return self.at >= at and (window is None or self.at - at < window)

    def entries(self, kind, window):
        if kind == "purchase":
            return [(o.record()[0], o) for o in self.facts.orders.values()
                    if o.is_purchase(self.at) and self.within(o.record()[0], window)]
        return [(f.at, f) for f in self.facts.facts if kind in f.kinds and self.within(f.at, window)]

    def count(self, kind, window):
        return len(self.entries(kind, window))

    def money(self, order):
        return order.net(self.at) if order.record()[3] == self.facts.case["config"].get("currency") else 0

    def values(self, kind, field, window):
        return [f.fields[field] for _, f in self.entries(kind, window) if f.fields.get(field) is not None]

    def sum(self, kind, field, window):
        if kind == "purchase":
            return sum(self.money(o) for _, o in self.entries(kind, window))
        return sum(self.values(kind, field, window))

    def min(self, kind, field, window):
        return min(self.values(kind, field, window), default=UNKNOWN)

    def max(self, kind, field, window):
        return max(self.values(kind, field, window), default=UNKNOWN)

    def distinct(self, kind, field, window):
        return len(set(self.values(kind, field, window)))

    def first(self, kind):
        return min((at for at, _ in self.entries(kind, None)), default=UNKNOWN)

    def last(self, kinds):
        return max((at for k in kinds for at, _ in self.entries(k, None)), default=UNKNOWN)

    # ---- RFM -----------------------------------------------------------------------------------------------------------
    def rfm(self, what):
        rule = self.facts.case["config"]["scores"]["rfm"]
        orders = self.entries("purchase", rule["window"])
        net = sum(self.money(o) for _, o in orders)
        if what == "frequency":
            return len(orders)
        if what == "monetary":
            return net
        if not orders:
            if what == "segment":
                return "lapsed" if self.entries("purchase", None) else "prospect"
            return UNKNOWN
        age = self.at - max(at for at, _ in orders)
        r = 1 + sum(age < cut for cut in rule["recency"])
        f = 1 + sum(len(orders) >= cut for cut in rule["frequency"])
        m = 1 + sum(net >= cut for cut in rule["monetary"])
        if what == "segment":
            if rule["map"] == "rf11":
                return RF11[r][f - 1]
            return next(name for name, codes in L125.items() if "%d%d%d" % (r, f, m) in codes)
        return {"recency": age, "r": r, "f": f, "m": m}[what]

    # ---- decaying scores -----------------------------------------------------------------------------------------------
    def score_parts(self, name):
        """The value at the newest point, and that instant."""
        half = self.facts.case["config"]["scores"][name]["half_life"]
        points = [(at, p) for score, at, p in self.facts.points if score == name and at <= self.at]
        if not points:
            return 0.0, None, half
        newest = max(at for at, _ in points)
        exact = sum(p for at, p in points if at == newest)
        return exact + sum(p * 2.0 ** (-(newest - at) / half) for at, p in points if at < newest), newest, half

    def score_value(self, name):
        s, newest, half = self.score_parts(name)
        return s if newest is None else s * 2.0 ** (-(self.at - newest) / half)

    def flip(self, name, threshold):
        """The instant at which the score falls below a threshold, or None if it is below already. The language allows 2 ms
        around the real-valued instant: an instant of the engine's answer within them is taken."""
        s, newest, half = self.score_parts(name)
        if s < threshold or newest is None:
            return None
        real = newest + half * math.log2(s / threshold)
        near = [h for h in self.facts.hints if newest < h and abs(h - real) <= 2]
        return min(near) if near else math.floor(real) + 1

    def at_least(self, name, threshold):
        if threshold <= 0:
            return True
        flip = self.flip(name, threshold)
        return flip is not None and self.at < flip

    def score_compare(self, name, op, threshold):
        assert op in ("<", ">=")
        return self.at_least(name, threshold) == (op == ">=")

    def level(self, name):
        levels = self.facts.case["config"]["scores"][name]["levels"]
        return [k for k, v in levels.items() if self.at_least(name, v)][-1]

    # ---- state ---------------------------------------------------------------------------------------------------------
    def in_segment(self, name):
        return name in self.customer.now_in

    def in_sequence(self, name):
        return name in self.customer.runs

    def completed(self, name):
        return name in self.customer.completed

    def arm(self, name):
        return self.customer.model.arm(name, self.customer.key)


class FilterView:
    """What a filter sees: the fields of one event."""

    def __init__(self, event):
        self.fields = event

    def event(self, name):
        v = self.fields.get(name)
        return UNKNOWN if v is None else v


def passes(predicate, event):
    return holds(predicate, FilterView(event))


def moments(case, facts, view, lo, hi):
    """Every instant in (lo, hi] at which time alone may change a predicate of the case for these facts."""
    k = case["constants"]
    out = set(k.instants) | {i + 1 for i in k.instants}
    bases = {f.at for f in facts.facts} | {r[0] for o in facts.orders.values() for r in o.records}
    bases |= {r[0] for o in facts.orders.values() for r in o.refunds}
    for b in bases:
        for d in k.durations:
            out.add(b + d)
            out.add(b + d + 1)
    for name, threshold in k.thresholds:
        flip = View(facts, hi, view.customer).flip(name, threshold) if threshold > 0 else None
        if flip is not None:
            out.add(flip)
    for zone in k.hours | k.midnights:
        for day in range(lo // DAY, hi // DAY + 1):
            for at, _, is_midnight in day_edges(day, zone):
                if is_midnight:
                    out.add(at)
                    for d in k.durations:
                        if d < 2 * DAY and zone in k.midnights:
                            out.update((at + d, at + d + 1))
                elif zone in k.hours:
                    out.add(at)
    return {x for x in out if lo < x <= hi}


def constants_of(config, predicates):
    k = Constants()
    for p in predicates:
        k.add(p)
    for name, rule in config.get("scores", {}).items():
        if name == "rfm":
            k.durations.update(rule["recency"])
            if rule["window"] is not None:
                k.durations.add(rule["window"])
        else:
            k.thresholds.update((name, v) for v in rule["levels"].values())
    return k
