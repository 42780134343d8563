// The controls: what is set, the link that holds it, and who hears of changes.

const find = (id) => document.getElementById(id);
const fresh = (landscape = 0) => ({
  landscape,
  start: given.landscapes[landscape].start.slice(),
  steps: given.steps,
  step: given.steps,
  on: given.optimizers.map((_, k, all) => all.length <= 5 || k < 4), // more are for the asking
  settings: given.optimizers.map((_, k) => defaults(k, landscape)),
});
let state = fresh();
let descents = [];

// Between the place of a slider, from 0 to 1, and the value there.
const scales = {
  log: {
    value: ({ low, high }, p) => Number((low * (high / low) ** p).toPrecision(3)),
    place: ({ low, high }, v) => Math.log(v / low) / Math.log(high / low),
    holds: (v) => v > 0,
  },
  decay: {
    value: ({ low, high }, p) =>
      Number((1 - Number(((1 - low) * ((1 - high) / (1 - low)) ** p).toPrecision(2))).toFixed(8)),
    place: ({ low, high }, v) => Math.log((1 - v) / (1 - low)) / Math.log((1 - high) / (1 - low)),
    holds: (v) => v > 0 && v < 1,
  },
  whole: {
    value: ({ low, high }, p) => Math.round(low + (high - low) * p),
    place: ({ low, high }, v) => (v - low) / (high - low),
    holds: (v) => Number.isInteger(v) && v >= 1,
  },
  linear: {
    value: ({ low, high }, p) => Number((low + (high - low) * p).toPrecision(3)),
    place: ({ low, high }, v) => (v - low) / (high - low),
    holds: () => true,
  },
};

function compute() {
  descents = given.optimizers.map((_, k) =>
    (state.on[k] ? descend(k, state.settings[k], state.landscape, state.start, state.steps) : null));
  show();
}
let waiting = false;
function show() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    if (!find("ground").clientHeight) return; // not laid out yet: it is drawn when it is
    drawGround(find("ground"), state, descents);
    drawCurves(find("curves"), state, descents);
    find("step").max = state.steps;
    find("step").value = state.step;
    find("shown").textContent = `step ${state.step}`;
    if (document.activeElement !== find("steps")) find("steps").value = state.steps;
    find("start").textContent = `(${state.start.map((x) => short(x)).join(", ")})`;
    descents.forEach((one, k) => {
      find(`now${k}`).textContent = one ? said(one) : "";
    });
  });
}
// What an optimizer has reached at the step that is shown.
function said(one) {
  const ended = one.path.length <= state.steps ? one.path.length : null;
  if (ended !== null && state.step >= ended) return `diverges at step ${ended}`;
  return `value ${short(one.values[state.step])}`;
}

// The link holds all that is set.
let saving = 0;
function remember() {
  clearTimeout(saving);
  saving = setTimeout(() => {
    history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(state))}`);
  }, 150);
}
function recall() {
  state = fresh();
  try {
    const held = JSON.parse(decodeURIComponent(location.hash.slice(1)));
    if (given.landscapes[held.landscape]) state = fresh(held.landscape);
    const numbers = (xs) => Array.isArray(xs) && xs.every(Number.isFinite);
    if (numbers(held.start) && held.start.length === state.start.length) state.start = held.start;
    if (Number.isInteger(held.steps)) state.steps = Math.max(1, Math.min(1000, held.steps));
    state.step = Number.isInteger(held.step) ? held.step : state.steps;
    state.step = Math.max(0, Math.min(state.steps, state.step));
    given.optimizers.forEach((one, k) => {
      if (typeof held.on?.[k] === "boolean") state.on[k] = held.on[k];
      for (const setting of one.settings) {
        const v = held.settings?.[k]?.[setting.name];
        if (Number.isFinite(v) && scales[setting.kind].holds(v)) state.settings[k][setting.name] = v;
      }
    });
  } catch { /* no link, or one of another page: all is as it was made */ }
  arrive();
}
// Draw the state anew, on its landscape.
function arrive() {
  enter(state.landscape);
  find("landscape").value = state.landscape;
  listed();
  compute();
}
function changed() {
  compute();
  remember();
}

function element(tag, attributes = {}, ...inside) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...inside);
  return made;
}

// One card for each optimizer: whether it runs, its equations, its settings.
function listed() {
  find("optimizers").replaceChildren(...given.optimizers.map((one, k) => {
    const box = element("input", { type: "checkbox", checked: state.on[k] });
    const name = element("label", {}, box, one.name, element("small", { id: `now${k}` }));
    const maths = element("div", { className: "maths", innerHTML: one.equations });
    const inside = element("div", { className: "inside" }, maths,
      ...one.settings.map((setting) => dragged(setting, k)));
    if (!one.settings.length) {
      inside.append(element("p", { className: "fixed", textContent: "its numbers are built in" }));
    }
    const card = element("article", { className: "card" }, name, inside);
    card.style.setProperty("--own", colour(k));
    card.classList.toggle("off", !state.on[k]);
    box.addEventListener("change", () => {
      state.on[k] = box.checked;
      card.classList.toggle("off", !box.checked);
      changed();
    });
    return card;
  }));
}
function dragged(setting, k) {
  const scale = scales[setting.kind], values = state.settings[k];
  const name = setting.setting.replaceAll("_", " ");
  const slider = element("input", { type: "range", min: 0, max: 1, step: 0.0005 });
  const box = element("input", { type: "number", step: "any" });
  slider.setAttribute("aria-label", `${given.optimizers[k].name}: ${name}`);
  box.setAttribute("aria-label", `${given.optimizers[k].name}: ${name}, as a number`);
  const put = (except) => {
    const v = values[setting.name];
    if (except !== slider) slider.value = scale.place(setting, v);
    if (except !== box) box.value = Number(v.toPrecision(6));
    slider.setAttribute("aria-valuetext", short(v));
  };
  slider.addEventListener("input", () => {
    values[setting.name] = scale.value(setting, Number(slider.value));
    put(slider);
    changed();
  });
  box.addEventListener("input", () => {
    const v = box.valueAsNumber, good = Number.isFinite(v) && scale.holds(v);
    box.setAttribute("aria-invalid", String(!good));
    if (!good) return;
    values[setting.name] = v;
    put(box);
    changed();
  });
  put();
  const label = element("span", {}, ...(setting.letter ? [element("i", {}, setting.letter)] : []), name);
  return element("div", { className: "setting" }, label, slider, box);
}

function moveTo(event) {
  const { left, top, width, height } = find("ground").getBoundingClientRect();
  state.start = pointAt(event.clientX - left, event.clientY - top, width, height);
  changed();
}
function scrub(event) {
  const { left, width } = find("curves").getBoundingClientRect();
  const share = (event.clientX - left - LEFT) / (width - LEFT - 8);
  stepTo(Math.round(share * state.steps));
}
function held(canvas, act) {
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    act(event);
  });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) act(event); });
}
function stepTo(step) {
  state.step = Math.max(0, Math.min(state.steps, step));
  show();
  remember();
}

let playing = 0;
function play(on) {
  cancelAnimationFrame(playing);
  find("play").textContent = on ? "\u275A\u275A" : "\u25B6";
  find("play").setAttribute("aria-label", on ? "Pause" : "Play");
  playing = 0;
  if (!on) return;
  const from = state.step >= state.steps ? 0 : state.step, began = performance.now();
  const pace = Math.max(12, state.steps / 10); // steps a second
  const turn = (now) => {
    state.step = Math.min(state.steps, Math.round(from + pace * (now - began) / 1000));
    show();
    if (state.step >= state.steps) { play(false); remember(); } else playing = requestAnimationFrame(turn);
  };
  playing = requestAnimationFrame(turn);
}

held(find("ground"), moveTo);
held(find("curves"), scrub);
find("step").addEventListener("input", () => stepTo(Number(find("step").value)));
find("play").addEventListener("click", () => play(!playing));
find("steps").addEventListener("input", () => {
  const steps = find("steps").valueAsNumber;
  if (!Number.isInteger(steps) || steps < 1 || steps > 1000) return;
  if (state.step === state.steps || state.step > steps) state.step = steps;
  state.steps = steps;
  changed();
});
find("reset").addEventListener("click", () => {
  play(false);
  state = fresh(state.landscape);
  arrive();
  remember();
});
find("copy").addEventListener("click", async () => {
  history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(state))}`);
  try {
    await navigator.clipboard.writeText(location.href);
    find("copy").textContent = "Copied";
  } catch { find("copy").textContent = "It is in the address bar"; }
  setTimeout(() => { find("copy").textContent = "Copy link"; }, 2000);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, button, select")) return;
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  if (move && (flat ? move[0] : true)) {
    const by = event.shiftKey ? 0.05 : 0.01;
    state.start = state.start.map((x, i) => x + move[i] * by * (frame[i][1] - frame[i][0]));
    changed();
  } else if (event.key === "," || event.key === ".") {
    play(false);
    stepTo(state.step + (event.key === "." ? 1 : -1));
  } else if (event.key === " ") play(!playing);
  else return;
  event.preventDefault();
});
find("landscape").append(...given.landscapes.map(({ name }, k) =>
  element("option", { value: k, textContent: name })));
find("ground-choice").hidden = given.landscapes.length === 1;
find("landscape").addEventListener("change", () => {
  const { on, steps } = state;
  state = { ...fresh(Number(find("landscape").value)), on, steps, step: steps };
  arrive();
  remember();
});
for (const id of ["ground", "curves"]) new ResizeObserver(show).observe(find(id));
window.addEventListener("hashchange", recall);
dark.addEventListener("change", () => { listed(); show(); });
recall();
