"use strict";
// Each rule of the card: value, threshold, margin, and where the unit stands on the distribution of the session.

const STRIP_BINS = 48;

// The distribution of a rule's values over the session, on an axis that holds the threshold.
const nhDistribution = (rule, n, release) => {
  const values = [];
  for (let row = 0; row < n; row++) { const one = rule.value(row); if (typeof one === "number" && Number.isFinite(one)) values.push(one); }
  values.sort((a, b) => a - b);
  const { threshold } = rule;
  if (values.length < 2 && typeof threshold !== "number") return null;
  const at = (share) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
  const reach = 3 * (at(0.75) - at(0.25)); // a long tail would take the whole axis: it is counted at the ends
  let low = values.length ? Math.max(at(0.01), at(0.25) - reach) : threshold, high = values.length ? Math.min(at(0.99), at(0.75) + reach) : threshold;
  if (typeof threshold === "number") { low = Math.min(low, threshold); high = Math.max(high, threshold); }
  const log = low > 0 && high / low > 300;
  const room = log ? (high / low) ** 0.06 : (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  low = log ? low / room : values[0] >= 0 && low - room < 0 ? 0 : low - room;
  high = log ? high * room : high + room;
  const edges = Array.from({ length: STRIP_BINS + 1 }, (_, k) => (log ? low * (high / low) ** (k / STRIP_BINS) : low + ((high - low) * k) / STRIP_BINS));
  const shape = log ? Math.log : (value) => value;
  const counted = (numbers, weights) => {
    const counts = new Float64Array(STRIP_BINS);
    numbers.forEach((value, k) => {
      const bin = Math.floor(((shape(value) - shape(low)) / (shape(high) - shape(low))) * STRIP_BINS);
      counts[Math.max(0, Math.min(STRIP_BINS - 1, Number.isNaN(bin) ? 0 : bin))] += weights ? weights[k] : 1;
    });
    return counts;
  };
  const counts = counted(values), snapshot = release?.rules?.find((one) => one.rule === rule.id);
  let outside = null;
  if (snapshot?.counts?.length && snapshot.edges.length === snapshot.counts.length + 1) {
    const centres = snapshot.counts.map((_, k) => (snapshot.edges[k] + snapshot.edges[k + 1]) / 2);
    outside = counted(centres, snapshot.counts);
    const scale = Math.max(...counts, 1) / Math.max(...outside, 1e-9);
    outside = outside.map((count) => count * scale);
  }
  return { low, high, log, edges, counts, outside, clamp: (value) => Math.max(low, Math.min(high, value)) };
};

// The strip as a chart record: what fails is shaded, the threshold dashed, the unit a mark.
const nhStrip = (rule, spread) => {
  const shaded = { "<": [rule.threshold, spread.high], "<=": [rule.threshold, spread.high], ">": [spread.low, rule.threshold], ">=": [spread.low, rule.threshold] }[rule.comparison];
  const fixed = (x, y = []) => ({ x: () => x, y: () => y });
  const layer = (kind, colour, values, more = {}) => ({ kind, colour, name: "", unit: "", text: "", along: "x", values, ...more });
  const layers = [layer("bars", "muted", fixed(spread.edges, spread.counts))];
  if (spread.outside) layers.push(layer("steps", "second", fixed(spread.edges, spread.outside)));
  if (shaded && typeof rule.threshold === "number") layers.push(layer("band", "bad", fixed(shaded)));
  if (typeof rule.threshold === "number") layers.push(layer("mark", "bad", fixed([rule.threshold])));
  layers.push(layer("pointer", "main", { x: (row) => { const one = rule.value(row); return typeof one === "number" ? [spread.clamp(one)] : []; }, y: () => [] }));
  const axis = (label, low, high, log) => ({ label, unit: rule.unit, low, high, scale: log ? "log" : "linear", ticks: [] });
  return { id: `rule-${rule.id}`, title: `${rule.metric} of the session`, caption: "", lacking: "", columns: [], x: axis(rule.metric, spread.low, spread.high, spread.log), y: { ...axis("units", 0, Math.max(...spread.counts, 1) * 1.08, false), unit: "" }, layers };
};

// The table of the rules in the card; show(row) fills it for a unit.
class NhRules {
  constructor(units, release) {
    this.units = units;
    const heads = [["verdict", ""], ["rule", ""], ["value", "nh-number"], ["from the threshold", ""], ["among the units of the session", "nh-rule-strip"]];
    const body = nhElement("tbody");
    this.rows = units.rules.map((rule) => {
      const sign = nhElement("td", { class: "nh-rule-sign" }), value = nhElement("td", { class: "nh-number" }), margin = nhElement("td", { class: "nh-rule-margin" });
      const words = nhElement("th", { scope: "row" }, [nhElement("span", { text: rule.words })]);
      if (rule.why) words.append(nhElement("details", { class: "nh-why" }, [nhElement("summary", { text: "why this rule" }), nhElement("p", { text: rule.why })]));
      const place = nhElement("td", { class: "nh-rule-strip" }), spread = nhDistribution(rule, units.n, release);
      const strip = spread ? new NhFigure(nhStrip(rule, spread), units.arrays, { small: true, about: (row) => `${units.nameOf(row)} at ${rule.text(row)}, threshold ${rule.comparison} ${nhWithUnit(rule.threshold, rule.unit)}` }) : null;
      place.append(strip ? strip.element : nhElement("span", { class: "nh-quiet", text: "no distribution" }));
      body.append(nhElement("tr", {}, [sign, words, value, margin, place]));
      return { rule, sign, value, margin, strip };
    });
    const keys = [["dashed line and shade: threshold and what fails"], ["triangle: this unit"], ["bars: units of the session"]];
    if (release) keys.push([release.other ? `the release is known by another rulebook, ${release.other}, and not drawn` : `line: ${release.text || "the release"}, at the height of the bars`]);
    this.element = nhElement("section", { class: "nh-card-part" }, [
      nhElement("h4", { text: units.book ? `Rules of ${units.book}` : "Rules" }),
      units.rules.length ? nhElement("div", { class: "nh-scroll" }, [nhElement("table", { class: "nh-small" }, [nhElement("thead", {}, [nhElement("tr", {}, heads.map(([text, kind]) => nhElement("th", { scope: "col", text, class: kind })))]), body])]) : nhElement("p", { class: "nh-lacking", text: "The page states no rules for this session." }),
      units.rules.length ? nhElement("p", { class: "nh-figure-caption", text: keys.map(([one]) => one).join(" · ") }) : null,
    ]);
  }

  show(row) {
    for (const { rule, sign, value, margin, strip } of this.rows) {
      const passed = rule.leftOut(row) ? null : rule.passed(row);
      sign.textContent = rule.verdict(row);
      sign.className = "nh-rule-sign " + (passed === false ? "nh-bad" : passed ? "nh-good" : "nh-quiet");
      value.textContent = rule.text(row);
      margin.textContent = this.units.marginWords(rule, row);
      strip?.show(row);
    }
  }
}
