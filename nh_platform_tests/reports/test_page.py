"""Pages in one file: arrays packed and read back, data that cannot end its element, and the policy of the page."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re

import numpy as np
import pytest

from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.page.packing import PackedArrays
from nh_platform.reports.page.shell import html_page


def unpacked(arrays: PackedArrays, number: int) -> np.ndarray:
    content = gzip.decompress(base64.b64decode(arrays.block()))
    stated = arrays.index()[number]
    size = int(np.prod(stated["shape"]))
    return np.frombuffer(content, stated["type"], size, stated["offset"]).reshape(stated["shape"])


def test_arrays_are_packed_as_they_are_and_the_same_arrays_give_the_same_text() -> None:
    arrays, again = PackedArrays(), PackedArrays()
    for one in (arrays, again):
        one.exact(np.array([1, 2, 3], dtype=np.uint8))
        one.exact(np.array([[0.1], [np.nan]], dtype=np.float64))
    np.testing.assert_array_equal(unpacked(arrays, 1), [[0.1], [np.nan]])
    assert arrays.block() == again.block()
    with pytest.raises(ValueError, match="int64 are not packed"):
        arrays.exact(np.arange(3))


def test_scaled_rows_are_within_half_a_level_and_a_missing_sample_stays_missing() -> None:
    rows = np.array([[0.0, 10.0, np.nan], [5.0, 5.0, 5.0], [np.nan, np.nan, np.nan]])
    arrays = PackedArrays()
    named = arrays.scaled(rows)
    levels, low, high = (unpacked(arrays, named[key]).astype(float) for key in ("array", "low", "high"))
    read = np.where(levels == 0, np.nan, low[:, None] + (levels - 1) / 254 * (high - low)[:, None])
    np.testing.assert_allclose(read, rows, atol=10 / 254 / 2)


def test_a_page_escapes_what_it_states_and_allows_its_own_scripts_alone() -> None:
    page = html_page("<b>&", "<main></main>", {"name": "</script><script>x"}, PackedArrays(), scripts=["run();"])
    assert "<title>&lt;b&gt;&amp;</title>" in page
    assert "</script><script>x" not in page
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(b"run();").digest()).decode()
    assert f"sha256-{digest}" in policy[1].replace("&#43;", "+")
    assert "default-src &#39;none&#39;" in policy[1]


def test_a_chart_states_axes_units_and_why_it_is_empty() -> None:
    chart = Chart("rate", "Rate", Axis("time", "s"), Axis("rate", "Hz", low=0), (Layer("line", [0, 1], [2, 3]),))
    stated = chart.payload(PackedArrays())
    assert (stated["x"]["unit"], stated["y"]["low"]) == ("s", 0)
    assert stated["layers"][0]["y"].keys() == {"array", "low", "high"}
    empty = Chart("rt", "Reaction times", Axis("time", "s"), Axis("trials", "1"), lacking="no trials")
    assert empty.payload(PackedArrays())["lacking"] == "no trials"
