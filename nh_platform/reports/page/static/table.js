"use strict";
// A table of which only the rows in the window are in the page: thousands of rows stay smooth, and screen readers are
// told of all of them. Rows are numbers; columns are
// {id, label, title, kind, width, text(row), fill(cell, row)}: ``fill`` where a cell is more than text.

const nhRowHeight = 26;

class NhTable {
  constructor(place, { label, opened = () => {}, sorted = () => {} }) {
    Object.assign(this, { place, opened, sorted, columns: [], rows: [], chosen: null, order: null, pool: [], first: -1, last: -1 });
    this.head = nhElement("thead");
    this.body = nhElement("tbody");
    this.widths = nhElement("colgroup");
    this.table = nhElement("table", { class: "nh-table", role: "grid", "aria-label": label, tabIndex: 0 }, [this.widths, this.head, this.body]);
    this.above = nhElement("tr", { class: "nh-space", "aria-hidden": "true" }, [nhElement("td")]);
    this.below = nhElement("tr", { class: "nh-space", "aria-hidden": "true" }, [nhElement("td")]);
    place.classList.add("nh-table-window");
    place.append(this.table);
    place.addEventListener("scroll", () => this.paint(), { passive: true });
    new ResizeObserver(() => { this.high = 0; this.paint(); }).observe(place);
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("tr")?.nhRow;
      if (row !== undefined && row !== null && !event.target.closest("input, a, button")) this.opened(row);
    });
  }

  setColumns(columns) {
    this.columns = columns;
    this.widths.replaceChildren(...columns.map((column) => { const one = nhElement("col"); one.style.width = `${column.width}px`; return one; }));
    this.table.style.width = `${columns.reduce((sum, column) => sum + column.width, 0)}px`;
    this.table.setAttribute("aria-colcount", columns.length);
    const cells = columns.map((column, at) => {
      const cell = nhElement("th", { scope: "col", "aria-colindex": at + 1, class: column.kind === "number" ? "nh-number" : "" });
      if (column.unsorted) cell.append(nhElement("span", { class: "nh-hidden", text: column.label }));
      else {
        const button = nhElement("button", { type: "button", title: column.title, text: column.label });
        button.addEventListener("click", () => this.sorted(column.id));
        cell.append(button);
      }
      return cell;
    });
    this.head.replaceChildren(nhElement("tr", { "aria-rowindex": 1 }, cells));
    this.above.firstChild.colSpan = this.below.firstChild.colSpan = columns.length;
    this.pool = [];
    this.markOrder();
    this.repaint();
  }

  // ``rows`` in the order in which they are shown; ``order`` is {id, down} or null.
  setRows(rows, order) {
    this.rows = rows;
    this.places = null;
    this.order = order;
    this.table.setAttribute("aria-rowcount", rows.length + 1);
    this.markOrder();
    this.repaint();
  }

  markOrder() {
    this.columns.forEach((column, at) => {
      const cell = this.head.firstChild?.children[at], button = cell?.querySelector("button");
      if (!button) return;
      const sorted = this.order?.id === column.id;
      cell.setAttribute("aria-sort", sorted ? (this.order.down ? "descending" : "ascending") : "none");
      button.textContent = column.label + (sorted ? (this.order.down ? " ▼" : " ▲") : "");
    });
  }

  // Where a row stands, or -1.
  placeOf(row) {
    if (!this.places) this.places = new Map(this.rows.map((one, at) => [one, at]));
    return this.places.get(row) ?? -1;
  }

  choose(row) {
    this.chosen = row;
    const at = this.placeOf(row);
    if (at >= 0) {
      const high = this.height(), top = at * nhRowHeight, scroll = this.place.scrollTop;
      if (top < scroll) this.place.scrollTop = Math.max(0, top - 2 * nhRowHeight);
      else if (top + 2 * nhRowHeight > scroll + high) this.place.scrollTop = top - high + 4 * nhRowHeight;
    }
    this.paint();
    for (const element of this.pool) element.setAttribute("aria-selected", String(element.nhRow === row));
    this.markActive();
  }

  markActive() {
    const at = this.placeOf(this.chosen), shown = at >= this.first && at < this.last;
    if (shown) this.table.setAttribute("aria-activedescendant", `row-${this.chosen}`); else this.table.removeAttribute("aria-activedescendant");
  }

  height() {
    if (!this.high) this.high = this.place.clientHeight || 600;
    return this.high;
  }

  // Fill what is in the window again: something about a row changed.
  repaint() { this.first = -1; this.paint(); }

  paint() {
    const margin = 8, count = this.rows.length, scroll = this.place.scrollTop;
    const first = Math.max(0, Math.min(Math.floor(scroll / nhRowHeight) - margin, count - 1));
    const last = Math.min(count, Math.ceil((scroll + this.height()) / nhRowHeight) + margin);
    if (first === this.first && last === this.last) return;
    [this.first, this.last] = [first, last];
    while (this.pool.length < last - first) this.pool.push(this.newRow());
    const shown = [];
    for (let at = first; at < last; at++) shown.push(this.fillRow(this.pool[at - first], this.rows[at], at));
    this.above.firstChild.style.height = `${first * nhRowHeight}px`;
    this.below.firstChild.style.height = `${Math.max(0, count - last) * nhRowHeight}px`;
    const wanted = [this.above, ...shown, this.below], now = this.body.children;
    if (now.length !== wanted.length || wanted.some((one, at) => now[at] !== one)) this.body.replaceChildren(...wanted);
    this.markActive();
  }

  newRow() {
    const cells = this.columns.map((column, at) => nhElement("td", { "aria-colindex": at + 1, class: column.kind === "number" ? "nh-number" : "" }));
    return nhElement("tr", {}, cells);
  }

  fillRow(element, row, at) {
    element.nhRow = row;
    element.id = `row-${row}`;
    element.setAttribute("aria-rowindex", at + 2);
    element.setAttribute("aria-selected", String(row === this.chosen));
    this.columns.forEach((column, k) => {
      const cell = element.children[k];
      if (column.fill) column.fill(cell, row);
      else {
        const text = column.text(row);
        if (cell.textContent !== text) { cell.textContent = text; cell.title = column.kind === "text" ? text : ""; }
      }
    });
    return element;
  }
}
