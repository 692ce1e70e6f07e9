"use strict";
// Tables that are sorted by the names of their columns. The order of equal rows stays.
const nhCellValue = (row, column) => {
  const cell = row.cells[column];
  if (!cell) return "";
  if (cell.dataset.value !== undefined) return cell.dataset.value === "" ? NaN : Number(cell.dataset.value);
  return cell.textContent.trim();
};

const nhCompare = (a, b, sign) => {
  const aEmpty = a === "" || Number.isNaN(a), bEmpty = b === "" || Number.isNaN(b);
  if (aEmpty || bEmpty) return aEmpty - bEmpty;
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
};

const nhSortTable = (table, column, descending) => {
  const body = table.tBodies[0], sign = descending ? -1 : 1;
  const keyed = [...body.rows].map((row) => [nhCellValue(row, column), row]);
  keyed.sort(([a], [b]) => nhCompare(a, b, sign));
  body.append(...keyed.map(([, row]) => row));
  [...table.tHead.rows[0].cells].forEach((head, number) => {
    if (number === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
};

const nhSortable = (table, onSort = () => {}) => {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort");
      const descending = was ? was === "ascending" : head.classList.contains("count") || head.classList.contains("share");
      nhSortTable(table, column, descending);
      onSort(column, descending);
    });
    head.append(button);
  });
};

for (const table of document.querySelectorAll("table.sortable")) if (table.id !== "session-table") nhSortable(table);
