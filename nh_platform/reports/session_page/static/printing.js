"use strict";
// What goes on paper: the shown units as one table, or a sheet per unit. A virtual table prints its window alone, so the
// rows are put into the page before it is printed, and taken out after.

const MOST_SHEETS = 200;

const nhFillPaper = (state, units, columns, card, figures) => {
  const paper = document.getElementById("paper"), what = document.getElementById("print-what").value;
  const shown = { unit: state.row === null ? [] : [state.row], chosen: state.rows.filter((row) => state.chosen.has(row)), shown: state.rows }[what];
  const parts = shown ? nhSheets(shown, what, units, card) : [nhPaperTable(state, units, columns)];
  if (!shown) {
    const drawn = figures.filter((one) => !one.chart.lacking);
    if (drawn.length) parts.push(nhElement("h2", { text: "Figures of the session" }), nhElement("div", { class: "nh-figures" }, drawn.map((one) => one.printed(0, 330, 200))));
  }
  document.body.dataset.paper = shown ? "sheets" : "table";
  paper.replaceChildren(...parts);
};

const nhEmptyPaper = () => {
  delete document.body.dataset.paper;
  document.getElementById("paper").replaceChildren();
};

const nhPaperTable = (state, units, columns) => {
  const words = nhStateWords(state.wanted, units);
  const kind = (column) => (column.kind === "number" ? "nh-number" : "");
  const short = (text) => (text.length <= 16 ? text.replaceAll(" ", "\u00a0") : text); // a verdict stays on its line
  const head = nhElement("tr", {}, columns.map((column) => nhElement("th", { text: column.label, class: kind(column) })));
  const body = nhElement("tbody", {}, state.rows.map((row) => nhElement("tr", {}, columns.map((column) => nhElement("td", { text: short(column.text(row)), class: kind(column), dir: "auto" })))));
  const table = nhElement("table", {}, [nhElement("thead", {}, [head]), body]);
  return nhElement("section", {}, [nhElement("h2", { text: `${nhNumber(state.rows.length)} of ${nhNumber(units.n)} units` }), nhElement("p", { text: words }), table]);
};

// The filter in words, for paper.
const nhStateWords = (wanted, units) => {
  const said = [];
  if (wanted.filter) said.push(`filter: ${wanted.filter}`);
  for (const name of ["region", "probe"]) if (wanted[name]) said.push(`${name}: ${wanted[name]}`);
  if (wanted.verdict) said.push({ good: "good units", bad: "units that are not good" }[wanted.verdict]);
  if (wanted.rule) said.push(wanted.rule.replace("pass:", "passes ").replace("fail:", "fails "));
  for (const id of wanted.ready) said.push(units.ready.find((one) => one.id === id)?.label ?? id);
  if (wanted.sort) said.push(`sorted by ${wanted.sort.replace(/^-/, "")}${wanted.sort.startsWith("-") ? ", highest first" : ""}`);
  return said.join("; ");
};

const nhSheets = (rows, what, units, card) => {
  if (!rows.length) return [nhElement("p", { text: what === "chosen" ? "No units are chosen. Choose units with x or the box in the table." : "No unit is shown." })];
  const sheets = rows.slice(0, MOST_SHEETS).map((row) => {
    const passed = units.passOf(row);
    const rules = units.rules.map((rule) => nhElement("tr", {}, [rule.verdict(row), rule.words, rule.text(row), units.marginWords(rule, row)].map((text) => nhElement("td", { text }))));
    const found = nhReviewsOf(units.data.reviews, units.idOf(row));
    return nhElement("section", { class: "nh-sheet" }, [
      nhElement("h2", { dir: "auto", text: `${units.nameOf(row)}${units.regionOf(row) ? ` · ${units.regionOf(row)}` : ""}` }),
      nhElement("p", { text: `unit ${units.idOf(row)} · ${units.data.source} · session ${units.data.session}` }),
      nhElement("p", {}, [nhElement("strong", { text: passed === null ? "no verdict" : passed ? `✓ good by ${units.book}` : `✗ not good by ${units.book}` }), ` ${units.reasonOf(row)}`]),
      nhElement("table", {}, [nhElement("tbody", {}, rules)]),
      nhElement("div", { class: "nh-figures" }, nhDrawnFirst(card.figures).map((figure) => figure.printed(row, 240, 150))),
      ...(found.length ? [nhElement("h3", { text: "Reviews" }), ...nhReviewTree(found, false)] : []),
    ]);
  });
  if (rows.length > MOST_SHEETS) sheets.push(nhElement("p", { text: `${nhNumber(rows.length - MOST_SHEETS)} more units are not printed: at most ${MOST_SHEETS} sheets at once. Filter, and print again.` }));
  return sheets;
};
