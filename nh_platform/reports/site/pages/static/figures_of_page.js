"use strict";
// The figures of a page of the site, each in its place; one with a row per group is as high as its rows need.
(async () => {
  const data = nhData(), arrays = await nhArrays(data.arrays);
  for (const place of document.querySelectorAll("[data-chart]")) {
    const chart = data.charts.find((one) => one.id === place.dataset.chart);
    if (!chart) { place.remove(); continue; }
    const figure = new NhFigure(chart, arrays, { level: "h3" }), rows = chart.y.ticks.length;
    figure.element.style.setProperty("--figure-height", `${rows ? Math.max(120, 17 * rows + 50) : 240}px`);
    if (chart.wide) place.classList.add("wide");
    place.append(figure.element);
    figure.show(0);
  }
  // A figure is drawn once its size is known, which is before the next frame is shown.
  requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = ""; }));
})();
