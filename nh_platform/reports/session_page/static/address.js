"use strict";
// The state that the address keeps, behind its #: filter, order, unit, columns. A page of a session opens at a unit by
// `report.html#unit=<unit id>`.

const nhNoState = () => ({ filter: "", region: "", probe: "", verdict: "", rule: "", ready: [], sort: "", unit: "", columns: [] });

// A link that a mail program cut may end within an escape.
const nhDecoded = (text) => { try { return decodeURIComponent(text); } catch { return text; } };

const nhReadAddress = () => {
  const state = nhNoState(), stated = new URLSearchParams(location.hash.replace(/^#/, ""));
  for (const name of Object.keys(state)) {
    const value = stated.get(name);
    if (value !== null) state[name] = Array.isArray(state[name]) ? value.split(",").filter(Boolean).map(nhDecoded) : value;
  }
  return state;
};

// Written once a person pauses: browsers take some 200 addresses in half a minute, and a key that is held makes more.
let nhAddressPause = 0;
const nhWriteAddress = (state) => {
  clearTimeout(nhAddressPause);
  nhAddressPause = setTimeout(() => nhSetAddress(state), 150);
};
const nhSetAddress = (state) => {
  const stated = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (Array.isArray(value) ? value.length : value) stated.set(name, Array.isArray(value) ? value.map(encodeURIComponent).join(",") : value);
  }
  const wanted = `#${stated}`;
  if (location.hash !== wanted && (stated.size || location.hash)) history.replaceState(null, "", wanted);
};
