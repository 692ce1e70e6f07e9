"""`SessionLoader` of brainbox over a store: trials, wheel, cameras, pupil and licks.

Contains that class, with the names, columns, dtypes and units of ibllib 4.1.0. Add here another object when the
store has it; what is computed of the wheel is `nh_platform.reading.wheel_motion`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.reading.session_view import SessionView
from nh_platform.reading.upstream_views.not_given import Refused, refuse_arguments
from nh_platform.reading.upstream_views.stored_sessions import StoreLike, check_revision, opened, stored_session
from nh_platform.reading.upstream_views.trials_tables import trials_as_one, trials_tidied
from nh_platform.session import BadUpstreamData, ConfigError, NhError, UnknownSession

VIEWS = ("left", "right", "body")
MOTION_ENERGY = {"left": "whiskerMotionEnergy", "right": "whiskerMotionEnergy", "body": "bodyMotionEnergy"}
"""Column of each camera's motion energy (ibllib 4.1.0)."""

TRACKERS = {"lp": "lightningPose", "litpose": "lightningPose"}
DATA = ("trials", "wheel", "pose", "motion_energy", "pupil", "licks", "pawstates")
"""What may be loaded, in brainbox's order."""


class SessionLoader:
    """Behaviour of one session under the names of brainbox's `SessionLoader` (ibllib 4.1.0).

    Parameters
    ----------
    one
        In place of a connection of ONE: a store, the folder of a home, or None for the home that `nh` uses.
    session_path
        Not taken.
    eid
        Session id.
    revision
        Accepted where the stored files are those that it means, refused otherwise.
    source
        Name of the source; ``ibl`` where not stated.

    Attributes
    ----------
    trials, wheel, pupil, licks : pandas.DataFrame
        Empty until loaded.
    pose, motion_energy : dict
        Table by ``leftCamera``, ``rightCamera``, ``bodyCamera``; empty until loaded.
    data_info : pandas.DataFrame
        ``name`` and ``is_loaded``.

    Raises
    ------
    ConfigError
        If ``one`` is no store, or no session is named.
    UnknownSession
        If there is no such session.
    """

    session_path = Refused("the store has no ALF files", "`SessionView.info` has subject, date and number.")

    def __init__(
        self,
        one: StoreLike = None,
        session_path: object = "",
        eid: str = "",
        revision: str = "",
        *,
        source: str = "ibl",
    ) -> None:
        if session_path:
            refuse_arguments("SessionLoader", {"session_path": session_path}, "Give eid.")
        self.one = opened(one, "one")
        self.session: SessionView = stored_session(self.one, source, eid)
        self.eid, self.revision = self.session.session_id, revision
        self.trials, self.wheel, self.pupil, self.licks = (pd.DataFrame() for _ in range(4))
        self.pose: dict[str, pd.DataFrame] = {}
        self.motion_energy: dict[str, pd.DataFrame] = {}
        self.pawstates: dict[str, pd.DataFrame] = {}
        self.data_info = pd.DataFrame({"name": DATA, "is_loaded": [False] * len(DATA)})

    def __repr__(self) -> str:
        return f"{type(self).__name__}(one={self.one!r}, eid={self.eid!r}, revision={self.revision!r})"

    def load_session_data(
        self,
        trials: bool = True,
        wheel: bool = True,
        pose: bool = True,
        motion_energy: bool = True,
        pupil: bool = True,
        licks: bool = True,
        pawstates: bool = True,
        reload: bool = False,
    ) -> None:
        """Load what the session has; what it has not is a warning that names it, and stays as it was.

        Parameters
        ----------
        trials, wheel, pose, motion_energy, pupil, licks, pawstates
            Whether to load it.
        reload
            Whether to load again what was loaded before.
        """
        asked = dict(zip(DATA, (trials, wheel, pose, motion_energy, pupil, licks, pawstates)))
        loaded = dict(zip(self.data_info["name"], self.data_info["is_loaded"]))
        for name in DATA:
            if not asked[name] or (loaded[name] and not reload):
                continue
            try:
                getattr(self, f"load_{name}")()
            except NhError as error:
                warnings.warn(f"Could not load {name} data. {error}", stacklevel=2)

    def load_trials(self, collection: str | None = None, revision: str | None = None, style: str = "one") -> None:
        """Load the trials into `trials`.

        Parameters
        ----------
        collection
            Not taken: all tasks of a session are stored as one table.
        revision
            As of the class.
        style
            ``one``: columns of ALF, float64, times in s; ``tidy``: further columns in words, as brainbox has them.

        Raises
        ------
        UnknownSession
            If the session has no trials, or `events` was not made; the text says which.
        ConfigError
            If ``style`` is neither, or another collection or revision is asked for.
        """
        if style not in ("one", "tidy"):
            raise ConfigError("style", f"{style!r}", "Give 'one' or 'tidy'.")
        self._no_collection("load_trials", collection)
        table = self.session._task_trials
        check_revision(self.session, "events", self.revision if revision is None else revision)
        read = {file.name for file in self.session.provenance("events").upstream_files}
        self.trials = trials_as_one(table, read)
        if style == "tidy":
            self.trials = trials_tidied(self.trials)
        self._is_loaded("trials")

    def load_wheel(
        self, fs: float = 1000, corner_frequency: float = 20, order: int = 8, collection: str | None = None
    ) -> None:
        """Load the wheel at even steps into `wheel`: ``times`` s, ``position`` rad, ``velocity``, ``acceleration``.

        Columns are float32, as brainbox makes them: a time of an hour is exact to 0.1 ms.

        Parameters
        ----------
        fs
            Samples per second.
        corner_frequency, order
            Of the Butterworth low-pass.
        collection
            Not taken.

        Raises
        ------
        UnknownSession
            If the session has no wheel, or `signals` was not made; the text says which.
        BadUpstreamData
            If the wheel has too few samples.
        """
        from nh_platform.reading.wheel_motion import wheel_motion

        self._no_collection("load_wheel", collection)
        motion = wheel_motion(self._signal("wheel_position"), fs, corner_frequency, order)
        self.wheel = motion.to_frame().astype(np.float32)
        self._is_loaded("wheel")

    def load_pose(self, likelihood_thr: float = 0.9, views: Sequence[str] = VIEWS, tracker: str = "dlc") -> None:
        """Load the body parts into `pose`, a table per camera: ``times`` s, ``<part>_x``, ``_y`` px, ``_likelihood``.

        Parameters
        ----------
        likelihood_thr
            Points less likely are NaN.
        views
            Cameras.
        tracker
            ``dlc``, or ``lightningPose`` (also ``lp``, ``litpose``).

        Raises
        ------
        UnknownSession
            If `pose` was not made, which it is only on request, or lacks a camera; the text says which.
        """
        self.pose = {}
        for view in views:
            table = self.session.pose(view, TRACKERS.get(tracker, tracker), likelihood_thr)
            check_revision(self.session, "pose", self.revision)
            self.pose[f"{view}Camera"] = table
            self._is_loaded("pose")

    def load_motion_energy(self, views: Sequence[str] = VIEWS) -> None:
        """Load the motion energy into `motion_energy`, a table per camera: ``times`` s, ``whiskerMotionEnergy``.

        The column of the body camera is ``bodyMotionEnergy``.

        Parameters
        ----------
        views
            Cameras.

        Raises
        ------
        UnknownSession
            If the session lacks a camera, or `signals` was not made; the text says which.
        """
        self.motion_energy = {}
        for view in views:
            if view not in MOTION_ENERGY:
                raise UnknownSession(f"camera {view!r}", "there is none", f"Give one of {', '.join(VIEWS)}.")
            signal = self._signal(f"motion_energy_{view}")
            table = pd.DataFrame({"times": signal.timestamps, MOTION_ENERGY[view]: signal.values})
            self.motion_energy[f"{view}Camera"] = table
            self._is_loaded("motion_energy")

    def load_licks(self) -> None:
        """Load the licks into `licks`: ``times`` s.

        Raises
        ------
        UnknownSession
            If the session has no licks, or `events` was not made; the text says which.
        """
        check_revision(self.session, "events", self.revision)
        self.licks = pd.DataFrame({"times": self.session._events("licks")["times"].to_numpy()})
        self._is_loaded("licks")

    def load_pawstates(self, views: Sequence[str] = ("left", "right")) -> None:
        """Refuse: states of the paws are not stored.

        Raises
        ------
        ConfigError
            Always.
        """
        raise ConfigError(
            f"paw states of {self.eid}", "the platform does not read them", "Load `alf/lightningaction` with ONE."
        )

    def load_pupil(self, snr_thresh: float = 5.0) -> None:
        """Load the pupil of the left camera into `pupil`: ``times`` s, ``pupilDiameter_raw``, ``_smooth`` px.

        Parameters
        ----------
        snr_thresh
            A pupil is refused whose variance, smoothed, is less than so many times that of what was smoothed away.

        Raises
        ------
        UnknownSession
            If upstream states no diameter (brainbox would compute it of the pose), or `signals` was not made.
        BadUpstreamData
            If it is refused; `pupil` is empty then.
        """
        signal = self._signal("pupil_diameter")
        table = pd.DataFrame(signal.values, columns=[f"pupilDiameter_{name}" for name in signal.columns])
        raw, smooth = table["pupilDiameter_raw"], table["pupilDiameter_smooth"]
        self.pupil = pd.DataFrame()
        known = smooth.notna() & raw.notna()
        if smooth.notna().any():
            ratio = float(np.var(smooth[known]) / np.var(smooth[known] - raw[known]))
            if ratio < snr_thresh:
                found = f"its signal to noise ratio {ratio:.2f} is below {snr_thresh:g}"
                raise BadUpstreamData(f"pupil of {self.eid}", found, "Lower snr_thresh, or leave the pupil out.")
        table.insert(0, "times", signal.timestamps)
        self.pupil = table
        self._is_loaded("pupil")

    apply_tidy_transformations = staticmethod(trials_tidied)

    def _signal(self, name: str) -> Any:
        check_revision(self.session, "signals", self.revision)
        return self.session.signal(name)

    def _no_collection(self, method: str, collection: str | None) -> None:
        if collection is not None:
            refuse_arguments(method, {"collection": collection}, "Leave it out: what was read of all is stored.")

    def _is_loaded(self, name: str) -> None:
        self.data_info.loc[self.data_info["name"] == name, "is_loaded"] = True
