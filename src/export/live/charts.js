
// Charts: each is a function of the model that draws into its own card, at the width that the card has.
const cards = new Map();
let cursor = null;

// The axis reaches a little into the future, so that it does not jump with every iteration.
function span() {
  const first = model.rows[0].iteration, last = lastNumber();
  const ahead = Math.max(first + 11, first + Math.ceil((last - first + 1) * 1.1 / 12) * 12 - 1);
  const declared = model.run.declared;
  const end = declared && declared >= last ? Math.min(declared, ahead) : last;
  return { first, last: Math.max(end, first) };
}

function card(parent, key, draw) {
  let known = cards.get(key);
  if (!known) {
    const node = make(parent, "article", { class: "card" });
    const head = make(node, "header");
    const title = make(head, "h3");
    const now = make(head, "span", { class: "now" });
    const line = make(node, "p", { class: "quiet" });
    const left = make(line, "span"), right = make(line, "span");
    const picture = make(node, "div");
    known = { node, title, now, left, right, picture };
    cards.set(key, known);
    follow(picture, known);
  }
  known.draw = () => draw(known);
}

function follow(picture, owner) {
  const move = (event) => {
    if (!owner.scale || !model.rows.length) return;
    const box = picture.getBoundingClientRect();
    setCursor(owner.scale.at(event.clientX - box.left));
  };
  picture.addEventListener("pointermove", move);
  picture.addEventListener("pointerdown", move);
  picture.addEventListener("pointerleave", () => setCursor(null));
}

function setCursor(number) {
  const row = number === null ? null : nearest(number);
  cursor = row ? row.iteration : null;
  for (const owner of cards.values()) {
    if (!owner.cursor) continue;
    owner.cursor.setAttribute("visibility", row ? "visible" : "hidden");
    if (row) for (const end of ["x1", "x2"]) owner.cursor.setAttribute(end, owner.scale.x(row.iteration));
    owner.read(row);
  }
}
function nearest(number) {
  let low = 0, high = model.rows.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (model.rows[middle].iteration < number) low = middle + 1; else high = middle;
  }
  const here = model.rows[low], before = model.rows[low - 1];
  return before && number - before.iteration < here.iteration - number ? before : here;
}

function frame(owner, size, low, high, label) {
  const width = Math.max(120, owner.picture.clientWidth), { height, left, right, top, bottom } = size;
  const range = span();
  const inner = { x0: left, x1: width - right, y0: top, y1: height - bottom };
  const x = (number) => inner.x0 + (inner.x1 - inner.x0) * (number - range.first + .5) / (range.last - range.first + 1);
  const y = (value) => inner.y1 - (inner.y1 - inner.y0) * (value - low) / (high - low);
  const at = (pixel) => range.first + (pixel - inner.x0) / (inner.x1 - inner.x0) * (range.last - range.first + 1) - .5;
  const svg = make(document.createElement("div"), "svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label });
  owner.picture.replaceChildren(svg);
  owner.scale = { x, y, at };
  return { svg, inner, x, y, range, width, height };
}

function finish(owner, f) {
  owner.cursor = make(f.svg, "line", { class: "cursor", y1: f.inner.y0, y2: f.inner.y1, x1: 0, x2: 0, visibility: "hidden" });
  if (cursor !== null) for (const end of ["x1", "x2"]) owner.cursor.setAttribute(end, f.x(cursor));
  if (cursor !== null) owner.cursor.setAttribute("visibility", "visible");
}

function numbersBelow(f, wanted) {
  const numbers = wholeTicks(f.range.first, f.range.last, wanted);
  for (const number of numbers) {
    const text = String(number), x = Math.min(f.x(number), f.width - text.length * 3.6);
    make(f.svg, "text", { x, y: f.inner.y1 + 14, "text-anchor": "middle" }, text);
  }
}

function phases(f) {
  const starts = model.rows.filter((row, i) => i ? row.phase !== model.rows[i - 1].phase : row.phase !== "STEADY");
  starts.forEach((row, i) => {
    const x = f.x(row.iteration - .5), word = row.phase.toLowerCase();
    const room = (i + 1 < starts.length ? f.x(starts[i + 1].iteration - .5) : f.width) - x;
    if (row !== model.rows[0]) make(f.svg, "line", { class: "phase", x1: x, x2: x, y1: f.inner.y0 - 10, y2: f.inner.y1 });
    if (room > word.length * 6) make(f.svg, "text", { class: "phase-label", x: x + 3, y: f.inner.y0 - 3 }, word);
  });
}

// Runs of neighbours with a value; a gap ends a run. Where there are more values than pixels, each pixel
// column keeps its smallest and largest one.
function pieces(value, f) {
  const columns = f.inner.x1 - f.inner.x0, crowded = model.rows.length > 2 * columns, found = [];
  let piece = null, bucket = null;
  const close = () => { if (bucket) piece.push(...[bucket.low, bucket.high].sort((a, b) => a[0] - b[0])); bucket = null; };
  let before = null;
  for (const row of model.rows) {
    const v = value(row);
    if (v === undefined || (before !== null && !follows(row, before))) { if (piece) close(); piece = null; }
    before = row.iteration;
    if (v === undefined) continue;
    if (!piece) found.push(piece = []);
    if (!crowded) { piece.push([row.iteration, v]); continue; }
    const column = Math.floor(f.x(row.iteration));
    if (bucket && bucket.column !== column) close();
    if (!bucket) bucket = { column, low: [row.iteration, v], high: [row.iteration, v] };
    if (v < bucket.low[1]) bucket.low = [row.iteration, v];
    if (v > bucket.high[1]) bucket.high = [row.iteration, v];
  }
  if (piece) close();
  return found;
}

function kpiChart(owner, kpi, limit, isLarge) {
  const value = (row) => row.values[kpi.name];
  const values = model.rows.map(value).filter((v) => v !== undefined);
  const misses = limit ? model.rows.filter((row) => { const v = value(row); return v !== undefined && !HOLDS[limit.comparison](v, limit.limit); }) : [];
  const ask = limit ? `${SIGNS[limit.comparison]} ${plain(limit.limit)}${unit(kpi)}` : "";
  owner.title.textContent = kpi.label;
  owner.read = (row) => {
    const chosen = row || model.rows[model.rows.length - 1], v = value(chosen);
    const holds = !limit || (v !== undefined && HOLDS[limit.comparison](v, limit.limit));
    owner.now.textContent = v === undefined ? "no value" : (limit ? (holds ? "✓ " : "✗ ") : "") + shown(v, kpi) + unit(kpi);
    owner.now.className = "now" + (limit ? (holds ? " ok" : " bad") : "");
    owner.left.textContent = (row ? "iteration " : "now, iteration ") + chosen.iteration;
    owner.right.textContent = limit ? "passes " + ask : "no limit";
    if (!row) owner.node.classList.toggle("miss", !holds);
  };
  let low = Math.min(...bounds(values, limit)), high = Math.max(...bounds(values, limit));
  const room = (high - low || Math.abs(high) * .1 || 1) * .12;
  low -= room; high += room;
  const label = `${kpi.label}: ${values.length} values` + (values.length ? `, last ${shown(values[values.length - 1], kpi)}${unit(kpi)}` : "") + (limit ? `, limit ${WORDS[limit.comparison]} ${plain(limit.limit)}, ${misses.length} beyond it` : "");
  const f = frame(owner, { height: isLarge ? 190 : 120, left: 42, right: 10, top: 14, bottom: 20 }, low, high, label);
  if (limit) {
    const at = f.y(limit.limit), below = limit.comparison[0] === "<";
    make(f.svg, "rect", { class: "pass-area", x: f.inner.x0, width: f.inner.x1 - f.inner.x0, y: below ? at : f.inner.y0, height: Math.max(0, below ? f.inner.y1 - at : at - f.inner.y0) });
  }
  for (const tick of ticks(low, high, isLarge ? 5 : 3)) {
    make(f.svg, "line", { class: "grid-line", x1: f.inner.x0, x2: f.inner.x1, y1: f.y(tick.value), y2: f.y(tick.value) });
    make(f.svg, "text", { x: f.inner.x0 - 6, y: f.y(tick.value) + 4, "text-anchor": "end" }, tick.text);
  }
  make(f.svg, "line", { class: "axis", x1: f.inner.x0, x2: f.inner.x1, y1: f.inner.y1, y2: f.inner.y1 });
  numbersBelow(f, Math.max(3, f.width / 60));
  phases(f);
  if (limit) make(f.svg, "line", { class: "limit", x1: f.inner.x0, x2: f.inner.x1, y1: f.y(limit.limit), y2: f.y(limit.limit) });
  const xy = ([n, v]) => f.x(n).toFixed(1) + " " + f.y(v).toFixed(1);
  const path = pieces(value, f).filter((piece) => piece.length > 1).map((piece) => "M" + piece.map(xy).join("L")).join("");
  make(f.svg, "path", { class: "value", d: path });
  const sparse = model.rows.length <= (f.inner.x1 - f.inner.x0) / 9;
  const alone = pieces(value, f).filter((piece) => piece.length === 1).flat();
  const dots = sparse ? model.rows.filter((row) => value(row) !== undefined).map((row) => [row.iteration, value(row)]) : alone;
  for (const [n, v] of dots) make(f.svg, "circle", { class: "dot", cx: f.x(n), cy: f.y(v), r: sparse ? 2.5 : 1.5 });
  let column = -9;
  for (const row of misses) {
    const x = f.x(row.iteration), y = f.y(value(row)), r = sparse ? 4.5 : 3;
    if (!sparse && x - column < 2) continue;
    column = x;
    make(f.svg, "path", { class: "miss", d: `M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}Z` });
  }
  column = -9;
  for (const row of model.rows) {
    const x = f.x(row.iteration);
    if (value(row) !== undefined || x - column < 1) continue;
    column = x;
    make(f.svg, "line", { class: "gap", x1: x, x2: x, y1: f.inner.y1 - 7, y2: f.inner.y1 });
  }
  if (limit) {
    const text = "limit " + ask, at = f.y(limit.limit), place = freePlace(f, at, text.length * 6.6, pieces(value, f));
    make(f.svg, "text", { class: "limit-label", x: place.isLeft ? f.inner.x0 + 3 : f.inner.x1 - 2, y: place.base, "text-anchor": place.isLeft ? "start" : "end" }, text);
  }
  finish(owner, f);
  owner.read(cursor === null ? null : nearest(cursor));
}
// Where a text beside a level line meets the least of the curve: right or left, above or below.
function freePlace(f, level, wide, curve) {
  const places = [];
  for (const isLeft of [false, true]) for (const base of [level - 5, level + 13]) {
    const x0 = isLeft ? f.inner.x0 : f.inner.x1 - wide;
    if (base - 9 < f.inner.y0 - 12 || base > f.inner.y1 - 1) continue;
    let met = 0;
    for (const piece of curve) for (let i = 0; i < piece.length; i++) {
      const [x, y] = [f.x(piece[i][0]), f.y(piece[i][1])];
      const [fromX, fromY] = i ? [f.x(piece[i - 1][0]), f.y(piece[i - 1][1])] : [x, y];
      for (let part = .125; part <= 1; part += .125) {
        const px = fromX + (x - fromX) * part, py = fromY + (y - fromY) * part;
        if (px > x0 - 4 && px < x0 + wide + 4 && py > base - 13 && py < base + 5) met += 1;
      }
    }
    places.push({ isLeft, base, met });
  }
  return places.reduce((best, place) => place.met < best.met ? place : best, places[0] || { isLeft: false, base: level - 5 });
}
function* bounds(values, limit) {
  let low = Infinity, high = -Infinity;
  for (const v of values) { if (v < low) low = v; if (v > high) high = v; }
  if (limit) { low = Math.min(low, limit.limit); high = Math.max(high, limit.limit); }
  if (low > high) { low = 0; high = 1; }
  yield low; yield high;
}
