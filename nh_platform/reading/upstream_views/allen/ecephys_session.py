"""`EcephysSession` of AllenSDK over a store, for Visual Coding.

Contains that class, with the names, index, columns, dtypes and units of AllenSDK 2.16.2: seconds, µV for the units'
``waveform_amplitude`` and mean waveforms, volts for ``spike_amplitudes``. Add here another of its methods. Its tables
are `session_tables`; what is made of them, `presentations` and `spike_counts`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.upstream_views.allen import presentations, spike_counts
from nh_platform.reading.upstream_views.allen.session_tables import EcephysTables
from nh_platform.reading.upstream_views.not_given import Refused
from nh_platform.session import UnknownSession
from nh_platform.session.errors import close_matches

if TYPE_CHECKING:
    import xarray as xr

_LFP = ("the store has no LFP", "Read it in slices: `session.lfp(probe, start, stop)` of `open_store(…).session(…)`.")
_NOT_STORED = ("the store does not have it", "Read the NWB file: `nh fetch allen_vc SESSION` fetches it.")


class EcephysSession(EcephysTables):
    """One session of Visual Coding under the names of AllenSDK's `EcephysSession` (2.16.2).

    In place of ``cache.get_session_data(session_id)``. What a released file says and the store has not is refused by
    name (``local_index`` of units and ``valid_data`` of channels are absent); docs/notebooks-that-exist.md lists it.

    Parameters
    ----------
    store
        A store, the folder of a home, or None for the home that `nh` uses.
    ecephys_session_id
        Session id.
    source
        Name of the source; ``allen_vc`` where not stated.
    filter_by_validity, filter_out_of_brain_units
        Which units are shown (`UnitFilter`), as in AllenSDK.
    amplitude_cutoff_maximum, presence_ratio_minimum, isi_violations_maximum
        Limits of units, as in AllenSDK; None for none.

    Raises
    ------
    ConfigError
        If ``store`` is none, or no session is named.
    UnknownSession
        If there is no such session; attributes raise it where an asset was not made, with the command.
    """

    get_lfp = Refused(*_LFP)
    get_current_source_density = Refused(*_LFP)
    specimen_name = Refused("the store has the subject's id instead", "`metadata['subject_id']` has it.")
    rig_geometry_data = Refused(*_NOT_STORED)
    rig_equipment_name = Refused(*_NOT_STORED)
    session_start_time = Refused(*_NOT_STORED)
    from_nwb_path = Refused("the view reads a store", "`EcephysSession(store, session_id)`.")

    def get_stimulus_table(
        self,
        stimulus_names: str | Iterable[str] | None = None,
        include_detailed_parameters: bool = False,
        include_unused_parameters: bool = False,
    ) -> pd.DataFrame:
        """Return the presentations of some stimuli with the parameters that they use.

        Parameters
        ----------
        stimulus_names
            A name or several; all where None.
        include_detailed_parameters, include_unused_parameters
            Whether to keep these columns.

        Raises
        ------
        UnknownSession
            If the session has none of them; AllenSDK returns an empty table.
        """
        names = self._stimuli(stimulus_names)
        table = self._shown.presentations
        table = table[table["stimulus_name"].isin(names)]
        table = table if include_detailed_parameters else presentations.without_details(table)
        return table if include_unused_parameters else presentations.without_unused(table)

    def get_stimulus_epochs(self, duration_thresholds: Mapping[str, float] | None = None) -> pd.DataFrame:
        """Return the stretches of one stimulus block (`presentations.stimulus_epochs`)."""
        return presentations.stimulus_epochs(self.stimulus_presentations, duration_thresholds)

    def get_stimulus_parameter_values(
        self, stimulus_presentation_ids: npt.ArrayLike | None = None, drop_nulls: bool = True
    ) -> dict[str, npt.NDArray[np.object_]]:
        """Return the values that each parameter takes on in some presentations, in the order of their occurrence."""
        table = _rows(self.stimulus_presentations, stimulus_presentation_ids, "stimulus presentation")
        return presentations.parameter_values(table, drop_nulls)

    def get_parameter_values_for_stimulus(
        self, stimulus_name: str, drop_nulls: bool = True
    ) -> dict[str, npt.NDArray[np.object_]]:
        """Return the values that each parameter takes on in the presentations of a stimulus."""
        return self.get_stimulus_parameter_values(self.get_stimulus_table(stimulus_name).index, drop_nulls)

    def get_inter_presentation_intervals_for_stimulus(self, stimulus_names: str | Iterable[str]) -> pd.DataFrame:
        """Return `inter_presentation_intervals` between two presentations that are both of some stimuli."""
        ids = self.stimulus_presentations.index[
            self.stimulus_presentations["stimulus_name"].isin(self._stimuli(stimulus_names))
        ]
        every = self.inter_presentation_intervals
        return every[every.index.isin(ids, level=0) & every.index.isin(ids, level=1)]

    def presentationwise_spike_counts(
        self,
        bin_edges: npt.ArrayLike,
        stimulus_presentation_ids: npt.ArrayLike | None,
        unit_ids: npt.ArrayLike | None,
        binarize: bool = False,
        dtype: npt.DTypeLike | None = None,
        large_bin_size_threshold: float = 0.001,
        time_domain_callback: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] | None = None,
    ) -> xr.DataArray:
        """Count spikes in bins around presentations (`spike_counts.presentation_counts`).

        A spike on an inner edge is counted once, in the bin that it begins; AllenSDK counts it twice, and one on the
        last edge in the last bin.
        """
        widest = float(np.diff(np.asarray(bin_edges, dtype=np.float64)).max(initial=0.0))
        if binarize and widest > large_bin_size_threshold:
            warnings.warn(f"spikes are counted at most once in bins of up to {widest:.5f} s", stacklevel=2)
        shown = _rows(self.stimulus_presentations, stimulus_presentation_ids, "stimulus presentation")
        units = _rows(self.units, unit_ids, "unit").index.to_numpy(np.int64)
        return spike_counts.presentation_counts(
            bin_edges, shown["start_time"], self.spike_times, units, binarize, dtype, time_domain_callback
        )

    def presentationwise_spike_times(
        self, stimulus_presentation_ids: npt.ArrayLike | None = None, unit_ids: npt.ArrayLike | None = None
    ) -> pd.DataFrame:
        """Return every spike during presentations (`spike_counts.presentation_spikes`).

        A spike at the start of a presentation is of it; AllenSDK gives it to what was before.
        """
        shown = _rows(self.stimulus_presentations, stimulus_presentation_ids, "stimulus presentation")
        units = _rows(self.units, unit_ids, "unit").index.to_numpy(np.int64)
        return spike_counts.presentation_spikes(shown, self.spike_times, units)

    def conditionwise_spike_statistics(
        self,
        stimulus_presentation_ids: npt.ArrayLike | None = None,
        unit_ids: npt.ArrayLike | None = None,
        use_rates: bool = False,
    ) -> pd.DataFrame:
        """Return mean, deviation and error of spikes by unit and condition (`spike_counts.condition_statistics`).

        Without ``unit_ids`` all units are in it, those that do not fire too; AllenSDK leaves these out.
        """
        shown = _rows(self.stimulus_presentations, stimulus_presentation_ids, "stimulus presentation")
        units = _rows(self.units, unit_ids, "unit").index.to_numpy(np.int64)
        spikes = spike_counts.presentation_spikes(shown, self.spike_times, units)
        return spike_counts.condition_statistics(shown, spikes, units, use_rates)

    def channel_structure_intervals(self, channel_ids: npt.ArrayLike) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Return the regions along some channels, and where each begins among them, with their number at the end."""
        table = _rows(self.channels, channel_ids, "channel")
        regions = table["ecephys_structure_acronym"].fillna("").to_numpy(dtype=object)
        first = np.flatnonzero(np.r_[True, regions[1:] != regions[:-1]]) if len(regions) else np.empty(0, np.int64)
        return table["ecephys_structure_acronym"].to_numpy(object)[first], np.r_[first, len(regions)].astype(np.int64)

    def _stimuli(self, names: str | Iterable[str] | None) -> list[str]:
        known = self.stimulus_names
        asked = known if names is None else [names] if isinstance(names, str) else list(names)
        if unknown := [name for name in asked if name not in known]:
            raise UnknownSession(
                f"stimulus {unknown[0]!r} of session {self.ecephys_session_id}",
                f"it was shown {', '.join(known)}",
                f"Give one of these.{close_matches(str(unknown[0]), known)}",
            )
        return asked


def _rows(table: pd.DataFrame, ids: npt.ArrayLike | None, what: str) -> pd.DataFrame:
    """Return the rows of some ids, in their order; all where None.

    Raises
    ------
    UnknownSession
        If an id is not in the table.
    """
    if ids is None:
        return table
    asked = np.atleast_1d(np.asarray(ids))
    lost = asked[~np.isin(asked, table.index)]
    if len(lost):
        raise UnknownSession(
            f"{what} {lost[0]}", f"{len(lost)} of {len(asked)} ids are not in its table", "Take ids from its index."
        )
    return table.loc[asked]
