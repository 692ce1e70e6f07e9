"use strict";
// The card of a unit: who it is, the verdict and its reason, rules, figures, released numbers, reviews, labels of others.
// Its parts are made once; show(row) fills them.

class NhCard {
  constructor(place, units, release, { previous, next, choose, picked, decision }) {
    Object.assign(this, { place, units, data: units.data });
    const button = (label, key, title, run) => {
      const one = nhElement("button", { type: "button", title }, [`${label} `, nhElement("kbd", { text: key })]);
      one.addEventListener("click", run);
      return one;
    };
    this.heading = nhElement("h3", { id: "card-heading", tabIndex: -1 });
    this.dot = nhElement("span", { class: "nh-dot" });
    this.title = nhElement("bdi");
    this.heading.append(this.dot, this.title);
    this.position = nhElement("span", { class: "nh-quiet" });
    this.chosen = button("Choose", "x", "Choose this unit for printed sheets", choose);
    this.verdict = nhElement("span", { class: "nh-verdict" });
    this.reason = nhElement("span", { dir: "auto" });
    this.facts = nhElement("p", { class: "nh-card-words nh-quiet" });
    this.decision = decision ?? nhElement("div", { id: "card-place", class: "nh-place" });
    this.rules = new NhRules(units, release);
    this.figures = this.data.unit_charts.map((chart) => new NhFigure(chart, units.arrays, { about: (row) => units.nameOf(row), numbers: (one, row) => this.numbers(one, row) }));
    for (const figure of this.figures) {
      if (figure.chart.wide) figure.element.classList.add("nh-wide");
      if (figure.chart.x.session_clock) figure.pick(picked);
    }
    this.pairs = this.pairTable();
    this.reviews = nhElement("div");
    this.others = nhElement("dl");
    this.all = nhElement("dl");
    const part = (title, ...children) => nhElement("section", { class: "nh-card-part" }, [nhElement("h4", { text: title }), ...children]);
    this.othersPart = part("Labels of others", this.others);
    this.details = nhElement("details", { class: "nh-columns-of-unit" }, [nhElement("summary", { text: "Every number of this unit" }), this.all]);
    this.details.addEventListener("toggle", () => this.fillAll());
    place.replaceChildren(
      nhElement("div", { class: "nh-card-head" }, [this.heading, this.position, button("Previous", "k", "Previous unit (k, ↑)", previous), button("Next", "j", "Next unit (j, ↓, space)", next), this.chosen]),
      nhElement("p", { class: "nh-card-words" }, [this.verdict, this.reason]),
      this.facts, this.decision, this.rules.element,
      part("Figures", this.figures.length ? nhElement("div", { class: "nh-figures" }, nhDrawnFirst(this.figures).map((figure) => figure.element)) : nhElement("p", { class: "nh-lacking", text: "No figures were made for units of this session." })),
      ...(this.pairs ? [part("Released and recomputed", nhElement("div", { class: "nh-scroll" }, [this.pairs.element]))] : []),
      part("Reviews of this unit", this.reviews), this.othersPart, nhElement("section", { class: "nh-card-part" }, [this.details]),
    );
  }

  // Numbers of the table that belong to a figure, in words.
  numbers(chart, row) {
    return chart.columns.filter((name) => this.units.columns.has(name)).map((name) => {
      const column = this.units.columns.get(name);
      const text = column.kind === "number" ? nhWithUnit(column.value(row), column.unit) : column.text(row);
      return `${nhUnit(column.unit) ? column.label.replace(` (${nhUnit(column.unit)})`, "") : column.label} ${text}`;
    }).join(" · ");
  }

  pairTable() {
    const { pairs } = this.data;
    if (!pairs.length) return null;
    const body = nhElement("tbody");
    const rows = pairs.map((pair) => {
      const cells = ["nh-number", "nh-number", "nh-number", ""].map((kind) => nhElement("td", { class: kind }));
      body.append(nhElement("tr", {}, [nhElement("th", { scope: "row", text: nhUnit(pair.unit) ? `${pair.metric} (${nhUnit(pair.unit)})` : pair.metric }), ...cells]));
      const read = (name) => this.units.columns.get(name)?.value ?? (() => null);
      return { cells, released: read(pair.released_column), recomputed: read(pair.recomputed_column), agrees: pair.agrees_column ? read(pair.agrees_column) : null };
    });
    const heads = [["metric", ""], ["released", "nh-number"], ["recomputed", "nh-number"], ["difference", "nh-number"], ["agreement", ""]];
    const head = nhElement("tr", {}, heads.map(([text, kind]) => nhElement("th", { scope: "col", text, class: kind })));
    return { rows, element: nhElement("table", { class: "nh-small" }, [nhElement("thead", {}, [head]), body]) };
  }

  show(row, at, count) {
    const { units } = this;
    this.row = row;
    this.title.textContent = units.nameOf(row) + (units.regionOf(row) ? ` · ${units.regionOf(row)}` : "");
    this.dot.style.background = this.data.region_colours[units.regionOf(row)] ?? "transparent";
    this.dot.hidden = !this.data.region_colours[units.regionOf(row)];
    this.showPosition(at, count);
    const passed = units.passOf(row);
    this.verdict.textContent = passed === null ? "– no verdict" : `${SIGNS[passed]} ${passed ? "good" : "not good"}${units.book ? ` by ${units.book}` : ""}`;
    this.verdict.className = `nh-verdict ${passed === null ? "nh-quiet" : passed ? "nh-good" : "nh-bad"}`;
    this.reason.textContent = units.reasonOf(row);
    this.facts.textContent = [`unit ${units.idOf(row)}`, ...["depth", "n_spikes"].filter((name) => units.columns.has(name)).map((name) => `${name === "depth" ? "depth " : ""}${nhWithUnit(units.columns.get(name).value(row), units.columns.get(name).unit)}${name === "n_spikes" ? " spikes" : ""}`), `review: ${units.reviewOf(row) ?? "none"}${units.reviewWords(row) ? ` (${units.reviewWords(row)})` : ""}`].join(" · ");
    this.rules.show(row);
    for (const figure of this.figures) figure.show(row);
    for (const pair of this.pairs?.rows ?? []) this.showPair(pair, row);
    this.showReviews();
    const others = [...units.columns.values()].filter((one) => one.name.startsWith("curated.") || one.name === "upstream_label");
    this.othersPart.hidden = !others.length;
    this.others.replaceChildren(...others.flatMap((one) => [nhElement("dt", { text: one.label }), nhElement("dd", { dir: "auto", text: one.text(row) })]));
    this.fillAll();
  }

  showPosition(at, count) {
    this.position.textContent = at >= 0 ? `${nhNumber(at + 1)} of ${nhNumber(count)}` : "not among the shown units";
  }

  showPair({ cells, released, recomputed, agrees }, row) {
    const [one, other] = [released(row), recomputed(row)];
    const numbers = typeof one === "number" && typeof other === "number";
    cells[0].textContent = typeof one === "number" ? nhNumber(one) : String(one ?? "–");
    cells[1].textContent = typeof other === "number" ? nhNumber(other) : String(other ?? "–");
    cells[2].textContent = numbers && !nhMissing(one) && !nhMissing(other) ? (one === other ? "0" : nhNumber(other - one, 3)) : "–";
    const same = agrees ? agrees(row) : null;
    cells[3].textContent = same === null ? "" : `${SIGNS[same]} ${same ? "agree" : "disagree"}`;
    cells[3].className = same === false ? "nh-bad" : "nh-quiet";
  }

  showReviews() {
    const found = nhReviewsOf(this.data.reviews, this.units.idOf(this.row));
    this.reviews.replaceChildren(...(found.length ? nhReviewTree(found, false) : [nhElement("p", { class: "nh-quiet", text: "No review names this unit." })]));
  }

  fillAll() {
    if (!this.details.open) return;
    const told = [...this.units.columns.values()].flatMap((one) => [nhElement("dt", { text: one.name, title: one.meaning }), nhElement("dd", { dir: "auto", text: one.kind === "number" ? nhWithUnit(one.value(this.row), one.unit, 6) : one.text(this.row) })]);
    this.all.replaceChildren(...told);
  }
}
