"""Regions of units from their neighbours on the probe: the benchmark's second way to score suite 3.

Contains the mean over neighbours, of probabilities and of a model's predictions. The task itself is `suite3`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.task import TaskData

FloatArray = npt.NDArray[np.float64]

RADIUS_UM, MOST_NEIGHBOURS = 60.0, 5
"""Distance along the probe, and number of units, that are averaged (``multi_unit`` of ``ibl-bwb-eval`` 0.1.0)."""


def multi_unit_predictions(
    data: TaskData, rows: npt.NDArray[np.int64], predictions: npt.NDArray[np.floating]
) -> FloatArray:
    """Return predictions of units that became those of them and their neighbours, to be scored like the former.

    Parameters
    ----------
    data
        A task about units, with their depths and probes.
    rows
        (m,) rows that are predicted; only these are neighbours of each other, so give all units of a probe at once.
    predictions
        (m, n_classes) logits or log-probabilities of each unit alone, finite.

    Returns
    -------
    numpy.ndarray
        (m, n_classes) float64, logarithms of the mean probabilities (`multi_unit_mean`).
    """
    from scipy.special import softmax

    probabilities = softmax(predictions.astype(np.float64), axis=1)
    mean = multi_unit_mean(probabilities, data.target_depths[rows], data.target_probes[rows])
    return np.log(np.maximum(mean, np.finfo(np.float64).tiny))


def multi_unit_mean(
    probabilities: FloatArray, depths: FloatArray, probes: npt.NDArray[np.object_]
) -> npt.NDArray[np.float64]:
    """Return the mean of the probabilities of each unit and those nearest to it: the benchmark's multi-unit variant.

    Of the units of the same probe within 60 µm, the 5 nearest count, the unit itself included; of two as near, the
    earlier one. A unit whose depth is not known stands alone.

    Parameters
    ----------
    probabilities
        (n, n_classes) float64.
    depths, probes
        (n,) depth along the probe in µm, and probe; of several sessions, probes need different names.

    Returns
    -------
    numpy.ndarray
        (n, n_classes) float64.

    Examples
    --------
    >>> alone, near = [1.0, 0.0], [0.0, 1.0]
    >>> depths = np.array([0.0, 60.0, 61.0])
    >>> multi_unit_mean(np.array([alone, near, near]), depths, np.array(["a", "a", "a"], dtype=object))[:, 0].round(2)
    array([0.5 , 0.33, 0.  ])
    """
    found = np.empty(probabilities.shape)
    for probe in dict.fromkeys(probes.tolist()):
        rows = np.flatnonzero(probes == probe)
        apart = np.abs(depths[rows][:, None] - depths[rows])
        np.fill_diagonal(apart, 0.0)
        nearest = np.argsort(apart, axis=1, kind="stable")[:, :MOST_NEIGHBOURS]
        counts = np.take_along_axis(apart, nearest, axis=1) <= RADIUS_UM
        weights = counts / counts.sum(axis=1, keepdims=True)
        found[rows] = (probabilities[rows][nearest] * weights[:, :, None]).sum(axis=1)
    return found
