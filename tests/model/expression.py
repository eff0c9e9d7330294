"""Predicates as trees (JSON lists): printed as CEL text, evaluated with three values, and asked for the constants
that decide when their value may change. Nothing here knows of `until`.

A tree is [operation, argument, ..]; OPERATIONS below lists them. Instants and durations are integer milliseconds, money is
integer minor units, UNKNOWN is the third value."""
import datetime
import functools
import zoneinfo

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


class Unknown:
    def __repr__(self):
        return "unknown"

    def __bool__(self):
        raise TypeError("unknown is neither true nor false")


UNKNOWN = Unknown()
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


# ---- time of day and calendar ------------------------------------------------------------------------------------------
@functools.lru_cache(None)
def zone_of(name):
    return zoneinfo.ZoneInfo(name)


@functools.lru_cache(100_000)
def local(ms, zone):
    """The local date and time in a zone, to the second."""
    return (EPOCH + datetime.timedelta(seconds=ms // 1000)).astimezone(zone_of(zone))


@functools.lru_cache(20_000)
def day_edges(day, zone):
    """The quarters of an hour from the UTC day before `day` to the one after, at which the local date or hour changes."""
    edges = []
    before = None
    for at in range((day - 1) * DAY, (day + 2) * DAY, 15 * MINUTE):
        here = local(at, zone)
        now = (here.date(), here.hour)
        if before is not None and now != before:
            edges.append((at, here.hour, now[0] != before[0]))
        before = now
    return edges


def day_start(ms, zone):
    """The first instant of the local day: seen by looking at every quarter of an hour."""
    date = local(ms, zone).date()
    at = ms - ms % (15 * MINUTE)
    first = at
    for back in range(at, at - 27 * HOUR, -15 * MINUTE):
        if local(back, zone).date() == date:
            first = back
    return first


def years_between(birth, ms, zone):
    today = local(ms, zone).date()
    year, month, day = birth
    before = (today.month, today.day) < (month, day)
    return today.year - year - (1 if before else 0)


# ---- text --------------------------------------------------------------------------------------------------------------
def duration_text(ms):
    """As the configuration writes durations: largest unit first."""
    if ms == 0:
        return "0d"
    out = ""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1, "ms")):
        if ms >= unit:
            out += "%d%s" % (ms // unit, name)
            ms %= unit
    return out


def cel_duration(ms):
    if ms % DAY == 0:
        return "days(%d)" % (ms // DAY)
    if ms % HOUR == 0:
        return "hours(%d)" % (ms // HOUR)
    if ms % MINUTE == 0:
        return "minutes(%d)" % (ms // MINUTE)
    return 'duration("%dms")' % ms


def instant_text(ms):
    return (EPOCH + datetime.timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (ms % 1000)


def quoted(s):
    return '"%s"' % s


def literal_text(kind, v):
    if kind == "string":
        return quoted(v)
    if kind == "bool":
        return "true" if v else "false"
    if kind == "duration":
        return cel_duration(v)
    if kind == "instant":
        return 'timestamp("%s")' % instant_text(v)
    if kind == "date":
        return 'date("%04d-%02d-%02d")' % tuple(v)
    if kind == "money":
        return 'money("%d.%02d")' % (v // 100, v % 100)
    if kind == "list":
        return "[" + ", ".join(quoted(x) if isinstance(x, str) else str(x) for x in v) + "]"
    return repr(v)


def history_text(name, kind, field, window):
    args = [quoted(kind)] + ([quoted(field)] if field else []) + ([cel_duration(window)] if window else [])
    return "%s(%s)" % (name, ", ".join(args))


def text(e):
    op, a = e[0], e[1:]
    if op == "lit":
        return literal_text(a[0], a[1])
    if op == "attr":
        return "customer." + a[0]
    if op == "has":
        return "has(customer.%s)" % a[0]
    if op == "event":
        return "event." + a[0]
    if op == "null":
        return "%s %s null" % (text(a[0]), "!=" if a[1] else "==")
    if op == "count":
        return history_text("count", a[0], None, a[1])
    if op in ("sum", "min", "max", "distinct"):
        return history_text(op, a[0], a[1], a[2])
    if op == "first":
        return "first(%s)" % quoted(a[0])
    if op == "last":
        return "last(%s)" % (quoted(a[0][0]) if len(a[0]) == 1 else "[" + ", ".join(map(quoted, a[0])) + "]")
    if op == "rfm":
        return "rfm." + a[0]
    if op in ("score", "level"):
        return "%s.%s" % (a[0], op)
    if op in ("in_segment", "in_sequence", "completed", "arm"):
        return "%s(%s)" % (op, quoted(a[0]))
    if op == "now":
        return "now"
    if op == "day_start":
        return "day_start(now, %s)" % quoted(a[0])
    if op in ("getHours", "getDayOfWeek"):
        return "%s(now, %s)" % (op, quoted(a[0])) if a[1] else "now.%s(%s)" % (op, quoted(a[0]))
    if op == "years_since":
        return "years_since(customer.%s, %s)" % (a[0], quoted(a[1]))
    if op in ("startsWith", "endsWith", "contains"):
        return "%s.%s(%s)" % (text(a[0]), op, quoted(a[1]))
    if op == "lowerAscii":
        return "%s.lowerAscii()" % text(a[0])
    if op == "size":
        return "size(%s)" % text(a[0])
    if op == "in":
        return "%s in %s" % (operand(a[0]), operand(a[1]))
    if op == "cmp":
        return "%s %s %s" % (operand(a[1]), a[0], operand(a[2]))
    if op == "arith":
        return "(%s %s %s)" % (operand(a[1]), a[0], operand(a[2]))
    if op in ("and", "or"):
        return "(%s)" % ({"and": " && ", "or": " || "}[op].join(operand(x) for x in a))
    if op == "not":
        return "!(%s)" % text(a[0])
    if op == "if":
        return "(%s ? %s : %s)" % tuple(operand(x) for x in a)
    raise ValueError(op)


def operand(e):
    return "(%s)" % text(e) if e[0] in ("cmp", "in", "null", "if") else text(e)


def yaml_of(e):
    """A predicate as the configuration holds it: CEL text, or a map of predicates."""
    if e[0] in ("all", "any", "none"):
        return {e[0]: [yaml_of(x) for x in e[1:]]}
    return text(e)


# ---- value -------------------------------------------------------------------------------------------------------------
COMPARE = {"==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
           ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
ARITHMETIC = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}


def both(values):
    """CEL's and: false wins over unknown."""
    seen_unknown = False
    for v in values:
        if v is UNKNOWN:
            seen_unknown = True
        elif not v:
            return False
    return UNKNOWN if seen_unknown else True


def either(values):
    seen_unknown = False
    for v in values:
        if v is UNKNOWN:
            seen_unknown = True
        elif v:
            return True
    return UNKNOWN if seen_unknown else False


def negated(v):
    return UNKNOWN if v is UNKNOWN else not v


def rank(v):
    return (isinstance(v, bool), isinstance(v, str))


def value(e, view):
    """The value of a tree for a customer at an instant: `view` answers what the facts are (see facts.py)."""
    op, a = e[0], e[1:]
    if op == "lit":
        return tuple(a[1]) if a[0] in ("date", "list") else a[1]
    if op == "cmp":
        if a[1][0] == "score":
            return view.score_compare(a[1][1], a[0], a[2][2])
        x, y = value(a[1], view), value(a[2], view)
        if x is UNKNOWN or y is UNKNOWN or rank(x) != rank(y):
            return UNKNOWN
        return COMPARE[a[0]](x, y)
    if op in ("and", "all"):
        return both([value(x, view) for x in a])
    if op in ("or", "any"):
        return either([value(x, view) for x in a])
    if op == "none":
        return negated(either([value(x, view) for x in a]))
    if op == "not":
        return negated(value(a[0], view))
    if op == "if":
        c = value(a[0], view)
        return UNKNOWN if c is UNKNOWN else value(a[1] if c else a[2], view)
    if op == "arith":
        x, y = value(a[1], view), value(a[2], view)
        return UNKNOWN if x is UNKNOWN or y is UNKNOWN else ARITHMETIC[a[0]](x, y)
    if op == "null":
        return (value(a[0], view) is UNKNOWN) != a[1]
    if op in ("startsWith", "endsWith", "contains"):
        x = value(a[0], view)
        if not isinstance(x, str):
            return UNKNOWN
        return {"startsWith": x.startswith, "endsWith": x.endswith, "contains": x.__contains__}[op](a[1])
    if op == "lowerAscii":
        x = value(a[0], view)
        return UNKNOWN if not isinstance(x, str) else "".join(c.lower() if c.isascii() else c for c in x)
    if op == "size":
        x = value(a[0], view)
        return UNKNOWN if x is UNKNOWN else len(x)
    if op == "in":
        x, y = value(a[0], view), value(a[1], view)
        return UNKNOWN if x is UNKNOWN or y is UNKNOWN else x in y
    if op == "now":
        return view.at
    if op == "day_start":
        return day_start(view.at, a[0])
    if op == "getHours":
        return local(view.at, a[0]).hour
    if op == "getDayOfWeek":
        return local(view.at, a[0]).isoweekday() % 7
    if op == "years_since":
        birth = view.attr(a[0])
        return UNKNOWN if birth is UNKNOWN else years_between(birth, view.at, a[1])
    return getattr(view, op)(*a)


def holds(e, view):
    """At the top unknown counts as false."""
    v = value(e, view)
    return v is not UNKNOWN and v


# ---- what may change its value -----------------------------------------------------------------------------------------
def walk(e):
    if isinstance(e, list) and e and isinstance(e[0], str):
        yield e
        for x in e[1:]:
            if isinstance(x, list) and x and isinstance(x[0], str):
                yield from walk(x)


class Constants:
    """Everything in some predicates at which time alone may change them."""

    def __init__(self):
        self.durations, self.instants, self.hours, self.midnights, self.thresholds = set(), set(), set(), set(), set()

    def add(self, e):
        for x in walk(e):
            op = x[0]
            if op == "lit" and x[1] == "duration":
                self.durations.add(x[2])
            elif op == "lit" and x[1] == "instant":
                self.instants.add(x[2])
            elif op == "count" and x[2]:
                self.durations.add(x[2])
            elif op in ("sum", "min", "max", "distinct") and x[3]:
                self.durations.add(x[3])
            elif op == "getHours":
                self.hours.add(x[1])
            elif op in ("getDayOfWeek", "day_start"):
                self.midnights.add(x[1])
            elif op == "years_since":
                self.midnights.add(x[2])
            elif op == "cmp" and x[2][0] == "score":
                self.thresholds.add((x[2][1], x[3][2]))
