"use strict";
// A chart as a figure of the page: title, legend, canvas, caption; drawn again when its size or the theme changes.

const nhElement = (name, { text, ...properties } = {}, children = []) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key === "class") element.className = value;
    else if (key in element && key !== "list" && !key.startsWith("aria")) element[key] = value;
    else element.setAttribute(key, value);
  }
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

const nhFigures = new Set();
const nhSizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) target.nhFigure.resized(contentRect.width);
});

// ``about(row)`` gives the words for the accessible name, ``numbers(chart, row)`` those printed below the figure.
class NhFigure {
  constructor(chart, arrays, { level = "h4", about = () => "", numbers = () => "", small = false } = {}) {
    Object.assign(this, { chart, arrays, about, numbers, small, row: 0, width: 0, height: 0, seen: false });
    const legend = nhElement("span", { class: "nh-legend" });
    for (const layer of chart.layers) {
      if (layer.name && layer.kind !== "image") legend.append(nhElement("span", { class: `nh-role-${layer.colour}`, text: layer.name }));
    }
    this.element = nhElement("figure", { class: "nh-figure", id: small ? undefined : `figure-${chart.id}` });
    if (!small) this.element.append(nhElement("div", { class: "nh-figure-title" }, [nhElement(level, { text: chart.title }), legend]));
    if (chart.lacking) {
      this.element.append(nhElement("p", { class: "nh-lacking", text: chart.lacking }));
      return;
    }
    this.canvas = nhElement("canvas", { role: "img", "aria-label": chart.title });
    this.element.nhFigure = this.canvas.nhFigure = this;
    this.written = nhElement("p", { class: "nh-figure-numbers" });
    this.element.append(this.canvas);
    if (chart.lacking_unit) this.element.append((this.lackingUnit = nhElement("p", { class: "nh-lacking", text: chart.lacking_unit, hidden: true })));
    if (!small) this.element.append(this.written, nhElement("figcaption", { class: "nh-figure-caption", text: chart.caption }));
    this.canvas.addEventListener("pointermove", (event) => this.read(event));
    this.canvas.addEventListener("pointerleave", () => { nhReadingPlace().hidden = true; });
    nhFigures.add(this);
    nhSizes.observe(this.element);
  }

  // Whole pixels: a canvas that is a fraction of one narrower than what was drawn on it is blurred.
  resized(width) {
    const wide = Math.floor(width), high = this.canvas.clientHeight;
    if (wide === this.width && high === this.height) return;
    [this.width, this.height] = [wide, high];
    this.canvas.style.width = `${wide}px`;
    this.draw();
  }

  // Draw the chart of a unit, or of the session.
  show(row = 0) {
    this.row = row;
    if (!this.canvas) return;
    if (this.lackingUnit) {
      this.canvas.hidden = nhLacksUnit(this.chart, this.arrays, row);
      this.lackingUnit.hidden = !this.canvas.hidden;
      if (this.canvas.hidden) return;
    }
    const words = this.numbers(this.chart, row), about = this.about(row);
    this.written.textContent = words;
    this.canvas.setAttribute("aria-label", [`${this.chart.title}${about ? ` of ${about}` : ""}: ${nhAxisWords(this.chart.y)} against ${nhAxisWords(this.chart.x)}`, words].filter(Boolean).join(". "));
    this.draw();
  }

  draw() {
    if (!this.width || !this.height || this.waiting) return;
    const sharp = window.devicePixelRatio || 1, canvas = this.canvas;
    const [wide, high] = [Math.round(this.width * sharp), Math.round(this.height * sharp)];
    if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
    const context = canvas.getContext("2d");
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const pen = nhCanvasPen(context, nhDark());
    this.plan = nhPlan(this.chart, this.arrays, this.row, this.width, this.height, pen.width, this);
    nhDraw(pen, this.plan);
  }

  // The same chart as SVG, for paper.
  svg(row, width = 330, height = 190) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", this.chart.title);
    const pen = nhSvgPen(svg);
    nhDraw(pen, nhPlan(this.chart, this.arrays, row, width, height, pen.width, this));
    return svg;
  }

  // The figure for paper: as on the page, with SVG in place of the canvas.
  printed(row, width, height) {
    const copy = nhElement("figure", { class: "nh-figure" });
    const lacks = this.lackingUnit && nhLacksUnit(this.chart, this.arrays, row);
    for (const part of this.element.children) {
      if (part === this.canvas) { if (!lacks) copy.append(this.svg(row, width, height)); } else copy.append(part.cloneNode(true));
    }
    const words = copy.querySelector(".nh-figure-numbers"), unit = copy.querySelector("p.nh-lacking");
    if (unit && this.lackingUnit) unit.hidden = !lacks;
    if (words) words.textContent = this.numbers(this.chart, row);
    for (const one of [copy, ...copy.querySelectorAll("[id]")]) if (one.id.startsWith("figure-")) one.removeAttribute("id");
    return copy;
  }

  read(event) {
    const place = nhReadingPlace();
    if (!this.plan || event.buttons) { place.hidden = true; return; }
    place.textContent = nhReading(this.plan, event.offsetX, event.offsetY);
    place.hidden = !place.textContent;
    const left = Math.min(event.clientX + 14, innerWidth - place.offsetWidth - 4);
    place.style.left = `${left}px`;
    place.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - place.offsetHeight - 4))}px`;
  }

  // Let a person draw an interval along x; ``picked`` gets its start and stop.
  pick(picked) {
    if (!this.canvas) return;
    const canvas = this.canvas, shade = nhElement("div", { class: "nh-picked", hidden: true });
    canvas.dataset.pick = "";
    this.element.append(shade);
    let from = null;
    const within = (x) => Math.max(this.plan.left, Math.min(this.plan.right, x));
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button || !this.plan) return;
      from = within(event.offsetX);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = within(event.offsetX);
      shade.hidden = false;
      shade.style.left = `${canvas.offsetLeft + Math.min(from, to)}px`;
      shade.style.width = `${Math.abs(to - from)}px`;
      shade.style.top = `${canvas.offsetTop + this.plan.top}px`;
      shade.style.height = `${this.plan.bottom - this.plan.top}px`;
    });
    const end = (event) => {
      if (from === null) return;
      const ends = [this.plan.x.value(from), this.plan.x.value(within(event.offsetX))].sort((a, b) => a - b);
      const wide = Math.abs(from - within(event.offsetX)) > 3;
      from = null;
      shade.hidden = true;
      if (wide) picked({ start: ends[0], stop: ends[1], chart: this.chart.id, row: this.row });
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", () => { from = null; shade.hidden = true; });
  }
}

// Figures in their order, those that cannot be drawn behind the others.
const nhDrawnFirst = (figures) => [...figures].sort((a, b) => Boolean(a.chart.lacking) - Boolean(b.chart.lacking));

let nhReadingElement = null;
const nhReadingPlace = () => {
  if (!nhReadingElement) {
    nhReadingElement = nhElement("div", { class: "nh-reading", hidden: true, "aria-hidden": "true" });
    document.body.append(nhReadingElement);
  }
  return nhReadingElement;
};

// A canvas keeps the colours it was drawn with: all are drawn again in those of the theme.
const nhRedrawAll = () => {
  nhForgetColours();
  for (const figure of nhFigures) if (figure.canvas.isConnected) figure.draw();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nhRedrawAll);

// ``light``, ``dark``, or as the system where empty.
const nhSetTheme = (theme) => {
  if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
  nhRedrawAll();
};
