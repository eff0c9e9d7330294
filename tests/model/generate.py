"""Random configurations and histories by seed: small, with short durations on one grid, so that edges meet."""
import random

from expression import DAY, HOUR, MINUTE

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Auckland"]
STARTS = [1774601100000, 1772442000000, 1792962000000, 1791032400000, 1774818000000]   # near changes of summer time, and not
KINDS = ["visit", "search", "download", "open", "click", "purchase"]

# Features that do not come up, with the reason.
LEFT_OUT = {
    "state_functions": "segments that follow from runs which follow from segments: the page does not say in which order one instant"
                       " tells of them (tests/spec covers in_sequence and completed)",
}


class Generator:
    def __init__(self, seed, off=()):
        self.r = random.Random(seed)
        self.off = set(off) | set(LEFT_OUT)
        self.unit = self.pick([10 * MINUTE, HOUR, HOUR, 3 * HOUR])
        self.start = self.pick(STARTS) // self.unit * self.unit
        self.length = self.r.randint(4, 30)
        self.segment_ids, self.sequence_ids, self.emails = [], [], []
        self.features = {f for f in ("rfm", "score", "attributes", "calendar", "filters", "remember", "limits", "late", "zones",
                                     "refunds", "erase", "feedback", "holdout", "content", "at_end", "sequences", "sequences_again", "windows",
                                     "branches", "state_functions")
                         if f not in self.off and self.chance(0.5)}

    def chance(self, p):
        return self.r.random() < p

    def pick(self, items):
        return self.r.choice(list(items))

    def has(self, feature):
        return feature in self.features

    def span(self, lo=1, hi=8):
        return self.r.randint(lo, hi) * self.unit

    # ---- predicates ----------------------------------------------------------------------------------------------------
    def kind(self, entry=False):
        more = ([] if entry and "entry_any" in self.off else ["open.any", "click.any"]) + (["click.big", "visit.price"] if self.has("filters") else [])
        return self.pick(KINDS + more)

    def duration(self):
        return ["lit", "duration", self.span()]

    def leaf(self, config):
        kinds = ["count", "count", "last", "first", "null", "sum", "order", "extreme"]
        if self.has("state_functions") and self.sequence_ids:
            kinds += ["in_sequence", "in_sequence"]
        if self.has("attributes"):
            kinds += ["number", "text", "has", "in", "tag", "flag", "birthday"]
        if self.has("rfm"):
            kinds += ["rfm", "rfm", "rfm_segment", "recency", "money", "net"]
        if self.has("score"):
            kinds += ["score", "score", "level"]
        if self.has("calendar"):
            kinds += ["hours", "weekday", "day_start", "instant"]
        if self.has("remember"):
            kinds += ["remembered"]
        if self.segment_ids:
            kinds += ["in_segment"]
        op = self.pick([">=", "<", ">", "<=", "==", "!="])
        rise = self.pick([">=", "<", ">", "<="])
        what = self.pick(kinds)
        zone = self.pick(ZONES)
        if what == "count":
            return ["cmp", op, ["count", self.kind(), self.pick([None, self.span(), self.span()])], ["lit", "int", self.r.randint(0, 3)]]
        if what == "sum":
            return ["cmp", rise, ["sum", "visit", "n", self.pick([None, self.span()])], ["lit", "int", self.r.randint(-2, 9)]]
        if what == "extreme":
            how = self.pick(["min", "max", "distinct"])
            return ["cmp", rise, [how, "visit", "n", self.pick([None, self.span()])], ["lit", "int", self.r.randint(0, 4)]]
        if what == "in_sequence":
            return [self.pick(["in_sequence", "completed"]), self.pick(self.sequence_ids)]
        if what == "last":
            kinds = self.r.sample(KINDS, self.r.randint(1, 2))
            return ["cmp", rise, ["arith", "-", ["now"], ["last", kinds]], self.duration()]
        if what == "first":
            return ["cmp", rise, ["arith", "-", ["now"], ["first", self.kind()]], self.duration()]
        if what == "order":
            return ["cmp", rise, ["last", [self.kind()]], self.pick([["first", self.kind()], ["arith", "-", ["now"], self.duration()]])]
        if what == "null":
            return ["null", self.pick([["last", [self.kind()]], ["first", self.kind()]]), self.chance(0.5)]
        if what == "number":
            return ["cmp", op, self.pick([["attr", "n"], ["arith", "+", ["attr", "n"], ["lit", "int", 1]]]), ["lit", "int", self.r.randint(0, 4)]]
        if what == "text":
            return self.pick([["cmp", self.pick(["==", "!="]), ["attr", "s"], ["lit", "string", "ab"]],
                              ["startsWith", ["attr", "s"], "a"], ["contains", ["lowerAscii", ["attr", "s"]], "b"],
                              ["cmp", ">", ["size", ["attr", "s"]], ["lit", "int", 1]]])
        if what == "has":
            return self.pick([["has", self.pick(["n", "s", "tags", "flag"])], ["null", ["attr", self.pick(["n", "s"])], self.chance(0.5)]])
        if what == "in":
            return ["in", ["attr", "s"], ["lit", "list", ["ab", "c"]]]
        if what == "tag":
            return ["in", ["lit", "string", "x"], ["attr", "tags"]]
        if what == "flag":
            return self.pick([["attr", "flag"], ["not", ["attr", "flag"]]])
        if what == "birthday":
            return ["cmp", rise, ["years_since", "born", zone], ["lit", "int", self.r.randint(25, 27)]]
        if what == "rfm":
            return ["cmp", op, ["rfm", self.pick("rfm")], ["lit", "int", self.r.randint(1, 5)]]
        if what == "rfm_segment":
            return ["cmp", self.pick(["==", "!="]), ["rfm", "segment"],
                    ["lit", "string", self.pick(["prospect", "lapsed", "champions", "new_customers", "lost", "loyal"])]]
        if what == "recency":
            return ["cmp", rise, ["rfm", "recency"], self.duration()]
        if what == "money":
            return ["cmp", rise, ["sum", "purchase", "amount", self.pick([None, self.span()])], ["lit", "money", self.pick([0, 500, 1000, 2500])]]
        if what == "net":
            return ["cmp", rise, ["rfm", "monetary"], ["lit", "money", self.pick([500, 1000, 2500])]]
        if what == "score":
            return ["cmp", self.pick([">=", "<"]), ["score", "intent"], ["lit", "double", self.pick([1.7, 2.9, 3.3, 5.3, 0.9])]]
        if what == "level":
            return ["cmp", self.pick(["==", "!="]), ["level", "intent"], ["lit", "string", self.pick(["low", "medium", "high"])]]
        if what == "hours":
            return ["cmp", rise, ["getHours", zone, self.chance(0.7)], ["lit", "int", self.r.randint(0, 23)]]
        if what == "weekday":
            return ["cmp", op, ["getDayOfWeek", zone, self.chance(0.7)], ["lit", "int", self.r.randint(0, 6)]]
        if what == "day_start":
            return self.pick([["cmp", rise, ["arith", "-", ["now"], ["day_start", zone]], ["lit", "duration", self.r.randint(1, 23) * HOUR]],
                              ["cmp", rise, ["last", [self.kind()]], ["day_start", zone]]])
        if what == "instant":
            return ["cmp", rise, ["now"], ["lit", "instant", self.start + self.span(0, 20)]]
        if what == "remembered":
            return ["cmp", "==", ["attr", "page"], ["lit", "string", self.pick(["/a", "/price"])]]
        return ["in_segment", self.pick(self.segment_ids)]

    def predicate(self, config, depth=2):
        x = self.r.random()
        if depth == 0 or x < 0.4:
            return self.leaf(config)
        if x < 0.6:
            return ["and"] + [self.predicate(config, depth - 1) for _ in range(2)]
        if x < 0.8:
            return ["or"] + [self.predicate(config, depth - 1) for _ in range(2)]
        if x < 0.9:
            return ["not", self.predicate(config, depth - 1)]
        return ["if"] + [self.predicate(config, depth - 1) for _ in range(3)]

    def top(self, config):
        x = self.r.random()
        if x < 0.2:
            return [self.pick(["all", "any", "none"])] + [self.predicate(config, 1) for _ in range(self.r.randint(1, 3))]
        return self.predicate(config)

    # ---- configuration -------------------------------------------------------------------------------------------------
    def config(self):
        late = self.has("late")
        config = {"app": "m", "time": {"zone": self.pick(ZONES), "allowed_lateness": self.span(1, 4) if late else 0,
                                       "bot_wait": self.pick([1000, 1000, 5000, min(self.unit, HOUR)])}}
        if self.has("rfm") or self.has("refunds"):
            config["currency"] = "EUR"
        config["attributes"] = {}
        if self.has("attributes"):
            config["attributes"] = {
                "n": {"type": "int"}, "s": {"type": "string"}, "tags": {"type": "strings"}, "born": {"type": "date"},
                "flag": {"type": "bool", "default": self.chance(0.5)} if self.chance(0.6) else {"type": "bool"}}
        if self.has("zones"):
            config["attributes"]["zone"] = {"type": "string"}
            config["time"]["zone_from"] = "zone"
        if self.has("remember"):
            config["remember"] = {"page": {"last": self.pick(["visit", "click"]), "field": "url"}}
        if self.has("filters"):
            config["filters"] = {"click.big": self.pick([["cmp", "==", ["event", "url"], ["lit", "string", "/price"]],
                                                         ["startsWith", ["event", "url"], "/p"]]),
                                 "visit.price": ["or", ["cmp", ">", ["event", "n"], ["lit", "int", 2]],
                                                 ["contains", ["event", "url"], "price"]]}
        config["scores"] = {}
        if self.has("rfm"):
            cuts = sorted(self.r.sample(range(1, 12), 4), reverse=True)
            config["scores"]["rfm"] = {
                "window": self.pick([None, self.span(6, 14)]), "recency": [c * self.unit for c in cuts],
                "frequency": self.pick([[1, 2, 3, 4], [2, 3, 4, 6]]), "monetary": [500, 1000, 2500, 6000],
                "map": self.pick(["rf11", "l125"])}
        if self.has("score"):
            points = {k: self.r.randint(1, 5) for k in self.r.sample(["visit", "click", "open", "search", "open.any", "purchase"], 3)}
            if self.has("filters"):
                points["click.big"] = 4
            config["scores"]["intent"] = {"half_life": self.span(1, 6), "points": points,
                                          "levels": {"low": 0, "medium": 1.3, "high": 4.7}}
        if self.has("sequences") or self.has("sequences_again"):
            self.sequence_ids = ["q%d" % i for i in range(self.r.randint(1, 2 if self.chance(0.8) else 3))]
        config["segments"] = self.segments(config)
        if self.sequence_ids:
            if self.has("content"):
                config["content"] = self.contents()
            config["sequences"] = self.sequences(config)
            config["limits"] = self.limits()
            if self.chance(0.2):
                config["send_if"] = self.top(config)
        return config

    # ---- content and sequences -----------------------------------------------------------------------------------------
    def items(self, word):
        return ["%s-%d" % (word, i) for i in range(self.r.randint(1, 3))]

    def contents(self):
        named = self.r.sample(self.segment_ids, min(len(self.segment_ids), 2))
        out = {"email": {"slots": ["subject", "cta", "proof"], "optional": ["proof"], "resolve": named,
                         "default": {"subject": self.items("d"), "cta": self.items("dc")}}}
        for n in named:
            out["email"][n] = {slot: self.items(n.replace(".", "_") + "-" + slot) for slot in self.r.sample(["subject", "cta", "proof"], 2)}
        if self.chance(0.4):
            out["landing"] = {"slots": ["hero"], "resolve": named[:1], "default": {"hero": ["h"]}}
            for n in named[:1]:
                out["landing"][n] = {"hero": ["h-" + n.replace(".", "_")]}
        return out

    def sequences(self, config):
        out = {}
        for name in self.sequence_ids:
            emails = ["m%d" % i for i in range(self.r.randint(1, 3))]
            self.emails += ["%s.%s" % (name, e) for e in emails]
            out[name] = self.sequence(config, name, emails)
        return out

    def entry(self, config):
        enter = {}
        if not self.segment_ids or self.chance(0.5):
            enter["on_event"] = [self.kind(True) for _ in range(self.r.randint(1, 2))]
        if self.segment_ids and (not enter or self.chance(0.3)):
            enter[self.pick(["on_entering", "on_entering", "on_leaving"])] = [self.pick(self.segment_ids)]
        if self.chance(0.2):
            enter["if"] = self.top(config)
        again = self.pick([None, 0, self.span(), self.span()])
        if again is not None:
            enter["reenter_after"] = again
        return enter

    def sequence(self, config, name, emails):
        s = {"enter": self.entry(config), "engagement_window": self.span(1, 4), "conversion_window": self.span(0, 3)}
        x = self.r.random()
        if x < 0.3:
            s["goal"] = {"event": [self.kind(True) for _ in range(self.r.randint(1, 2))]}
        elif x < 0.4 and self.segment_ids:
            s["goal"] = {"entering": self.pick(self.segment_ids)}
        elif x < 0.5:
            s["goal"] = {"when": self.top(config)}
        if self.chance(0.2):
            s["stop_if"] = self.top(config)
        if self.has("windows") and self.chance(0.5):
            a, b = self.r.sample(range(0, 48), 2)
            s["send_window"] = {"days": self.r.sample(range(7), self.r.randint(3, 6)), "hours": [a * 30, b * 30]}
            if self.chance(0.3):
                del s["send_window"]["days"]
        s["emails"] = [self.email(config, e) for e in emails]
        if self.chance(0.15):
            s["max_emails"] = self.r.randint(1, 4)
        if self.has("holdout") and self.chance(0.5):
            s["holdout"] = 50
        if self.chance(0.1):
            s["engagement"] = "any"
        if self.has("branches"):
            s["branch"] = {o: self.action(name, emails) for o in
                           self.r.sample(["opened_not_clicked", "clicked_not_converted", "no_engagement", "not_delivered"], self.r.randint(1, 3))}
        if self.has("at_end") and self.has("attributes"):
            s["at_end"] = {o: self.set_at_end() for o in self.r.sample(["no_engagement", "opened_not_clicked", "clicked_not_converted"], 2)}
        return s

    def set_at_end(self):
        out = {"set": self.pick([{"flag": self.chance(0.5)}, {"n": self.r.randint(0, 4)}, {"s": "ab"}])}
        if self.chance(0.5):
            out["until"] = self.r.sample(["visit", "search", "click"], 2)
        return out

    def email(self, config, name):
        e = {"id": name, "after": self.span(0, 4)}
        if self.chance(0.15):
            e["if"] = self.top(config)
        if self.has("feedback") and self.chance(0.3):
            e["subscription"] = "news"
        if self.chance(0.1):
            e["transactional"] = True
        if self.chance(0.2):
            e["expires_in"] = self.span()
        if self.chance(0.2):
            e.update(template="t", purpose="p", theme="th")
        if self.chance(0.2):
            e["personalize"] = ["event.url"] + (["customer.n"] if self.has("attributes") else [])
        if self.has("content") and self.chance(0.4):
            e["own"] = {self.pick(["subject", "cta"]): self.own(config)}
        return e

    def own(self, config):
        lists = {"default": self.items("own")}
        for n in config["content"]["email"]["resolve"]:
            if self.chance(0.5):
                lists[n] = self.items("own-" + n.replace(".", "_"))
        return lists

    def action(self, name, emails):
        others = [q for q in self.sequence_ids if q != name]
        kinds = ["goto", "end", "next"] + (["resend", "resend"] if self.has("content") else []) + (["start", "start"] if others else [])
        what = self.pick(kinds)
        a = {}
        if what == "goto":
            a["goto"] = self.pick(emails)
        elif what == "resend":
            a["resend"] = {"slot": "subject", "use": self.pick([1, 2, 3, "own-id"])}
        elif what == "start":
            a["start"] = self.pick(others)
        else:
            a[what] = True
        if what != "next" and self.chance(0.5):
            a["after"] = self.span(0, 3)
        if self.chance(0.3):
            a["at_most"] = self.r.randint(1, 2)
        if self.chance(0.3):
            a["times_in_a_row"] = self.r.randint(1, 2)
        return a

    def limits(self):
        out = {}
        if self.has("limits"):
            out["emails"] = [[self.r.randint(1, 2), self.span(1, 5)]] + ([[self.r.randint(2, 3), self.span(6, 12)]] if self.chance(0.4) else [])
        if self.has("windows") and self.chance(0.5):
            a, b = self.r.sample(range(0, 48), 2)
            out["quiet_hours"] = [a * 30, b * 30]
        if self.chance(0.3):
            out["priority"] = self.r.sample(self.sequence_ids, self.r.randint(1, len(self.sequence_ids)))
        if self.chance(0.5):
            out["max_delay"] = self.span(2, 30)
        if self.has("holdout") and self.chance(0.3):
            out["holdout"] = 30
        return out

    def segments(self, config):
        out = {}
        for i in range(self.r.randint(1, 4)):
            name = "s%d" % i
            if self.has("rfm") and self.chance(0.15) and not any("from" in s for s in out.values()):
                out[name] = {"dimension": "behavioral", "from": "rfm.segment"}
                continue
            if self.chance(0.3):
                rungs = {}
                for k in range(self.r.randint(1, 3)):
                    rungs["r%d" % k] = {"when": self.top(config), "leave_when": self.top(config) if self.chance(0.4) else None}
                rungs["rest"] = {"when": ["lit", "bool", True]}
                out[name] = {"dimension": "lifecycle", "first_of": rungs}
                self.segment_ids += ["%s.%s" % (name, k) for k in rungs]
                continue
            rule = {"dimension": "behavioral", "when": self.top(config)}
            if self.chance(0.3):
                rule["leave_when"] = self.top(config)
            if self.chance(0.25):
                rule["for"] = self.span(1, 3)
            if self.chance(0.25):
                rule["min_stay"] = self.span(1, 4)
            out[name] = rule
            self.segment_ids.append(name)
        return out

    # ---- events --------------------------------------------------------------------------------------------------------
    def instant(self):
        at = self.start + self.r.randint(0, self.length) * self.unit
        if self.chance(0.25):
            at += self.pick([-1, 1, 1, self.r.randint(1, self.unit - 1)])
        return at

    def event(self, customer, number, config):
        kind = self.pick(KINDS + ["visit", "click", "open"] + (["profile", "profile"] if config["attributes"] else [])
                         + (["refund"] if self.has("refunds") else [])
                         + (["delivered", "bounce", "bounce", "reply", "unsubscribe", "subscribe", "complaint"]
                            if self.emails and self.has("feedback") else [])
                         + (["open", "click", "click"] if self.emails else []))
        e = {"kind": kind, "customer": customer, "at": self.instant(), "id": "e%d" % number}
        if kind in ("visit", "click"):
            e["url"] = self.pick(["/a", "/price", "/b"])
        if kind == "visit" and self.chance(0.7):
            e["n"] = self.r.randint(0, 4)
        if kind in ("open", "click") and self.chance(0.2):
            e["machine"] = self.pick([True, False])
        if kind in ("open", "click", "reply", "delivered", "bounce", "unsubscribe", "complaint") and self.emails and self.chance(0.8):
            e["email"] = self.pick(self.emails)
        if kind == "bounce":
            e["bounce_class"] = "hard" if self.chance(0.15) else "soft"
        if kind in ("unsubscribe", "subscribe") and self.chance(0.5):
            e["subscription"] = "news"
        if kind in ("purchase", "refund"):
            e.update(order="o%d" % self.r.randint(1, 4), amount=self.pick([500, 1000, 2000, 0]), currency="EUR")
            if kind == "purchase" and self.chance(0.1):
                del e["order"]
        if kind == "profile":
            for name in self.r.sample(sorted(config["attributes"]), self.r.randint(1, len(config["attributes"]))):
                e[name] = self.attribute(name)
        if self.chance(0.03):
            e["id"] = "e%d" % self.r.randint(0, number)
        if self.chance(0.03):
            del e["id"]
        if self.has("erase") and self.chance(0.08):
            e = {"kind": "erase", "customer": customer, "at": e["at"], "id": "e%d" % number}
        return e

    def answers(self, case, triggers):
        """Feedback that names triggers by their ids, put among the events of a case."""
        for n in range(self.r.randint(1, 3)):
            t = self.pick(triggers)
            kind = self.pick(["open", "click", "click", "reply", "bounce", "delivered"])
            e = {"kind": kind, "customer": t["customer"], "id": "a%d" % n, "email": t["trigger_id"],
                 "at": t["at"] + self.pick([0, 1999, 2000, self.unit, self.span(1, 4), self.span(1, 4) + 1])}
            if kind == "bounce":
                e["bounce_class"] = "soft"
            if kind == "click":
                e["url"] = self.pick(["/a", "/price", "/b"])
            place = next((i for i, other in enumerate(case["events"]) if other["at"] > e["at"]), len(case["events"]))
            case["events"].insert(place, e)
        case["until"] = max([case["until"]] + [e["at"] for e in case["events"]])

    def attribute(self, name):
        if self.chance(0.15):
            return None
        if name == "n":
            return self.r.randint(0, 4)
        if name == "s":
            return self.pick(["ab", "c", "AB", ""])
        if name == "tags":
            return self.pick([["x"], ["y", "x"], []])
        if name == "born":
            return "%d-%02d-%02d" % (self.pick([1999, 2000, 2001]), self.pick([3, 3, 2]), self.pick([28, 26, 27]) if self.chance(0.8) else 1) \
                if self.chance(0.7) else self.pick(["2000-02-29", "2000-10-25", "2000-03-30"])
        if name == "zone":
            return self.pick(ZONES + ["Mars/Olympus"])
        return self.chance(0.5)

    def orderless(self):
        """A case in which the order of arrival cannot matter: facts and segments without a memory of their own, every event at
        its own millisecond, orders and ids that occur once. Returns it in order of time, and shuffled."""
        self.features -= {"sequences", "sequences_again", "erase", "late"}
        config = self.config()
        config["time"]["allowed_lateness"] = (self.length + 2) * self.unit
        for rule in config["segments"].values():
            for rung in [rule] + list(rule.get("first_of", {}).values()):
                for key in ("for", "min_stay", "leave_when"):
                    rung.pop(key, None)
        events = []
        for n in range(self.r.randint(3, 16)):
            e = self.event("c-1", n, config)
            e["id"] = "e%d" % n
            e["at"] = self.start + self.r.randint(0, self.length) * self.unit + n
            if e["kind"] == "purchase":
                e["order"] = "o%d" % n
            elif e["kind"] == "refund":
                e["order"] = "o%d" % self.r.randint(0, 15)
            events.append(e)
        events.sort(key=lambda e: e["at"])
        case = {"config": config, "events": events, "until": self.start + self.r.randint(self.length, 60) * self.unit + 17, "zones": ZONES}
        return case, {**case, "events": self.r.sample(events, len(events))}

    def case(self):
        config = self.config()
        events = []
        for n in range(self.r.randint(3, 16)):
            events.append(self.event(self.pick(["c-1", "c-1", "c-2"]), n, config))
        events.sort(key=lambda e: e["at"])
        if self.has("late"):
            lateness = config["time"]["allowed_lateness"]
            keyed = [(e["at"] + (self.r.randint(0, lateness) if self.chance(0.3) else 0), i, e) for i, e in enumerate(events)]
            events = [e for _, _, e in sorted(keyed, key=lambda k: k[:2])]
        last = max(e["at"] for e in events)
        until = last + self.pick([0, self.span(), self.span(20, 40)])
        return {"config": config, "events": events, "until": until, "zones": ZONES}
