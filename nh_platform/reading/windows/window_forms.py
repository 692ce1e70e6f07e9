"""The counts of a preset's windows in forms that take less room than one byte a bin.

Contains `WindowForms`, the part of `WindowsView` that gives them. Add here a form that people ask for; what a form is,
is `nh_platform.windows.counts.count_forms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from nh_platform.reading.windows.window_counts import CountArray, WindowCounts
from nh_platform.windows.counts.binning import binarise
from nh_platform.windows.counts.count_forms import CountForm, PackedCounts, check_form, joined, pack, sparse

WindowIds = Sequence[int] | npt.NDArray[np.integer]

BLOCK_BYTES = 1 << 25
"""32 MiB of counts in memory while another form of them is made."""


class WindowForms(WindowCounts):
    """Counts of windows by their form. Parameters are those of `WindowCounts`."""

    @overload
    def counts_as(self, form: Literal["counts", "binary"], window_ids: WindowIds | None = ...) -> CountArray: ...

    @overload
    def counts_as(self, form: Literal["packed"], window_ids: WindowIds | None = ...) -> PackedCounts: ...

    @overload
    def counts_as(self, form: Literal["csr", "smaller"], window_ids: WindowIds | None = ...) -> Any: ...

    def counts_as(self, form: CountForm, window_ids: WindowIds | None = None) -> CountArray | PackedCounts | Any:
        """Return the counts of windows in the form that is asked for; masked bins are 0 in every form.

        They are made some MB at a time: counts of one byte a bin are never in memory whole, but where they are
        returned.

        Parameters
        ----------
        form
            - ``counts``: (n, n_units, n_bins) uint8, as of `counts_of`.
            - ``binary``: the same, 1 where the unit fired and 0 elsewhere.
            - ``packed``: those as bits, `PackedCounts`: ``bits`` (n, n_units, ceil(n_bins / 8)) uint8 with bin ``k`` as
              bit ``k % 8`` of byte ``k // 8`` (`numpy.packbits` with ``bitorder="little"``); ``unpack()`` gives
              ``binary`` again.
            - ``csr``: `scipy.sparse.csr_array` (n, n_units × n_bins) of uint8 counts, one row per window, column ``unit
              * n_bins + bin``; ``toarray().reshape(n, n_units, n_bins)`` gives ``counts`` again.
            - ``smaller``: ``csr`` where its arrays take fewer bytes than ``counts``, else ``counts``.
        window_ids
            Which windows, in that order; all where not stated.

        Raises
        ------
        UnknownSession
            If there is no such window.
        ConfigError
            If there is no such form, or the windows have no bins, or not all as many.
        """
        check_form(form)
        rows = np.arange(len(self), dtype=np.int64) if window_ids is None else self._rows(window_ids)
        if form == "counts":
            return self.counts_of(rows)
        size = max(BLOCK_BYTES // max(len(self.unit_ids) * self.n_bins, 1), 1)
        blocks = (self.counts_of(rows[first : first + size]) for first in range(0, max(len(rows), 1), size))
        if form == "binary":
            return np.concatenate([binarise(block) for block in blocks])
        if form == "packed":
            packed = [pack(block) for block in blocks]
            return PackedCounts(np.concatenate([part.bits for part in packed]), packed[0].n_bins)
        found = joined([sparse(block) for block in blocks])
        return found.dense() if form == "smaller" and not found.is_smaller else found.to_scipy()
