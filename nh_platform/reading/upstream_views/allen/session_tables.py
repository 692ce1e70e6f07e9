"""Tables and spikes of a Visual Coding session as AllenSDK shows them: what `EcephysSession` answers without computing.

Contains `EcephysTables`, of which `EcephysSession` is what notebooks use. Add a property here for another of AllenSDK's
tables when the store has it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.session_view import SessionView
from nh_platform.reading.upstream_views.allen import presentations
from nh_platform.reading.upstream_views.allen.tables import (
    UnitFilter,
    channels_table,
    mean_waveforms,
    probes_table,
    unit_ids,
    units_table,
)
from nh_platform.reading.upstream_views.stored_sessions import StoreLike, allen_session, opened
from nh_platform.windows.valid_time import RECORDING_SCOPES

if TYPE_CHECKING:
    import xarray as xr

WAVEFORM_NAMES = {
    "PT_ratio": "waveform_PT_ratio",
    "amplitude": "waveform_amplitude",
    "recovery_slope": "waveform_recovery_slope",
    "repolarization_slope": "waveform_repolarization_slope",
    "spread": "waveform_spread",
    "velocity_above": "waveform_velocity_above",
    "velocity_below": "waveform_velocity_below",
    "l_ratio": "L_ratio",
}
"""Names of unit metrics in `EcephysSession.units`, by those of the file."""


class EcephysTables:
    """Tables and spikes of one session; parameters are those of `EcephysSession`."""

    def __init__(
        self,
        store: StoreLike = None,
        ecephys_session_id: str | int = "",
        *,
        source: str = "allen_vc",
        filter_by_validity: bool = True,
        filter_out_of_brain_units: bool = True,
        amplitude_cutoff_maximum: float | None = 0.1,
        presence_ratio_minimum: float | None = 0.95,
        isi_violations_maximum: float | None = 0.5,
    ) -> None:
        self._store = opened(store, "store")
        self.session: SessionView = allen_session(self._store, source, ecephys_session_id)
        self.ecephys_session_id = int(self.session.session_id)
        self._filter = UnitFilter(
            filter_by_validity,
            filter_out_of_brain_units,
            amplitude_cutoff_maximum,
            presence_ratio_minimum,
            isi_violations_maximum,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._store!r}, {self.ecephys_session_id})"

    @cached_property
    def probes(self) -> pd.DataFrame:
        """Index ``id``; ``description`` (its name), ``sampling_rate`` in Hz."""
        return probes_table(self.session, "description")

    @cached_property
    def channels(self) -> pd.DataFrame:
        """Index ``id``; place on the probe in µm, region and CCF position in µm of every channel."""
        return channels_table(self.session)

    @cached_property
    def units(self) -> pd.DataFrame:
        """Units that the filter leaves: index ``unit_id``; metrics, peak channel and probe of each.

        ``waveform_amplitude`` is µV and ``waveform_duration`` ms, as released.
        """
        table = units_table(self.session, self._filter).rename(columns=WAVEFORM_NAMES)
        # AllenSDK 2.16.2 reads it from the file and shows it nowhere.
        table = table.drop(columns="waveform_halfwidth", errors="ignore")
        table = table.join(self.channels, on="peak_channel_id", how="inner")
        probes = self.probes.rename(
            columns={"description": "probe_description", "sampling_rate": "probe_sampling_rate"}
        )
        table = table.join(probes, on="probe_id", how="inner").rename_axis("unit_id")
        order = ["probe_description", "probe_vertical_position", "probe_horizontal_position"]
        return table.sort_values(order, kind="stable")

    @cached_property
    def spike_times(self) -> dict[int, npt.NDArray[np.float64]]:
        """Times in s, bit-exact, by the id of every unit in `units`."""
        self._warn_of_invalid_spikes()
        shown = set(self.units.index.tolist())
        spikes = self.session.spikes
        return {unit: spikes.of_unit(row) for row, unit in enumerate(unit_ids(self.session).tolist()) if unit in shown}

    @cached_property
    def spike_amplitudes(self) -> dict[int, npt.NDArray[np.float64]]:
        """Amplitudes in V, by the id of every unit of the session; float32 in the store."""
        spikes = self.session.spikes
        parts = np.split(spikes.amplitudes.astype(np.float64), spikes.offsets[1:-1])
        return dict(zip(unit_ids(self.session).tolist(), parts))

    @cached_property
    def mean_waveforms(self) -> dict[int, xr.DataArray]:
        """(channel_id, time) µV by unit id: the 20 channels on each side of the peak, where they were asked for."""
        return mean_waveforms(self.session, np.sort(self.units.index.to_numpy(np.int64)))

    @cached_property
    def _shown(self) -> presentations.ShownStimuli:
        invalid = self.invalid_times
        of_stimuli = invalid[["stimulus" in tags for tags in invalid["tags"]]]
        pairs = zip(of_stimuli["start_time"], of_stimuli["stop_time"])
        return presentations.shown_stimuli(self.session.presentations, pairs)

    @property
    def stimulus_presentations(self) -> pd.DataFrame:
        """Index ``stimulus_presentation_id``; times in s, stimulus, its parameters, ``null`` where one has none."""
        return presentations.without_details(self._shown.presentations)

    @property
    def stimulus_conditions(self) -> pd.DataFrame:
        """Index ``stimulus_condition_id``; the parameters of each condition, the detailed ones too."""
        return self._shown.conditions

    @property
    def stimulus_names(self) -> list[str]:
        """Names of stimuli in the order in which they were first shown."""
        return list(self.stimulus_presentations["stimulus_name"].unique())

    @cached_property
    def inter_presentation_intervals(self) -> pd.DataFrame:
        """``interval`` in s between a presentation and the next, by both ids."""
        return presentations.presentation_intervals(self.stimulus_presentations)

    @cached_property
    def invalid_times(self) -> pd.DataFrame:
        """Index ``id``; ``start_time``, ``stop_time`` in s, ``tags``; in the order of time, not of the file."""
        stored = self.session.events.get("invalid_times")
        if stored is None:
            return pd.DataFrame({"start_time": np.empty(0), "stop_time": np.empty(0), "tags": np.empty(0, object)})
        tags = [np.array(text.split(", "), dtype=object) for text in stored["label"]]
        return (
            stored[["start_time", "stop_time"]]
            .assign(tags=pd.Series(tags, index=stored.index, dtype=object))
            .rename_axis("id")
        )

    def get_invalid_times(self) -> pd.DataFrame:
        """Return `invalid_times`."""
        return self.invalid_times

    @cached_property
    def running_speed(self) -> pd.DataFrame:
        """``start_time``, ``end_time`` in s and ``velocity`` in cm/s."""
        signal = self.session.signal("running_speed")
        columns = dict(zip(signal.columns, signal.values.T))
        speed, end = (columns[name] for name in signal.columns[:2])
        return pd.DataFrame({"start_time": signal.timestamps, "end_time": end, "velocity": speed})

    @cached_property
    def optogenetic_stimulation_epochs(self) -> pd.DataFrame:
        """Index ``id``; ``start_time``, ``stop_time``, ``duration`` in s, and what light was given."""
        table = self.session._events("optogenetic_epochs").rename_axis("id")
        return table.assign(duration=table["stop_time"] - table["start_time"])

    def get_pupil_data(self) -> pd.DataFrame | None:
        """Return the ellipses of eye, pupil and corneal reflection (px, rad; full axes), or None and a warning."""
        return self._eye_table("pupil", include=lambda name: True)

    def get_screen_gaze_data(self, include_filtered_data: bool = False) -> pd.DataFrame | None:
        """Return areas (px²) and gaze on the screen (cm, degrees), or None and a warning where there is none."""
        return self._eye_table("gaze", include=lambda name: include_filtered_data or name.startswith("raw_"))

    def _eye_table(self, name: str, include: Callable[[str], bool]) -> pd.DataFrame | None:
        signal = self.session.signals.get(name)
        if signal is None:
            warnings.warn(f"session {self.ecephys_session_id} has no eye tracking ({name})", stacklevel=3)
            return None
        table = pd.DataFrame(signal.values, columns=list(signal.columns))
        table.index = pd.Index(signal.timestamps, name="Time (s)")
        return table[[column for column in table if include(column)]]

    def _warn_of_invalid_spikes(self) -> None:
        stored = self.session.events.get("invalid_times")
        scopes = {*self.session.probes["probe"], *RECORDING_SCOPES}
        if stored is not None and stored["scope"].isin(scopes).any():
            warnings.warn(
                "spikes within `invalid_times` of their probe are in spike_times, as in AllenSDK", stacklevel=3
            )

    @property
    def num_units(self) -> int:
        """Number of `units`."""
        return len(self.units)

    @property
    def num_probes(self) -> int:
        """Number of `probes`."""
        return len(self.probes)

    @property
    def num_channels(self) -> int:
        """Number of `channels`, those without valid data too."""
        return len(self.channels)

    @property
    def num_stimulus_presentations(self) -> int:
        """Number of `stimulus_presentations`."""
        return len(self.stimulus_presentations)

    @property
    def structure_acronyms(self) -> list[str]:
        """Regions of the channels."""
        return list(self.channels["ecephys_structure_acronym"].unique())

    @property
    def structurewise_unit_counts(self) -> pd.Series:
        """Number of units by region."""
        return self.units["ecephys_structure_acronym"].value_counts()

    @property
    def session_type(self) -> str:
        """Set of stimuli: ``brain_observatory_1.1`` or ``functional_connectivity``."""
        return self.session.info.task_protocol

    @property
    def full_genotype(self) -> str | None:
        """Genotype of the subject."""
        return self._facts["genotype"]

    @property
    def sex(self) -> str | None:
        """Sex of the subject."""
        return self._facts["sex"]

    @property
    def age_in_days(self) -> float | None:
        """Age of the subject."""
        return self._facts["age_in_days"]

    @property
    def metadata(self) -> dict[str, Any]:
        """Facts of the session; AllenSDK's less ``specimen_name``, ``rig_equipment_name``, ``session_start_time``.

        ``subject_id`` is added.
        """
        names = ("session_type", "full_genotype", "sex", "age_in_days", "num_units", "num_channels", "num_probes")
        more = ("num_stimulus_presentations", "ecephys_session_id", "structure_acronyms", "stimulus_names")
        return {"subject_id": self.session.info.subject} | {name: getattr(self, name) for name in (*names, *more)}

    @cached_property
    def _facts(self) -> dict[str, Any]:
        listed = self._store.sessions(self.session.source)
        row = listed[listed["session_id"] == self.session.session_id].to_dict("records")
        return {name: row[0].get(name) if row else None for name in ("sex", "age_in_days", "genotype")}
