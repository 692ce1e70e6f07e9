"use strict";
// The table of sessions: filtered by text, lab, standing and ready filters; its state stands in the address.
(() => {
  const table = document.getElementById("session-table");
  const fields = Object.fromEntries(["find", "lab", "standing", "ready"].map((id) => [id, document.getElementById(id)]));
  const shown = document.getElementById("shown"), form = document.getElementById("filter");
  const texts = new Map([...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]));
  const more = document.getElementById("more");
  const STEP = 100;
  let sorted = null, room = STEP;

  const remember = () => {
    const state = new URLSearchParams();
    for (const [id, field] of Object.entries(fields)) if (field.value) state.set(id, field.value);
    if (sorted) state.set("sort", `${sorted[1] ? "-" : ""}${sorted[0]}`);
    const text = state.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };

  const apply = () => {
    const words = fields.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of table.tBodies[0].rows) {
      const text = texts.get(row);
      const keep = words.every((word) => text.includes(word)) &&
        (!fields.lab.value || row.dataset.lab === fields.lab.value) &&
        (!fields.standing.value || row.dataset.standing === fields.standing.value) &&
        (!fields.ready.value || row.dataset.flags.split(" ").includes(fields.ready.value));
      row.hidden = !keep;
      row.classList.toggle("later", n >= room);
      n += keep;
    }
    more.hidden = n <= room;
    more.querySelector("span").textContent = `the first ${room.toLocaleString("en")} are shown, the others as you scroll`;
    shown.value = `${n.toLocaleString("en")} of ${texts.size.toLocaleString("en")} sessions`;
  };

  const restore = () => {
    const text = location.hash.slice(1);
    if (!text.includes("=")) return;
    const state = new URLSearchParams(text);
    for (const [id, field] of Object.entries(fields)) field.value = state.get(id) ?? "";
    const sort = state.get("sort");
    if (sort) {
      sorted = [Number(sort.replace("-", "")), sort.startsWith("-")];
      if (sorted[0] < table.tHead.rows[0].cells.length) nhSortTable(table, ...sorted);
    }
    document.getElementById("sessions").scrollIntoView();
  };

  const again = () => { room = STEP; apply(); remember(); };
  nhSortable(table, (column, descending) => { sorted = [column, descending]; again(); });
  form.addEventListener("input", again);
  form.addEventListener("reset", () => setTimeout(() => { sorted = null; again(); }));
  new IntersectionObserver(([seen]) => { if (seen.isIntersecting) { room += STEP; apply(); } }).observe(more);
  more.querySelector("button").addEventListener("click", () => { room = Infinity; apply(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); fields.find.focus(); }
    if (event.key === "Escape" && event.target === fields.find) { fields.find.value = ""; again(); }
  });
  restore();
  apply();
})();
