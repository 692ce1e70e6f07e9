"""What is stored of some sessions only: answers to light; where asked for poses, waveforms, noise, population states.

Contains the part of `SessionView` that reads these assets. Add here how another asset on request is read.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from nh_platform.reading.unit_periods import UnitPeriods
from nh_platform.reading.unit_psth import UnitChoice, choose_units
from nh_platform.reading.windows.population_states import PopulationStates
from nh_platform.reading.windows.windows_view import stored_preset
from nh_platform.session import Signal, UnknownSession
from nh_platform.session.mean_waveforms import MeanWaveforms
from nh_platform.session.tables.pose import CERTAIN
from nh_platform.store.codecs.parquet import read_table
from nh_platform.store.codecs.recording_files import read_signals
from nh_platform.store.codecs.spike_event_files import SPIKE_EVENTS_FILE
from nh_platform.store.codecs.waveform_files import read_waveforms


class AssetsOnRequest(UnitPeriods):
    """Body parts, waveforms and noise of one session of a store. Parameters are those of `StoredSession`."""

    @cached_property
    def optotagging(self) -> pd.DataFrame:
        """What short pulses of light did to every unit, schema `OPTOTAGGING`; Allen's sessions have it.

        Raises
        ------
        UnknownSession
            If it was not made; the text says of which sources it is.
        """
        try:
            return self._read("optotagging", lambda folder: read_table(folder / "optotagging.parquet"))
        except UnknownSession as error:
            raise UnknownSession(
                f"optotagging of {self.source} session {self.session_id}",
                "not made: it is of sources that state pulses of light, Visual Coding and Visual Behavior",
                f"Of these, run `nh materialize {self.source} {self.session_id}`; sessions of others have none.",
            ) from error

    @cached_property
    def pose_signals(self) -> dict[str, Signal]:
        """Body parts by ``pose_<tracker>_<camera>`` as upstream states them: px, and the likelihood of each.

        Raises
        ------
        UnknownSession
            If `pose` was not made; the text says how it is asked for.
        """
        return read_signals(self._asked_for("pose")).signals

    def pose(self, camera: str, tracker: str = "lightningPose", likelihood: float = CERTAIN) -> pd.DataFrame:
        """Return the body parts that one camera saw, as brainbox's `SessionLoader.load_pose` has them.

        Parameters
        ----------
        camera
            ``left``, ``right`` or ``body``.
        tracker
            ``lightningPose``, or ``dlc`` for DeepLabCut.
        likelihood
            Points below it are NaN; 0 keeps all. brainbox has 0.9.

        Returns
        -------
        pandas.DataFrame
            One row per frame: ``times`` [s], and ``<part>_x``, ``<part>_y`` [px], ``<part>_likelihood`` of every part.

        Raises
        ------
        UnknownSession
            If `pose` was not made, or has no such camera and tracker; the text names those that it has.
        """
        name = f"pose_{tracker}_{camera}"
        if name not in self.pose_signals:
            raise UnknownSession(
                f"body parts of the {camera} camera by {tracker}",
                f"{self.source} session {self.session_id} has {', '.join(sorted(self.pose_signals)) or 'none'}",
                "Use one of those: pose_<tracker>_<camera>.",
            )
        signal = self.pose_signals[name]
        table = pd.DataFrame(signal.values.copy(), columns=list(signal.columns))
        for column in [name for name in table if str(name).endswith("_likelihood")]:
            part = str(column).removesuffix("_likelihood")
            table.loc[table[column] < likelihood, [f"{part}_x", f"{part}_y"]] = np.nan
        table.insert(0, "times", signal.timestamps)
        return table

    def mean_waveforms(self, units: UnitChoice = None) -> MeanWaveforms:
        """Return the mean waveforms of units around their peak channel, in volts, alike for every source.

        Parameters
        ----------
        units
            Which units: a mask (n_units,), unit ids, or rows; all where not stated.

        Raises
        ------
        UnknownSession
            If `mean_waveforms` was not made (the text says how it is asked for), or a unit is not of the session.
        """
        folder = self._asked_for("mean_waveforms")
        return read_waveforms(folder, choose_units(self._recording.units["unit_id"], units))

    def signal_to_noise(self) -> pd.Series:
        """Return the peak of every unit's mean waveform over the noise of its channel, by unit id.

        Where both `mean_waveforms` and `noise` were made: NaN for units without a waveform. What the noise is, and how
        far it is from SpikeInterface's, is said by `nh_platform.qc.signal_to_noise.signal_to_noise`.

        Raises
        ------
        UnknownSession
            If one of the two was not made; the text says how it is asked for.
        """
        from nh_platform.qc.signal_to_noise import signal_to_noise

        probes = self._recording.units["probe"].astype(str).tolist()
        return signal_to_noise(self.mean_waveforms(), self.noise(), probes)

    def not_judged(self, unit_id: str) -> dict[str, float]:
        """Return what is known of a unit by assets made on request, by definition id; empty where they are not made."""
        from nh_platform.qc.signal_to_noise import MADE_OF, SNR

        made = all(name in self.assets for name in MADE_OF)
        return {SNR: float(self.signal_to_noise()[unit_id])} if made else {}

    def noise(self, of: Literal["channels", "probes"] = "channels") -> pd.DataFrame:
        """Return the noise and LFP power that IBL measured on the raw recordings.

        Parameters
        ----------
        of
            ``channels``: one row per sorted channel, schema `NOISE_CHANNELS` (V, dB); ``probes``: one row per
            insertion, schema `NOISE_PROBES` (what the RIGOR criteria ask).

        Raises
        ------
        UnknownSession
            If `noise` was not made (the text says how it is asked for), or there is no such table.
        """
        folder = self._asked_for("noise")
        if of not in ("channels", "probes"):
            raise UnknownSession(f"noise of {of}", "there is no such table", "Ask for that of channels or probes.")
        return read_table(folder / f"noise_{of}.parquet")

    @property
    def spike_events_file(self) -> Path:
        """File of the session's spikes in the order of time, which `nh_platform.load` maps.

        Raises
        ------
        UnknownSession
            If `spike_events` was not made; the text says how it is asked for.
        """
        return self._asked_for("spike_events") / SPIKE_EVENTS_FILE

    def window_embeddings(self, preset: str) -> PopulationStates:
        """Return the population state of every window of a preset, and the models that it comes from.

        Parameters
        ----------
        preset
            Id of a window preset, or an earlier name of it.

        Raises
        ------
        UnknownSession
            If `window_embeddings` was not made; the text says how it is asked for.
        ConfigError
            If the windows were made without this preset; the text names those they were made with.
        """
        folder = self._asked_for("window_embeddings")
        found = stored_preset(self._windows.presets, preset)
        return PopulationStates(folder, found, f"{self.source} session {self.session_id}")

    def _asked_for(self, asset: str) -> Path:
        """Return the folder of an asset on request; gated and unmade sessions are refused with what to do."""
        if asset in self.assets:
            return self.folder(asset)
        raise UnknownSession(
            f"{asset} of {self.source} session {self.session_id}",
            "not made: it is made only where it is asked for",
            f"Name it in `also_assets` of {self.source} in sources.yaml, as in `also_assets: [{asset}]`, and run "
            f"`nh materialize {self.source} {self.session_id}`.",
        )
