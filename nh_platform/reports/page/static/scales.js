"use strict";
// Numbers in words, scales of axes, and colours: what charts and tables say the same way.

const nhFormats = new Map();
const nhFormat = (digits) => {
  if (!nhFormats.has(digits)) nhFormats.set(digits, new Intl.NumberFormat("en-US", { maximumSignificantDigits: digits }));
  return nhFormats.get(digits);
};

// A number as people read it: 4 digits that count, whole numbers whole; – where there is none.
const nhNumber = (value, digits = 4) => {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return nhFormat(15).format(value).replace("-", "−");
  if (size < 1e-4 || size >= 1e9) return value.toExponential(Math.max(0, digits - 2)).replace(/\.?0+e/, "e").replaceAll("-", "−").replace("+", "");
  if (size >= 10 ** digits) return nhFormat(15).format(Math.round(value)).replace("-", "−");
  return nhFormat(digits).format(value).replace("-", "−");
};

const nhUnit = (unit) => (unit && unit !== "1" && unit !== "-" ? unit.replace(/^u(?=[mVAs]$)/, "µ") : "");
const nhWithUnit = (value, unit, digits) => {
  const text = nhNumber(value, digits), shown = nhUnit(unit);
  return shown && text !== "–" ? (shown === "%" ? `${text} %` : `${text} ${shown}`) : text;
};
const nhAxisWords = (axis) => (nhUnit(axis.unit) ? `${axis.label} (${nhUnit(axis.unit)})` : axis.label);

// A scale from values to places. ``ticks(n)`` gives about n places with their words.
const nhScale = (low, high, log, from, to) => {
  if (log && !(low > 0)) low = high > 0 ? high / 1e4 : 1e-3;
  if (!(high > low)) [low, high] = log ? [low / 2, low * 2] : [low - (Math.abs(low) * 0.1 || 0.5), low + (Math.abs(low) * 0.1 || 0.5)];
  const shape = log ? Math.log10 : (value) => value;
  const first = shape(low), step = (to - from) / (shape(high) - first);
  const place = (value) => from + (shape(log ? Math.max(value, low * 1e-9) : value) - first) * step;
  const value = (at) => { const found = first + (at - from) / step; return log ? 10 ** found : found; };
  return { low, high, log, from, to, place, value, ticks: (n) => (log ? nhLogTicks(low, high, n) : nhLinearTicks(low, high, n)) };
};

const nhLinearTicks = (low, high, n) => {
  const rough = (high - low) / Math.max(1, n), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((one) => one * power >= rough * 0.999) * power;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), found = [];
  for (let k = Math.ceil(low / step - 1e-6); k * step <= high + step * 1e-6; k++) {
    const value = k * step;
    const words = Math.abs(value) >= 1e6 || (value && Math.abs(high) < 1e-3) ? nhNumber(value, 3)
      : value.toFixed(decimals).replace(/^-(?=0\.?0*$)/, "").replace("-", "−").replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
    found.push([value, words]);
  }
  return found;
};

const nhLogTicks = (low, high, n) => {
  const decades = Math.log10(high / low), every = Math.max(1, Math.ceil(decades / Math.max(1, n)));
  const parts = decades < 1 ? [1, 2, 3, 5, 7] : decades < 2 ? [1, 2, 5] : [1], found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (power % every && decades >= 2) continue;
    for (const part of parts) {
      const value = part * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) found.push([value, nhNumber(value, 2)]);
    }
  }
  return found;
};

// Whether the page is shown dark; paper is always light.
const nhDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

let nhKnownColours = new Map();
const nhForgetColours = () => { nhKnownColours = new Map(); };
// The colour of a role as it is shown now.
const nhColour = (role) => {
  if (!nhKnownColours.has(role)) {
    const probe = document.createElement("i");
    probe.style.color = `var(--${role})`;
    document.body.append(probe);
    nhKnownColours.set(role, getComputedStyle(probe).color);
    probe.remove();
  }
  return nhKnownColours.get(role);
};

// Colour maps of even steps in lightness, straight in OKLab from one (lightness, chroma, hue) to the next. From the
// paper's colour on, so that nothing counted is nothing shown.
const nhRampAnchors = {
  heat: {
    light: [[0.995, 0, 95], [0.87, 0.1, 85], [0.68, 0.16, 48], [0.48, 0.17, 15], [0.26, 0.1, -40]],
    dark: [[0.19, 0.015, 255], [0.38, 0.13, 305], [0.55, 0.18, 370], [0.75, 0.15, 415], [0.96, 0.08, 460]],
  },
  diverging: {
    light: [[0.38, 0.13, 255], [0.68, 0.11, 245], [0.99, 0, 150], [0.75, 0.12, 60], [0.45, 0.13, 45]],
    dark: [[0.85, 0.1, 235], [0.55, 0.12, 245], [0.2, 0, 150], [0.55, 0.12, 60], [0.85, 0.12, 75]],
  },
};
const nhRamps = new Map();
const nhRamp = (role, dark) => {
  const name = `${role}/${dark}`;
  if (!nhRamps.has(name)) {
    const anchors = nhRampAnchors[role === "diverging" ? "diverging" : "heat"][dark ? "dark" : "light"].map(nhLab);
    const ramp = new Uint8ClampedArray(256 * 3);
    for (let level = 0; level < 256; level++) {
      const along = (level / 255) * (anchors.length - 1), at = Math.min(anchors.length - 2, Math.floor(along));
      const part = (k) => anchors[at][k] + (anchors[at + 1][k] - anchors[at][k]) * (along - at);
      ramp.set(nhFromOklab(part(0), part(1), part(2)), level * 3);
    }
    nhRamps.set(name, ramp);
  }
  return nhRamps.get(name);
};

const nhLab = ([lightness, chroma, hue]) => [lightness, chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];

// sRGB of OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab/).
const nhFromOklab = (lightness, a, b) => {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((linear) => 255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * Math.max(linear, 0) ** (1 / 2.4) - 0.055));
};
