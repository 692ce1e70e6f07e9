"use strict";
// The words of a chart: axes with their ticks, names of marks, the colour bar, and what lies at a place that is pointed at.

// Words beside marks and bands, each a line below the one before where they would meet.
const nhDrawWords = (pen, plan) => {
  const taken = [];
  for (const layer of plan.layers) {
    if (!layer.text || !layer.x.length || !Number.isFinite(layer.x[0]) || (layer.kind !== "mark" && layer.kind !== "band")) continue;
    const width = pen.width(layer.text, 11) + 6, at = plan[layer.along].place(layer.x[0]);
    let x, y;
    if (layer.along === "x") {
      x = at + 4 + width > plan.right ? at - 4 - width : at + 4;
      y = plan.top + 8;
    } else {
      x = plan.right - width;
      y = at - 8 < plan.top + 4 ? at + 8 : at - 8;
    }
    x = Math.max(plan.left + 2, x);
    while (taken.some((one) => Math.abs(one.y - y) < 12 && one.x < x + width && x < one.x + one.width)) y += 13;
    if (y > plan.bottom - 4) continue;
    taken.push({ x, y, width });
    pen.text(layer.text, x, y, { colour: "ink", halo: true });
  }
};

const nhDrawAxes = (pen, plan) => {
  const { left, right, top, bottom, small } = plan;
  pen.path([left, top, left, bottom, right, bottom].slice(small ? 2 : 0), { colour: "line", width: 1 });
  let last = -Infinity;
  for (const [value, words] of plan.xTicks) {
    const at = plan.x.place(value), width = pen.width(words, small ? 10 : 11);
    pen.path([at, bottom, at, bottom + (small ? 2 : 4)], { colour: "line", width: 1 });
    const middle = Math.min(Math.max(at, width / 2), plan.width - width / 2);
    if (middle - width / 2 < last + 6) continue;
    last = middle + width / 2;
    pen.text(words, middle, bottom + (small ? 9 : 12), { align: "center", size: small ? 10 : 11 });
  }
  if (small) return;
  last = Infinity;
  for (const [value, words] of [...plan.yTicks].sort((a, b) => a[0] - b[0])) {
    const at = plan.y.place(value);
    pen.path([left - 4, at, left, at], { colour: "line", width: 1 });
    if (at > last - 11) continue;
    last = at;
    pen.text(words, left - 6, Math.max(top + 4, at), { align: "right" });
  }
  nhFittedText(pen, nhAxisWords(plan.chart.x), (left + right) / 2, plan.height - 8, right - left + 20, false);
  nhFittedText(pen, nhAxisWords(plan.chart.y), 9, (top + bottom) / 2, bottom - top + 10, true);
};

// Words in the middle of a length: smaller where they are longer than it, and cut where even that does not do.
const nhFittedText = (pen, words, x, y, length, turned) => {
  const size = Math.max(9, Math.min(11, (11 * length) / Math.max(1, pen.width(words, 11))));
  let shown = words;
  while (shown.length > 4 && pen.width(shown, size) > length) shown = `${shown.slice(0, -2).trimEnd()}…`;
  pen.text(shown, x, y, { align: "center", size, turned });
};

const nhDrawColourBar = (pen, plan) => {
  const { top, bottom, right, image } = plan, bar = document.createElement("canvas");
  bar.width = 1;
  bar.height = 128;
  const context = bar.getContext("2d"), ramp = nhRamp(image.colour, pen.dark);
  for (let at = 0; at < 128; at++) {
    const level = (255 - at * 2) * 3;
    context.fillStyle = `rgb(${ramp[level]} ${ramp[level + 1]} ${ramp[level + 2]})`;
    context.fillRect(0, at, 1, 1);
  }
  const x = right + 8, scale = nhBarScale(image, bottom, top);
  pen.picture(bar, x, top, 9, bottom - top);
  pen.path([x, top, x + 9, top, x + 9, bottom, x, bottom, x, top], { colour: "line", width: 1 });
  for (const [value, words] of nhBarTicks(scale)) pen.text(words, x + 12, Math.min(bottom - 4, Math.max(top + 5, scale.place(value))), { size: 10 });
  const words = nhUnit(image.unit) ? `${image.name} (${nhUnit(image.unit)})` : image.name;
  if (words) nhFittedText(pen, words, plan.width - 6, (top + bottom) / 2, bottom - top + 10, true);
};

// What lies at a place of a chart, in words. Packed samples are approximate, and are said to be.
const nhReading = (plan, atX, atY) => {
  if (atX < plan.left || atX > plan.right || atY < plan.top || atY > plan.bottom) return "";
  const x = plan.x.value(atX), y = plan.y.value(atY);
  const spoken = (axis, value, digits) => `${axis.label} ${nhWithUnit(value, axis.unit, digits)}`;
  const lines = [spoken(plan.chart.x, x, 3)];
  for (const layer of plan.layers) {
    const about = layer.packed ? "≈ " : "";
    if (layer.kind === "image") {
      const [rows, columns] = layer.shape;
      const column = Math.min(columns - 1, Math.floor(((atX - plan.left) / (plan.right - plan.left)) * columns));
      const row = Math.min(rows - 1, Math.floor(((plan.bottom - atY) / (plan.bottom - plan.top)) * rows));
      lines.push(spoken(plan.chart.y, y, 3), `${layer.name || "value"} ${about}${nhWithUnit(layer.y[row * columns + column] ** (layer.root ? 2 : 1), layer.unit, 2)}`);
    } else if (layer.kind === "bars" || layer.kind === "steps") {
      const upright = layer.along === "y", bins = upright ? plan.y : plan.x, value = upright ? y : x;
      const edges = nhEdges(layer.x, layer.y.length, bins.log);
      const bin = layer.y.findIndex((_, at) => value >= Math.min(edges[at], edges[at + 1]) && value < Math.max(edges[at], edges[at + 1]));
      if (upright) lines[0] = spoken(plan.chart.y, y, 3);
      const counted = upright ? plan.chart.x : plan.chart.y;
      if (bin >= 0) lines.push(`${layer.name || counted.label} ${about}${nhWithUnit(layer.y[bin], counted.unit, layer.packed ? 2 : 4)}`);
    } else if (layer.kind === "line" || layer.kind === "points") {
      let best = -1, least = 30 ** 2;
      for (let at = 0; at < layer.y.length; at++) {
        const away = layer.kind === "line" ? 0 : plan.y.place(layer.y[at]) - atY;
        const distance = (plan.x.place(layer.x[at]) - atX) ** 2 + away ** 2;
        if (distance < least) { least = distance; best = at; }
      }
      if (best >= 0) lines.push(`${layer.name || plan.chart.y.label} ${about}${nhWithUnit(layer.y[best], plan.chart.y.unit, layer.packed ? 2 : 4)}`);
    }
  }
  return [...new Set(lines)].join("\n");
};
