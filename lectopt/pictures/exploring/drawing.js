// What is drawn on the two canvases: the landscape with the paths, and the value against the steps.

const dark = matchMedia("(prefers-color-scheme: dark)");
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The colour of an optimizer, and its dashes once all colours are taken. Black is white in the dark.
const colour = (k) => {
  const found = given.colours[k % given.colours.length];
  return found === "#000000" ? css("--last") : found;
};
const dashes = (k) => [[], [7, 3], [2, 2]][Math.floor(k / given.colours.length) % 3];

// A canvas in its true size, in pixels of the page.
function sized(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.lineJoin = "round";
  return { pen, width, height };
}

const between = ([low, high], share) => low + (high - low) * share;
const share = ([low, high], x) => (x - low) / (high - low);

// The landscape that is drawn; of one parameter it is the graph.
let value, frame, minima, lowest, flat, graph, tall;
function enter(landscape) {
  ({ window: frame, minima, lowest } = given.landscapes[landscape]);
  ({ value } = formulas[landscape]);
  flat = frame.length === 1;
  shades = null;
  if (!flat) { tall = frame[1]; return; }
  graph = Array.from({ length: 401 }, (_, i) => value([between(frame[0], i / 400)]));
  const low = Math.min(...graph), span = Math.max(...graph) - low || 1;
  tall = [low - 0.1 * span, low + 1.1 * span];
}

// Between points of the landscape and places on its canvas; far away is as far as can be drawn.
const bound = (x) => Math.max(-1e4, Math.min(1e4, x));
function place(point, width, height) {
  const up = flat ? value(point) : point[1];
  return [bound(share(frame[0], point[0]) * width), bound((1 - share(tall, up)) * height)];
}
function pointAt(x, y, width, height) {
  const across = between(frame[0], x / width);
  return flat ? [across] : [across, between(frame[1], 1 - y / height)];
}

// Filled contours: each dot has the shade of its level, and lines are where levels meet.
const LEVELS = 18;
let shades = null;
function shaded(width, height) {
  // A landscape of samples takes its time for a value.
  const across = Math.round(value.toString().length > 4000 ? Math.min(width, 200) : width);
  const down = Math.round(across * height / width);
  const key = [across, down, dark.matches].join();
  if (shades?.key === key) return shades.image;
  const heights = new Float64Array(across * down);
  heights.forEach((_, k) => {
    heights[k] = value(pointAt(k % across + 0.5, Math.floor(k / across) + 0.5, across, down));
  });
  if (lowest !== null) { // as a logarithm, that begins where the lowest fiftieth of the area is
    const above = heights.map((h) => Math.max(h - lowest, 0)).sort();
    const begin = Math.max(above[Math.floor(above.length / 50)], 1e-9 * above.at(-1), 1e-300);
    heights.forEach((h, k) => { heights[k] = Math.log(Math.max(h - lowest, 0) + begin); });
  }
  const low = heights.reduce((x, y) => Math.min(x, y), Infinity);
  const high = heights.reduce((x, y) => Math.max(x, y), -Infinity);
  const levels = heights.map((h) => LEVELS * (h - low) / (high - low));
  const image = Object.assign(document.createElement("canvas"), { width: across, height: down });
  const pen = image.getContext("2d"), dots = pen.createImageData(across, down);
  const [from, to, line] = ["--low", "--high", "--contour"].map((name) => rgb(css(name)));
  levels.forEach((level, k) => {
    const beside = levels[k % across ? k - 1 : k + 1], above = levels[k < across ? k + across : k - across];
    const slope = Math.hypot(beside - level, above - level);
    const far = Math.abs(level - Math.round(level)) / slope; // from the line, in dots
    const inner = level > 0.5 && level < LEVELS - 0.5;
    const ink = inner && slope < 1 ? Math.max(0, Math.min(1, 1.2 - far)) : 0;
    const depth = Math.min(LEVELS - 1, Math.floor(level)) / (LEVELS - 1);
    const shade = from.map((c, n) => c + (to[n] - c) * depth);
    dots.data.set([...shade.map((c, n) => c + (line[n] - c) * ink), 255], 4 * k);
  });
  pen.putImageData(dots, 0, 0);
  shades = { key, image };
  return image;
}
function rgb(text) {
  const long = text.length === 4 ? [...text.slice(1)].map((c) => c + c).join("") : text.slice(1);
  return [0, 2, 4].map((k) => parseInt(long.slice(k, k + 2), 16));
}

function dot(pen, [x, y], radius, fill, edge) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = fill;
  pen.fill();
  if (edge) { pen.strokeStyle = edge; pen.lineWidth = 1.5; pen.setLineDash([]); pen.stroke(); }
}
function line(pen, places, style, width, pattern) {
  pen.beginPath();
  places.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.strokeStyle = style;
  pen.lineWidth = width;
  pen.setLineDash(pattern);
  pen.stroke();
}
function star(pen, [x, y]) {
  pen.beginPath();
  for (let k = 0; k < 10; k++) {
    const r = k % 2 ? 3.2 : 8, a = Math.PI * (k / 5 - 0.5);
    pen.lineTo(x + r * Math.cos(a), y + r * Math.sin(a));
  }
  pen.closePath();
  pen.fillStyle = css("--ink");
  pen.fill();
  pen.strokeStyle = css("--paper");
  pen.lineWidth = 1;
  pen.setLineDash([]);
  pen.stroke();
}

function drawGround(canvas, state, descents) {
  const { pen, width, height } = sized(canvas);
  const at = (point) => place(point, width, height);
  if (flat) {
    pen.fillStyle = css("--low");
    pen.fillRect(0, 0, width, height);
    line(pen, graph.map((_, i) => at([between(frame[0], i / 400)])), css("--high"), 4, []);
  } else {
    pen.drawImage(shaded(width, height), 0, 0, width, height);
  }
  minima.forEach((minimum) => star(pen, at(minimum)));
  descents.forEach((one, k) => {
    if (!one) return;
    const places = one.path.map(at), shown = places.slice(0, state.step + 1);
    pen.globalAlpha = 0.25;
    line(pen, places, colour(k), 1.5, dashes(k));
    pen.globalAlpha = 1;
    line(pen, shown, colour(k), 2, dashes(k));
    shown.forEach((p) => dot(pen, p, 1.7, colour(k)));
    const ahead = one.points[Math.min(state.step, one.points.length - 1)];
    const here = places[Math.min(state.step, one.points.length - 1)];
    if (ahead && here && programs[k].point) { // where the next gradient is taken
      line(pen, [here, at(ahead)], colour(k), 1, [2, 3]);
      dot(pen, at(ahead), 3.5, css("--paper"), colour(k));
    }
    dot(pen, shown.at(-1), 5, colour(k), css("--paper"));
  });
  dot(pen, at(state.start), 6.5, css("--paper"), css("--ink"));
  pen.fillStyle = css("--soft");
  pen.font = "11px system-ui, sans-serif";
  const corner = (k) => `(${frame.map((ends) => short(ends[k])).join(", ")})`;
  pen.textAlign = "left";
  pen.fillText(corner(0), 5, height - 6);
  pen.textAlign = "right";
  pen.fillText(corner(1), width - 5, flat ? height - 6 : 14);
}

const LEFT = 52, BELOW = 20; // room for the numbers beside the curves
function drawCurves(canvas, state, descents) {
  const { pen, width, height } = sized(canvas);
  const first = value(state.start) - (lowest ?? 0);
  const log = lowest !== null && first > 0;
  const lift = (v) => (log ? Math.log10(Math.max(v - lowest, 1e-300)) : v);
  const drawn = descents.filter(Boolean).flatMap((one) => one.values.map(lift))
    .filter(Number.isFinite);
  if (!drawn.length) drawn.push(lift(value(state.start)));
  const top = log ? Math.log10(first) + 3 : first + 3 * Math.abs(first) + 1;
  const floor = log ? Math.log10(first) - 16 : first - 3 * Math.abs(first) - 10;
  let low = Infinity, high = -Infinity;
  for (const v of drawn) {
    low = Math.min(low, Math.max(v, floor));
    high = Math.max(high, Math.min(v, top));
  }
  if (high - low < 1e-9) [low, high] = [low - 1, high + 1];
  const inner = { x: LEFT, y: 6, w: width - LEFT - 8, h: height - BELOW - 6 };
  const at = (step, v) => [
    inner.x + inner.w * step / state.steps,
    bound(inner.y + inner.h * (1 - (v - low) / (high - low))),
  ];
  pen.fillStyle = css("--soft");
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "right";
  for (let k = 0; k <= 2; k++) {
    const v = between([low, high], k / 2), [, y] = at(0, v);
    pen.fillText(log ? mark(10 ** v) : short(v), LEFT - 6, Math.min(y + 4, height - BELOW));
    line(pen, [[inner.x, y], [inner.x + inner.w, y]], css("--line"), 1, []);
  }
  pen.fillText(`${state.steps} steps`, width - 8, height - 4);
  pen.textAlign = "left";
  pen.fillText(lowest ? "value above the least" : "value", inner.x, height - 4);
  const [now] = at(state.step, low);
  line(pen, [[now, inner.y], [now, inner.y + inner.h]], css("--soft"), 1, [3, 3]);
  pen.save();
  pen.beginPath();
  pen.rect(inner.x, 0, inner.w + 8, height - BELOW + 2);
  pen.clip();
  descents.forEach((one, k) => {
    if (!one) return;
    const places = one.values.map((v, step) => at(step, lift(v)));
    line(pen, places, colour(k), 1.8, dashes(k));
    if (state.step < places.length) dot(pen, places[state.step], 3.5, colour(k), css("--paper"));
  });
  pen.restore();
}

// A positive number in two digits, which takes no more room than there is.
const mark = (x) => (x >= 0.01 && x < 1000 ? String(Number(x.toPrecision(2)))
  : x.toExponential(1).replace(".0e", "e").replace("e+", "e"));
const short = (x) => String(Number(x.toPrecision(3)));
