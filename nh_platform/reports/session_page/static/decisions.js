"use strict";
// The decision form at work: include, exclude, ask, agree, take back; with a reason, the reviewer's name, and what the
// rules showed. The same form saves to the desk, or into a file that is downloaded (saving.js). Its elements are made by
// decision_form.js, and what an entry holds by decision_entry.js. Every word that people wrote is set as text.

class NhDecisions {
  constructor(page, settings) {
    const { data } = page;
    Object.assign(this, { page, data, settings, pending: null, answering: "", undo: [], busy: false });
    this.saving = settings ? new NhDesk(data, settings) : new NhDownload(data);
    this.reasons = new NhReasons(() => this.reviewer);
    this.queue = settings ? new URLSearchParams(location.search).get("queue") : null;
    this.state = { reviews: data.reviews, outcomes: [], proposals: [] };
    this.makeHeader();
    this.makeForm();
    page.onUnit(() => this.opened());
    page.onInterval(({ start, stop }) => this.picked(start, stop));
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.load(); });
    addEventListener("beforeunload", (event) => { if (this.saving.unexported) event.preventDefault(); });
    this.load();
  }

  // Header: whose decisions these are, what waits, what is not exported.
  makeHeader() {
    Object.assign(this, nhReaderHeader(this.settings, nhKept("nh-reviewer", "")));
    this.name.addEventListener("change", () => { nhKeep("nh-reviewer", this.reviewer); this.showRecent(); this.load(); });
    this.name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      this.name.blur(); // says that it changed
      if (this.pending) this.reason.focus();
    });
    this.download?.addEventListener("click", () => this.export());
    this.page.headerPlace.append(this.header);
  }
  get reviewer() { return this.name.value.trim(); }

  makeForm() {
    const probes = [...new Set(this.page.units.columns.get("probe")?.texts ?? [])].sort();
    Object.assign(this, nhDecisionForm(this.data, this.settings, probes));
    this.about.addEventListener("change", () => this.showAbout());
    this.reason.addEventListener("keydown", (event) => this.typed(event));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.previewing.addEventListener("click", () => this.preview());
    this.page.cardPlace.append(this.form);
    const key = (keys, label, run, ctrl = false) => this.page.registerKey({ keys, ctrl, label, run, place: this.buttons });
    key(["g"], "Include", () => this.decide("pass")).id = "decide-pass";
    key(["b"], "Exclude", () => this.decide("fail")).id = "decide-fail";
    key(["u"], "Undecided", () => this.undecided()).id = "decide-undecided";
    this.agreeing = key(["a"], "Agree", () => this.agree());
    key(["c"], "Question or comment", () => this.decide("comment"));
    key(["z"], "Undo", () => this.takeBack(), true).id = "decide-undo";
    if (this.queue) key(["n"], "Next that waits", () => this.nextInQueue());
    this.showRecent();
  }

  showAbout() {
    const kind = this.about.value;
    this.interval.hidden = !kind.endsWith("interval");
    this.place.hidden = kind !== "interval";
  }

  // What the page says now.
  async load() {
    try {
      this.show(await this.saving.load(this.reviewer));
    } catch (refused) {
      this.refused(refused);
    }
  }
  show(state) {
    const told = new Map(this.state.outcomes.filter((one) => one.kind === "unit").map((one) => [one.unit, ["none", ""]]));
    for (const one of state.outcomes.filter((outcome) => outcome.kind === "unit")) {
      const shown = one.state === "counted" ? one.decision : ["pending", "conflict"].includes(one.state) ? one.state : "none";
      told.set(one.unit, [shown, one.text]);
    }
    this.state = state;
    this.page.setReviews(state.reviews);
    if (state.set_aside !== undefined) nhShowSetAside(state.set_aside);
    for (const [unit, [shown, text]] of told) {
      const known = this.page.decisionOf(unit);
      if (known?.state === shown && known.text === text) continue;
      if (this.loaded) this.page.setDecision(unit, shown, text); // the order stays: nothing is filtered again
      else this.page.units.decisions.set(unit, { state: shown, text });
    }
    if (!this.loaded) this.page.refresh();
    this.loaded = true;
    this.showOthers();
    this.showCount();
  }
  opened() {
    this.pending = null;
    this.answering = "";
    this.reason.value = "";
    this.about.value = "unit";
    this.showAbout();
    this.showOthers();
  }
  outcome() { return this.state.outcomes.find((one) => one.kind === "unit" && one.unit === this.page.unitId); }
  showOthers() {
    const found = this.outcome(), whole = this.state.outcomes.find((one) => one.kind === "session");
    const proposed = this.proposed();
    const words = [proposed && `Proposed from an earlier sorting: ${proposed.decision}: ${proposed.reason} (${proposed.evidence.join("; ")})`, found && `This unit: ${found.state}: ${found.text}`, whole && `Whole session: ${whole.state}: ${whole.text}`];
    this.others.textContent = words.filter(Boolean).join("\n");
    this.agreeing.disabled = !this.agreed() && !proposed;
    const open = nhReviewsOf(this.state.reviews, this.page.unitId).filter((one) => one.open && one.id);
    this.threads.replaceChildren(...open.map((one) => {
      const answer = nhElement("button", { type: "button", text: "Answer" });
      answer.addEventListener("click", () => { this.answering = one.id; this.ask("answer", `Answer to ${one.reviewer}: Enter saves it`); });
      return nhElement("p", { dir: "auto" }, [`open question of ${one.reviewer}: ${one.words} `, answer]);
    }));
  }
  showCount() {
    if (!this.count) return;
    const n = this.saving.unexported;
    this.count.textContent = n ? `${n} ${n === 1 ? "decision" : "decisions"} not exported` : "";
    this.download.disabled = !this.saving.made.length;
  }
  showRecent() {
    this.recent.replaceChildren(...this.reasons.buttons((text) => { this.reason.value = text; this.reason.focus(); }));
  }

  // What a person does.
  decide(word) {
    if (this.reason.value.trim() && !this.answering) this.commit(word);
    else this.ask(word, { pass: "Include: write why; Enter saves it", fail: "Exclude: write why; Enter saves it", comment: "Question or comment: Enter saves it" }[word]);
  }
  ask(word, words) {
    this.pending = word;
    if (["pass", "fail"].includes(word) && !this.reason.value) this.reason.value = this.reasons.last(word);
    this.say(words);
    this.reason.focus();
    this.reason.select();
  }
  typed(event) {
    if (event.key === "Escape") {
      event.stopPropagation(); // Esc of the page clears the filter
      this.pending = null;
      this.answering = "";
      this.reason.blur();
      this.say("");
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (this.pending) this.commit(this.pending); else this.say("Choose Include, Exclude, or Question or comment.");
    }
  }
  picked(start, stop) {
    if (!this.about.value.endsWith("interval")) this.about.value = "unit interval";
    this.start.value = start.toFixed(2);
    this.stop.value = stop.toFixed(2);
    this.showAbout();
    this.say("Interval chosen. Exclude it, or include it again, with a reason.");
  }
  shown(thing) { return nhShown(this.page, thing); }
  entry(word, words) {
    if (this.answering) return { comment: words, answers: this.answering };
    const thing = nhDecidedThing(this, this.page.unitId);
    if (word === "comment") return { ...thing, comment: words };
    return { ...thing, decision: word, reason: words, shown: this.shown(thing) };
  }
  async commit(word) {
    const words = this.reason.value.trim();
    if (!words) { this.say("A reason is needed: others must be able to follow it."); this.reason.focus(); return; }
    await this.write(() => this.entry(word, words), (entry) => {
      if (!entry.decision) return;
      this.reasons.add(word, words);
      this.showRecent();
    });
  }
  // Ada and ada are one reader, as the quorum counts them.
  isMine(name) { return name.toLowerCase() === this.reviewer.toLowerCase(); }
  // The others' common decision, where this reader has none.
  agreed() {
    const found = this.outcome();
    if (!found || found.state === "conflict" || !this.reviewer || [...found.passing, ...found.failing].some((one) => this.isMine(one))) return null;
    const word = found.passing.length ? "pass" : found.failing.length ? "fail" : null;
    const first = nhReviewsOf(this.state.reviews, this.page.unitId).findLast((one) => one.decision === word && !one.interval);
    return word && first ? { word, first } : null;
  }
  // A review of an earlier sorting of the same spikes: it counts for nothing until a reader agrees.
  proposed() { return (this.state.proposals ?? []).find((one) => one.unit === this.page.unitId && !one.interval) ?? null; }
  async agree() {
    const proposed = this.proposed();
    if (proposed) {
      const entry = Object.fromEntries(Object.entries(proposed).filter(([, value]) => value !== null));
      await this.write(() => ({ ...entry, shown: this.shown({ unit: proposed.unit }) }));
      return;
    }
    const found = this.agreed();
    if (!found) { this.say("There is no decision of another reader on this unit to agree with."); return; }
    const { word, first } = found, thing = { unit: this.page.unitId };
    const reason = this.reason.value.trim() || first.words;
    await this.write(() => ({ ...thing, decision: word, reason, ...(first.id ? { answers: first.id } : {}), shown: this.shown(thing) }));
  }
  own() {
    const mine = nhReviewsOf(this.state.reviews, this.page.unitId).filter((one) => this.isMine(one.reviewer) && one.decision && !one.interval);
    return mine.length && mine.at(-1).decision !== "withdrawn" ? mine.at(-1) : null;
  }
  async undecided() {
    if (!this.own()) { this.goOn(); return; }
    const unit = this.page.unitId, reason = this.reason.value.trim() || "undecided";
    await this.write(() => ({ unit, decision: "withdrawn", reason }));
  }
  async takeBack() {
    const last = this.undo.pop();
    if (!last) { this.say("Nothing of this page is left to take back."); return; }
    if (!this.settings && this.saving.takeBack()) {
      await this.load();
    } else {
      const { decision, reason, comment, shown, answers, ...thing } = last.entry;
      await this.write(() => ({ ...thing, decision: "withdrawn", reason: "taken back" }), () => this.undo.pop(), false);
    }
    if (last.unit) this.page.goTo(last.unit);
    this.say("Taken back.");
  }

  // Save one entry; ``after`` is called with it, and the next unit opens where the entry was about the unit.
  async write(make, after = () => {}, on = true) {
    if (this.busy) return;
    if (!this.reviewer) { this.say("Write your name first: it is asked once."); this.name.focus(); return; }
    this.busy = true;
    const unit = this.page.unitId, row = this.page.row;
    try {
      const entry = make();
      const named = nhIsUnit(entry) && row !== null ? this.page.units.nameOf(row) : null;
      const saved = await this.saving.save(this.reviewer, [entry]);
      if (entry.decision) this.undo.push({ entry, unit });
      after(entry);
      this.showWritten(saved);
      this.pending = null;
      this.answering = "";
      this.reason.value = "";
      this.reason.blur();
      this.show(saved);
      const word = { pass: "included", fail: "excluded", withdrawn: "undecided" }[entry.decision] ?? "saved";
      const words = `${named ?? (nhAboutWords(entry) || "answer")}: ${word}${this.settings ? "" : ", not exported yet"}.`;
      this.busy = false;
      if (on && entry.decision && nhIsUnit(entry)) await this.goOn();
      this.say(words);
    } catch (refused) {
      this.busy = false;
      await this.refused(refused);
    }
  }
  async preview() {
    try {
      const words = this.reason.value.trim() || "…";
      this.showWritten(await this.saving.preview(this.reviewer || "…", [this.entry(this.pending ?? "fail", words)]));
      this.say("This would be written; nothing was.");
    } catch (refused) {
      await this.refused(refused);
    }
  }
  showWritten({ diff, file }) {
    const where = this.settings ? `Last written to ${file}. Nothing is committed; once it counts, nh materialize ${this.data.source} ${this.data.session} makes what it changes.` : "From a file nothing is written: download the decisions, and add them with nh review merge FILE.";
    this.file.textContent = where;
    this.diff.textContent = diff;
  }
  async refused(error) {
    if (!(error instanceof NhRefused)) throw error;
    this.say(error.message, true);
    if (!error.changed) return;
    try { this.show(await this.saving.load(this.reviewer)); } catch { /* said already */ }
    this.say(`${error.message} What others decided is shown now.`, true);
  }
  say(text, bad = false) {
    this.status.textContent = text;
    this.status.className = bad ? "nh-bad" : "";
  }

  // On to the next: of the queue, or of the shown units.
  goOn() { return this.queue ? this.nextInQueue() : this.page.goNext(); }
  async nextInQueue() {
    const { source, session } = this.data;
    try {
      const item = await this.saving.next(this.queue, this.reviewer, { source, session, unit: this.page.unitId });
      if (!item) { this.say("Nothing else of this queue waits behind this unit."); return; }
      if (item.source === source && item.session === session) { if (item.unit) this.page.goTo(item.unit); return; }
      const place = [item.source, item.session].map(encodeURIComponent).join("/");
      location.assign(`/sessions/${place}?${new URLSearchParams({ queue: this.queue })}${item.unit ? `#${new URLSearchParams({ unit: item.unit })}` : ""}`);
    } catch (refused) {
      await this.refused(refused);
    }
  }

  export() {
    this.saving.download();
    this.show(this.saving.state());
    this.say("Downloaded. Add them to the review file: nh review merge FILE.");
  }
}

nhPage.ready.then(() => {
  const meta = document.querySelector('meta[name="nh-desk"]');
  globalThis.nhDecisions = new NhDecisions(nhPage, meta ? JSON.parse(meta.content) : null);
  document.documentElement.dataset.decisions = "";
});
