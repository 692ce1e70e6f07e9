"use strict";
// What an entry of a review holds: the thing that a form names, and what the page showed when a person decided.

// The unit, interval or session that the fields of a form name; ``unit`` is the open one, or "".
const nhDecidedThing = ({ about, start, stop, scope }, unit) => {
  const kind = about.value;
  if (kind === "session") return { whole_session: true };
  if (kind.startsWith("unit") && !unit) throw new NhRefused("No unit is open.");
  if (kind === "unit") return { unit };
  const ends = [start, stop].map((field) => (field.value === "" ? NaN : Number(field.value)));
  if (!(ends[0] < ends[1])) throw new NhRefused("Write where the interval starts and stops, in seconds: the start first.");
  return kind === "interval" ? { interval: ends, scope: scope.value } : { unit, interval: ends };
};

// The versions that the page is of, and for a unit each rule's value and verdict.
const nhShown = (page, thing) => {
  const { data } = page, version = new Map(data.lineage).get("units");
  const found = { units: version, rulebook: data.rulebook || undefined, digest: data.rulebook_digest || undefined, page: `session_report ${data.schema}` };
  if (thing.unit && page.row !== null) {
    const judged = page.evidence(page.row).filter((one) => typeof one.passed === "boolean");
    if (judged.length) found.rules = { [thing.unit]: Object.fromEntries(judged.map((one) => [one.id, [typeof one.value === "boolean" ? String(one.value) : one.value, one.passed ? "pass" : "fail"]])) };
  }
  return JSON.parse(JSON.stringify(found)); // without what is not known
};

const nhIsUnit = (entry) => Boolean(entry.unit) && !entry.interval;
