"""`BehaviorEcephysSession` of AllenSDK over a store, for Visual Behavior.

Contains that class, with the names, index, columns, dtypes and units of AllenSDK 2.16.2: volumes in mL, half axes of
ellipses, µV for the units' ``amplitude``, -99 for a whole number that does not apply. Add here another of its
attributes when the store has what it shows.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.session_view import SessionView
from nh_platform.reading.upstream_views.allen import tables
from nh_platform.reading.upstream_views.not_given import Refused
from nh_platform.reading.upstream_views.stored_sessions import StoreLike, allen_session, opened
from nh_platform.session.units_of_measure import UV_PER_V

NULL_INTEGER = -99
UL_PER_ML = 1000.0

STIMULUS_NAMES = {"gabors": "gabor_20_deg_250ms", "flashes": "flash_250ms"}
PARAMETER_NAMES = {"stop_time": "end_time", "x_position": "position_x", "y_position": "position_y"}
"""Upstream's names of stimuli and parameters, which AllenSDK leaves, by those of the store."""

WHOLE = ("stimulus_block", "image_index", "start_frame", "flashes_since_change", "stimulus_index")
"""Columns of presentations that are int64 at AllenSDK, with -99 where they do not apply."""

FLAGS = ("is_change", "is_image_novel", "omitted", "rewarded", "is_sham_change", "active")
TRIAL_COLUMNS = (
    *(
        "start_time",
        "stop_time",
        "initial_image_name",
        "change_image_name",
        "go",
        "catch",
        "hit",
        "false_alarm",
        "miss",
    ),
    *("correct_reject", "aborted", "auto_rewarded", "is_change", "change_time_no_display_delay", "response_time"),
    *("reward_time", "reward_volume", "change_frame", "trial_length"),
)
_LFP = ("the store has no LFP", "Read it in slices: `session.lfp(probe, start, stop)` of `open_store(…).session(…)`.")
_NOT_STORED = ("the store does not have it", "Read the NWB file: `nh fetch allen_vbn SESSION` fetches it.")


class BehaviorEcephysSession:
    """One session of Visual Behavior under the names of AllenSDK's `BehaviorEcephysSession` (2.16.2).

    In place of ``cache.get_ecephys_session(ecephys_session_id)``.

    Parameters
    ----------
    store
        A store, the folder of a home, or None for the home that `nh` uses.
    ecephys_session_id
        Session id.
    source
        Name of the source; ``allen_vbn`` where not stated.

    Raises
    ------
    ConfigError
        If ``store`` is none, or no session is named.
    UnknownSession
        If there is no such session; attributes raise it where an asset was not made, with the command.
    """

    get_lfp = Refused(*_LFP)
    get_current_source_density = Refused(*_LFP)
    get_probes_obj = Refused("it is an object of AllenSDK's", "`probes`, `get_channels()` and `get_units()` have all.")
    get_performance_metrics = Refused(
        "it is not computed here", "`get_rolling_performance_df()` has it trial by trial."
    )
    stimulus_timestamps = Refused(*_NOT_STORED)
    eye_tracking_rig_geometry = Refused(*_NOT_STORED)
    stimulus_templates = Refused(
        "pictures are not part of a session's store", "`AllenVisualBehaviorSource(…).images(files)` reads them."
    )
    from_nwb_path = Refused("the view reads a store", "`BehaviorEcephysSession(store, session_id)`.")

    def __init__(
        self, store: StoreLike = None, ecephys_session_id: str | int = "", *, source: str = "allen_vbn"
    ) -> None:
        self._store = opened(store, "store")
        self.session: SessionView = allen_session(self._store, source, ecephys_session_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._store!r}, {self.session.session_id})"

    @property
    def behavior_session_id(self) -> int:
        """Id of the behaviour session."""
        return int(self.session.metadata["behavior_session_id"])

    @property
    def metadata(self) -> dict[str, Any]:
        """Subject, rig and project, as AllenSDK has them."""
        stated = dict(self.session.metadata)
        if stated.get("date_of_acquisition"):
            stated["date_of_acquisition"] = datetime.fromisoformat(stated["date_of_acquisition"])
        if stated.get("behavior_session_uuid"):
            stated["behavior_session_uuid"] = uuid.UUID(stated["behavior_session_uuid"])
        return stated

    @property
    def task_parameters(self) -> dict[str, Any]:
        """How the change detection task was set."""
        return self.session.task_parameters

    @cached_property
    def probes(self) -> pd.DataFrame:
        """Index ``id``; ``name``, ``sampling_rate`` in Hz."""
        return tables.probes_table(self.session, "name")

    def get_channels(self, filter_by_validity: bool = True) -> pd.DataFrame:
        """Return every channel: index ``id``; place on the probe and CCF position in µm, region.

        Parameters
        ----------
        filter_by_validity
            Without effect: which channels have valid data is not stored, so that all are there.
        """
        table = tables.channels_table(self.session)
        table["structure_acronym"] = table["structure_acronym"].where(table["structure_acronym"].notna(), None)
        return table.drop(columns=["ecephys_structure_id", "ecephys_structure_acronym"])

    def get_units(
        self,
        filter_by_validity: bool = False,
        filter_out_of_brain_units: bool = False,
        amplitude_cutoff_maximum: float | None = None,
        presence_ratio_minimum: float | None = None,
        isi_violations_maximum: float | None = None,
    ) -> pd.DataFrame:
        """Return units: index ``id``; released metrics, ``amplitude`` in µV, cluster and peak channel.

        Parameters
        ----------
        filter_by_validity, filter_out_of_brain_units
            Which units (`tables.UnitFilter`).
        amplitude_cutoff_maximum, presence_ratio_minimum, isi_violations_maximum
            Limits; None for none.
        """
        which = tables.UnitFilter(
            filter_by_validity,
            filter_out_of_brain_units,
            amplitude_cutoff_maximum,
            presence_ratio_minimum,
            isi_violations_maximum,
        )
        return tables.units_table(self.session, which)

    @cached_property
    def spike_times(self) -> dict[int, npt.NDArray[np.float64]]:
        """Times in s, bit-exact, by the id of every unit."""
        ids = tables.unit_ids(self.session).tolist()  # first: units of a gated session are refused
        spikes = self.session.spikes
        return {unit: spikes.of_unit(row) for row, unit in enumerate(ids)}

    @cached_property
    def spike_amplitudes(self) -> dict[int, npt.NDArray[np.float64]]:
        """Amplitudes in V, by the id of every unit; float32 in the store."""
        spikes = self.session.spikes
        parts = np.split(spikes.amplitudes.astype(np.float64), spikes.offsets[1:-1])
        return dict(zip(tables.unit_ids(self.session).tolist(), parts))

    @cached_property
    def mean_waveforms(self) -> dict[int, npt.NDArray[np.float64]]:
        """(384, 82) µV by unit id, where they were asked for; NaN but for the 20 channels on each side of the peak."""
        waves = self.session.mean_waveforms()
        n_channels = 1 + int(tables.channels_table(self.session)["probe_channel_number"].max())
        found = {}
        for row, unit in enumerate(waves.unit_ids):
            known = waves.channels[row] >= 0
            whole = np.full((n_channels, waves.values.shape[2]), np.nan)
            whole[waves.channels[row][known]] = waves.values[row][known].astype(np.float64) * UV_PER_V
            found[int(unit)] = whole
        return found

    @cached_property
    def stimulus_presentations(self) -> pd.DataFrame:
        """Index ``stimulus_presentations_id``; times in s, stimulus and parameters under upstream's names."""
        stored = self.session.presentations
        table = stored.drop(columns=["presentation_id", "valid"])
        table = table.drop(columns=[name for name in table if table[name].dtype == object and table[name].isna().all()])
        for name in [name for name in WHOLE if name in table]:
            table[name] = table[name].fillna(NULL_INTEGER).astype(np.int64)
        for name in [name for name in FLAGS if name in table]:
            known = table[name].notna()
            whole = table[name].astype("boolean").astype(object).where(known, np.nan)
            table[name] = whole.astype(bool) if known.all() else whole
        if "image_name" in table:
            table["image_name"] = table["image_name"].where(table["image_name"].notna(), np.nan)
        table["stimulus_name"] = table["stimulus_name"].replace(STIMULUS_NAMES)
        table.index = pd.Index(stored["presentation_id"].to_numpy(np.int64), name="stimulus_presentations_id")
        return table.rename(columns=PARAMETER_NAMES)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Index ``trials_id``; times in s, outcomes, ``reward_volume`` in mL, ``lick_times`` of each trial."""
        stored = self.session._events("change_trials")
        licks = self.session._events("trial_licks")
        table = stored[[name for name in TRIAL_COLUMNS if name in stored]].copy()
        for name in ("initial_image_name", "change_image_name"):
            table[name] = table[name].where(table[name].notna(), "")
        table["reward_volume"] /= UL_PER_ML
        table["change_frame"] = table["change_frame"].fillna(NULL_INTEGER).astype(np.int64)
        by_trial = {trial: times.to_numpy(np.float64) for trial, times in licks.groupby("trials_id")["times"]}
        no_licks = np.empty(0)
        table["lick_times"] = pd.Series(
            [by_trial.get(one, no_licks) for one in stored["trials_id"]], table.index, object
        )
        return table.set_index(pd.Index(stored["trials_id"].to_numpy(np.int64), name="trials_id"))

    @cached_property
    def licks(self) -> pd.DataFrame:
        """``timestamps`` in s; ``frame`` is not stored."""
        return pd.DataFrame({"timestamps": self.session._events("licks")["times"].to_numpy()})

    @cached_property
    def rewards(self) -> pd.DataFrame:
        """``volume`` in mL, ``timestamps`` in s, ``auto_rewarded``."""
        stored = self.session._events("rewards")
        columns = {"volume": stored["volume"] / UL_PER_ML, "timestamps": stored["times"]}
        return pd.DataFrame({**columns, "auto_rewarded": stored["auto_rewarded"]})

    @cached_property
    def running_speed(self) -> pd.DataFrame:
        """``timestamps`` in s, ``speed`` in cm/s, low-passed."""
        return self._running(0)

    @cached_property
    def raw_running_speed(self) -> pd.DataFrame:
        """``timestamps`` in s, ``speed`` in cm/s."""
        return self._running(1)

    def _running(self, column: int) -> pd.DataFrame:
        signal = self.session.signal("running_speed")
        return pd.DataFrame({"timestamps": signal.timestamps, "speed": signal.values[:, column]})

    @cached_property
    def eye_tracking(self) -> pd.DataFrame:
        """Ellipses with half axes (px), areas and likely blinks, as `SessionView.eye_tracking`."""
        return self.session.eye_tracking()

    @cached_property
    def optotagging_table(self) -> pd.DataFrame:
        """Index ``id``; ``start_time``, ``stop_time``, ``duration`` in s, and what light was given."""
        table = self.session._events("optogenetic_epochs").rename_axis("id")
        return table.assign(duration=table["stop_time"] - table["start_time"])

    def get_rolling_performance_df(self) -> pd.DataFrame:
        """Return reward rate, hit and false alarm rates and d' by trial, as `SessionView.rolling_performance`."""
        return self.session.rolling_performance().drop(columns="response_latency")

    def get_reward_rate(self) -> npt.NDArray[np.float64]:
        """Return (n_trials,) rewards per minute."""
        return self.session.rolling_performance()["reward_rate"].to_numpy(np.float64)
