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
    """A baseline whose inputs were prepared, and whose hyperparameters were chosen on the rows of ``val``."""

    label: str

    def fit(self, targets_from: Rows | None = None) -> Model:
        """Fit on the training rows.

        Parameters
        ----------
        targets_from
            (n,) row whose target each row takes, for a control; its own where None.
        """
        ...
