"use strict";
// Positions, colours and choices of the page: what every view draws. Positions are anatomical: x to the animal's right,
// y up, z to the back, in µm from the middle of the CCF volume.
const nhGeometry = (data, arrays) => {
  const [sizeAp, sizeDv, sizeMl] = data.extent_um;
  const { shift_um: shift, per_um: per } = data.packed;
  const placed = (reference) => {
    const packed = arrays[reference.array].values;
    const out = new Float32Array(packed.length);
    for (let i = 0; i < packed.length; i += 3) {
      out[i] = packed[i + 2] / per - shift - sizeMl / 2;
      out[i + 1] = sizeDv / 2 - (packed[i + 1] / per - shift);
      out[i + 2] = packed[i] / per - shift - sizeAp / 2;
    }
    return out;
  };
  const column = (reference) => arrays[reference.array].values;
  const tracks = { n: data.tracks.n, at: placed(data.tracks.positions) };
  const points = { n: data.points.n, at: placed(data.points.positions) };
  for (const name of ["insertion", "region"]) tracks[name] = column(data.tracks[name]);
  for (const name of ["insertion", "region", "label", "count"]) points[name] = column(data.points[name]);

  // Segments of the tracks: two neighbouring vertices of one insertion, with the region of the first.
  const first = [];
  for (let i = 0; i + 1 < tracks.n; i++) if (tracks.insertion[i] === tracks.insertion[i + 1]) first.push(i);
  const segments = {
    n: first.length,
    ends: new Float32Array(first.length * 6),
    insertion: new Uint16Array(first.length),
    region: new Uint16Array(first.length),
  };
  first.forEach((vertex, i) => {
    segments.ends.set(tracks.at.subarray(3 * vertex, 3 * vertex + 6), 6 * i);
    segments.insertion[i] = tracks.insertion[vertex];
    segments.region[i] = tracks.region[vertex];
  });
  const um = (x, y, z) => ({ ap: z + sizeAp / 2, dv: sizeDv / 2 - y, ml: x + sizeMl / 2 });
  return { tracks, points, segments, placed, um, size: { x: sizeMl, y: sizeDv, z: sizeAp } };
};

// Red, green and blue of ``#rrggbb`` or ``rgb(r, g, b)``.
const nhRgb = (text) =>
  text.startsWith("#") ? [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)) : text.match(/[\d.]+/g).slice(0, 3).map(Number);

// A colour for the i-th of several names: Okabe and Ito's eight, then steps of the golden angle.
const nhPalette = (i) => {
  const named = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#a0522d"];
  if (i < named.length) return named[i];
  const hue = (i * 137.508) % 360, level = i % 2 ? 0.42 : 0.6;
  const part = (n) => {
    const k = (n + hue / 30) % 12;
    const value = level - 0.6 * Math.min(level, 1 - level) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * value).toString(16).padStart(2, "0");
  };
  return `#${part(0)}${part(8)}${part(4)}`;
};

// What has which colour: the names of a legend with their colours, and the name's number of every segment and point.
const nhColouring = (data, shapes, mode) => {
  const { segments, points } = shapes;
  const names = [], colours = [], known = new Map();
  const numberOf = (name, colour) => {
    if (!known.has(name)) {
      known.set(name, names.length);
      names.push(name);
      colours.push(colour ?? nhPalette(names.length - 1));
    }
    return known.get(name);
  };
  const ofSegment = new Uint16Array(segments.n), ofPoint = new Uint16Array(points.n);
  let exact = null;
  if (mode === "region") {
    const group = data.regions.map(([, beryl, , colour]) => numberOf(beryl, colour));
    exact = data.regions.map(([, , colour]) => nhRgb(colour));
    for (let i = 0; i < segments.n; i++) ofSegment[i] = group[segments.region[i]];
    for (let i = 0; i < points.n; i++) ofPoint[i] = group[points.region[i]];
  } else if (mode === "label") {
    const own = [["good", "good"], ["not good", "bad"], ["not labelled", "muted"], ["channel", "third"]];
    own.forEach(([name, role]) => numberOf(name, nhColour(role)));
    const track = numberOf("track", nhColour("muted"));
    ofSegment.fill(track);
    for (let i = 0; i < points.n; i++) ofPoint[i] = points.label[i];
  } else {
    const stated = data.insertions.map((one) => one[mode] || "not stated");
    [...new Set(stated)].sort().forEach((name) => numberOf(name));
    const group = stated.map((name) => known.get(name));
    for (let i = 0; i < segments.n; i++) ofSegment[i] = group[segments.insertion[i]];
    for (let i = 0; i < points.n; i++) ofPoint[i] = group[points.insertion[i]];
  }
  const rgb = colours.map(nhRgb);
  return {
    mode, names, colours, ofSegment, ofPoint,
    segmentRgb: (i) => (exact ? exact[segments.region[i]] : rgb[ofSegment[i]]),
    pointRgb: (i) => (exact ? exact[points.region[i]] : rgb[ofPoint[i]]),
  };
};

// Colours of all segments and points as RGBA bytes: alpha 255 is drawn, 40 is behind what is chosen, 0 is hidden.
const nhPaint = (shapes, colouring, { hidden, kinds, chosen }) => {
  const { segments, points } = shapes;
  const behind = 40;
  const segmentRgba = new Uint8Array(4 * segments.n), pointRgba = new Uint8Array(4 * points.n);
  for (let i = 0; i < segments.n; i++) {
    if (!kinds.has("track") || hidden.has(colouring.ofSegment[i])) continue;
    segmentRgba.set(colouring.segmentRgb(i), 4 * i);
    segmentRgba[4 * i + 3] = chosen === null || segments.insertion[i] === chosen ? 255 : behind;
  }
  for (let i = 0; i < points.n; i++) {
    if (!kinds.has(points.label[i]) || hidden.has(colouring.ofPoint[i])) continue;
    pointRgba.set(colouring.pointRgb(i), 4 * i);
    pointRgba[4 * i + 3] = chosen === null || points.insertion[i] === chosen ? 255 : behind;
  }
  return { segmentRgba, pointRgba };
};
