"use strict";
// What the page says of the session: title, verdicts, facts, figures, reviews, notes.

const nhShowSession = (data, units) => {
  const place = (id) => document.getElementById(id);
  place("title").textContent = data.title || data.session;
  let good = 0, judged = 0;
  for (let row = 0; row < units.n; row++) { const one = units.passOf(row); if (one !== null) judged++; if (one) good++; }
  const counted = `${nhNumber(units.n)} ${units.n === 1 ? "unit" : "units"}`;
  place("subtitle").textContent = [`${data.source} · session ${data.session}`, counted + (judged ? `, ${nhNumber(good)} good by ${data.rulebook}${data.rulebook_digest ? ` (${data.rulebook_digest})` : ""}` : "")].join(" · ");
  nhShowSetAside(data.set_aside);
  nhShowVerdicts(data.verdicts);
  const pairs = (list) => list.flatMap(([name, value]) => [nhElement("dt", { text: name }), nhElement("dd", { dir: "auto", text: String(value) })]);
  place("facts").replaceChildren(...pairs([["source", data.source], ["session", data.session], ...data.facts, ...(data.rulebook ? [["rulebook", `${data.rulebook} ${data.rulebook_digest}`]] : [])]));
  place("lineage").replaceChildren(...pairs(data.lineage));
  place("links").replaceChildren(...data.links.map((link) => nhElement("li", {}, [nhSafeLink(link)])));
  if (!data.links.length) place("links").parentElement.hidden = true;
  if (!data.lineage.length) place("lineage").parentElement.hidden = true;

  const figures = data.session_charts.map((chart) => new NhFigure(chart, units.arrays, { level: "h3" }));
  for (const figure of figures) if (figure.chart.wide) figure.element.classList.add("nh-wide");
  place("session-figures").replaceChildren(...(figures.length ? nhDrawnFirst(figures).map((one) => one.element) : [nhElement("p", { class: "nh-lacking", text: "No figures of the session were made." })]));
  nhDrawWhenSeen(figures);
  nhShowReviews(data);
  place("note-list").replaceChildren(...(data.notes.length ? data.notes.map((note) => nhElement("li", { dir: "auto", text: note })) : [nhElement("li", { text: "Nothing." })]));
  return figures;
};

// The whole session by its reviewers: set aside, or proposed.
const nhShowSetAside = (words) => {
  const place = document.getElementById("set-aside");
  place.textContent = words ? `✗ ${words}` : "";
  place.hidden = !words;
};

// What fails is read at once; what passes or is not known is counted, and opens.
const nhShowVerdicts = (verdicts) => {
  const told = (one) => {
    const passed = one.passed ?? null;
    const sign = nhElement("span", { class: `nh-sign ${passed === null ? "nh-quiet" : passed ? "nh-good" : "nh-bad"}`, text: SIGNS[passed], "aria-hidden": "true" });
    const spoken = nhElement("span", { class: "nh-hidden", text: { true: "passes: ", false: "fails: ", null: "not known: " }[passed] });
    return nhElement("li", {}, [sign, nhElement("span", {}, [spoken, nhElement("strong", { text: one.about ?? "" }), one.rule ? ` ${one.rule}${one.rulebook ? ` (${one.rulebook})` : ""}` : "", one.text ? `: ${one.text}` : ""])]);
  };
  const by = (state) => verdicts.filter((one) => (one.passed ?? null) === state);
  const [failed, passed, unknown] = [by(false), by(true), by(null)];
  const [list, more] = [document.getElementById("verdicts"), document.getElementById("more-verdicts")];
  list.replaceChildren(...failed.map(told));
  const rest = [[passed.length, "✓", "pass"], [unknown.length, "–", "cannot be said"]].filter(([n]) => n).map(([n, sign, words]) => `${sign} ${n} ${words}`);
  more.hidden = !rest.length;
  more.querySelector("summary").textContent = `Verdicts on session and insertions: ${failed.length ? `✗ ${failed.length} fail, ` : ""}${rest.join(", ")}`;
  more.querySelector("ul").replaceChildren(...[...passed, ...unknown].map(told));
};

const nhShowReviews = (data) => {
  const shown = data.reviews.length ? nhReviewTree(data.reviews, true) : [nhElement("p", { class: "nh-quiet", text: "No reviews of this session." })];
  document.getElementById("session-reviews").replaceChildren(...shown);
};

// A link that a person may follow; anything but http, https and the page's own folder is text.
const nhSafeLink = ({ label, address }) => {
  const fine = /^https?:\/\//i.test(address) || (/^[./\w-]/.test(address) && !/^[a-z][a-z0-9+.-]*:/i.test(address));
  return fine ? nhElement("a", { href: address, text: label, rel: "noreferrer noopener" }) : nhElement("span", { text: `${label}: ${address}` });
};

// Figures far down are drawn when they come into view: the first unit's come first.
const nhDrawWhenSeen = (figures) => {
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      target.nhFigure.waiting = false;
      target.nhFigure.show(0);
    }
  }, { rootMargin: "300px" });
  for (const figure of figures) {
    if (!figure.canvas) continue;
    figure.waiting = true;
    seen.observe(figure.canvas);
  }
};
