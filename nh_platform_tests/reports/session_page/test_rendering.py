"""The page of a session as HTML: what it states, that text cannot leave its place, and how large it is."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.session_page.rendering import render_session_page
from nh_platform_tests.made_pages import made_page


def stated(html: str) -> dict[str, Any]:
    found = re.search(r'id="nh-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


def unpacked(html: str, number: int) -> np.ndarray:
    found = re.search(r'id="nh-arrays">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    array = stated(html)["arrays"][number]
    size = int(np.prod(array["shape"]))
    content = gzip.decompress(base64.b64decode(found[1]))
    return np.frombuffer(content, array["type"], size, array["offset"]).reshape(array["shape"])


def test_the_same_record_gives_the_same_page() -> None:
    assert render_session_page(made_page(5)) == render_session_page(made_page(5))


def test_numbers_of_the_table_are_exact_and_missing_ones_stay_missing() -> None:
    units = pd.DataFrame(
        {
            "unit_id": ["a", "b", None],
            "depth": [0.1, np.nan, 1e-300],
            "n_spikes": pd.array([1, 2**40, None], dtype="Int64"),
            "good": pd.array([True, None, False], dtype="boolean"),
        }
    )
    page = made_page(3, units=units)
    html = render_session_page(page)
    columns = {one["name"]: one for one in stated(html)["columns"]}
    np.testing.assert_array_equal(unpacked(html, columns["depth"]["array"]), [0.1, np.nan, 1e-300])
    np.testing.assert_array_equal(unpacked(html, columns["n_spikes"]["array"]), [1, 2**40, np.nan])
    np.testing.assert_array_equal(unpacked(html, columns["good"]["array"]), [1, 2, 0])
    np.testing.assert_array_equal(unpacked(html, columns["unit_id"]["array"]), [0, 1, -1])
    assert (columns["depth"]["unit"], columns["depth"]["meaning"]) == ("um", "Depth from the tip")


def test_a_place_of_a_unit_is_packed_finer_than_a_value() -> None:
    times = np.linspace(0, 4200, 400).reshape(2, 200)
    layer = Layer("points", times, np.ones((2, 200)), per_unit=True)
    html = render_session_page(
        made_page(2, unit_charts=[Chart("depth", "Depth", Axis("time", "s"), Axis("depth", "um"), (layer,))])
    )
    (packed,) = stated(html)["unit_charts"][0]["layers"]
    levels, low, high = (unpacked(html, packed["x"][key]) for key in ("array", "low", "high"))
    assert levels.dtype == np.uint16
    read = low[:, None] + (levels.astype(float) - 1) / 65534 * (high - low)[:, None]
    np.testing.assert_allclose(read, times, atol=2100 / 65534)


def test_numpy_numbers_are_stated_and_other_things_are_refused_by_name() -> None:
    verdict = {"about": "session", "passed": np.bool_(True), "text": "", "share": np.float32(0.5), "n": np.int64(3)}
    assert stated(render_session_page(made_page(1, verdicts=[verdict])))["verdicts"][0]["n"] == 3
    with pytest.raises(TypeError, match=r"set .* cannot be stated in a page"):
        render_session_page(made_page(1, verdicts=[{"about": {"a"}}]))


def test_no_markup_of_a_name_is_in_the_page() -> None:
    page = made_page(1, title="</title><b id=x>", notes=["</script><script>alert(1)</script>"])
    html = render_session_page(page)
    assert "<b id=x>" not in html
    assert "<script>alert" not in html


@pytest.mark.parametrize(("n_units", "most_mb"), [(700, 2.5), (2000, 6.0)])
def test_pages_stay_small(n_units: int, most_mb: float) -> None:
    assert len(render_session_page(made_page(n_units)).encode()) <= most_mb * 1e6
