
// Overrides over time, and the timeline of changes and guards.
const measureOf = (about) => !about || ["ratio", "count"].includes(about.unit) ? "" : about.unit.startsWith("1/") ? about.unit.slice(1) : " " + about.unit;
// As many decimals as the value that needs most of them, so that a number does not change its length.
function writer(about, values) {
  if (!about) return plain;
  let decimals = about.decimals, before;
  for (const v of values) {
    if (v !== before) decimals = Math.max(decimals, Math.min(4, (plain(v).split(".")[1] || "").length));
    before = v;
  }
  return (value) => value.toFixed(decimals);
}
function overrideChart(owner, name) {
  const value = (row) => row.overrides[name];
  const about = model.parameters.find((parameter) => parameter.name === name);
  const values = model.rows.map(value).filter((v) => v !== undefined);
  const [low, high] = about ? [about.lowest, about.highest] : [...bounds(values)];
  const room = (high - low || Math.abs(high) || 1) * .08;
  const written = writer(about, values), measure = measureOf(about);
  owner.title.textContent = about ? inWords(name) : name.replace(/_/g, " ");
  owner.title.title = name;
  owner.read = (row) => {
    const chosen = row || model.rows[model.rows.length - 1], v = value(chosen);
    owner.now.textContent = v === undefined ? "–" : written(v) + measure;
    owner.left.textContent = row ? "iteration " + row.iteration : "";
    const first = values[0], last = values[values.length - 1];
    owner.right.textContent = row ? "" : values.every((v) => v === first) ? "unchanged" : "from " + written(first) + (last === first ? ", and back" : "");
  };
  const f = frame(owner, { height: 74, left: 38, right: 4, top: 6, bottom: 6 }, low - room, high + room, `${name}: from ${written(values[0])} to ${written(values[values.length - 1])}${measure}`);
  for (const edge of low === high ? [low] : [low, high]) {
    make(f.svg, "line", { class: "grid-line", x1: f.inner.x0, x2: f.inner.x1, y1: f.y(edge), y2: f.y(edge) });
    make(f.svg, "text", { x: f.inner.x0 - 5, y: f.y(edge) + 4, "text-anchor": "end" }, about ? edge.toFixed(about.decimals) : plain(edge));
  }
  let path = "", open = false, before;
  for (const row of model.rows) {
    const v = value(row);
    if (v === undefined) { open = false; continue; }
    const x = f.x(row.iteration - .5).toFixed(1), y = f.y(v).toFixed(1);
    if (!open) path += `M${x} ${y}`; else if (v !== before) path += `H${x}V${y}`;
    path += row.iteration === lastNumber() || v !== before || !open ? `H${f.x(row.iteration + .5).toFixed(1)}` : "";
    open = true; before = v;
  }
  make(f.svg, "path", { class: "value", d: path });
  finish(owner, f);
  owner.read(cursor === null ? null : nearest(cursor));
}

const LANES = [
  ["changes applied", "change", (row) => Object.keys(row.applied).length > 0],
  ["oscillation", "", (row) => row.guards.includes("oscillation")],
  ["velocity", "", (row) => row.guards.includes("velocity")],
  ["cooldown", "", (row) => row.guards.includes("cooldown")],
  ["freeze", "", (row) => row.guards.includes("freeze")],
  ["partial freeze", "", (row) => row.guards.includes("partial_freeze")],
  ["latency", "", (row) => row.guards.includes("latency_soft") || row.guards.includes("latency_hard")],
  ["nothing to change", "", (row) => row.guards.includes("no_op")],
  ["panic revert", "trouble", (row) => row.panic_revert],
  ["does not pass", "trouble", (row) => !row.passes && row.collection_failed === null],
  ["no data", "trouble", (row) => row.collection_failed !== null],
];

const lanesOwner = { picture: byId("timeline"), node: byId("timeline") };
follow(lanesOwner.picture, lanesOwner);
function timeline() {
  const lanes = LANES.filter(([name, , speaks], i) => i === 0 && model.parameters.length || model.rows.some(speaks));
  const owner = lanesOwner, style = getComputedStyle(owner.picture);
  const width = owner.picture.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const shell = { picture: make(document.createElement("div"), "div") };
  Object.defineProperty(shell.picture, "clientWidth", { value: width });
  const spoke = lanes.map(([name, , speaks]) => `${name} in ${model.rows.filter(speaks).length}`).join(", ");
  const f = frame(shell, { height: lanes.length * 20 + 20, left: 108, right: 4, top: 0, bottom: 20 }, 0, 1, "Iterations with " + spoke);
  const step = f.x(f.range.first + 1) - f.x(f.range.first), wide = Math.min(40, Math.max(1.5, step * .8));
  lanes.forEach(([name, kind, speaks], i) => {
    const top = i * 20 + 3;
    make(f.svg, "text", { x: 0, y: top + 11 }, name);
    make(f.svg, "rect", { class: "lane", x: f.inner.x0, y: top, width: f.inner.x1 - f.inner.x0, height: 14 });
    let column = -9;
    for (const row of model.rows) {
      const x = f.x(row.iteration) - wide / 2;
      if (!speaks(row) || x - column < 1) continue;
      column = x;
      make(f.svg, "rect", { class: "mark " + kind, x, y: top + 1, width: wide, height: 12, rx: Math.min(2, wide / 3) });
    }
  });
  numbersBelow(f, Math.max(3, f.width / 60));
  owner.picture.replaceChildren(f.svg);
  const pad = parseFloat(style.paddingLeft);
  owner.scale = { x: f.x, y: f.y, at: (pixel) => shell.scale.at(pixel - pad) };
  owner.read = () => {};
  finish(owner, f);
}

function changes() {
  const list = byId("changes");
  const latest = model.rows.filter((row) => Object.keys(row.applied).length || row.panic_revert).slice(-8).reverse();
  list.replaceChildren();
  for (const row of latest) {
    const item = make(list, "li");
    make(item, "b", {}, String(row.iteration));
    make(item, "span", {}, row.tuning);
  }
  if (!latest.length && model.parameters.length) make(list, "li", { class: "quiet" }, "Nothing was changed so far.");
}
