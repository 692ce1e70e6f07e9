"""One stored session as notebooks use it: its tables, windows, PSTHs and counts per presentation.

Contains `SessionView`. Add a method here for what is computed from a session's tables. The tables themselves are in
`session_tables`, what is made on request in `on_request`, recorded files in `recorded_slices`, what is around events in
`events.around_events`; nothing is written here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.session_rules import trial_mask_by
from nh_platform.reading.change_performance import rolling_performance
from nh_platform.reading.events.around_events import AroundEvents
from nh_platform.reading.eye_tracking import DILATION_FRAMES, Z_THRESHOLD, eye_tracking_as_allensdk
from nh_platform.reading.presentations_view import choose_presentations, stimulus_means
from nh_platform.reading.unit_psth import UnitChoice, choose_units
from nh_platform.reading.wheel_motion import (
    RATE_HZ,
    WHEEL_SIGNALS,
    WheelMotion,
    wheel_motion,
    wheel_movements,
    wheel_signal,
)
from nh_platform.reading.windows.window_counts import SessionParts
from nh_platform.reading.windows.windows_view import WindowsView, stored_preset
from nh_platform.session import Signal
from nh_platform.windows.presentations.presentation_counts import PresentationCounts, count_in_presentations, even_edges
from nh_platform.windows.unit_valid_time import without_unit_intervals
from nh_platform.windows.valid_time import valid_windows


class SessionView(AroundEvents):
    """One session of a store. Every property is read at first use and kept.

    Parameters
    ----------
    store
        The files.
    source, session_id
        The session.
    """

    @property
    def window_presets(self) -> tuple[str, ...]:
        """Ids of the window presets that `windows` and `window_embeddings` have, sorted."""
        return tuple(sorted(self._windows.presets))

    def windows(self, preset: str) -> WindowsView:
        """Return the windows of a preset: counts, index, bin centres.

        Raises
        ------
        UnknownSession
            If the windows were not made yet.
        ConfigError
            If they were made without this preset; the text names those they were made with.
        """
        stored = self._windows
        found = stored_preset(stored.presets, preset)
        parts = SessionParts(lambda: self._recording, self._sampled, self._event_times, lambda: self.presentations)
        return WindowsView(stored, stored.presets[found], parts)

    def wheel_motion(self, rate_hz: float = RATE_HZ) -> WheelMotion:
        """Return position, speed and acceleration of the wheel at even steps, as brainbox computes them.

        Parameters
        ----------
        rate_hz
            Samples per second; 1,000 as brainbox where not stated.

        Raises
        ------
        UnknownSession
            If the session has no wheel.
        """
        return wheel_motion(self.signal("wheel_position"), rate_hz)

    def _sampled(self, name: str) -> Signal:
        """Return a signal of the session, or one of the wheel's motion (`WHEEL_SIGNALS`)."""
        if name in self.signals or name not in WHEEL_SIGNALS:
            return self.signal(name)
        return wheel_signal(self.wheel_motion(), name)

    def _event_times(self, table: str) -> npt.NDArray[np.float64]:
        return self._events(table)["times"].to_numpy(dtype=np.float64)

    def wheel_movements(self) -> pd.DataFrame:
        """Detect the movements of the wheel by brainbox's thresholds; upstream's own are ``events["wheel_moves"]``.

        Raises
        ------
        UnknownSession
            If the session has no wheel.
        """
        return wheel_movements(self.signal("wheel_position"))

    def eye_tracking(self, z_threshold: float = Z_THRESHOLD, dilation_frames: int = DILATION_FRAMES) -> pd.DataFrame:
        """Return the eye tracking of a Visual Behavior session as AllenSDK does: half axes, blinks determined anew.

        As the file has it, it is ``signal("pupil")``, with full axes. Parameters and columns are those of
        `nh_platform.reading.eye_tracking.eye_tracking_as_allensdk`.

        Raises
        ------
        UnknownSession
            If the session has no eye tracking.
        SchemaError
            If it is of a source whose eye tracking has no areas.
        """
        return eye_tracking_as_allensdk(self.signal("pupil"), z_threshold, dilation_frames)

    def rolling_performance(self) -> pd.DataFrame:
        """Return response latency, reward rate, hit and false alarm rates and d' of the change detection task.

        As AllenSDK computes them, one row per trial (`nh_platform.reading.change_performance.rolling_performance`).

        Raises
        ------
        UnknownSession
            If the session has no trials of that task, or no licks of them.
        """
        return rolling_performance(self._events("change_trials"), self._events("trial_licks"))

    def trial_mask(self, rulebook: str = "ibl-bwm-inclusion") -> npt.NDArray[np.bool_]:
        """Return (n_trials,) bool, which of `trials` are used: by default as in the Brain-wide Map's analyses.

        A reaction time (``firstMovement_times - stimOn_times``) of 0.08 to 2.0 s, both included, and no NaN in
        ``stimOn_times``, ``choice``, ``feedback_times``, ``probabilityLeft``, ``firstMovement_times`` and
        ``feedbackType``; from `load_trials_and_mask` of paper-brain-wide-map with its default options.

        Parameters
        ----------
        rulebook
            Id of a rulebook with a trial mask, or path of a YAML file.

        Raises
        ------
        ConfigError
            If the rulebook has no trial mask.
        SchemaError
            If the trials are of another task and lack a column that the mask reads.
        UnknownSession
            If the session has no trials.
        """
        return trial_mask_by(self._task_trials, load_rulebook(rulebook))

    def presentation_counts(
        self,
        stimulus: str,
        start: float = -0.05,
        stop: float = 0.5,
        bin_s: float = 0.01,
        *,
        edges: npt.ArrayLike | None = None,
        units: UnitChoice = None,
    ) -> PresentationCounts:
        """Count the spikes of units in bins around every presentation of a stimulus.

        Parameters
        ----------
        stimulus
            Name in `presentations`, for example ``natural_scenes``. Presentations that were not shown as they should
            be (``valid`` False there) are left out.
        start, stop, bin_s
            Window relative to the start of a presentation and width of a bin, in seconds.
        edges
            (n_bins + 1,) edges in seconds of any width, in place of the three.
        units
            As in `psth`.

        Returns
        -------
        PresentationCounts
            Counts (n_presentations, n_bins, n_units); ``to_xarray()`` has AllenSDK's names. A spike counts in the bin
            that it begins, where AllenSDK counts one on an inner edge twice. ``valid`` (n_presentations, n_units) is
            False where an invalid interval of the unit, its probe, or the session overlaps the bins, or they reach
            beyond the recorded time.

        Raises
        ------
        ConfigError
            If the session does not have the stimulus (the text names close ones), or the bins cannot be.
        BadUpstreamData
            If presentations of the stimulus overlap.
        """
        shown = choose_presentations(self.presentations, stimulus)
        onsets = shown["start_time"].to_numpy(dtype=np.float64)
        used = even_edges(start, stop, bin_s) if edges is None else np.asarray(edges, dtype=np.float64)
        recorded = self._recording.units
        rows = choose_units(recorded["unit_id"], units)
        probes = recorded["probe"].to_numpy(dtype=object)[rows].tolist()
        unit_ids = recorded["unit_id"].to_numpy(dtype=object)[rows]
        limits = float(used[0]), float(used[-1])
        valid = valid_windows(onsets, *limits, probes, self._invalid_for_windows)
        return PresentationCounts(
            counts=count_in_presentations(self.spikes.take(rows), onsets, used),
            bin_edges=used,
            presentation_ids=shown["presentation_id"].to_numpy(dtype=np.int64),
            unit_ids=unit_ids,
            valid=without_unit_intervals(valid, onsets, *limits, unit_ids, self._unit_intervals),
        )

    def presentation_means(self, signal: str, stimulus: str, start: float = 0.0, stop: float = 0.5) -> pd.DataFrame:
        """Average a signal over every presentation of a stimulus, blinks left out.

        Parameters
        ----------
        signal
            ``running_speed``, ``pupil``, ``gaze``.
        stimulus
            As in `presentation_counts`.
        start, stop
            Window relative to the start of a presentation in seconds; ``stop`` is not part of it.

        Returns
        -------
        pandas.DataFrame
            One row per presentation (index ``presentation_id``), one column per column of the signal, and one bool
            column ``valid.<probe>`` per probe: False where an invalid interval of it, or of the session, overlaps the
            window, or nothing was recorded there. A signal is not recorded by a probe: its mean is there all the same.
        """
        shown = choose_presentations(self.presentations, stimulus)
        probes = list(dict.fromkeys(self._recording.units["probe"]))
        return stimulus_means(self.signal(signal), shown, probes, self._invalid_for_windows, start, stop)

    def to_pynapple(self, units: UnitChoice = None) -> dict[str, Any]:
        """Return the session as objects of pynapple, which is to be installed beside the platform.

        Parameters
        ----------
        units
            As in `psth`; all where not stated.

        Returns
        -------
        dict
            ``units``: TsGroup by row of `units`, metadata unit id, probe, region, label, ``released_<metric>``;
            ``trials`` and ``presentations``, where the session has them: IntervalSet of the rows with start and stop,
            their row in the table as ``row`` and their other columns as metadata (``size`` is called ``size_``, since
            pynapple has that name itself); each signal by its name, Tsd or TsdFrame. Times are bit-exact seconds on the
            session clock; the support is the recorded time, so that spikes and samples outside of it, and in its
            pauses, are not in it. An interval that meets the next one ends 1 µs before that begins: pynapple would
            join the two.

        Raises
        ------
        ConfigError
            If pynapple is not installed, or the session has no spikes.
        UnknownSession
            If `units`, `events` or `signals` was not made, or there is no such unit.
        """
        from nh_platform.reading.upstream_views.pynapple_objects import pynapple_objects

        return pynapple_objects(self, units)

    def to_spikeinterface(self, units: UnitChoice = None, sampling_frequency: float | None = None) -> Any:
        """Return the session as a `NumpySorting` of SpikeInterface, which is to be installed beside the platform.

        Parameters
        ----------
        units
            As in `psth`; all where not stated.
        sampling_frequency
            Samples per second; that of the probe where the session has one probe and upstream states it, else 30,000.

        Returns
        -------
        spikeinterface.core.NumpySorting
            One segment; unit ids as text; properties ``group`` (probe), ``depth`` in µm, ``amplitude`` in V,
            ``brain_area``, ``beryl``, ``cosmos``, ``label``, ``good`` and the released label or quality. A sorting
            holds whole samples: times are off by up to half of one (17 µs at 30 kHz) against `spikes`.

        Raises
        ------
        ConfigError
            If SpikeInterface is not installed, no unit is chosen, or the frequency is not positive.
        UnknownSession
            If `units` was not made, or there is no such unit.
        """
        from nh_platform.reading.upstream_views.spikeinterface_sorting import spikeinterface_sorting

        return spikeinterface_sorting(self, units, sampling_frequency)
