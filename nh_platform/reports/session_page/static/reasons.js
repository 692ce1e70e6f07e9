"use strict";
// What this browser keeps for a reader, so that little is typed twice: the reasons given before. Where it keeps nothing,
// the reader is asked again.

const nhKept = (name, otherwise) => {
  try {
    const kept = JSON.parse(localStorage.getItem(name));
    return kept !== null && typeof kept === typeof otherwise && Array.isArray(kept) === Array.isArray(otherwise) ? kept : otherwise;
  } catch { return otherwise; }
};
const nhKeep = (name, value) => { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* asked again */ } };

class NhReasons {
  constructor(reviewer) { this.reviewer = reviewer; }

  mine(what) { return `nh-${what}/${this.reviewer()}`; } // of two readers at one browser

  // A button for each recent reason, the newest first; ``chosen`` is called with its text.
  buttons(chosen) {
    return nhKept(this.mine("reasons"), []).slice(0, 6).map((text) => {
      const button = nhElement("button", { type: "button", text, title: text });
      button.addEventListener("click", () => chosen(text));
      return button;
    });
  }

  // The last reason of a decision, "pass" or "fail".
  last(decision) { return nhKept(this.mine("last-reason"), {})[decision] ?? ""; }

  add(decision, reason) {
    nhKeep(this.mine("last-reason"), { ...nhKept(this.mine("last-reason"), {}), [decision]: reason });
    nhKeep(this.mine("reasons"), [reason, ...nhKept(this.mine("reasons"), []).filter((one) => one !== reason)].slice(0, 9));
  }
}
