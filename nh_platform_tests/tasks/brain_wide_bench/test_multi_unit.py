"""Means over neighbours: which units they are of, and what becomes of predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nh_platform.tasks.brain_wide_bench.multi_unit import multi_unit_mean, multi_unit_predictions
from nh_platform_tests.tasks import made_up


def test_the_multi_unit_variant_is_the_mean_of_the_five_nearest_within_60_um() -> None:
    depths = np.array([0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 111.0, 20.0])
    probes = np.array(["a"] * 7 + ["b"], dtype=object)
    mean = multi_unit_mean(np.eye(8), depths, probes)
    assert mean[0].tolist() == [0.2, 0.2, 0.2, 0.2, 0.2, 0.0, 0.0, 0.0]
    assert mean[5, [1, 2, 3, 4, 5, 6]].tolist() == [0.2, 0.2, 0.2, 0.2, 0.2, 0.0]
    assert mean[6].tolist() == [0.0] * 6 + [1.0, 0.0]
    assert mean[7, 7] == 1.0


def test_a_unit_of_unknown_depth_stands_alone() -> None:
    mean = multi_unit_mean(np.eye(3), np.array([10.0, np.nan, 20.0]), np.array(["a"] * 3, dtype=object))
    assert mean.tolist() == [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]]


def test_predictions_are_averaged_as_probabilities_among_the_rows_that_are_predicted() -> None:
    depths, probes = np.array([0.0, 10.0, 20.0, 500.0]), np.array(["a"] * 4, dtype=object)
    data = replace(made_up.units("a", 4), target_depths=depths, target_probes=probes)
    rows = np.array([0, 2, 3])
    logits = np.array([[np.log(3.0), 0.0], [0.0, np.log(7.0)], [1000.0, 0.0]])
    found = multi_unit_predictions(data, rows, logits)
    np.testing.assert_allclose(np.exp(found[:2]), [[0.4375, 0.5625]] * 2)
    np.testing.assert_allclose(np.exp(found[2]), [1.0, 0.0], atol=1e-12)
    assert np.isfinite(found).all()
