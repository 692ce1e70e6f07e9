"use strict";
// The page of a session put together: state, table, card, keys, and nhPage, by which other scripts of the page take part.
//
// nhPage, once `await nhPage.ready`:
//   data, units, keys              the page's data (nhData()), its units (units.js), its keys (keys.js)
//   row, unitId                    current unit: its row, or null where there is none; its id, or ""
//   rows                           rows that are shown, in order
//   evidence(row)                  [{id, metric, value, unit, comparison, threshold, passed}]: what the rules showed
//   onUnit(callback)               called with (row, unitId) after a unit was opened; at once for the open one
//   onInterval(callback)           called with {start, stop, chart, row} (s) when one is drawn in a figure over time
//   goNext(), goPrevious(), goTo(unitId)
//   setDecision(unitId, state, text)  state as in the column `review` ("pass", "fail", "none", …); the order stays
//   decisionOf(unitId)             {state, text} or null
//   setReviews(reviews)            the list of reviews, as SessionPage states them, was read anew
//   refresh()                      filter again, for example after many decisions
//   cardPlace, headerPlace         elements that take what a script adds
//   registerKey({keys, ctrl, label, run, place})  a key and its button; the button is returned, and put in `place`
//   say(text)                      told to screen readers
const nhPage = (() => {
  const place = (id) => document.getElementById(id);
  const data = nhData();
  const state = { wanted: nhNoState(), rows: [], row: null, chosen: new Set(), lacking: "" };
  const listeners = { unit: [], interval: [] };
  const keys = new NhKeys();
  let units, table, card, figures = [], columns = [];

  const start = async () => {
    const arrays = await nhArrays(data.arrays);
    units = new NhUnits(data, arrays);
    page.units = units;
    makeCard(readRelease());
    table = new NhTable(place("table"), { label: "Units of the session", opened: (row) => open(row), sorted: sortBy });
    makeFilters();
    addKeys();
    state.wanted = nhReadAddress();
    applyAll();
    figures = nhShowSession(data, units);
    requestAnimationFrame(() => setTimeout(() => {
      performance.mark("nh-first-figures");
      document.documentElement.dataset.ready = "";
    }));
    addEventListener("hashchange", () => { state.wanted = nhReadAddress(); applyAll(); });
  };

  // The dated snapshot of the release that whoever copied or served the page put in, if it is of the same rulebook.
  const readRelease = () => {
    const snapshot = JSON.parse(place("nh-release")?.textContent ?? "null");
    if (!snapshot) return null;
    const same = (snapshot.rulebook ?? data.rulebook) === data.rulebook;
    return same ? { text: snapshot.text, rules: snapshot.rules } : { text: "", rules: [], other: snapshot.rulebook };
  };
  const makeCard = (release) => {
    const run = { previous: () => page.goPrevious(), next: () => page.goNext(), choose: () => choose(state.row), picked: (interval) => listeners.interval.forEach((told) => told(interval)), decision: page.cardPlace };
    card = new NhCard(place("card"), units, release, run);
    page.cardPlace = card.decision;
    if (!units.n) place("card").replaceChildren(nhElement("h3", { id: "card-heading", text: "No units" }), nhElement("p", { class: "nh-lacking", text: "This session has no units. What was missing stands at the end of the page." }), card.decision);
  };

  // Table and columns.
  const columnNames = () => {
    const known = (names) => names.filter((name) => units.columns.has(name));
    if (state.wanted.columns.length) return known(state.wanted.columns);
    if (data.shown_columns.length) return known(data.shown_columns);
    return known([...new Set(["cluster_id", "probe", `pass.${data.rulebook}`, units.region, "depth", "n_spikes", ...units.rules.map((rule) => rule.value_column), "review"])]);
  };
  const makeColumns = () => {
    columns = columnNames().map((name) => nhTableColumn(units.columns.get(name), units));
    table.setColumns([nhChoiceColumn(units, state.chosen, choose), ...columns]);
    place("columns-panel").querySelectorAll("input").forEach((box) => { box.checked = columns.some((one) => one.id === box.value); });
  };
  const makeColumnPanel = () => {
    const boxes = [...units.columns.values()].map((column) => {
      const box = nhElement("input", { type: "checkbox", value: column.name });
      box.addEventListener("change", () => {
        const now = columns.map((one) => one.id);
        state.wanted.columns = box.checked ? [...now, column.name] : now.filter((name) => name !== column.name);
        makeColumns();
        keep();
      });
      return nhElement("label", { title: column.meaning }, [box, " ", column.name, nhUnit(column.unit) ? ` (${nhUnit(column.unit)})` : ""]);
    });
    const usual = nhElement("button", { type: "button", text: "Usual columns" });
    usual.addEventListener("click", () => { state.wanted.columns = []; makeColumns(); keep(); });
    place("columns-panel").replaceChildren(usual, nhElement("div", {}, boxes));
    place("columns-button").addEventListener("click", () => {
      const panel = place("columns-panel");
      panel.hidden = !panel.hidden;
      place("columns-button").ariaExpanded = String(!panel.hidden);
    });
  };

  // Filters.
  const makeFilters = () => {
    const counted = (name) => {
      const counts = new Map();
      const column = units.columns.get(name);
      for (let row = 0; column && row < units.n; row++) { const one = column.value(row); if (one !== null) counts.set(one, (counts.get(one) ?? 0) + 1); }
      return [...counts].sort((a, b) => nhTextOrder.compare(a[0], b[0])).map(([one, count]) => [one, `${one} (${count})`]);
    };
    const choices = {
      region: [["", "all"], ...counted(units.region)], probe: [["", "all"], ...counted("probe")],
      verdict: [["", "all"], ["good", "✓ good"], ["bad", "✗ not good"]],
      rule: [["", "any"], ...units.rules.flatMap((rule) => [[`fail:${rule.id}`, `✗ fails ${rule.id}`], [`pass:${rule.id}`, `✓ passes ${rule.id}`]])],
    };
    for (const [name, list] of Object.entries(choices)) {
      const select = place(`filter-${name}`);
      select.replaceChildren(...list.map(([value, text]) => nhElement("option", { value, text })));
      select.disabled = list.length < 2;
      select.addEventListener("change", () => change({ [name]: select.value }));
    }
    place("filter").addEventListener("input", () => change({ filter: place("filter").value.trim() }));
    place("filter").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); table.table.focus(); } });
    place("ready").replaceChildren(...units.ready.map((one) => {
      const button = nhElement("button", { type: "button", title: one.title, disabled: !one.test, "aria-pressed": "false" });
      button.dataset.ready = one.id;
      button.addEventListener("click", () => {
        const on = state.wanted.ready.includes(one.id);
        change({ ready: on ? state.wanted.ready.filter((id) => id !== one.id) : [...state.wanted.ready, one.id] });
      });
      return button;
    }));
    countReady();
    place("clear-button").addEventListener("click", clear);
    makeColumnPanel();
  };
  const countReady = () => {
    for (const button of place("ready").children) {
      const one = units.ready.find((ready) => ready.id === button.dataset.ready);
      let count = 0;
      for (let row = 0; one.test && row < units.n; row++) if (one.test(row)) count++;
      button.replaceChildren(`${one.label} `, nhElement("span", { class: "nh-quiet", text: one.test ? nhNumber(count) : "–" }));
    }
  };
  const change = (part) => { Object.assign(state.wanted, part); state.lacking = ""; filter(); };
  const clear = () => {
    const { sort, unit, columns: chosen } = state.wanted;
    state.wanted = { ...nhNoState(), sort, unit, columns: chosen };
    showFilters();
    filter();
  };
  const sortBy = (id) => change({ sort: state.wanted.sort === id ? `-${id}` : state.wanted.sort === `-${id}` ? "" : id });
  const showFilters = () => {
    const { wanted } = state;
    if (place("filter").value.trim() !== wanted.filter) place("filter").value = wanted.filter;
    for (const name of ["region", "probe", "verdict", "rule"]) {
      const select = place(`filter-${name}`);
      select.value = wanted[name];
      if (select.selectedIndex < 0) select.value = wanted[name] = "";
    }
  };
  const filter = () => {
    const { wanted } = state;
    let error = "";
    try {
      state.rows = units.select(wanted);
    } catch (wrong) {
      if (!(wrong instanceof NhFilterError)) throw wrong;
      error = wrong.message; // the rows stay as they were
    }
    showError(error);
    for (const button of place("ready").children) button.ariaPressed = String(wanted.ready.includes(button.dataset.ready));
    const filtered = Boolean(wanted.filter || wanted.region || wanted.probe || wanted.verdict || wanted.rule || wanted.ready.length);
    place("clear-button").hidden = !filtered;
    place("count").textContent = filtered ? `${nhNumber(state.rows.length)} of ${nhNumber(units.n)} units` : `${nhNumber(units.n)} ${units.n === 1 ? "unit" : "units"}`;
    table.setRows(state.rows, wanted.sort ? { id: wanted.sort.replace(/^-/, ""), down: wanted.sort.startsWith("-") } : null);
    if (state.rows.length && table.placeOf(state.row) < 0) open(state.rows[0]);
    else if (state.row !== null) {
      table.choose(state.row);
      card.showPosition(table.placeOf(state.row), state.rows.length);
    }
    keep();
  };
  // While a person is writing, most filters are wrong: it is said once they pause.
  let pause = 0;
  const showError = (error) => {
    clearTimeout(pause);
    place("filter").ariaInvalid = String(Boolean(error));
    if (!error) { place("filter-error").textContent = state.lacking; return; }
    pause = setTimeout(() => { place("filter-error").textContent = error; }, 350);
  };
  const applyAll = () => {
    showFilters();
    makeColumns();
    const row = units.places.get(state.wanted.unit);
    const asked = state.wanted.unit;
    state.lacking = asked && row === undefined ? `There is no unit ${asked} on this page.` : ""; // until a person filters
    state.row = row ?? null;
    filter();
    if (row !== undefined) { open(row); place("units").scrollIntoView(); } else if (state.row === null && units.n) open(0);
  };
  const keep = () => nhWriteAddress(state.wanted);

  // Units.
  const open = (row) => {
    state.row = row;
    state.wanted.unit = units.idOf(row);
    place("card").scrollTop = 0;
    table.choose(row); // reads where things stand, so it comes before what moves them
    card.show(row, table.placeOf(row), state.rows.length);
    card.chosen.ariaPressed = String(state.chosen.has(row));
    keep();
    page.say(`${units.nameOf(row)}, ${card.position.textContent}: ${card.verdict.textContent} ${card.reason.textContent}`);
    listeners.unit.forEach((callback) => callback(row, units.idOf(row)));
  };
  const step = (by) => {
    if (!state.rows.length) return;
    const at = table.placeOf(state.row), next = at < 0 ? 0 : Math.max(0, Math.min(state.rows.length - 1, at + by));
    if (state.rows[next] !== state.row) open(state.rows[next]);
    else page.say(by > 0 ? "This is the last of the shown units." : "This is the first of the shown units.");
  };
  const choose = (row) => {
    if (row === null) return;
    if (!state.chosen.delete(row)) state.chosen.add(row);
    card.chosen.ariaPressed = String(state.chosen.has(state.row));
    place("print-what").options[2].textContent = `sheets of chosen units (${state.chosen.size})`;
    table.repaint();
  };

  // Keys, theme, help, print.
  const addKeys = () => {
    const inView = () => { const { top, bottom } = place("units").getBoundingClientRect(); return top < innerHeight / 2 && bottom > innerHeight / 4; };
    keys.add({ keys: ["j"], label: "next unit", run: () => page.goNext() });
    keys.add({ keys: ["k"], label: "previous unit", run: () => page.goPrevious() });
    keys.add({ keys: ["ArrowDown", " "], label: "next unit, where the units are in view", run: () => page.goNext(), when: inView });
    keys.add({ keys: ["ArrowUp"], label: "previous unit, where the units are in view", run: () => page.goPrevious(), when: inView });
    keys.add({ keys: ["/"], label: "write a filter", run: () => { place("filter").focus(); place("filter").select(); } });
    keys.add({ keys: ["x"], label: "choose the unit for printed sheets", run: () => choose(state.row) });
    keys.add({ keys: ["t"], label: "light or dark", run: changeTheme });
    keys.add({ keys: ["?"], label: "this list", run: toggleHelp });
    keys.add({ keys: ["Escape"], label: "leave a field; then show all units", always: true, run: () => {
      if (document.activeElement.matches("input, textarea, select")) table.table.focus(); else clear();
    } });
    place("theme-button").addEventListener("click", changeTheme);
    place("help-button").addEventListener("click", toggleHelp);
    place("help-close").addEventListener("click", toggleHelp);
    place("print-button").addEventListener("click", () => print());
    addEventListener("beforeprint", () => nhFillPaper(state, units, columns, card, figures));
    addEventListener("afterprint", nhEmptyPaper);
    for (const link of document.querySelectorAll(".nh-top nav a, .nh-skip")) {
      link.addEventListener("click", (event) => { // the address behind # is the state's
        event.preventDefault();
        const part = document.querySelector(link.hash);
        part.scrollIntoView();
        part.tabIndex = -1;
        part.focus({ preventScroll: true });
      });
    }
  };
  const changeTheme = () => nhSetTheme(nhDark() ? "light" : "dark");
  const toggleHelp = () => {
    const help = place("help");
    if (help.open) { help.close(); return; }
    place("help-keys").replaceChildren(...keys.shown().map(({ keys: names, label }) => nhElement("tr", {}, [
      nhElement("td", {}, names.flatMap((name) => [nhElement("kbd", { text: name }), " "])), nhElement("td", { text: label })])));
    help.showModal();
  };

  const page = {
    data, keys, units: null, cardPlace: null, headerPlace: place("header-place"),
    get row() { return state.row; },
    get unitId() { return state.row === null ? "" : units.idOf(state.row); },
    get rows() { return state.rows; },
    evidence: (row) => units.rules.map((rule) => ({ id: rule.id, metric: rule.metric, value: nhMissing(rule.value(row)) ? null : rule.value(row), unit: rule.unit, comparison: rule.comparison, threshold: rule.threshold, passed: rule.passed(row) })),
    onUnit(callback) { listeners.unit.push(callback); if (state.row !== null) callback(state.row, units.idOf(state.row)); },
    onInterval(callback) { listeners.interval.push(callback); },
    goNext: () => step(1),
    goPrevious: () => step(-1),
    goTo(id) { const row = units.places.get(String(id)); if (row !== undefined) open(row); return row !== undefined; },
    setDecision(id, decided, text = "") {
      units.decisions.set(String(id), { state: decided, text });
      countReady();
      table.repaint();
      if (state.row !== null && units.idOf(state.row) === String(id)) card.show(state.row, table.placeOf(state.row), state.rows.length);
    },
    decisionOf: (id) => units.decisions.get(String(id)) ?? null,
    setReviews(reviews) { data.reviews = reviews; nhShowReviews(data); if (state.row !== null) card.showReviews(); },
    refresh: () => { countReady(); filter(); },
    registerKey({ keys: names, ctrl = false, label, run, place: where = null }) {
      keys.add({ keys: names, ctrl, label, run });
      const shown = keys.shown().at(-1).keys[0];
      const button = nhElement("button", { type: "button" }, [`${label} `, nhElement("kbd", { text: shown })]);
      button.addEventListener("click", run);
      (where ?? page.cardPlace).append(button);
      return button;
    },
    say(text) { place("status").textContent = text; },
  };
  page.ready = start().catch((wrong) => {
    place("broken").hidden = false;
    place("broken").textContent = `This page cannot be shown: ${wrong.message}. Its file is damaged or cut short, or the browser is older than 2024; make session_report again, or use a newer browser.`;
    throw wrong;
  });
  return page;
})();
