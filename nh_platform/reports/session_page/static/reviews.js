"use strict";
// Reviews as a list: threads below what they answer. Every word in them comes from people: text, never markup.

const nhReviewTree = (reviews, shown) => {
  const inside = new Set(reviews.map((one) => one.id).filter(Boolean));
  const answers = new Map();
  for (const one of reviews) if (one.answers && inside.has(one.answers)) answers.set(one.answers, [...(answers.get(one.answers) ?? []), one]);
  const told = (one) => {
    const what = one.decision ? { pass: "include", fail: "exclude", withdrawn: "withdrawn" }[one.decision] ?? one.decision : one.answers ? "answer" : "comment";
    const known = [one.reviewer || "no name", one.date, shown ? one.about : ""].filter(Boolean);
    const head = [nhElement("strong", { text: what }), ...known.flatMap((text) => [" · ", nhElement("bdi", { text })])];
    const tags = [one.counts === false ? "does not count" : one.counts ? "counts" : "", one.open ? "open question" : "", one.blind ? "read blind" : ""].filter(Boolean);
    return nhElement("div", { class: "nh-review", id: one.id && shown ? `review-${one.id}` : undefined }, [
      nhElement("div", {}, [...head, ...tags.flatMap((tag) => [" ", nhElement("span", { class: "nh-tag", text: tag })])]),
      nhElement("p", { dir: "auto", text: one.words ?? "" }),
      one.note ? nhElement("p", { class: "nh-quiet", text: one.note }) : null,
      ...(answers.get(one.id) ?? []).map(told),
    ]);
  };
  return reviews.filter((one) => !one.answers || !inside.has(one.answers)).map(told);
};

// Reviews of a unit with the threads below them.
const nhReviewsOf = (reviews, id) => {
  const found = reviews.filter((one) => (one.units ?? []).map(String).includes(id));
  const known = new Set(found.map((one) => one.id).filter(Boolean));
  for (let before = -1; before !== found.length; ) {
    before = found.length;
    for (const one of reviews) if (one.answers && known.has(one.answers) && !found.includes(one)) { found.push(one); if (one.id) known.add(one.id); }
  }
  return found;
};
