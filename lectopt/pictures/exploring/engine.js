// Descents, with the landscapes' functions and the optimizers' programs that stand above.

// On a landscape, from a start, at settings: the path (steps + 1 points), the values at them, and
// where the gradients were taken. It ends where a number is no longer finite.
function descend(number, settings, landscape, start, steps) {
  const { value, valueAndGradient } = formulas[landscape];
  const program = programs[number];
  const extras = given.optimizers[number].extras;
  let params = start.slice();
  let state = program.init(params, settings);
  const path = [params], values = [value(params)], points = [];
  for (let step = 0; step < steps; step++) {
    const at = program.point ? program.point(state, params, settings) : params;
    const [here, gradient] = valueAndGradient(at);
    const more = extras.map((name) => ({ value: here })[name]);
    const [moves, after] = program.update(gradient, state, params, ...more, settings);
    params = params.map((x, i) => x + moves[i]);
    state = after;
    if (!params.every(Number.isFinite)) break;
    path.push(params);
    values.push(value(params));
    points.push(at);
  }
  return { path, values, points };
}

// The settings that an optimizer has on a landscape before anything is dragged.
function defaults(number, landscape) {
  return Object.fromEntries(given.optimizers[number].settings.map(({ name, values }) =>
    [name, values[Math.min(landscape, values.length - 1)]]));
}
