"""Vectors of units: standardised by training units, histograms by their principal components, silence marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.embeddings.unit_vectors import fit_vectors, histogram_of, numbers_of


def _embeddings(n: int, seed: int = 0) -> pd.DataFrame:
    """Units of two kinds, which differ in both histograms, and in their rate."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n)[:, None]
    isi = rng.dirichlet(np.ones(8), n) * 0.1 + np.where(kind, np.eye(8)[1], np.eye(8)[5])
    acg = 30.0 * np.where(kind, np.linspace(0, 1, 5), np.linspace(1, 0, 5)) + rng.normal(0, 0.5, (n, 5))
    table = pd.DataFrame({"unit_id": [f"u{k}" for k in range(n)], "probe": "probe00", "n_spikes": 500})
    table["rate_hz"] = rng.gamma(2.0 + 3.0 * kind[:, 0], 2.0)
    table[[f"isi_hist_{k:02d}" for k in range(8)]] = isi / isi.sum(axis=1, keepdims=True)
    table[[f"acg_{k:02d}" for k in range(5)]] = acg
    return table


def test_the_columns_of_histograms_are_told_by_their_names() -> None:
    assert {histogram_of(name) for name in ("isi_hist_00", "acg_17", "burst_acg_3")} == {"isi_hist", "acg", "burst_acg"}
    assert {histogram_of(name) for name in ("rate_hz", "acg_peak_hz", "isi_below_10ms", "latent_03")} == {None}
    assert "n_spikes" not in numbers_of(_embeddings(3))


def test_training_units_have_mean_0_and_spread_1_and_components_are_apart() -> None:
    table = _embeddings(200)
    vectors = fit_vectors([table[:90], table[90:]]).vectors(table)
    np.testing.assert_allclose(vectors.values.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(vectors.values.std(axis=0), 1.0, atol=1e-4)
    components = vectors.values[:, [name.startswith("hist_pc") for name in vectors.names]]
    np.testing.assert_allclose(np.corrcoef(components.T), np.eye(components.shape[1]), atol=1e-3)
    assert vectors.names[0] == "rate_hz"


def test_components_are_those_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    table = _embeddings(120)
    fit = fit_vectors([table])
    isi, acg = (table.filter(regex=rf"^{name}_\d+").to_numpy() for name in ("isi_hist", "acg"))
    scaled = [one / np.sqrt(one.var(axis=0).sum()) for one in (isi, acg)]
    pca = PCA(n_components=3).fit(np.hstack(scaled))
    entries = fit.entries[fit.entries["kind"] == "component"]
    np.testing.assert_allclose(entries["explained_variance"][:3], pca.explained_variance_ratio_, rtol=1e-6)
    ours = fit.vectors(table).values[:, 1:4]
    theirs = pca.transform(np.hstack(scaled))
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs / theirs.std(axis=0)), rtol=1e-3, atol=1e-3)


def test_the_fit_does_not_depend_on_units_that_do_not_train() -> None:
    table, other = _embeddings(60), _embeddings(40, seed=1)
    fit = fit_vectors([table])
    alone = fit.vectors(other)
    together = fit.vectors(pd.concat([table, other], ignore_index=True))
    np.testing.assert_array_equal(together.values[60:], alone.values)


def test_silent_units_are_marked_and_not_fitted_on_and_undefined_features_are_the_mean() -> None:
    table = _embeddings(50)
    silent = table[:3].assign(n_spikes=0, **dict.fromkeys(numbers_of(table), np.nan))
    fit = fit_vectors([pd.concat([silent, table[3:]], ignore_index=True)])
    assert fit.entries["n_units"].unique().tolist() == [47]
    vectors = fit.vectors(pd.concat([silent, table[3:]], ignore_index=True))
    assert vectors.is_silent.tolist() == [True] * 3 + [False] * 47
    assert not vectors.known[:3].any()
    assert (vectors.values[:3] == 0).all()
    assert vectors.table().loc[0, list(vectors.names)].isna().all()
    marked = table.assign(is_silent=[True] * 10 + [False] * 40)
    fit = fit_vectors([marked])
    assert fit.entries["n_units"].unique().tolist() == [40]
    few_spikes = fit.vectors(marked)
    assert few_spikes.known[:10].all()  # nothing is hidden of what they fired: who reads masks by is_silent
    assert (few_spikes.values[:10] != 0).any()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_units_have_few_components(n: int) -> None:
    fit = fit_vectors([_embeddings(n)])
    assert (fit.entries["kind"] == "component").sum() == max(n - 1, 0)
    assert np.isfinite(fit.vectors(_embeddings(5)).values).all()


def _with_lab_histogram(table: pd.DataFrame, n_without: int) -> pd.DataFrame:
    """Add the histogram of a laboratory's encoder, wholly NaN for the first units."""
    lab = np.random.default_rng(5).dirichlet(np.ones(4), len(table)).astype(np.float32)
    lab[:n_without] = np.nan
    return table.assign(**{f"lab_hist_{k:02d}": lab[:, k] for k in range(4)})


@pytest.mark.parametrize("n_without", [31, 59, 60])
def test_a_histogram_that_most_units_lack_takes_no_part_and_is_named(n_without: int) -> None:
    table = _with_lab_histogram(_embeddings(60), n_without)
    fit, without = fit_vectors([table]), fit_vectors([_embeddings(60)])
    assert fit.notes == (
        f"histogram lab_hist (4 bins) is undefined in {n_without} of 60 training units; it takes no part in the "
        "components",
    )
    pd.testing.assert_frame_equal(fit.entries, without.entries)
    pd.testing.assert_frame_equal(fit.loadings, without.loadings)
    assert without.notes == ()


def test_units_that_lack_a_histogram_of_most_have_no_components_and_are_counted() -> None:
    table = _with_lab_histogram(_embeddings(60), 10)
    fit = fit_vectors([table])
    (note,) = fit.notes
    assert note == "histogram lab_hist (4 bins) is undefined in 10 of 60 training units; these have no components"
    assert "lab_hist_00" in set(fit.loadings["column"])
    vectors = fit.vectors(table)
    of_components = [name.startswith("hist_pc") for name in vectors.names]
    assert not vectors.known[:10][:, of_components].any()
    assert vectors.known[10:].all()


def test_histograms_that_no_unit_has_together_leave_those_that_most_have() -> None:
    table = _with_lab_histogram(_embeddings(40), 20)
    other = {f"other_acg_{k:02d}": np.where(np.arange(40) < 20, table["rate_hz"] * k, np.nan) for k in range(3)}
    fit = fit_vectors([table.assign(**other)])
    assert (fit.entries["kind"] == "component").any()
    assert sum("takes no part" in note for note in fit.notes) == 1


def test_what_varies_by_the_rounding_of_its_type_is_neither_feature_nor_component() -> None:
    table = _embeddings(80)
    two = table[["isi_hist_01", "acg_00"]].to_numpy()
    bins = [name for name in numbers_of(table) if histogram_of(name) is not None]
    mixed = two @ np.random.default_rng(1).normal(size=(2, len(bins))) + 100.0
    flicker = np.where(np.arange(80) % 2, np.float32(0.1), np.nextafter(np.float32(0.1), np.float32(1)))
    table = table.assign(flicker=flicker.astype(np.float32), **dict(zip(bins, mixed.T.astype(np.float32))))
    fit = fit_vectors([table])
    assert (fit.entries["kind"] == "component").sum() == 2
    assert (fit.vectors(table).values[:, fit.entries["entry"].tolist().index("flicker")] == 0).all()


def test_no_session_makes_no_entries() -> None:
    assert len(fit_vectors([]).entries) == 0


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**16), n=st.integers(5, 40))
def test_the_order_of_units_within_a_set_moves_nothing_but_the_last_digits(seed: int, n: int) -> None:
    table = _embeddings(n, seed)
    shuffled = table.sample(frac=1, random_state=seed)
    one, other = fit_vectors([table]).entries, fit_vectors([shuffled]).entries
    np.testing.assert_allclose(one["mean"], other["mean"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(one["std"], other["std"], rtol=1e-6, atol=1e-8)
