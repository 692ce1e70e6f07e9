"""Counts of windows by their form: bits and sparse rows come back to the counts, block by block as at once."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.reading.windows import window_forms
from nh_platform.session import ConfigError, UnknownSession

CONTINUOUS, ALIGNED, STORED = "continuous-1s", "stim-halves-500ms", "stored-halves"
PRESETS = pytest.mark.parametrize("preset", [CONTINUOUS, ALIGNED, STORED])


@pytest.fixture(params=["at once", "window by window"])
def blocks(request, monkeypatch) -> None:
    if request.param == "window by window":
        monkeypatch.setattr(window_forms, "BLOCK_BYTES", 1)


@PRESETS
@pytest.mark.usefixtures("blocks")
def test_every_form_comes_back_to_the_counts(session, preset) -> None:
    view = session.windows(preset)
    counts = view.counts
    assert counts.max() > 1
    fired = (counts > 0).astype(np.uint8)
    assert np.array_equal(view.counts_as("counts"), counts)
    assert np.array_equal(view.counts_as("binary"), fired)
    packed = view.counts_as("packed")
    assert packed.bits.shape == (*counts.shape[:2], 7)  # 50 bins
    assert np.array_equal(packed.unpack(), fired)
    found = view.counts_as("csr")
    assert (type(found).__name__, found.dtype) == ("csr_array", np.uint8)
    assert found.shape == (len(view), 3 * 50)
    assert np.array_equal(found.toarray().reshape(counts.shape), counts)


@PRESETS
@pytest.mark.parametrize("form", ["counts", "binary", "packed", "csr"])
@pytest.mark.parametrize("ids", [[3, 0, 3], np.array([1, 2]), []])
def test_windows_may_be_named_in_any_order(session, preset, form, ids) -> None:
    view = session.windows(preset)
    found = view.counts_as(form, ids)
    wanted = np.asarray(ids, dtype=int)
    if form == "packed":
        assert np.array_equal(found.unpack(), (view.counts > 0)[wanted])
        return
    dense = found.toarray().reshape(len(ids), 3, 50) if form == "csr" else found
    assert np.array_equal(dense, (view.counts > 0)[wanted] if form == "binary" else view.counts[wanted])


def test_smaller_is_sparse_where_few_bins_are_filled(session) -> None:
    """Unit a fires in every bin of its window, b in a few of each and c in none: 370 of 1500 bins."""
    view = session.windows(CONTINUOUS)
    assert isinstance(view.counts_as("smaller"), np.ndarray)
    assert np.array_equal(view.counts_as("smaller"), view.counts)
    assert view.counts_as("smaller", [3]).nnz == 0  # all of it is masked


def test_a_form_or_window_that_does_not_exist_is_refused_by_name(session) -> None:
    view = session.windows(ALIGNED)
    with pytest.raises(ConfigError, match=r"form 'pack' of counts: there is no such form.*Did you mean packed"):
        view.counts_as("pack")
    with pytest.raises(UnknownSession, match=r"window 4 of stim-halves-500ms: there are 4 windows"):
        view.counts_as("csr", [0, 4])
    with pytest.raises(ConfigError, match=r"its windows have no bins"):
        session.windows("no-bins").counts_as("packed")
