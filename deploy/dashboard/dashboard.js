/* The dashboard: asks /api/v1/summary once a second and /api/v1/report every ten, and shows what they
 * say. Rates are differences of totals, kept here for 15 minutes. No other request leaves this page. */
"use strict";

const KEPT = 900; /* seconds of the charts */
const CHARTS = [
  { name: "events_total", title: "Events per second" },
  { name: "triggers_total", title: "Triggers per second" },
  { name: "memberships_total", title: "Moves per second" },
];
const NOW = [
  { name: "partitions_owned", title: "Partitions here" },
  { name: "stream_time_lag_ms", title: "Behind the wall clock", form: span },
  { name: "customers_cached", title: "Customers in memory" },
  { name: "timers_pending", title: "Customers with a deadline" },
  { name: "outbox_pending", title: "Decided, not yet acknowledged by Kafka" },
  { name: "partitions_sweeping", title: "Partitions being visited after a change" },
  { name: "partitions_stopped", title: "Partitions stopped by dead letters", isBad: true },
];
const TOTALS = [
  { name: "events_total", title: "Events" },
  { name: "events_late_total", title: "Late events" },
  { name: "events_duplicate_total", title: "Events seen before" },
  { name: "dead_letters_total", title: "Dead letters", isBad: true },
  { name: "triggers_total", title: "Triggers" },
  { name: "memberships_total", title: "Moves between segments" },
  { name: "outcomes_total", title: "Outcomes" },
  { name: "published_total", title: "Acknowledged by Kafka" },
  { name: "commits_total", title: "Commits" },
  { name: "timers_fired_total", title: "Deadlines kept" },
  { name: "ceiling_held_total", title: "Emails held by per_minute" },
  { name: "join_held_total", title: "Judgements held by join_guard" },
];
const $ = (selector) => document.querySelector(selector);
const history = []; /* { at, metrics } */

/* --- forms of values --- */
function number(value) {
  return value.toLocaleString("en");
}
function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return seconds + " s";
  if (seconds < 7200) return Math.round(seconds / 60) + " min";
  return seconds < 172800 ? Math.round(seconds / 3600) + " h" : Math.round(seconds / 86400) + " d";
}
function instant(ms) {
  return ms === null || ms === undefined ? "never" : new Date(ms).toISOString().replace("T", " ").replace(/\.000Z$/, "Z");
}

/* --- building --- */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const key of Object.keys(attributes)) made.setAttribute(key, attributes[key]);
  made.append(...children);
  return made;
}
function replace(parent, children) {
  parent.replaceChildren(...children);
}
function pair(title, value, kind) {
  return element("div", kind ? { class: kind } : {}, element("dt", {}, title), element("dd", {}, value));
}
function numbers(list, metrics) {
  return list.filter((one) => one.name in metrics).map((one) => {
    const value = metrics[one.name];
    return pair(one.title, (one.form || number)(value), one.isBad && value > 0 ? "bad" : "");
  });
}

/* --- traffic --- */
function rates(name) {
  const found = [];
  for (let i = 1; i < history.length; i++) {
    const seconds = (history[i].at - history[i - 1].at) / 1000;
    const grown = history[i].metrics[name] - history[i - 1].metrics[name];
    if (seconds > 0 && grown >= 0) found.push({ at: history[i].at, value: grown / seconds });
  }
  return found;
}
function line(points) {
  const most = Math.max(1, ...points.map((p) => p.value));
  const end = points.length ? points[points.length - 1].at : 0;
  const shown = points.length ? Math.max(60000, end - points[0].at) : 1; /* ms: all there is, a minute at least */
  return points.map((p, i) => {
    const x = 300 - ((end - p.at) / shown) * 300;
    return (i ? "L" : "M") + x.toFixed(1) + " " + (76 - (p.value / most) * 72).toFixed(1);
  }).join("");
}
function chart(one) {
  const points = rates(one.name);
  const last = points.length ? points[points.length - 1].value : 0;
  const most = Math.max(0, ...points.map((p) => p.value));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 300 80");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", one.title + ": now " + number(Math.round(last)) + ", at most " + number(Math.round(most)));
  path.setAttribute("d", line(points));
  svg.append(path);
  return element("figure", {},
    element("figcaption", {}, element("span", {}, one.title),
      element("span", {}, element("b", {}, number(Math.round(last))), " now, most " + number(Math.round(most)))),
    svg);
}

/* --- the summary, once a second --- */
function show(s) {
  $("#app").textContent = s.app;
  document.title = s.state + " - segstream " + s.app;
  $("#state").textContent = { running: "Running", sweeping: "Running, visiting customers after a change",
    degraded: "Degraded", stopped: "Stopped by dead letters" }[s.state];
  $("#state").className = s.state;
  replace($("#facts"), [
    pair("guarantee", s.guarantee.replace(/_/g, " ")),
    pair("partitions", s.metrics.partitions_owned + " of " + s.partition_count),
    pair("configuration", s.config),
    pair("version", s.version),
  ]);
  $("#problems").hidden = s.problems.length === 0;
  replace($("#problems ul"), s.problems.map((p) => element("li", {}, p)));
  history.push({ at: s.at, metrics: s.metrics });
  while (history.length > KEPT) history.shift();
  replace($("#charts"), CHARTS.map(chart));
  replace($("#now"), numbers(NOW, s.metrics));
  replace($("#totals"), numbers(TOTALS, s.metrics));
  $("#lookup button").disabled = !s.shows_customers;
  $("#lookup-hint").textContent = s.shows_customers
    ? "Asks for the token of http.token; it stays in this page."
    : "Customers are not shown: the configuration has no http.token.";
}
async function tick() {
  try {
    const answer = await fetch("api/v1/summary", { cache: "no-store" });
    if (!answer.ok) throw new Error("HTTP " + answer.status);
    show(await answer.json());
  } catch (error) {
    $("#state").textContent = "No answer: " + error.message;
    $("#state").className = "away";
  }
  setTimeout(tick, 1000);
}

/* --- what came of it, every ten seconds: the sections of /api/v1/report --- */
function figure(key, value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map((v) => figure(key, v)).join(" to ");
  if (typeof value !== "number") return String(value);
  if (/_ms$/.test(key)) return span(value);
  if (/share|rate|_of_/.test(key)) return (value * 100).toFixed(1) + " %";
  return number(value);
}
function readout(section) {
  const keys = Object.keys(section.rows[0]).filter((key) =>
    section.rows.some((row) => row[key] !== null && row[key] !== 0 && row[key] !== ""));
  return element("section", { "aria-label": section.title },
    element("h2", {}, section.title),
    table("", keys.map((key) => key.replace(/_ms$/, "").replace(/_/g, " ")),
      section.rows.map((row) => keys.map((key) => figure(key, row[key])))));
}
async function tickReport() {
  try {
    const answer = await fetch("api/v1/report", { cache: "no-store" });
    if (answer.ok) replace($("#readouts"), (await answer.json()).sections.filter((s) => s.rows.length > 0).map(readout));
  } catch (error) {
    /* the summary says that nobody answers */
  }
  setTimeout(tickReport, 10000);
}

/* --- a customer --- */
function table(caption, heads, rows) {
  if (rows.length === 0) return element("p", { class: "hint" }, caption + ": none");
  return element("div", { class: "table" }, element("table", {},
    ...(caption ? [element("caption", {}, caption)] : []),
    element("thead", {}, element("tr", {}, ...heads.map((h) => element("th", { scope: "col" }, h)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, String(cell))))))));
}
function showCustomer(c) {
  const segments = Object.entries(c.segments).filter(([, s]) => s.member).map(([name, s]) =>
    [s.is === "in" || s.is === name ? name : name + ": " + s.is, instant(s.since), instant(s.until)]);
  const runs = Object.entries(c.sequences).filter(([, s]) => s.active).map(([name, s]) =>
    [name, s.phase, s.email || "", instant(s.due_at), s.held_by || ""]);
  replace($("#customer"), [
    element("p", {}, element("b", {}, c.customer), " as of " + instant(c.at) +
      (c.rfm && c.rfm.segment ? ", RFM " + c.rfm.r + c.rfm.f + c.rfm.m + " (" + c.rfm.segment + ")" : "")),
    table("In", ["segment", "since", "until, if nothing new comes"], segments),
    table("Sequences under way", ["sequence", "phase", "email", "next", "held by"], runs),
    table("Scores", ["score", "points", "level"], Object.entries(c.scores).map(([name, s]) => [name, s.points, s.level || ""])),
    table("What comes next", ["at", "what"], c.next.map((n) => [instant(n.at), n.what])),
  ]);
}
async function explain(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  const target = $("#customer");
  try {
    const answer = await fetch("api/v1/customers/" + encodeURIComponent(form.get("customer")),
      { cache: "no-store", headers: { Authorization: "Bearer " + form.get("token") } });
    const said = await answer.json();
    if (answer.ok) showCustomer(said);
    else replace(target, [element("p", { class: "hint" }, said.error)]);
  } catch (error) {
    replace(target, [element("p", { class: "hint" }, "No answer: " + error.message)]);
  }
}

$("#lookup").addEventListener("submit", explain);
tick();
tickReport();
