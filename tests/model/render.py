"""A case as the program reads it: the configuration (JSON is YAML), and events as lines."""
import json

from expression import duration_text, yaml_of

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def clock(minute):
    return "%02d:%02d" % divmod(minute, 60)


def money(v):
    return "%d.%02d" % (v // 100, v % 100)


def present(d):
    return {k: v for k, v in d.items() if v is not None}


def score(name, rule):
    if name != "rfm":
        return {**rule, "half_life": duration_text(rule["half_life"])}
    return {"window": "ever" if rule["window"] is None else duration_text(rule["window"]),
            "recency": [duration_text(x) for x in rule["recency"]], "frequency": rule["frequency"],
            "monetary": [money(x) for x in rule["monetary"]], "map": rule["map"]}


def predicates(rule):
    return {k: yaml_of(v) if k in ("when", "leave_when", "if", "stop_if") and v is not None else v for k, v in rule.items()}


def segment(rule):
    out = predicates(present(rule))
    for k in ("for", "min_stay"):
        if k in out:
            out[k] = duration_text(out[k])
    if "first_of" in out:
        out["first_of"] = {name: predicates(present(rung)) if rung.get("leave_when") else yaml_of(rung["when"])
                           for name, rung in rule["first_of"].items()}
    return out


def one_or_list(items):
    return items[0] if len(items) == 1 else items


def channel(rule):
    out = {}
    for k, v in rule.items():
        out[k] = {slot: one_or_list(items) for slot, items in v.items()} if isinstance(v, dict) else v
    return out


def email(rule):
    out = predicates(present({k: v for k, v in rule.items() if k != "own"}))
    for k in ("after", "expires_in"):
        if k in out:
            out[k] = duration_text(out[k])
    for slot, lists in rule.get("own", {}).items():
        only = list(lists) == ["default"]
        out[slot] = one_or_list(lists["default"]) if only else {s: one_or_list(v) for s, v in lists.items()}
    return out


def sequence(rule):
    out = predicates(present(rule))
    out["enter"] = predicates(present(rule["enter"]))
    if "reenter_after" in out["enter"]:
        out["enter"]["reenter_after"] = duration_text(out["enter"]["reenter_after"])
    if "goal" in out:
        out["goal"] = predicates(out["goal"])
    if "send_window" in out:
        window = rule["send_window"]
        out["send_window"] = present({"days": [WEEKDAYS[d] for d in window["days"]] if window.get("days") else None,
                                      "hours": "-".join(map(clock, window["hours"])) if window.get("hours") else None})
    for k in ("engagement_window", "conversion_window"):
        out[k] = duration_text(out[k])
    if "holdout" in out:
        out["holdout"] = "%d%%" % out["holdout"]
    out["emails"] = [email(e) for e in rule["emails"]]
    if "branch" in out:
        out["branch"] = {k: {**a, **({"after": duration_text(a["after"])} if "after" in a else {})}
                         for k, a in rule["branch"].items()}
    return out


def limits(rule):
    out = present(dict(rule))
    if "emails" in out:
        out["emails"] = ["%d per %s" % (n, duration_text(span)) for n, span in rule["emails"]]
    if "quiet_hours" in out:
        out["quiet_hours"] = "-".join(map(clock, rule["quiet_hours"]))
    for k in ("max_delay", "stale_after"):
        if k in out:
            out[k] = duration_text(out[k])
    if "holdout" in out:
        out["holdout"] = "%d%%" % out["holdout"]
    return out


def configuration(config):
    """The text of a configuration, one line for each of its sections' entries."""
    time = config["time"]
    out = {"version": 1, "app": config["app"]}
    if "currency" in config:
        out["currency"] = config["currency"]
    out["time"] = present({"zone": time["zone"], "zone_from": "customer." + time["zone_from"] if time.get("zone_from") else None,
                           "allowed_lateness": duration_text(time["allowed_lateness"]),
                           "bot_wait": duration_text(time["bot_wait"]), "clock": "event"})
    for k, of in (("attributes", lambda n, r: r), ("remember", lambda n, r: r), ("filters", lambda n, r: yaml_of(r)), ("scores", score),
                  ("segments", lambda n, r: segment(r)), ("content", lambda n, r: channel(r)),
                  ("sequences", lambda n, r: sequence(r)), ("experiments", lambda n, r: r)):
        if config.get(k):
            out[k] = {name: of(name, rule) for name, rule in config[k].items()}
    if config.get("send_if"):
        out["send_if"] = yaml_of(config["send_if"])
    if config.get("limits"):
        out["limits"] = limits(config["limits"])
    lines = []
    for k, v in out.items():
        if isinstance(v, dict) and k not in ("time", "limits"):
            lines.append(k + ":")
            lines += ["  %s: %s" % (json.dumps(n), json.dumps(r)) for n, r in v.items()]
        else:
            lines.append("%s: %s" % (k, json.dumps(v)))
    return "\n".join(lines) + "\n"


def event_lines(events):
    return "".join(json.dumps(e) + "\n" for e in events)
