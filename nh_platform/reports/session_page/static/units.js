"use strict";
// The units of the page: columns with their words, rules and margins, ready filters. Nothing is shown here.

const NEAR = 0.1; // of a threshold: the share of it within which a value is called near
const SIGNS = { true: "✓", false: "✗", null: "–" };

class NhUnits {
  constructor(data, arrays) {
    Object.assign(this, { data, arrays, n: data.n_units, book: data.rulebook, decisions: new Map() });
    this.columns = new Map(data.columns.map((stated) => [stated.name, this.columnOf(stated)]));
    this.ids = this.columns.get("unit_id") ?? { value: (row) => String(row) };
    this.places = new Map(Array.from({ length: this.n }, (_, row) => [String(this.ids.value(row)), row]));
    this.regions = ["acronym", "beryl", "cosmos"].filter((name) => this.columns.has(name));
    this.region = ["beryl", "acronym", "cosmos"].find((name) => this.columns.has(name)) ?? null;
    this.rules = data.rules.map((rule) => this.ruleOf(rule));
    this.addComputed();
    this.ready = this.readyFilters();
    this.names = [...new Set([...["region", "pass", "label", "reason", "verdict"].filter((name) => this.column(name)), ...this.rules.map((rule) => rule.id), ...this.columns.keys()])];
  }

  columnOf({ name, unit, meaning, kind, texts, array }) {
    const { values } = this.arrays[array];
    const value = {
      number: (row) => values[row],
      bool: (row) => (values[row] === 2 ? null : values[row] === 1),
      text: (row) => (values[row] < 0 ? null : texts[values[row]]),
    }[kind];
    const text = {
      number: (row) => nhNumber(value(row)),
      bool: (row) => ({ true: "yes", false: "no", null: "–" })[value(row)],
      text: (row) => value(row) ?? "–",
    }[kind];
    return { name, unit, meaning, kind, texts, value, text, label: this.columnLabel(name, unit) };
  }

  columnLabel(name, unit) {
    const own = { unit_id: "unit", cluster_id: "cluster", n_spikes: "spikes", beryl: "region", review: "review", upstream_label: "upstream label", waveform_type: "waveform", optotagged: "opto-tagged" };
    for (const [role, words] of [["label", "label"], ["pass", "verdict"], ["reason", "reason"]]) own[`${role}.${this.book}`] = words;
    const shown = own[name] ?? name.replace(`rule.${this.book}.`, "passes ").replace(/^curated\./, "by ");
    return nhUnit(unit) ? `${shown} (${nhUnit(unit)})` : shown;
  }

  ruleOf(rule) {
    const values = this.columns.get(rule.value_column), verdicts = this.columns.get(`rule.${this.book}.${rule.id}`);
    const compare = nhComparisons[rule.comparison];
    const value = values ? values.value : () => null;
    const passed = verdicts ? verdicts.value
      : (row) => { const one = value(row); return nhMissing(one) || !compare || rule.threshold === null ? null : compare(one, rule.threshold); };
    const unit = nhUnit(rule.unit);
    const words = rule.criterion || `${rule.metric} ${rule.comparison} ${nhWithUnit(rule.threshold, rule.unit)}`;
    const fallback = this.columns.get(rule.fallback_column)?.value ?? (() => null); // in words, where it judges the unit
    const leftOut = (row) => Boolean(rule.left_out_without_value) && nhMissing(value(row)) && !fallback(row);
    const verdict = (row) => (leftOut(row) ? `${SIGNS[null]} left out` : `${SIGNS[passed(row)]} ${{ true: "pass", false: "fail", null: "not known" }[passed(row)]}`);
    return { ...rule, unit, words, value, passed, leftOut, verdict, values, fallback, text: (row) => fallback(row) ?? (values ? (values.kind === "number" ? nhWithUnit(value(row), rule.unit) : values.text(row)) : "–"), near: (row) => this.shareAway(rule, value(row)) <= NEAR + 1e-12 };
  }

  // Distance from the threshold as a share of it; NaN where it cannot be said.
  shareAway({ threshold }, value) {
    return typeof threshold === "number" && threshold !== 0 && typeof value === "number" ? Math.abs(value - threshold) / Math.abs(threshold) : NaN;
  }

  // Columns that the page computes of the rules: by them a reviewer goes through the units that are hard to judge.
  addComputed() {
    if (!this.rules.length) return;
    const add = (name, unit, meaning, value) => {
      const label = nhUnit(unit) ? `${name.replaceAll("_", " ")} (${unit})` : name.replaceAll("_", " ");
      if (!this.columns.has(name)) this.columns.set(name, { name, unit, meaning, kind: "number", texts: null, value, text: (row) => nhNumber(value(row), 3), label });
    };
    add("failed_rules", "1", "Number of rules of the rulebook that the unit fails", (row) => this.rules.filter((rule) => rule.passed(row) === false).length);
    add("nearest_threshold", "%", "Distance from the nearest threshold of a rule, in % of the threshold", (row) => {
      const shares = this.rules.map((rule) => this.shareAway(rule, rule.value(row))).filter(Number.isFinite);
      return shares.length ? 100 * Math.min(...shares) : NaN;
    });
  }

  // How far a value is from the threshold of its rule, in words.
  marginWords(rule, row) {
    const value = rule.value(row), { threshold } = rule;
    if (rule.fallback(row)) return "by the fallback: the metric has no value";
    if (nhMissing(value)) return "no value";
    if (typeof threshold !== "number" || typeof value !== "number") return "";
    const away = Math.abs(value - threshold);
    if (away === 0) return "on the threshold";
    const share = threshold ? ` (${nhNumber((away / Math.abs(threshold)) * 100, 2)} %)` : "";
    return `${nhWithUnit(away, rule.unit, 3)}${share} ${value > threshold ? "above" : "below"}`;
  }

  // What a name in a filter stands for: a column, a short name of the active rulebook, a rule, or the region.
  column(name) {
    const short = { pass: `pass.${this.book}`, verdict: `pass.${this.book}`, label: `label.${this.book}`, reason: `reason.${this.book}`, unit: "unit_id", cluster: "cluster_id", spikes: "n_spikes" };
    const found = this.columns.get(name) ?? this.columns.get(short[name]);
    if (found) return { name, kind: found.kind, unit: found.unit, values: [found.name === "review" ? (row) => this.reviewOf(row) : found.value] };
    if (name === "region" && this.regions.length) return { name, kind: "text", unit: "", values: this.regions.map((one) => this.columns.get(one).value) };
    const rule = this.rules.find((one) => one.id === name);
    if (rule?.values) return { name, kind: rule.values.kind, unit: rule.unit, values: [rule.value] };
    const alone = [...this.columns.keys()].find((one) => one.toLowerCase() === name.toLowerCase());
    return alone ? this.column(alone) : null;
  }

  idOf(row) { return String(this.ids.value(row)); }
  textOf(name, row) { return this.columns.get(name)?.text(row) ?? ""; }
  passOf(row) { return this.columns.get(`pass.${this.book}`)?.value(row) ?? null; }
  reasonOf(row) { return this.columns.get(`reason.${this.book}`)?.value(row) ?? ""; }
  regionOf(row) { return this.region ? this.columns.get(this.region).value(row) : null; }

  // What the reviews of a unit come to: what was decided on this page, else what the page was made with.
  reviewOf(row) {
    const made = this.decisions.get(this.idOf(row)), state = this.columns.get("review_state")?.value(row);
    return made?.state ?? (["pending", "conflict"].includes(state) ? state : this.columns.get("review")?.value(row)) ?? null;
  }
  reviewWords(row) { return this.decisions.get(this.idOf(row))?.text ?? this.columns.get("review_text")?.value(row) ?? ""; }
  isDecided(row) { return !["", "none", null, undefined].includes(this.reviewOf(row)); }

  nameOf(row) {
    const parts = [this.textOf("probe", row), this.columns.has("cluster_id") ? `cluster ${this.textOf("cluster_id", row)}` : `unit ${this.idOf(row)}`];
    return parts.filter(Boolean).join(" · ");
  }

  readyFilters() {
    const flag = (name) => { const column = this.columns.get(name); return column && ((row) => column.value(row) === true); };
    const all = [
      ["one-rule", "fails one rule only", this.rules.length > 0 && ((row) => this.rules.filter((rule) => rule.passed(row) === false).length === 1), "Exactly one rule of the rulebook fails"],
      ["near", "within 10 % of a threshold", this.rules.some((rule) => typeof rule.threshold === "number") && ((row) => this.rules.some((rule) => rule.near(row))), "The value of a rule lies within a tenth of its threshold, on either side"],
      ["released", "released ≠ recomputed", flag("released_disagrees"), "What the release states and what was recomputed disagree"],
      ["upstream", "upstream label ≠ verdict", flag("upstream_disagrees"), "The label of upstream and the verdict of the rulebook disagree"],
      ["reviewers", "reviewers disagree", flag("reviewers_disagree"), "Reviewers decided differently on the unit"],
      ["undecided", "undecided", (row) => !this.isDecided(row), "No decision of a reviewer on the unit"],
    ];
    return all.map(([id, label, test, title]) => ({ id, label, title: test ? title : `${title}: this session does not say`, test: test || null }));
  }

  // Rows that fit, in the order asked for. ``wanted`` is the state that the address keeps.
  select(wanted) {
    const tests = [];
    if (wanted.filter) tests.push(nhFilter(wanted.filter, (name) => this.column(name), this.names).test);
    if (wanted.region) tests.push((row) => this.regionOf(row) === wanted.region);
    if (wanted.probe) tests.push((row) => this.textOf("probe", row) === wanted.probe);
    if (wanted.verdict) tests.push((row) => ({ good: true, bad: false })[wanted.verdict] === this.passOf(row));
    if (wanted.rule) {
      const [sign, id] = wanted.rule.split(":"), rule = this.rules.find((one) => one.id === id);
      if (rule) tests.push((row) => rule.passed(row) === (sign === "pass"));
    }
    for (const id of wanted.ready) { const one = this.ready.find((ready) => ready.id === id); if (one?.test) tests.push(one.test); }
    const rows = [];
    for (let row = 0; row < this.n; row++) if (tests.every((test) => test(row))) rows.push(row);
    const column = this.columns.get(wanted.sort.replace(/^-/, ""));
    if (column) {
      const sign = wanted.sort.startsWith("-") ? -1 : 1;
      const read = column.name === "review" ? (row) => this.reviewOf(row) : column.value;
      const values = Array.from({ length: this.n }, (_, row) => read(row));
      const compare = column.kind === "text" ? (a, b) => nhTextOrder.compare(a, b) : (a, b) => a - b;
      rows.sort((a, b) => {
        const [one, other] = [values[a], values[b]], gone = [nhMissing(one), nhMissing(other)];
        if (gone[0] || gone[1]) return gone[0] - gone[1] || a - b; // what is missing stands last, either way
        return sign * compare(one, other) || a - b;
      });
    }
    return rows;
  }
}
const nhTextOrder = new Intl.Collator("en", { numeric: true });
