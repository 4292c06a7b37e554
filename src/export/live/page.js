
// The page around the charts, and the feed that keeps it up to date.
const limitOf = (kpi) => model.limits.find((limit) => limit.kpi === kpi.name);

function head() {
  const run = model.run, outcome = run.verdict ? run.verdict.outcome : "NONE";
  say("state", run.state === "unknown" ? "state unknown" : run.state);
  byId("state").dataset.state = run.state;
  byId("verdict").dataset.outcome = outcome;
  say("verdict-symbol", SYMBOLS[outcome] || "…");
  say("verdict-kind", run.state === "running" ? "Verdict so far:" : "Verdict:");
  say("verdict-word", run.verdict ? run.verdict.outcome : "none yet");
  say("verdict-reason", run.verdict ? run.verdict.reason : "nothing to judge yet");
  say("origin", run.origin || "");
  say("note", run.note || "");
  say("decision", run.decision || "");
  const bar = byId("progress");
  bar.hidden = !run.declared;
  if (run.declared) { bar.max = run.declared; bar.value = Math.min(run.last, run.declared); }
  say("progress-text", progressText(run));
  say("passing", passingText(run));
  document.title = `${SYMBOLS[outcome] || ""} ${run.last}${run.declared ? "/" + run.declared : ""} soak ${run.state}`;
}
function progressText(run) {
  if (!run.declared) return `iteration ${run.last}`;
  const share = Math.floor(Math.min(1, run.last / run.declared) * 100);
  const left = run.eta_seconds === null ? "" : run.eta_seconds < 1 ? " · almost done" : ` · about ${duration(run.eta_seconds)} left`;
  return `iteration ${run.last} of ${run.declared} · ${share} %${left}`;
}
function passingText(run) {
  return `${run.passing} of ${run.seen} iterations pass` + (run.failed_collections ? `, ${run.failed_collections} without data` : "");
}

function table() {
  const shownKpis = model.limits.map((limit) => model.kpis.find((kpi) => kpi.name === limit.kpi)).concat(model.kpis.filter((kpi) => kpi.beside));
  const body = byId("rows");
  body.replaceChildren();
  for (const row of model.rows.slice(-20).reverse()) {
    const line = make(body, "tr");
    make(line, "td", {}, String(row.iteration));
    const word = row.collection_failed !== null ? "no data" : row.kpi_verdict || "–";
    make(line, "td", { class: "text result " + (row.collection_failed !== null ? "FAIL" : word) }, word);
    make(line, "td", { class: "text " + (row.passes ? "" : "beyond") }, row.passes ? "✓ yes" : "✗ no");
    shownKpis.forEach((kpi) => {
      make(line, "td", { class: row.misses.includes(kpi.name) ? "beyond" : "" }, shown(row.values[kpi.name], kpi));
    });
    make(line, "td", { class: "text" }, row.phase.toLowerCase());
    make(line, "td", { class: "text wide" }, row.collection_failed !== null ? row.collection_failed : row.tuning);
    make(line, "td", { class: "text" }, (row.utc || "–").replace("T", " ").replace(/\.\d+/, "").replace("Z", ""));
  }
  const gone = model.run.seen - model.rows.length;
  say("kept", gone > 0 ? `The charts show ${model.rows.length} of ${model.run.seen} iterations: the latest, and of each stretch before them the extremes.` : "");
}
let shownKey = "";
function charts() {
  const any = model.rows.length > 0;
  for (const section of document.querySelectorAll("[data-charts]")) section.hidden = !any;
  if (!any) return;
  const limited = model.kpis.filter(limitOf);
  limited.sort((a, b) => model.limits.indexOf(limitOf(a)) - model.limits.indexOf(limitOf(b)));
  const side = model.kpis.filter((kpi) => !limitOf(kpi) && (kpi.beside || ["adverse_bps_p95", "slippage_bps_p95"].includes(kpi.name)));
  const last = model.rows[model.rows.length - 1];
  const named = new Set(model.rows.flatMap((row, i) => i && row.overrides === last.overrides ? [] : Object.keys(row.overrides)));
  const known = model.parameters.map((parameter) => parameter.name).filter((name) => named.has(name));
  const parameters = known.concat([...named].filter((name) => !known.includes(name)).sort());
  const key = JSON.stringify([limited.map((kpi) => kpi.name), parameters]);
  if (key !== shownKey) {
    shownKey = key;
    cards.clear();
    for (const id of ["kpis", "side-kpis", "overrides"]) byId(id).replaceChildren();
  }
  for (const kpi of limited) card(byId("kpis"), "kpi " + kpi.name, (owner) => kpiChart(owner, kpi, limitOf(kpi), true));
  for (const kpi of side) card(byId("side-kpis"), "kpi " + kpi.name, (owner) => kpiChart(owner, kpi, undefined, false));
  for (const name of parameters) card(byId("overrides"), "override " + name, (owner) => overrideChart(owner, name));
  // A card is as wide as its neighbours let it be: all of them are there before the first is drawn.
  for (const owner of cards.values()) if (owner.draw) owner.draw();
  cards.set("timeline", lanesOwner);
  say("overrides-note", !parameters.length ? "No overrides are known." : model.parameters.length ? "Each chart reaches from the lowest to the highest value that is ever applied." : "");
  timeline();
  changes();
}

let due = false;
function show() {
  if (due) return;
  due = true;
  setTimeout(() => { due = false; draw(); }, 30);
}
function draw() {
  head();
  table();
  charts();
}

let wide = innerWidth;
addEventListener("resize", () => { if (innerWidth !== wide) { wide = innerWidth; show(); } });

// The feed: everything there is, then events; without events, questions every few seconds.
const feed = (text) => say("feed", text);
const ended = () => model.run && model.run.state !== "running" && !model.run.goes_on;
let heard = Date.now();
function final() {
  feed("the run has ended; this is its last state");
  // The server goes when the run does.
  byId("links").hidden = true;
}
function lost() {
  if (ended()) return final();
  const silent = (Date.now() - heard) / 1000;
  feed(silent < 15 ? "no connection, trying again" : `no answer for ${duration(silent)}, the run may have ended; this is its last known state`);
}
// Another run has taken the place of this one: the page begins anew, at most every few seconds.
const loaded = Date.now();
let leaving = false;
function anew() {
  if (leaving) return;
  leaving = true;
  setTimeout(() => location.reload(), Math.max(0, 3000 - (Date.now() - loaded)));
}
async function catchUp() {
  for (let since = lastNumber(), more = true; more;) {
    const answer = await fetch(`/api/iterations?since=${since}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const document = await answer.json();
    if (!merge(document)) return anew();
    heard = Date.now();
    more = document.next_since !== null;
    since = document.next_since;
  }
  show();
}
async function poll() {
  try {
    await catchUp();
    if (ended()) final(); else feed("live, asks every 5 s");
  } catch { lost(); }
  if (!ended()) setTimeout(poll, 5000);
}
function listen() {
  if (!window.EventSource) return poll();
  const events = new EventSource(`/events?since=${lastNumber()}`);
  let failures = 0;
  events.onopen = () => { failures = 0; feed("live"); };
  events.addEventListener("run", (event) => {
    if (!merge(JSON.parse(event.data))) { events.close(); anew(); return; }
    heard = Date.now();
    show();
    if (ended()) { events.close(); final(); }
  });
  events.onerror = () => {
    lost();
    if (events.readyState === EventSource.CLOSED || ++failures > 5) { events.close(); setTimeout(poll, 5000); }
  };
}
// What came with the page is drawn at once.
merge(unpack(JSON.parse(byId("first").textContent)));
draw();
catchUp().then(() => { if (ended()) final(); else listen(); }, poll);
