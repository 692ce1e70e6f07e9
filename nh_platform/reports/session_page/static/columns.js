"use strict";
// Columns of the units table as they are shown: labels, widths, signs and colours.

const nhTableColumn = (column, units) => {
  const { data } = units;
  const rule = units.rules.find((one) => one.value_column === column.name);
  const made = { id: column.name, label: column.label, kind: column.kind, text: column.text };
  made.title = [column.name, column.meaning, rule ? `rule: ${rule.words}` : "", "Press to sort."].filter(Boolean).join("\n");
  if (rule) {
    made.label = nhUnit(rule.unit) ? `${rule.metric} (${nhUnit(rule.unit)})` : rule.metric;
    made.fill = (cell, row) => nhFillCell(cell, column.text(row), `nh-number${rule.passed(row) === false ? " nh-bad" : ""}`);
  }
  if (column.name === `pass.${data.rulebook}`) {
    made.text = (row) => ({ true: "✓ good", false: "✗ not good", null: "–" })[column.value(row)];
    made.fill = (cell, row) => nhFillCell(cell, made.text(row), { true: "nh-good", false: "nh-bad", null: "" }[column.value(row)]);
  }
  if (column.name === "review") made.text = (row) => units.reviewOf(row) ?? "–";
  if (column.name === units.region) made.fill = (cell, row) => {
    const colour = data.region_colours[column.value(row)], words = column.text(row);
    if (!cell.firstChild) cell.append(nhElement("span", { class: "nh-dot" }), "");
    if (cell.lastChild.data === words) return;
    cell.lastChild.data = words;
    cell.firstChild.hidden = !colour;
    cell.firstChild.style.background = colour ?? "";
  };
  const some = Math.min(units.n, 200), texts = Array.from({ length: some }, (_, k) => made.text(Math.floor((k * units.n) / some)));
  nhMeasure.font = nhFont(13);
  const longest = Math.max(0, ...[...new Set(texts)].map((text) => nhMeasure.measureText(text).width)) + (made.fill && column.kind === "text" ? 16 : 0);
  nhMeasure.font = `600 ${nhFont(13)}`;
  made.width = Math.ceil(Math.min(230, Math.max(44, longest + 15, nhMeasure.measureText(`${made.label} ▼`).width + 14)));
  return made;
};

// What has not changed is not touched: the rows in the window are filled for each filter and step.
const nhFillCell = (cell, text, look) => {
  if (cell.textContent !== text) cell.textContent = text;
  if (cell.className !== look) cell.className = look;
};

// The box by which a unit is chosen for printed sheets.
const nhChoiceColumn = (units, chosen, choose) => ({
  id: "", label: "Chosen for sheets", kind: "choice", width: 30, unsorted: true,
  fill(cell, row) {
    if (!cell.firstChild) {
      const box = nhElement("input", { type: "checkbox", tabIndex: -1 });
      box.addEventListener("change", () => choose(box.nhRow));
      cell.append(box);
    }
    cell.firstChild.nhRow = row;
    cell.firstChild.checked = chosen.has(row);
    cell.firstChild.ariaLabel = `choose ${units.nameOf(row)}`;
  },
});
