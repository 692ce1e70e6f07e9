"""Pictures of the demo's session pages for the docs: ``python -m nh_platform_tests.browser.pictures HOME``.

``HOME`` is the folder of `nh demo`. Add here a picture that the docs show. They are written to ``docs/images`` and
looked at before they are committed.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import Any

from nh_platform_tests.services.servers import chromium

IMAGES = Path(__file__).parents[2] / "docs" / "images"
QUALITY = 55
HIDE = "for (const one of document.querySelectorAll(arguments[0])) one.style.display = 'none';"
PLACE = """
const {left, top, width, height} = document.querySelector(arguments[0]).getBoundingClientRect();
return {x: left + scrollX, y: top + scrollY, width, height};
"""


def report(home: Path, source: str) -> Path:
    """Return the page of the first session of a source."""
    found = sorted((home / "store" / source).glob("*/session_report/*/report.html"))
    if not found:
        raise SystemExit(f"no session_report of {source} in {home}; run `nh demo --folder {home}` first")
    return found[0]


def take(driver: Any, selector: str, name: str, *, most_px: int = 2200) -> None:
    """Write what an element shows as a small picture."""
    import base64

    from PIL import Image

    clip = driver.execute_script(PLACE, selector)
    clip = {**clip, "height": min(clip["height"], most_px), "scale": 1}
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    IMAGES.mkdir(exist_ok=True)
    path = IMAGES / f"{name}.webp"
    picture.save(path, quality=QUALITY, method=6)
    print(f"{path.name}: {picture.width} x {picture.height} px, {path.stat().st_size / 1e3:.0f} kB")


def show(driver: Any, page: Path, fragment: str, width: int, height: int) -> None:
    """Open a page in a window so high that nothing of it has to be scrolled."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get("about:blank")
    driver.get(page.as_uri() + fragment)
    time.sleep(2)


def main(home: Path) -> None:
    with chromium() as driver:
        driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        ibl = report(home, "ibl")
        show(driver, ibl, "#ready=one-rule&sort=-n_spikes", 1400, 860)
        driver.execute_script("document.getElementById('units').scrollIntoView()")
        take(driver, "#units", "session-page")
        show(driver, ibl, "#ready=one-rule&sort=-n_spikes", 1400, 2600)
        take(driver, "#card .nh-figures", "unit-figures")
        for source in ("ibl", "allen_vc", "allen_vbn"):
            show(driver, report(home, source), "", 1100, 4200)
            driver.execute_script(HIDE, "#units, #session, .nh-top")
            time.sleep(1)
            take(driver, "#figures", f"session-figures-{source}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
