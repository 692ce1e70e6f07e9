"use strict";
// Charts on a canvas, from the records of reports/page/chart.py.
const nhColour = (role) => getComputedStyle(document.documentElement).getPropertyValue(`--${role}`).trim() || "#888";
