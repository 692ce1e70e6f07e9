"use strict";
// Two pens with one set of strokes: nhCanvasPen draws on the screen, nhSvgPen for sharp print. ``flat`` is
// [x, y, x, y, …]; a place that is not finite lifts the pen.

const nhFont = (size) => `${size}px system-ui, sans-serif`;

const nhCanvasPen = (context, dark) => ({
  dark,
  width: (text, size) => { context.font = nhFont(size); return context.measureText(text).width; },
  path(flat, { colour, width = 1.2, dash = [], alpha = 1 }) {
    context.strokeStyle = nhColour(colour);
    context.lineWidth = width;
    context.lineJoin = "round";
    context.globalAlpha = alpha;
    context.setLineDash(dash);
    context.beginPath();
    let down = false;
    for (let at = 0; at < flat.length; at += 2) {
      const x = flat[at], y = flat[at + 1];
      if (!Number.isFinite(x) || !Number.isFinite(y)) { down = false; continue; }
      if (down) context.lineTo(x, y); else context.moveTo(x, y);
      down = true;
    }
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  },
  boxes(flat, { colour, alpha = 1 }) {
    context.fillStyle = nhColour(colour);
    context.globalAlpha = alpha;
    for (let at = 0; at < flat.length; at += 4) context.fillRect(flat[at], flat[at + 1], flat[at + 2], flat[at + 3]);
    context.globalAlpha = 1;
  },
  dots(flat, { colour, radius, alpha = 1 }) {
    context.fillStyle = nhColour(colour);
    context.globalAlpha = alpha;
    if (radius <= 1.5) {
      for (let at = 0; at < flat.length; at += 2) context.fillRect(flat[at] - radius, flat[at + 1] - radius, 2 * radius, 2 * radius);
    } else {
      context.beginPath();
      for (let at = 0; at < flat.length; at += 2) {
        context.moveTo(flat[at] + radius, flat[at + 1]);
        context.arc(flat[at], flat[at + 1], radius, 0, 2 * Math.PI);
      }
      context.fill();
    }
    context.globalAlpha = 1;
  },
  text(words, x, y, { colour = "quiet", size = 11, align = "left", baseline = "middle", turned = false, halo = false }) {
    context.save();
    context.translate(x, y);
    if (turned) context.rotate(-Math.PI / 2);
    context.font = nhFont(size);
    context.textAlign = align;
    context.textBaseline = baseline;
    if (halo) {
      context.strokeStyle = nhColour("paper");
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.strokeText(words, 0, 0);
    }
    context.fillStyle = nhColour(colour);
    context.fillText(words, 0, 0);
    context.restore();
  },
  picture(canvas, x, y, width, height) {
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, x, y, width, height);
  },
  within(x, y, width, height, draw) {
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    draw();
    context.restore();
  },
});

let nhClips = 0;
const nhMeasure = document.createElement("canvas").getContext("2d");
const nhSvgPen = (svg) => {
  let parent = svg;
  const add = (name, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  };
  const short = (value) => Math.round(value * 10) / 10;
  return {
    dark: false,
    width: (text, size) => { nhMeasure.font = nhFont(size); return nhMeasure.measureText(text).width; },
    path(flat, { colour, width = 1.2, dash = [], alpha = 1 }) {
      let d = "", down = false;
      for (let at = 0; at < flat.length; at += 2) {
        const x = flat[at], y = flat[at + 1];
        if (!Number.isFinite(x) || !Number.isFinite(y)) { down = false; continue; }
        d += `${down ? "L" : "M"}${short(x)} ${short(y)}`;
        down = true;
      }
      if (d) add("path", { d, fill: "none", stroke: `var(--${colour})`, "stroke-width": width, "stroke-dasharray": dash.join(" "), "stroke-opacity": alpha, "stroke-linejoin": "round" });
    },
    boxes(flat, { colour, alpha = 1 }) {
      let d = "";
      for (let at = 0; at < flat.length; at += 4) d += `M${short(flat[at])} ${short(flat[at + 1])}h${short(flat[at + 2])}v${short(flat[at + 3])}h${short(-flat[at + 2])}z`;
      if (d) add("path", { d, fill: `var(--${colour})`, "fill-opacity": alpha });
    },
    dots(flat, { colour, radius, alpha = 1 }) {
      let d = "";
      for (let at = 0; at < flat.length; at += 2) d += `M${short(flat[at])} ${short(flat[at + 1])}h0`;
      if (d) add("path", { d, stroke: `var(--${colour})`, "stroke-width": 2 * radius, "stroke-linecap": "round", "stroke-opacity": alpha });
    },
    text(words, x, y, { colour = "quiet", size = 11, align = "left", baseline = "middle", turned = false, halo = false }) {
      const anchor = { left: "start", right: "end", center: "middle" }[align];
      const line = { middle: "central", top: "hanging", bottom: "text-after-edge" }[baseline];
      const place = `translate(${short(x)} ${short(y)})${turned ? " rotate(-90)" : ""}`;
      const element = add("text", { transform: place, "font-size": size, "font-family": "system-ui, sans-serif", "text-anchor": anchor, "dominant-baseline": line, fill: `var(--${colour})` }, words);
      if (halo) for (const [key, value] of [["stroke", "var(--paper)"], ["stroke-width", 3], ["paint-order", "stroke"]]) element.setAttribute(key, value);
    },
    picture(canvas, x, y, width, height) {
      add("image", { href: canvas.toDataURL(), x: short(x), y: short(y), width: short(width), height: short(height), preserveAspectRatio: "none", "image-rendering": "pixelated" });
    },
    within(x, y, width, height, draw) {
      const id = `nh-clip-${nhClips++}`, outer = parent;
      parent = add("clipPath", { id });
      add("rect", { x, y, width, height });
      parent = outer;
      parent = add("g", { "clip-path": `url(#${id})` });
      draw();
      parent = outer;
    },
  };
};
