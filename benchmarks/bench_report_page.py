"""The session page in headless Chromium: bytes, first figures, filter and next unit at 700 and 2,000 units.

``python benchmarks/bench_report_page.py [--repeat N] [--units N …]`` writes made-up pages with all kinds of charts,
opens each from disk, and prints the median and 95th percentile in ms. A filter is timed from the text entered to the
frame in which table and first unit are shown; a next unit from the key to the frame. Sizes are aims, exit 1 where one
is missed; times are printed alone, for they depend on the machine. What it takes to make a page is not measured here.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from aims import Aims

from nh_platform.reports.session_page.rendering import render_session_page
from nh_platform_tests.made_pages import made_page
from nh_platform_tests.services.servers import chromium

SIZE_AIMS_MB = {700: 2.5, 2000: 6.0}
TIME_AIMS_MS = {"first figures": 1000, "filter": 100, "next unit": 50}

FILTERS = (
    "pass == false && depth >= 1000",
    "region == CA1",
    "noise_cutoff < 4 || amp_median > 90",
    "n_spikes > 2000",
    "",
)
TIMED = """
const done = arguments[arguments.length - 1], [filters] = arguments;
const shown = () => new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
const timed = async (act) => { const from = performance.now(); act(); await shown(); return performance.now() - from; };
(async () => {
  const field = document.getElementById("filter"), filter = [], next = [];
  for (const text of filters) {
    filter.push(await timed(() => { field.value = text; field.dispatchEvent(new Event("input")); }));
    await shown();
  }
  for (let k = 0; k < 60; k++) {
    next.push(await timed(() => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "j", bubbles: true}))));
  }
  done({filter, next});
})();
"""


def measure(driver: Any, address: str, repeat: int) -> dict[str, list[float]]:
    """Open the page several times and return all times in ms."""
    found: dict[str, list[float]] = {"first paint": [], "first figures": [], "filter": [], "next unit": []}
    for _ in range(repeat):
        driver.get("about:blank")
        driver.get(address)
        until = time.monotonic() + 60
        while not driver.execute_script("return 'ready' in document.documentElement.dataset"):
            assert time.monotonic() < until, "the page did not become ready"
            time.sleep(0.05)
        times = "const [one] = performance.getEntriesByName(arguments[0]); return one ? one.startTime : NaN"
        found["first paint"].append(driver.execute_script(times, "first-paint"))
        found["first figures"].append(driver.execute_script(times, "nh-first-figures"))
        answers = driver.execute_async_script(TIMED, FILTERS * 4)
        found["filter"] += answers["filter"]
        found["next unit"] += answers["next"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--units", type=int, nargs="+", default=[700, 2000])
    options = parser.parse_args()
    aims = Aims()
    with tempfile.TemporaryDirectory() as folder, chromium() as driver:
        for n_units in options.units:
            page = Path(folder) / f"{n_units}.html"
            page.write_text(render_session_page(made_page(n_units)), encoding="utf-8")
            size_mb = page.stat().st_size / 1e6
            print(f"\n{n_units} units, {len(made_page(2).unit_charts)} charts a unit: {size_mb:.2f} MB")
            if n_units in SIZE_AIMS_MB:
                aims.at_most(f"page of {n_units} units", size_mb, SIZE_AIMS_MB[n_units], "MB")
            for name, times in measure(driver, page.as_uri(), options.repeat).items():
                median, high = np.nanpercentile(times, [50, 95])
                aim = f"   (aim {TIME_AIMS_MS[name]} ms)" if name in TIME_AIMS_MS else ""
                print(f"  {name:14} median {median:7.1f} ms   95 % {high:7.1f} ms{aim}")
    aims.finish()


if __name__ == "__main__":
    main()
