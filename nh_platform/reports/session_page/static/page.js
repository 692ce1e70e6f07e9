"use strict";
(async () => {
  const data = nhData();
  document.getElementById("title").textContent = data.title;
  const arrays = await nhArrays(data.arrays);
  document.getElementById("table").textContent = `${data.n_units} units, ${arrays.length} arrays`;
  document.documentElement.dataset.ready = "yes";
})();
