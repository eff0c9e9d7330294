"""The naive model: the language as its page says it, slow and obvious. It keeps every event of every customer and asks every
predicate again at every instant that could matter. It has no index, no `until`, nothing incremental but what the language itself
remembers: memberships, runs, triggers sent."""
import draws
from expression import MINUTE, UNKNOWN, holds, local
from facts import Facts, RFM_NAMES, constants_of, moments, passes

HUMAN_AFTER = 2000          # a click sooner after its sending is a machine's
QUARTER = 15 * MINUTE       # edges of windows and quiet hours lie on quarters of an hour
IDS_REMEMBERED = 64
HOLDS = ["send_window", "quiet_hours", "cap"]


class Sent:
    """A trigger that left, and the feedback that names it."""

    def __init__(self, trigger_id, run, email, attempt, at):
        self.id, self.run, self.email, self.attempt, self.at = trigger_id, run, email, attempt, at
        self.opens, self.clicks, self.replies, self.delivered, self.soft = [], [], [], [], []


class Click:
    def __init__(self, at, link, machine, event, sent):
        self.at, self.link, self.machine, self.event, self.sent = at, link, machine, event, sent


class Plan:
    """What a run waits for: an email to send, or an action (start, end) at an instant."""

    def __init__(self, email=None, planned=0, earliest=0, reason="entered", use=None, slot=None, action=None):
        self.email, self.planned, self.earliest, self.reason = email, planned, earliest, reason
        self.use, self.slot, self.action = use, slot, action


class Run:
    def __init__(self, sequence, number, at, holdout, event, cause):
        self.sequence, self.number, self.entered_at, self.holdout, self.event = sequence, number, at, holdout, event
        self.cause = cause
        self.sent, self.open, self.plan = [], None, None
        self.attempts, self.uses = {}, {}
        self.streak, self.last_outcome = (None, 0), None


class Customer:
    def __init__(self, key, model):
        self.key, self.model = key, model
        self.facts = Facts(model.case, model.hints.get(key, []))
        self.decided = self.ticked = None
        self.ids, self.now_in, self.pending, self.rungs = [], {}, {}, {}
        self.runs, self.entries, self.completed = {}, {}, set()
        self.suppressed, self.words = False, {}  # subscription, None for all: (time, is it out) of its latest word
        self.sent, self.waiting, self.marks = [], [], []
        self.uncapped = []
        self.cache = None


    @property
    def unsubscribed(self):
        return {of for of, (_, is_out) in self.words.items() if of and is_out}

    @property
    def no_subscription(self):
        return self.words.get(None, (0, False))[1]

    def word(self, of, at, is_out):
        """A word about a subscription counts unless a later one is known. A subscribe to all speaks of each."""
        if of in self.words and at < self.words[of][0]:
            return False
        self.words[of] = (at, is_out)
        for other, (said, _) in list(self.words.items()):
            if of is None and not is_out and said <= at:
                self.words[other] = (said, False)
        return True


class Model:
    def __init__(self, case, hints):
        self.case, self.config, self.hints = case, case["config"], hints
        time = self.config["time"]
        self.zone, self.lateness, self.bot_wait = time["zone"], time["allowed_lateness"], time["bot_wait"]
        self.limits = self.config.get("limits", {})
        self.sequences = self.config.get("sequences", {})
        case["constants"] = constants_of(self.config, list(predicates_of(self.config)))
        self.customers, self.erased, self.floor = {}, {}, {}      # floor: the instant a late erase was decided at
        self.stream = None
        self.out, self.order, self.clock = [], None, None    # order and clock: the input and the instant that decide
        self.until = case["until"]
        self.names = self.segment_names()

    # ---- the stream ----------------------------------------------------------------------------------------------------
    def play(self):
        for number, event in enumerate(self.case["events"], 1):
            self.stream = event["at"] if self.stream is None else max(self.stream, event["at"])
            self.run_time(self.stream)
            self.arrive(number, event)
            self.run_time(self.stream)
        self.run_time(self.until + 1)
        for key in sorted(self.customers):
            self.finish(self.customers[key])
        self.out.sort(key=lambda o: o[0])
        return [record for _, record in self.out]

    def emit(self, record):
        self.out.append(((self.clock,) + self.order, record))

    def run_time(self, stream):
        """All that is due before the stream time, for every customer."""
        for key in sorted(self.customers):
            c = self.customers[key]
            while True:
                at = self.next_moment(c, stream)
                if at is None:
                    break
                self.order = (1, key.encode())
                self.tick(c, at)

    def next_moment(self, c, stream):
        if c.ticked is None or c.ticked < c.decided:
            return c.decided if c.decided < stream else None
        now = c.ticked
        due = {at for at in self.moments_of(c) if now < at < stream}
        return min(due, default=None)

    def moments_of(self, c):
        if c.cache is None:
            c.cache = moments(self.case, c.facts, c.facts.view(c.decided, c), c.decided, self.until)
        due = set(c.cache)
        for name, rule in self.config.get("segments", {}).items():
            if name in c.now_in and rule.get("min_stay"):
                due.add(c.now_in[name] + rule["min_stay"])
            if name in c.pending:
                due.add(c.pending[name] + rule["for"])
        due.update(click.at + self.bot_wait for click in c.waiting)
        for run in c.runs.values():
            due.update(self.moments_of_run(c, run))
        return due

    def moments_of_run(self, c, run):
        if run.holdout:
            return [self.holdout_end(run)]
        if run.open:
            return [self.judged_at(run) + self.lateness]
        plan = run.plan
        if plan.action:
            return [plan.earliest]
        return [plan.earliest, plan.planned + self.max_delay(), self.first_allowed(c, run, plan)]

    # ---- events --------------------------------------------------------------------------------------------------------
    def arrive(self, number, event):
        self.order = (0, number)
        key, at = event["customer"], event["at"]
        if at < self.erased.get(key, at):
            return
        c = self.customers.get(key)
        if event.get("id") is not None and c and event["id"] in c.ids[-IDS_REMEMBERED:]:
            return
        if event["kind"] == "erase":
            self.erased[key] = at
            if c:
                self.floor[key] = self.clock = max(at, c.decided)
                self.erase(c, self.clock)
            return
        if not c:
            c = self.customers[key] = Customer(key, self)
        if event.get("id") is not None:
            c.ids.append(event["id"])
        instant = self.clock = max(at, self.floor.get(key, at) if c.decided is None else c.decided)
        self.apply(c, instant, event)

    def apply(self, c, instant, event):
        """One event: facts, segments, ends of runs, entries. A click of an email of ours counts as human later."""
        kind, at = event["kind"], event["at"]
        sent = self.named(c, event)
        waits = False
        kinds = {kind}
        if kind in ("open", "click"):
            kinds = {kind + ".any"}
            human = not event.get("machine")
            if kind == "open" and sent:
                sent.opens.append((at, not human))
            if kind == "click" and sent:
                click = Click(at, event.get("link") or event.get("url"), not human, event, sent)
                sent.clicks.append(click)
                if human:
                    waits = True
                    c.waiting.append(click)
            if human and not waits:
                kinds |= self.human_kinds(kind, event)
        else:
            kinds |= self.filters_of(kind, event)
        if kind == "reply" and sent:
            sent.replies.append(at)
        if kind == "delivered" and sent:
            sent.delivered.append(at)
        if kind == "bounce" and event.get("bounce_class") == "soft" and sent:
            sent.soft.append(at)
        self.input(c, instant, event, kinds, at)

    def human_kinds(self, kind, event):
        return {kind} | self.filters_of(kind, event)

    def filters_of(self, kind, event):
        return {name for name, p in self.config.get("filters", {}).items()
                if name.split(".")[0] == kind and passes(p, event)}

    def input(self, c, instant, event, kinds, at):
        self.until_unset(c, kinds, at)
        if event["kind"] == "profile":
            for name in self.config.get("attributes", {}):
                if name in event:
                    c.facts.set_attribute(name, at, event[name])
        second = c.facts.add(at, kinds, event)
        c.decided = instant
        c.ticked = None
        before, mark = self.memberships(c), len(self.out)
        cause = event.get("id") or "time"
        changes = self.segments(c, instant)
        feedback = self.feedback(c, event)
        kinds = set() if second else kinds
        ended = self.ends(c, instant, kinds, changes, feedback)
        self.entries(c, instant, changes, kinds, ended, event, cause)
        while True:                       # what followed may change segments again
            changes = self.segments(c, instant)
            if not changes["entered"] and not changes["left"]:
                break
            ended |= self.ends(c, instant, set(), changes, None)
            self.entries(c, instant, changes, set(), ended, event, cause)
        self.changed(c, instant, cause, before, mark)
        c.cache = None

    def until_unset(self, c, kinds, at):
        for mark in list(c.marks):
            if kinds & set(mark["until"]):
                for name in mark["set"]:
                    c.facts.set_attribute(name, at, None)
                c.marks.remove(mark)

    def feedback(self, c, event):
        """What suppresses: the outcome it gives to runs, and which emails it speaks of."""
        kind, of = event["kind"], event.get("subscription")
        if kind == "bounce" and event.get("bounce_class") == "hard":
            c.suppressed = True
            return "bounced", None
        if kind == "complaint":
            c.suppressed = True
            return "complained", None
        if kind == "unsubscribe" and c.word(of or None, event["at"], True):
            return "unsubscribed", of
        if kind == "subscribe":
            c.word(of or None, event["at"], False)
        return None

    def named(self, c, event):
        """The trigger an event names: by id, or the last of an email sent by then."""
        name = event.get("email")
        if not name:
            return None
        if "." in name:
            sequence, email = name.split(".")
            found = [s for s in c.sent if s.run.sequence == sequence and s.email["id"] == email and s.at <= event["at"]]
        else:
            found = [s for s in c.sent if s.id == name]
        return max(found, key=lambda s: s.at) if found else None

    def erase(self, c, instant):
        for name in self.memberships(c):
            self.membership(instant, c, name, "left", "erased", [])
        for run in list(c.runs.values()):
            self.end(c, run, "erased", instant)
        del self.customers[c.key]

    # ---- humans --------------------------------------------------------------------------------------------------------
    def is_human(self, click):
        if click.machine or click.at < click.sent.at + HUMAN_AFTER:
            return False
        return not any(other.link != click.link and abs(other.at - click.at) < self.bot_wait
                       for other in click.sent.clicks)

    # ---- segments ------------------------------------------------------------------------------------------------------
    def segment_names(self):
        names = []
        for name, rule in self.config.get("segments", {}).items():
            names += ["%s.%s" % (name, r) for r in self.rungs(rule)] if "first_of" in rule or "from" in rule else [name]
        return names

    def rungs(self, rule):
        if "from" in rule:
            return {r: {"when": ["cmp", "==", ["rfm", "segment"], ["lit", "string", r]]} for r in RFM_NAMES}
        return rule["first_of"]

    def memberships(self, c):
        return [n for n in self.names if n in c.now_in]

    def segments(self, c, at):
        """All segments at an instant, in the order of the configuration (its generator keeps dependencies in it)."""
        view = c.facts.view(at, c)
        entered, left = [], []
        for name, rule in self.config.get("segments", {}).items():
            if "first_of" in rule or "from" in rule:
                self.ladder(c, view, name, self.rungs(rule), entered, left)
            else:
                self.segment(c, view, name, rule, entered, left)
        return {"entered": set(entered), "left": set(left)}

    def changed(self, c, at, cause, before, mark):
        """One record per real change of one input, ahead of what followed from it: never a pair that cancels out. A ladder's
        move is two records, left first."""
        now = self.memberships(c)
        rest, self.out = self.out[mark:], self.out[:mark]
        for name, rule in self.config.get("segments", {}).items():
            for status, old, new in (("left", before, now), ("entered", now, before)):
                for n in old:
                    if n not in new and (n == name or n.startswith(name + ".")):
                        self.membership(at, c, n, status, cause, now)
        self.out += rest

    def ladder(self, c, view, name, rungs, entered, left):
        current = c.rungs.get(name)
        for rung, rule in rungs.items():
            on = holds(rule["when"], view)
            if rung == current and rule.get("leave_when"):
                on = on or not holds(rule["leave_when"], view)
            if on:
                break
        if rung == current:
            return
        if current:
            del c.now_in["%s.%s" % (name, current)]
            left.append("%s.%s" % (name, current))
        c.rungs[name] = rung
        c.now_in["%s.%s" % (name, rung)] = view.at
        entered.append("%s.%s" % (name, rung))

    def segment(self, c, view, name, rule, entered, left):
        when = holds(rule["when"], view)
        if name in c.now_in:
            out = not when and (not rule.get("leave_when") or holds(rule["leave_when"], view))
            if out and view.at >= c.now_in[name] + rule.get("min_stay", 0):
                del c.now_in[name]
                left.append(name)
            return
        if not when:
            c.pending.pop(name, None)
            return
        since = c.pending.setdefault(name, view.at) if rule.get("for") else view.at
        if view.at >= since + rule.get("for", 0):
            c.pending.pop(name, None)
            c.now_in[name] = view.at
            entered.append(name)

    def membership(self, at, c, name, status, cause, now):
        self.emit({"type": "membership", "customer": c.key, "segment": name, "status": status, "at": at, "cause": cause,
                       "segments": now})

    # ---- what time does ------------------------------------------------------------------------------------------------
    def tick(self, c, at):
        self.clock = at
        did_any = False
        for click in sorted((w for w in c.waiting if w.at + self.bot_wait <= at), key=lambda w: w.at):
            c.waiting.remove(click)
            did_any = True
            if self.is_human(click):
                self.input(c, at, click.event, self.human_kinds("click", click.event), click.at)
        before, mark = self.memberships(c), len(self.out)
        while True:
            changes = self.segments(c, at)
            did = bool(changes["entered"] or changes["left"])
            did = bool(self.ends(c, at, set(), changes, None)) or did
            for run in self.runs(c):
                if run.holdout and self.holdout_end(run) <= at:
                    self.end(c, run, "completed", self.holdout_end(run))
                    c.completed.add(run.sequence)
                    did = True
                if not run.holdout and run.open and self.judged_at(run) + self.lateness <= at:
                    self.judge(c, run)
                    did = True
                if run.sequence in c.runs and run.plan and run.plan.action and run.plan.earliest <= at:
                    self.act(c, run, run.plan)
                    did = True
            self.entries(c, at, changes, set(), set(), None, "time")
            did = self.send(c, at) or did
            did_any = did_any or did
            if not did:
                break
        self.changed(c, at, "time", before, mark)
        if did_any:
            c.decided = max(c.decided, at)
        c.ticked = at

    def runs(self, c):
        """In the order of their entries."""
        return list(c.runs.values())

    def finish(self, c):
        """After the last event judgements as of an instant up to the end are made at once, with their actions."""
        self.order = (1, c.key.encode())
        for run in self.runs(c):
            if run.sequence in c.runs and not run.holdout and run.open and self.judged_at(run) <= self.until:
                self.clock = self.judged_at(run) + self.lateness
                self.judge(c, run)
            plan = run.plan
            if run.sequence in c.runs and plan and plan.action and plan.planned <= self.until:
                self.clock = plan.earliest
                self.act(c, run, plan)

    # ---- entries -------------------------------------------------------------------------------------------------------
    def entries(self, c, at, changes, kinds, ended, event, cause):
        for name, s in self.sequences.items():
            enter = s["enter"]
            if name in ended:
                continue
            if (set(enter.get("on_entering", [])) & changes["entered"] or set(enter.get("on_leaving", [])) & changes["left"]
                    or set(enter.get("on_event", [])) & kinds):
                self.enter(c, name, at, at, event, cause)

    def enter(self, c, name, at, earliest, event, cause):
        """Returns why not, or None."""
        s = self.sequences[name]
        enter = s["enter"]
        view = c.facts.view(max(at, earliest), c)
        if name in c.runs:
            return "active"
        last, number = c.entries.get(name, (None, 0))
        if last is not None and (enter.get("reenter_after") is None or at <= last or at < last + enter["reenter_after"]):
            return "reenter_after"
        if enter.get("if") and not holds(enter["if"], view):
            return "if"
        if s.get("stop_if") and holds(s["stop_if"], view):
            return "stop_if"
        goal = s.get("goal", {})
        if goal.get("entering") in c.now_in or goal.get("when") and holds(goal["when"], view):
            return "goal"
        if c.suppressed or c.no_subscription and not any(e.get("transactional") for e in s["emails"]):
            self.outcome_record(c, name, None, None, None, None, "not_entered", "suppression", False, at)
            return "suppression"
        holdout = self.held_out(c, name)
        run = c.runs[name] = Run(name, number + 1, at, holdout, event, cause)
        c.entries[name] = (at, number + 1)
        self.outcome(c, run, None, "entered", None, at)
        if not holdout:
            first = s["emails"][0]
            run.plan = Plan(first, at + first["after"], max(earliest, at + first["after"]))
        return None

    def held_out(self, c, name):
        s = self.sequences[name]
        return (draws.bucket("holdout." + name, c.key) < 100 * s.get("holdout", 0)
                or draws.bucket("holdout", c.key) < 100 * self.limits.get("holdout", 0))

    def holdout_end(self, run):
        s = self.sequences[run.sequence]
        return run.entered_at + sum(e["after"] for e in s["emails"]) + s["engagement_window"]

    # ---- ends ----------------------------------------------------------------------------------------------------------
    def ends(self, c, at, kinds, changes, feedback):
        ended = set()
        for run in self.runs(c):
            s = self.sequences[run.sequence]
            view = c.facts.view(at, c)
            goal = s.get("goal", {})
            outcome = None
            if feedback and feedback[0] != "unsubscribed":
                outcome = feedback[0]
            elif feedback and self.speaks_of(feedback[1], run):
                outcome = "unsubscribed"
            elif set(goal.get("event", [])) & kinds or goal.get("entering") in changes["entered"]:
                outcome = "converted"
            elif goal.get("when") and holds(goal["when"], view):
                outcome = "converted"
            elif s.get("stop_if") and holds(s["stop_if"], view):
                outcome = "stopped"
            if outcome:
                self.end(c, run, outcome, at)
                ended.add(run.sequence)
        return ended

    def speaks_of(self, subscription, run):
        """Whether an unsubscribe ends a run: its open or next email belongs to the subscription."""
        if run.holdout:  # an unsubscribe stops no transactional email, and so no run that would have had only those
            return subscription is None and any(not e.get("transactional") for e in self.sequences[run.sequence]["emails"])
        emails = [e for e in (run.open and run.open.email, run.plan and run.plan.email) if e]
        return any(not e.get("transactional") and (subscription is None or e.get("subscription") == subscription)
                   for e in emails)

    def end(self, c, run, outcome, at):
        if run.open:
            self.outcome(c, run, run.open, outcome, None, at)
        self.outcome(c, run, None, outcome, None, at)
        del c.runs[run.sequence]
        run.open = run.plan = None

    def outcome(self, c, run, sent, outcome, reason, at):
        email, attempt = (sent.email["id"], sent.attempt) if sent else (None, None)
        self.outcome_record(c, run.sequence, run.number, run.entered_at, email, attempt,
                            outcome, reason, run.holdout, at)

    def outcome_record(self, c, sequence, number, entered_at, email, attempt, outcome, reason, holdout, at):
        self.emit({"type": "outcome", "customer": c.key, "sequence": sequence, "run": number, "entered_at": entered_at,
                            "email": email, "attempt": attempt, "outcome": outcome, "reason": reason, "holdout": holdout,
                            "at": at})

    # ---- judging -------------------------------------------------------------------------------------------------------
    def engaged(self, run):
        """Opens, clicks and replies that count for the open attempt: (opens, clicks)."""
        s = self.sequences[run.sequence]
        machines = s.get("engagement") == "any"
        lo, hi = run.open.at, run.open.at + s["engagement_window"]
        opens, clicks = [], []
        for sent in run.sent:
            if sent.email["id"] == run.open.email["id"]:
                opens += [at for at, machine in sent.opens if lo <= at <= hi and (machines or not machine)]
                clicks += [k.at for k in sent.clicks if lo <= k.at <= hi and (machines or self.is_human(k))]
                clicks += [at for at in sent.replies if lo <= at <= hi]
        return opens, clicks

    def judged_at(self, run):
        s = self.sequences[run.sequence]
        at = run.open.at + s["engagement_window"]
        _, clicks = self.engaged(run)
        return max([at] + ([min(clicks) + s["conversion_window"]] if clicks else []))

    def judge(self, c, run):
        at = self.judged_at(run)
        sent = run.open
        opens, clicks = self.engaged(run)
        if clicks:
            outcome = "clicked_not_converted"
        elif opens:
            outcome = "opened_not_clicked"
        elif self.is_lost(sent, at):
            outcome = "not_delivered"
        else:
            outcome = "no_engagement"
        self.outcome(c, run, sent, outcome, None, at)
        run.open = None
        run.last_outcome = outcome
        if outcome != "not_delivered":
            run.streak = (outcome, run.streak[1] + 1 if run.streak[0] == outcome else 1)
        self.branch(c, run, sent, outcome, at)

    def is_lost(self, sent, judged):
        bounces = [at for at in sent.soft if sent.at <= at <= judged]
        signs = sent.delivered + [at for at, _ in sent.opens] + [k.at for k in sent.clicks]
        return any(not any(at < sign <= judged for sign in signs) for at in bounces)

    def branch(self, c, run, sent, outcome, at):
        s = self.sequences[run.sequence]
        action = s.get("branch", {}).get(outcome)
        if action:
            uses = run.uses.get((outcome, sent.email["id"]), 0)
            at_most = action.get("at_most", 1 if "resend" in action else None)
            in_a_row = run.streak[1] if outcome != "not_delivered" else 10 ** 9
            if in_a_row < action.get("times_in_a_row", 1) or (at_most is not None and uses >= at_most):
                action = None
        if not action or "next" in action:
            self.next(c, run, sent.email, max(sent.at + self.after_of(run, sent.email), at), at + self.lateness, outcome, at)
            return
        run.uses[(outcome, sent.email["id"])] = uses + 1
        due = at + action.get("after", 0)
        if "start" in action or "end" in action:
            run.plan = Plan(planned=due, earliest=max(due, at + self.lateness), reason=outcome, action=action)
            if due <= at:
                self.act(c, run, run.plan)
            return
        email = sent.email
        slot = use = None
        if "goto" in action:
            email = next(e for e in s["emails"] if e["id"] == action["goto"])
        else:
            slot, use = action["resend"]["slot"], action["resend"]["use"]
        self.plan(c, run, email, due, max(due, at + self.lateness), outcome, at, use, slot)

    def after_of(self, run, email):
        """The `after` of the email that follows."""
        emails = self.sequences[run.sequence]["emails"]
        place = emails.index(email)
        return emails[place + 1]["after"] if place + 1 < len(emails) else 0

    def next(self, c, run, email, planned, earliest, reason, at):
        emails = self.sequences[run.sequence]["emails"]
        place = emails.index(email)
        if place + 1 == len(emails):
            self.complete(c, run, at)
            return
        self.plan(c, run, emails[place + 1], planned, max(planned, earliest), reason, at)

    def plan(self, c, run, email, planned, earliest, reason, at, use=None, slot=None):
        s = self.sequences[run.sequence]
        if len(run.sent) >= s.get("max_emails", 3 * len(s["emails"])):
            self.end(c, run, "exhausted", at)
            return
        run.plan = Plan(email, planned, earliest, reason, use, slot)

    def complete(self, c, run, at):
        self.end(c, run, "completed", at)
        c.completed.add(run.sequence)
        rule = self.sequences[run.sequence].get("at_end", {}).get(run.last_outcome)
        if rule:
            for name, v in rule["set"].items():
                c.facts.set_attribute(name, at, v)
            if rule.get("until"):
                c.marks.append(rule)

    def act(self, c, run, plan):
        """start or end, at its instant."""
        if "end" in plan.action:
            self.end(c, run, "ended", plan.planned)
            return
        place = len(self.out)
        del c.runs[run.sequence]
        reason = self.enter(c, plan.action["start"], plan.planned, plan.earliest, None, "time")
        new, self.out = self.out[place:], self.out[:place]
        self.outcome(c, run, None, "moved", reason, plan.planned)
        self.out += new
        run.plan = None

    # ---- sending -------------------------------------------------------------------------------------------------------
    def max_delay(self):
        return self.limits.get("max_delay", 7 * 86_400_000)

    def zone_of(self, c, at):
        if self.config["time"].get("zone_from"):
            zone = c.facts.view(at, c).attr(self.config["time"]["zone_from"])
            if zone is not UNKNOWN and zone in self.case["zones"]:
                return zone
        return self.zone

    def against(self, c, run, email, at):
        """What does not allow an email at an instant."""
        out = []
        s = self.sequences[run.sequence]
        here = local(at, self.zone_of(c, at))
        minute, day = here.hour * 60 + here.minute, here.weekday()
        window = s.get("send_window")
        if window and not in_window(window, minute, day):
            out.append("send_window")
        quiet = self.limits.get("quiet_hours")
        if quiet and in_hours(quiet, minute):
            out.append("quiet_hours")
        if not email.get("transactional"):
            for most, span in self.limits.get("emails", []):
                if sum(0 <= at - sent < span for sent in c.uncapped) >= most:
                    out.append("cap")
                    break
        return out

    def first_allowed(self, c, run, plan):
        lo, hi = max(plan.earliest, c.decided), plan.planned + self.max_delay()
        return next((at for at in self.trials(c, lo, hi) if not self.against(c, run, plan.email, at)), hi)

    def trials(self, c, lo, hi):
        yield lo
        releases = sorted({sent + span for sent in c.uncapped for _, span in self.limits.get("emails", [])})
        quarters = []
        if self.limits.get("quiet_hours") or any(s.get("send_window") for s in self.sequences.values()):
            quarters = range(lo - lo % QUARTER + QUARTER, hi + 1, QUARTER)
        if not releases:
            yield from quarters
        else:
            yield from sorted({r for r in releases if lo < r <= hi} | set(quarters))

    def send(self, c, at):
        """Sends of an instant, by priority; each looks again at what the ones before it used up. Returns whether any acted."""
        did = False
        listed = self.limits.get("priority", [])
        files = list(self.sequences)

        def place(run):
            if run.sequence in listed:
                return (0, listed.index(run.sequence), 0)
            return (1, run.plan.planned, files.index(run.sequence))
        while True:
            due = [r for r in self.runs(c) if not r.holdout and r.plan and r.plan.email and r.plan.earliest <= at]
            due = [r for r in due if not self.against(c, r, r.plan.email, at) or at >= r.plan.planned + self.max_delay()]
            if not due:
                return did
            did = True
            self.send_one(c, min(due, key=place), at)

    def send_one(self, c, run, at):
        plan, s = run.plan, self.sequences[run.sequence]
        email = plan.email
        view = c.facts.view(at, c)
        attempt = run.attempts.get(email["id"], 0) + 1
        against = self.against(c, run, email, at)
        if against:
            self.not_sent(c, run, attempt, "suppressed", self.held_by(c, run, plan, against), at)
        elif email.get("if") and not holds(email["if"], view):
            self.not_sent(c, run, attempt, "skipped", "if", at)
        elif self.is_suppressed(c, email):
            self.not_sent(c, run, attempt, "suppressed", "suppression", at)
        elif self.config.get("send_if") and not holds(self.config["send_if"], view):
            self.not_sent(c, run, attempt, "suppressed", "send_if", at)
        else:
            self.leave(c, run, plan, attempt, at, view)

    def is_suppressed(self, c, email):
        if c.suppressed:
            return True
        return not email.get("transactional") and (c.no_subscription or email.get("subscription") in c.unsubscribed)

    def held_by(self, c, run, plan, against):
        """What held an email longest. Where two hold at once both are counted, or the one that is waited for first (send
        window, quiet hours, cap); the page leaves that open, and either answer is good."""
        edges = list(self.trials(c, plan.planned, plan.planned + self.max_delay()))
        together, first, waits_for = {}, {}, None
        for lo, hi in zip(edges, edges[1:]):
            holds_it = self.against(c, run, plan.email, lo)
            if not holds_it:                             # as is known now: the zone has changed since
                continue
            if waits_for not in holds_it:                # its turn is over: the next that holds
                turn = HOLDS.index(waits_for) + 1 if waits_for else 0
                waits_for = next(what for what in HOLDS[turn:] + HOLDS[:turn] if what in holds_it)
            for what in holds_it:
                together[what] = together.get(what, 0) + hi - lo
            first[waits_for] = first.get(waits_for, 0) + hi - lo
        if not together:
            return "|".join(against)
        return "|".join(sorted({what for spent in (together, first) for what in spent if spent[what] == max(spent.values())}))

    def not_sent(self, c, run, attempt, outcome, reason, at):
        email = run.plan.email
        self.outcome_record(c, run.sequence, run.number, run.entered_at, email["id"], attempt, outcome, reason, False, at)
        run.plan = None
        self.next(c, run, email, at + self.after_of(run, email), at, run.last_outcome or "entered", at)

    def leave(self, c, run, plan, attempt, at, view):
        s, email = self.sequences[run.sequence], plan.email
        ident = draws.trigger_id(self.config["app"], c.key, run.sequence, run.entered_at, email["id"], attempt)
        run.attempts[email["id"]] = attempt
        sent = Sent(ident, run, email, attempt, at)
        run.sent.append(sent)
        c.sent.append(sent)
        run.open, run.plan = sent, None
        if not email.get("transactional"):
            c.uncapped.append(at)
        self.emit({
            "type": "trigger", "customer": c.key, "at": at, "trigger_id": ident, "sequence": run.sequence, "run": run.number,
            "entered_at": run.entered_at, "email": email["id"], "attempt": attempt, "reason": plan.reason,
            "planned_at": plan.planned, "sent_at": at,
            "expires_at": at + email.get("expires_in", self.limits.get("stale_after", 72 * 3_600_000)),
            "template": email.get("template"), "purpose": email.get("purpose"), "theme": email.get("theme"),
            "content": self.content(c, "email", email, plan), "landing": self.content(c, "landing", None, None),
            "segments": self.memberships(c), "rfm": self.rfm_of(view), "scores": self.scores_of(view),
            "lifecycle": self.lifecycle_of(c), "context": self.context_of(run, email, view),
            "subscription": email.get("subscription"), "transactional": bool(email.get("transactional"))})

    # ---- what a trigger carries ----------------------------------------------------------------------------------------
    def rfm_of(self, view):
        if "rfm" not in self.config.get("scores", {}):
            return None
        out = {}
        for what in ("r", "f", "m", "segment"):
            v = view.rfm(what)
            out[what] = None if v is UNKNOWN else v
        return out

    def scores_of(self, view):
        return {name: {"score": view.score_value(name), "level": view.level(name)}
                for name in self.config.get("scores", {}) if name != "rfm"}

    def lifecycle_of(self, c):
        for name, rule in self.config.get("segments", {}).items():
            if rule.get("dimension") == "lifecycle" and name in c.rungs:
                return c.rungs[name]
        return None

    def context_of(self, run, email, view):
        out = {}
        for what in email.get("personalize", []):
            where, name = what.split(".")
            v = view.attr(name) if where == "customer" else (run.event or {}).get(name)
            if v is not None and v is not UNKNOWN:
                out[what] = str(v).lower() if isinstance(v, bool) else str(v)
        return out

    def content(self, c, channel, email, plan):
        matrix = self.config.get("content", {}).get(channel)
        if not matrix:
            return {}
        out = {}
        for slot in matrix["slots"]:
            own = email.get("own", {}).get(slot) if email else None
            if own is not None:
                lists = [own[s] for s in matrix.get("resolve", []) if s in own and s in c.now_in]
                lists += [own["default"]] if "default" in own else []
            else:
                lists = [matrix[s][slot] for s in matrix.get("resolve", []) if s in c.now_in and slot in matrix.get(s, {})]
                lists += [matrix["default"][slot]] if slot in matrix["default"] else []
            item = lists[0][0] if lists else None
            if plan and plan.slot == slot:
                if isinstance(plan.use, int):
                    item = next((li[plan.use - 1] for li in lists if len(li) >= plan.use), item)
                else:
                    item = plan.use
            if item is not None:
                out[slot] = item
        return out


def in_hours(hours, minute):
    a, b = hours
    return a <= minute < b if a < b else minute >= a or minute < b


def in_window(window, minute, day):
    """`day` counts from Monday; a window over midnight belongs to the day of its start."""
    hours, days = window.get("hours"), window.get("days")
    if hours and hours[0] > hours[1] and minute < hours[1]:
        day = (day - 1) % 7
    return (not hours or in_hours(hours, minute)) and (not days or day in days)


def predicates_of(config):
    for rule in config.get("segments", {}).values():
        for part in [rule] if "when" in rule else list(rule.get("first_of", {}).values()):
            yield part["when"]
            if part.get("leave_when"):
                yield part["leave_when"]
    if config.get("send_if"):
        yield config["send_if"]
    for s in config.get("sequences", {}).values():
        for p in [s["enter"].get("if"), s.get("stop_if"), s.get("goal", {}).get("when")] + [e.get("if") for e in s["emails"]]:
            if p:
                yield p


def play(case, hints=None):
    return Model(case, hints or {}).play()
