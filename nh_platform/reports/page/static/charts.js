"use strict";
// Charts from the records of reports/page/chart.py, drawn with a pen of pens.js. nhPlan() finds the numbers and scales of
// a chart for one unit, nhDraw() draws them; axes and words around are chart_words.js.

const nhNone = new Float32Array(0);
const nhMarks = ["mark", "pointer"]; // layers of places, not of values; so is a band

// Numbers of each layer for one unit: x, y, and of an image its rows and columns.
// A layer made in the page has ``values`` {x(row), y(row)} in place of references.
const nhLayers = (chart, arrays, row) => chart.layers.map((layer) => {
  if (layer.values) return { ...layer, x: layer.values.x(row), y: layer.values.y(row), shape: [], packed: false };
  const x = layer.x ? (layer.x.per_unit ? nhRow(arrays, layer.x, row) : arrays[layer.x.array].values) : nhNone;
  const y = layer.y ? nhRow(arrays, layer.y, layer.per_unit ? row : 0) : nhNone;
  const shape = layer.y ? arrays[layer.y.array].shape.slice(1) : [];
  return { ...layer, x, y, shape, packed: layer.y ? layer.y.low !== undefined : false };
});

// Edges of the bins of bars and steps; between centres they are half-way, on a logarithmic axis by their ratio.
const nhEdges = (x, n, log) => {
  if (x.length === n + 1) return x;
  const edges = new Float64Array(n + 1);
  const between = log ? (a, b) => Math.sqrt(a * b) : (a, b) => (a + b) / 2;
  for (let at = 1; at < n; at++) edges[at] = between(x[at - 1], x[at]);
  const beyond = log ? (centre, edge) => (centre * centre) / edge : (centre, edge) => 2 * centre - edge;
  edges[0] = n > 1 ? beyond(x[0], edges[1]) : log ? x[0] / 2 : x[0] - 0.5;
  edges[n] = n > 1 ? beyond(x[n - 1], edges[n - 1]) : log ? x[0] * 2 : x[0] + 0.5;
  return edges;
};

const nhExtent = (values, range, log) => {
  for (const value of values) {
    if (!Number.isFinite(value) || (log && value <= 0)) continue;
    if (value < range[0]) range[0] = value;
    if (value > range[1]) range[1] = value;
  }
};

const nhRanges = (chart, layers) => {
  const ranges = { x: [Infinity, -Infinity], y: [Infinity, -Infinity] };
  for (const layer of layers) {
    if (layer.kind === "image") {
      nhExtent([0, layer.shape[1]], ranges.x, false);
      nhExtent([0, layer.shape[0]], ranges.y, false);
    } else if (nhMarks.includes(layer.kind)) {
      nhExtent(layer.x, ranges[layer.along], chart[layer.along].scale === "log");
    } else if (layer.kind !== "band") {
      const bins = layer.kind === "bars" || layer.kind === "steps";
      const [along, across] = bins && layer.along === "y" ? ["y", "x"] : ["x", "y"];
      const log = chart[along].scale === "log";
      nhExtent(bins ? nhEdges(layer.x, layer.y.length, log) : layer.x, ranges[along], log);
      nhExtent(layer.y, ranges[across], chart[across].scale === "log");
      if (layer.kind === "bars" && chart[across].scale !== "log") nhExtent([0], ranges[across], false);
    }
  }
  return ranges;
};

const nhRange = (axis, [low, high], room, arrays, row) => {
  const own = (reference) => { const value = reference ? arrays[reference.array].values[row] : NaN; return Number.isFinite(value) ? value : null; };
  const log = axis.scale === "log", known = low <= high;
  const beyond = !known ? 0 : log ? (high / low) ** room : (high - low) * room;
  const open = (value, sign) => (log ? value * beyond ** sign : value + sign * beyond);
  return [
    own(axis.unit_lows) ?? axis.low ?? (!known ? 0 : low === 0 && !log ? 0 : open(low, -1)),
    own(axis.unit_highs) ?? axis.high ?? (!known ? 1 : high === 0 && !log ? 0 : open(high, 1)),
  ];
};

// The image's range of values: from nothing where it counts, even on both sides where it has a sign.
const nhImageRange = (layer) => {
  const range = [Infinity, -Infinity];
  nhExtent(layer.y, range, false);
  if (range[0] > range[1]) return null;
  if (layer.colour === "diverging") { const size = Math.max(-range[0], range[1]) || 1; return [-size, size]; }
  return [range[0] >= 0 ? 0 : range[0], range[1] > range[0] ? range[1] : range[0] + 1];
};

// Of an image of roots the squares are stated, in their places.
const nhBarScale = (image, bottom, top) => {
  const [low, high] = nhImageRange(image), scale = nhScale(low, high, false, bottom, top);
  return image.root ? { place: (value) => scale.place(Math.sqrt(value)), ticks: (n) => nhRootTicks(high * high, n) } : scale;
};
const nhBarTicks = (scale) => [3, 4, 6].map((n) => scale.ticks(n)).find((ticks) => ticks.length > 2) ?? scale.ticks(8);
const nhRootTicks = (high, n) => {
  const found = [[0, "0"]];
  for (const [value, words] of nhLinearTicks(0, high, n + 1)) if (value && Math.sqrt(value - found.at(-1)[0]) > Math.sqrt(high) / 8) found.push([value, words]);
  return found;
};

// Whether a chart has nothing to draw for a unit.
const nhLacksUnit = (chart, arrays, row) => {
  const own = nhLayers(chart, arrays, row).filter((layer) => layer.per_unit);
  return own.length > 0 && own.every((layer) => !(layer.y.length ? layer.y : layer.x).some(Number.isFinite));
};


// Where everything of a chart stands in width × height: scales, ticks, numbers. Nothing is drawn.
const nhPlan = (chart, arrays, row, width, height, measure, { small = false } = {}) => {
  const layers = nhLayers(chart, arrays, row), ranges = nhRanges(chart, layers);
  const filled = layers.some((one) => one.kind === "image" || one.kind === "bars" || one.kind === "steps");
  const ranged = (name) => nhRange(chart[name], ranges[name], filled && name === "x" ? 0 : 0.04, arrays, row);
  const [xLow, xHigh] = ranged("x"), [yLow, yHigh] = ranged("y");
  const image = layers.find((one) => one.kind === "image" && nhImageRange(one));
  const named = (axis, scale, n) => (axis.ticks.length ? axis.ticks.filter(([at]) => at >= scale.low && at <= scale.high) : scale.ticks(n));
  const top = 6, bottom = height - (small ? 15 : 33);
  const y = nhScale(yLow, yHigh, chart.y.scale === "log", bottom, top);
  const yTicks = small ? [] : named(chart.y, y, Math.max(2, height / 45));
  const words = Math.min(Math.max(90, 0.32 * width), Math.max(0, ...yTicks.map(([, text]) => measure(text, 11))));
  const left = small ? 2 : Math.ceil(words) + 26;
  const bar = image ? nhBarScale(image, bottom, top) : null;
  const right = width - (bar ? 34 + Math.ceil(Math.max(...nhBarTicks(bar).map(([, text]) => measure(text, 10)))) : small ? 2 : 10);
  const x = nhScale(xLow, xHigh, chart.x.scale === "log", left, Math.max(left + 20, right));
  const xTicks = named(chart.x, x, Math.max(2, (right - left) / (small ? 110 : 75)));
  const empty = !layers.some((one) => one.kind !== "band" && !nhMarks.includes(one.kind) && (one.kind === "image" ? nhImageRange(one) : one.y.some(Number.isFinite)));
  return { chart, layers, x, y, xTicks, yTicks, left, right: x.to, top, bottom, width, height, image, small, empty };
};

const nhDraw = (pen, plan) => {
  const { left, right, top, bottom } = plan;
  const edge = 3; // what lies on the edge is drawn whole
  pen.within(left, top - edge, Math.max(0, right - left) + edge, Math.max(0, bottom - top) + edge, () => {
    for (const kind of ["image", "band"]) for (const layer of plan.layers) if (layer.kind === kind) nhStrokes[kind](pen, plan, layer);
    for (const layer of plan.layers) if (!["image", "band", ...nhMarks].includes(layer.kind)) nhStrokes[layer.kind](pen, plan, layer);
    plan.layers.filter((layer) => nhMarks.includes(layer.kind)).forEach((layer) => nhStrokes[layer.kind](pen, plan, layer));
    nhDrawWords(pen, plan);
  });
  nhDrawAxes(pen, plan);
  if (plan.image) nhDrawColourBar(pen, plan);
  if (plan.empty) pen.text("no values", (left + right) / 2, (top + bottom) / 2, { align: "center", size: 12 });
};

const nhThrough = (plan, layer) => {
  const flat = [], { x, y, connected } = layer;
  for (let at = 0; at < y.length; at++) {
    if (connected && !Number.isFinite(y[at])) continue;
    flat.push(Number.isFinite(x[at]) ? plan.x.place(x[at]) : NaN, plan.y.place(y[at]));
  }
  return flat;
};

const nhStrokes = {
  line: (pen, plan, layer) => pen.path(nhThrough(plan, layer), { colour: layer.colour, width: 1.4 }),
  points(pen, plan, layer) {
    const flat = [];
    for (let at = 0; at < layer.y.length; at++) {
      if (Number.isFinite(layer.x[at]) && Number.isFinite(layer.y[at])) flat.push(plan.x.place(layer.x[at]), plan.y.place(layer.y[at]));
    }
    const n = flat.length / 2;
    pen.dots(flat, { colour: layer.colour, radius: n > 5000 ? 0.6 : n > 400 ? 1 : n > 60 ? 1.5 : 3, alpha: n > 400 ? 0.6 : 0.9 });
  },
  steps(pen, plan, layer) {
    const upright = layer.along === "y", bins = upright ? plan.y : plan.x, counts = upright ? plan.x : plan.y;
    const edges = nhEdges(layer.x, layer.y.length, bins.log), flat = [];
    const put = (along, across) => (upright ? flat.push(across, along) : flat.push(along, across));
    layer.y.forEach((value, at) => { put(bins.place(edges[at]), counts.place(value)); put(bins.place(edges[at + 1]), counts.place(value)); });
    pen.path(flat, { colour: layer.colour, width: 1.4 });
  },
  bars(pen, plan, layer) {
    const upright = layer.along === "y", bins = upright ? plan.y : plan.x, counts = upright ? plan.x : plan.y;
    const edges = nhEdges(layer.x, layer.y.length, bins.log), flat = [];
    const foot = counts.place(counts.log ? counts.low : Math.min(Math.max(0, counts.low), counts.high));
    for (let at = 0; at < layer.y.length; at++) {
      const value = layer.y[at];
      if (!Number.isFinite(value) || (counts.log ? value <= 0 : value === 0)) continue;
      let low = bins.place(edges[at]), high = bins.place(edges[at + 1]);
      if (low > high) [low, high] = [high, low];
      const gap = high - low > 5 ? 1 : 0, end = counts.place(value), from = Math.min(foot, end), size = Math.abs(end - foot);
      if (upright) flat.push(from, low, size, high - low - gap); else flat.push(low, from, high - low - gap, size);
    }
    pen.boxes(flat, { colour: layer.colour, alpha: plan.layers.filter((one) => one.kind === "bars").length > 1 ? 0.6 : 0.85 });
  },
  band(pen, plan, layer) {
    const scale = plan[layer.along], flat = [];
    for (let at = 0; at + 1 < layer.x.length; at += 2) {
      if (!Number.isFinite(layer.x[at]) || !Number.isFinite(layer.x[at + 1])) continue;
      const ends = [scale.place(layer.x[at]), scale.place(layer.x[at + 1])], size = Math.max(1, Math.abs(ends[1] - ends[0]));
      if (layer.along === "x") flat.push(Math.min(...ends), plan.top, size, plan.bottom - plan.top);
      else flat.push(plan.left, Math.min(...ends), plan.right - plan.left, size);
    }
    pen.boxes(flat, { colour: layer.colour, alpha: 0.16 });
  },
  mark(pen, plan, layer) {
    const scale = plan[layer.along], flat = [];
    for (const value of layer.x) {
      if (!Number.isFinite(value)) continue;
      const at = scale.place(value);
      if (layer.along === "x") flat.push(at, plan.top, at, plan.bottom, NaN, NaN); else flat.push(plan.left, at, plan.right, at, NaN, NaN);
    }
    const many = flat.length > 6 * 12;
    pen.path(flat, { colour: layer.colour, width: many ? 0.7 : 1.4, dash: many ? [] : [5, 3], alpha: many ? 0.6 : 1 });
  },
  // Where one thing stands among others: a triangle on the foot with a line up.
  pointer(pen, plan, layer) {
    for (const value of layer.x) {
      if (!Number.isFinite(value)) continue;
      const at = plan.x.place(value);
      pen.path([at, plan.top, at, plan.bottom], { colour: "ink", width: 1.6 });
      for (let k = 0; k < 7; k++) pen.boxes([at - k / 1.4, plan.top + 6 - k, k * 1.4, 1], { colour: "ink" });
    }
  },
  image(pen, plan, layer) {
    const range = nhImageRange(layer);
    if (!range) return;
    const [rows, columns] = layer.shape, canvas = document.createElement("canvas");
    canvas.width = columns;
    canvas.height = rows;
    const context = canvas.getContext("2d"), pixels = context.createImageData(columns, rows), ramp = nhRamp(layer.colour, pen.dark);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = layer.y[row * columns + column];
        if (!Number.isFinite(value)) continue;
        const level = Math.max(0, Math.min(255, Math.round(((value - range[0]) / (range[1] - range[0])) * 255))) * 3;
        const at = ((rows - 1 - row) * columns + column) * 4;
        pixels.data[at] = ramp[level];
        pixels.data[at + 1] = ramp[level + 1];
        pixels.data[at + 2] = ramp[level + 2];
        pixels.data[at + 3] = 255;
      }
    }
    context.putImageData(pixels, 0, 0);
    pen.picture(canvas, plan.left, plan.top, plan.right - plan.left, plan.bottom - plan.top);
  },
};
