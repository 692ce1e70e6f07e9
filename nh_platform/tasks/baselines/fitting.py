"""What a baseline is: prepared once for a session and a seed, fitted as often as a control asks, predicting any rows.

Contains the protocols that running and control know. What is fitted stands in the modules beside.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from nh_platform.session import NhError

Rows = npt.NDArray[np.int64]


class NoFit(NhError):
    """The training rows of a session do not allow a fit; the other sessions go on."""


class Model(Protocol):
    """A fitted baseline."""

    def predict(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return predictions of rows, as `nh_platform.tasks.predictions` writes them.

        ``classes``: (m, n_classes) log-probabilities, float32; ``values``: (m, n_times, k) float32 in the unit of the
        targets; ``counts``: (m, n_times, k) natural logarithms of the expected count per bin, float32, of several
        units float16, because a session has tens of millions of them.
        """
        ...


class Baseline(Protocol):
    """A baseline whose inputs were prepared: what does not depend on the targets is done once."""

    label: str

    def fit(self, targets_from: Rows | None = None) -> Model:
        """Choose hyperparameters on the rows of ``val`` and fit on the training rows.

        A control chooses anew: with a strength that suits the real targets it would fit more noise than a model that is
        made from moved ones alone, score lower, and make p too small.

        Parameters
        ----------
        targets_from
            (n,) row whose target each row takes, of ``train`` and ``val``, for a control; its own where None.
        """
        ...
