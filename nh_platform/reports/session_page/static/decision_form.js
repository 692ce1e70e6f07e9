"use strict";
// The elements of the decision form and of the reader's header, by name. What they do is decisions.js.

// Header: whose decisions these are, and on a page from disk what is not exported. ``known`` is the name used last.
const nhReaderHeader = (settings, known) => {
  const name = nhElement("input", { id: "reviewer", maxLength: 100, autocomplete: "name", spellcheck: false, value: settings?.reviewer || known });
  const proof = nhElement("span", { class: "nh-quiet", text: "a signature, no proof of who you are" });
  const parts = [nhElement("label", {}, ["Reviewer ", name]), proof];
  const found = { name };
  if (settings) parts.push(nhElement("a", { href: "/", text: "all that waits" }));
  if (settings?.blind) parts.push(nhElement("span", { class: "nh-tag", text: "blind reading", title: "What others decided is shown once you have decided." }));
  if (!settings) {
    found.count = nhElement("span", { id: "unexported", role: "status" });
    found.download = nhElement("button", { type: "button", id: "download", text: "Download decisions" });
    parts.push(found.count, found.download);
  }
  return { ...found, header: nhElement("div", { class: "nh-reader" }, parts) };
};

const nhDecisionForm = (data, settings, probes) => {
  const option = ([value, text]) => nhElement("option", { value, text });
  const about = nhElement("select", { id: "decide-about" }, [["unit", "this unit"], ["unit interval", "an interval of this unit"], ["interval", "an interval of the recording"], ["session", "the whole session"]].map(option));
  const start = nhElement("input", { type: "number", step: "any", id: "decide-start", "aria-label": "start in seconds" });
  const stop = nhElement("input", { type: "number", step: "any", id: "decide-stop", "aria-label": "stop in seconds" });
  const scope = nhElement("select", { id: "decide-scope", "aria-label": "of which probe" }, [["all_probes", "all probes"], ...probes.map((one) => [one, one])].map(option));
  const place = nhElement("span", { hidden: true }, ["of ", scope]);
  const interval = nhElement("span", { hidden: true }, [start, " to ", stop, " s", place, nhElement("span", { class: "nh-quiet", text: "or draw it in a figure over time" })]);
  const reason = nhElement("textarea", { id: "decide-reason", rows: 1, maxLength: 4000, placeholder: "why, in a sentence", dir: "auto" });
  const recent = nhElement("div", { class: "nh-recent", role: "group", "aria-label": "recent reasons" });
  const buttons = nhElement("div", { class: "nh-decide-buttons" });
  const others = nhElement("p", { class: "nh-others", dir: "auto" });
  const threads = nhElement("div", { class: "nh-threads" });
  const status = nhElement("p", { id: "decide-status", role: "status" });
  const file = nhElement("p", { class: "nh-quiet" });
  const diff = nhElement("pre", { id: "decide-diff", tabIndex: 0 });
  const previewing = nhElement("button", { type: "button", text: "Show what would be written" });
  const summary = nhElement("summary", { text: "What is written, and where" });
  const written = nhElement("details", {}, [summary, file, diff, previewing, nhExportLinks(data, settings, probes)]);
  const form = nhElement("form", { class: "nh-decide", "aria-label": "Decision" }, [
    nhElement("div", { class: "nh-decide-about" }, [nhElement("label", {}, ["About ", about]), interval]),
    nhElement("label", { class: "nh-decide-reason" }, ["Reason ", reason]), recent, buttons, others, threads, status, written]);
  return { form, about, start, stop, scope, place, interval, reason, recent, buttons, others, threads, status, file, diff, previewing };
};

// Links to the decisions as other tools read them; a blind reader gets none, since they hold what all decided.
const nhExportLinks = (data, settings, probes) => {
  if (!settings || settings.blind) return "";
  const place = `/api/sessions/${[data.source, data.session].map(encodeURIComponent).join("/")}/export`;
  const links = [["SpikeInterface curation", `${place}/spikeinterface`], ...probes.map((one) => [`phy ${one}`, `${place}/phy?${new URLSearchParams({ probe: one })}`])];
  return nhElement("p", { class: "nh-quiet" }, ["What is stored, for other tools: ", ...links.flatMap(([text, href]) => [nhElement("a", { href, text }), " "])]);
};
