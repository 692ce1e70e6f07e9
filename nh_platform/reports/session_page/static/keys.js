"use strict";
// Keys of the page. Each has a button that does the same; what is typed into a field is no key.

class NhKeys {
  constructor() {
    this.known = [];
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  // ``keys`` as KeyboardEvent.key; with ``ctrl`` also ⌘. ``always`` works within fields too. ``when()`` may refuse.
  add({ keys, ctrl = false, label, run, always = false, when = () => true }) {
    const clash = this.known.find((one) => one.ctrl === ctrl && one.keys.some((key) => keys.includes(key)));
    if (clash) throw new Error(`the key ${keys.join(", ")} already means ${clash.label}`);
    this.known.push({ keys, ctrl, label, run, always, when });
  }

  pressed(event) {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    const { target } = event, dialog = document.querySelector("dialog[open]");
    const typing = target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
    const pressable = target.closest?.("button, summary, a, input[type=checkbox]");
    const ctrl = event.ctrlKey || event.metaKey;
    const found = this.known.find((one) => one.ctrl === ctrl && one.keys.includes(event.key));
    if (!found || (typing && !found.always) || (dialog && event.key !== "?") || (event.key === " " && pressable) || !found.when(event)) return;
    event.preventDefault();
    found.run(event);
  }

  shown() {
    const names = { ArrowDown: "↓", ArrowUp: "↑", " ": "space", Escape: "Esc" };
    return this.known.map(({ keys, ctrl, label }) => ({ keys: keys.map((key) => (ctrl ? "ctrl+" : "") + (names[key] ?? key)), label }));
  }
}
