"use strict";
// Where decisions go: to the review desk that serves the page, or, from a file, into a list that is downloaded.
//
// Both have: load(reviewer) -> state, save(reviewer, entries) -> {ids, diff, file, state}, preview(reviewer, entries) ->
// {diff, file}. A state has reviews (as SessionPage states them) and outcomes ({about, unit, state, decision, text, …}).
// What is refused is an NhRefused with words for people.

class NhRefused extends Error {
  constructor(words, changed = false) {
    super(words);
    this.changed = changed; // others wrote meanwhile: the state was read anew, and a person looks again
  }
}

class NhDesk {
  constructor(data, settings) {
    this.settings = settings;
    const place = [data.source, data.session].map(encodeURIComponent).join("/");
    this.address = `${location.origin}/api/sessions/${place}/reviews`; // location.href may hold a password
    this.digest = "";
  }

  async load(reviewer) {
    return this.keep(await this.ask(`${this.address}?${new URLSearchParams({ reviewer })}`));
  }

  async save(reviewer, entries) {
    return this.keep(await this.post({ reviewer, reviews: entries, digest: this.digest }));
  }

  preview(reviewer, entries) {
    return this.post({ reviewer, reviews: entries, preview: true });
  }

  // What waits next in a queue, {source, session, unit}, behind the place ``begin``; null where nothing does.
  async next(reason, reviewer, begin) {
    for (let place = begin; place; ) {
      const found = await this.ask(`${location.origin}/api/queue?${new URLSearchParams({ reason, reviewer, limit: 1, ...place })}`);
      if (found.items.length) return found.items[0];
      place = found.more;
    }
    return null;
  }

  keep(state) {
    this.digest = state.digest;
    return state;
  }

  post(content) {
    const headers = { "Content-Type": "application/json", "X-NH-Token": this.settings.token };
    return this.ask(this.address, { method: "POST", headers, body: JSON.stringify(content) });
  }

  async ask(address, options = {}) {
    let answer, text;
    try {
      answer = await fetch(address, options);
      text = await answer.text();
    } catch {
      throw new NhRefused("The desk does not answer. Is `nh review serve` still running? What you wrote stays here.");
    }
    let found = null;
    try { found = JSON.parse(text); } catch { /* words of the guard */ }
    if (answer.ok && found) return found;
    if (!found?.error) throw new NhRefused(text.trim() || `The desk answered with ${answer.status}.`);
    const { thing, found: what, action, digest } = found.error;
    throw new NhRefused(`${thing}: ${what}. ${action}`, Boolean(digest));
  }
}

// Decisions of a page from disk. The browser's storage keeps them over a reload, and is not trusted as the only copy.
class NhDownload {
  constructor(data) {
    this.data = data;
    const version = new Map(data.lineage).get("units") ?? "";
    this.key = `nh-decisions/${data.source}/${data.session}/${version}`;
    this.made = [];
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "[]");
      if (Array.isArray(kept)) this.made = kept.filter((one) => one && typeof one.entry === "object" && typeof one.entry.reviewer === "string");
    } catch { /* no storage: the list lives as long as the page */ }
  }

  get unexported() { return this.made.filter((one) => !one.exported).length; }

  load() { return Promise.resolve(this.state()); }

  save(reviewer, entries) {
    const added = entries.map((entry) => ({ entry: { ...entry, reviewer, date: nhToday() }, exported: false }));
    this.made.push(...added);
    this.store();
    return Promise.resolve({ ...this.state(), ids: [], file: "", diff: added.map(({ entry }) => `+${nhYamlEntry(entry).replaceAll("\n", "\n+")}`).join("\n") });
  }

  preview(reviewer, entries) {
    const shown = entries.map((entry) => nhYamlEntry({ ...entry, reviewer, date: nhToday() }));
    return Promise.resolve({ diff: shown.map((text) => `+${text.replaceAll("\n", "\n+")}`).join("\n"), file: "" });
  }

  // Take back the last decision that was not exported yet; false where there is none.
  takeBack() {
    const last = this.made.at(-1);
    if (!last || last.exported) return null;
    this.made.pop();
    this.store();
    return last.entry;
  }

  yaml() {
    const head = `source: ${nhYamlText(this.data.source)}\nsession: ${nhYamlText(this.data.session)}\nreviews:\n`;
    return head + this.made.map(({ entry }) => nhYamlEntry(entry)).join("\n") + "\n";
  }

  download() {
    const link = nhElement("a", { download: `${this.data.source}-${this.data.session}-decisions.yaml` });
    link.href = URL.createObjectURL(new Blob([this.yaml()], { type: "application/yaml" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    this.exported();
  }

  exported() {
    for (const one of this.made) one.exported = true;
    this.store();
  }

  store() {
    try { localStorage.setItem(this.key, JSON.stringify(this.made)); } catch { /* full or forbidden: see unexported */ }
  }

  state() {
    const own = this.made.map(({ entry, exported }) => ({
      id: "", about: nhAboutWords(entry), units: entry.units ?? (entry.unit ? [entry.unit] : []), interval: entry.interval ?? null,
      decision: entry.decision ?? "", words: entry.reason ?? entry.comment ?? "", reviewer: entry.reviewer, date: entry.date,
      counts: null, note: exported ? "downloaded, not yet added" : "not exported", answers: entry.answers ?? "", open: false,
    }));
    const latest = new Map();
    for (const { entry } of this.made) if (entry.decision && entry.unit && !entry.interval) latest.set(entry.unit, entry);
    const outcomes = [...latest.values()].map((entry) => ({
      kind: "unit", unit: entry.unit, state: entry.decision === "withdrawn" ? "withdrawn" : "pending", decision: "none",
      passing: entry.decision === "pass" ? [entry.reviewer] : [], failing: entry.decision === "fail" ? [entry.reviewer] : [],
      text: `${entry.decision} by ${entry.reviewer}, in this page only`,
    }));
    return { reviews: [...this.data.reviews, ...own], outcomes };
  }
}

const nhToday = () => {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
};

const nhAboutWords = (entry) => {
  const place = entry.unit ? `unit ${entry.unit}` : entry.units ? `${entry.units.length} units` : "";
  if (entry.interval) return `interval ${entry.interval[0]}-${entry.interval[1]} s of ${place || (entry.scope ?? "all_probes").replaceAll("_", " ")}`;
  return place || (entry.whole_session ? "whole session" : "");
};

// YAML that every reader takes: texts in double quotes as JSON writes them, numbers with a point before an exponent.
const nhYamlText = (text) => JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
const nhYamlValue = (value) => {
  if (typeof value === "string") return nhYamlText(value);
  if (typeof value === "number") return String(value).replace(/^(-?\d+)e/, "$1.0e");
  if (Array.isArray(value)) return `[${value.map(nhYamlValue).join(", ")}]`;
  if (value === null || typeof value === "boolean") return String(value);
  return `{${Object.entries(value).map(([key, inner]) => `${nhYamlText(key)}: ${nhYamlValue(inner)}`).join(", ")}}`;
};
const nhYamlEntry = (entry) => Object.entries(entry).filter(([, value]) => value !== undefined && value !== null)
  .map(([key, value], index) => `  ${index ? " " : "-"} ${key}: ${nhYamlValue(value)}`).join("\n");
