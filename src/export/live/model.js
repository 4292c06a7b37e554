
// What the page knows, and how numbers are written.
const model = { run: null, kpis: [], limits: [], parameters: [], rows: [] };
const HOLDS = { "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "<": (a, b) => a < b, ">": (a, b) => a > b };
const WORDS = { "<=": "at most", ">=": "at least", "<": "below", ">": "above" };
const SIGNS = { "<=": "≤", ">=": "≥", "<": "<", ">": ">" };
const SYMBOLS = { PASS: "✓", WARN: "▲", INCONCLUSIVE: "…", FAIL: "✗", INVALID: "⊘", NONE: "…" };

const lastNumber = () => model.rows.length ? model.rows[model.rows.length - 1].iteration : 0;

// What stands in a row where the page, to be small, has no key for it.
const USUAL = { phase: "STEADY", kpi_verdict: null, passes: true, misses: [], applied: {}, guards: [], skip: null,
  panic_revert: false, tuning: "", utc: null, collection_failed: null };
function unpack(answer) {
  let overrides = {};
  for (const row of answer.iterations) {
    for (const key in USUAL) if (!(key in row)) row[key] = USUAL[key];
    overrides = row.overrides = row.overrides || overrides;
  }
  return answer;
}

// Takes an answer in; false when it tells of another run than the page shows.
function merge(answer) {
  if (model.run && answer.run.epoch !== model.run.epoch) return false;
  model.run = answer.run;
  model.kpis = answer.kpis;
  model.limits = answer.limits;
  model.parameters = answer.parameters;
  for (const row of answer.iterations) if (row.iteration > lastNumber()) model.rows.push(row);
  return true;
}
// Whether a row goes on where the one before it ended: they are neighbours, or only rows with values were left out.
const follows = (row, before) => row.joined || row.iteration === before + 1;

const plain = (value) => String(Number(value.toPrecision(7)));
const decimalsOf = (value, kpi) => kpi.significant && value ? Math.min(12, Math.max(kpi.decimals, 1 - +value.toExponential(1).split("e")[1])) : kpi.decimals;
const shown = (value, kpi) => value === undefined || value === null ? "–" : value.toFixed(decimalsOf(value, kpi));
const inWords = (name) => name.replace(/_(ms|bps|per_min)(?=_|$)/g, "").replace(/[_.]/g, " ");
const unit = (kpi) => kpi.unit === "ratio" ? "" : " " + kpi.unit;

function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.round(s / 60) + " min";
  if (s < 172800) return Math.floor(s / 3600) + " h " + Math.round(s % 3600 / 60) + " min";
  return Math.floor(s / 86400) + " d " + Math.round(s % 86400 / 3600) + " h";
}

// Elements; text is always text.
function make(parent, name, attributes, text) {
  const isSvg = parent instanceof SVGElement || name === "svg";
  const node = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const key in attributes || {}) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  parent.appendChild(node);
  return node;
}
const byId = (id) => document.getElementById(id);
const say = (id, text) => { const node = byId(id); if (node.textContent !== text) node.textContent = text; };

// Ticks at 1, 2 or 5 times a power of ten.
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * .999);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(at);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return found.map((value) => ({ value, text: (Math.abs(value) < step / 1e6 ? 0 : value).toFixed(decimals) }));
}
function wholeTicks(first, last, wanted) {
  const steps = [1, 2, 5, 10, 20, 25, 50];
  let scale = 1, step;
  while (!(step = steps.map((s) => s * scale).find((s) => (last - first) / s <= wanted))) scale *= 10;
  const found = [first];
  for (let at = Math.ceil((first + 1) / step) * step; at <= last; at += step) if (at - first > step * .5) found.push(at);
  return found;
}
