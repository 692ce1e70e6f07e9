"""`SpikeSortingLoader` of brainbox over a store: spikes, clusters and channels of one probe insertion.

Contains that class, with the names, keys, dtypes and units of ibllib 4.1.0: seconds, volts, µm from the tip, metres in
IBL's coordinates. Add here another key when the store has it. Raw data, other revisions and curated sortings are
refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.reading.session_view import SessionView
from nh_platform.reading.upstream_views.bunch import Bunch
from nh_platform.reading.upstream_views.not_given import Refused, refuse_arguments
from nh_platform.reading.upstream_views.sorting_bunches import (
    at_channels,
    channels_bunch,
    clusters_bunch,
    extra_columns,
    spikes_bunch,
)
from nh_platform.reading.upstream_views.stored_sessions import (
    StoreLike,
    check_revision,
    opened,
    probe_of,
    stored_session,
)
from nh_platform.session import ConfigError, UnknownSession

_NO_RAW = ("the store has no raw recordings", "List and fetch them: `nh files ibl EID --kind ap --fetch`.")
_NO_WAVEFORMS = (
    "the store has no waveforms of single spikes",
    "`SessionView.mean_waveforms()` has the mean of each unit.",
)
_NO_SYNC = ("the store has no clock of the probe", "Spike times are seconds on the session clock already.")
_NO_FILES = ("the store has no ALF files", "Call load_spike_sorting(), which reads what is stored.")


class SpikeSortingLoader:
    """Spike sorting of one probe insertion under the names of brainbox's `SpikeSortingLoader` (ibllib 4.1.0).

    Parameters
    ----------
    one
        In place of a connection of ONE: a store, the folder of a home, or None for the home that `nh` uses.
    atlas
        Not used: regions are stored.
    pid
        Insertion id; or instead
    eid, pname
        Session id and name of the probe.
    session_path
        Not taken.
    source
        Name of the source; ``ibl`` where not stated.

    Attributes
    ----------
    eid, pid, pname : str
        Ids of session and insertion, name of the probe.
    collections, collection : list of str, str
        ALF collection that the sorting was read from, for example ``alf/probe00/pykilosort``.
    histology : str
        ``alf`` where the final channel locations are known, else empty; set by `load_channels`.
    spike_sorter, revision : str
        As they were asked for.

    Raises
    ------
    ConfigError
        If ``one`` is no store, or no session is named.
    UnknownSession
        If there is no such session, insertion or probe, or its spikes were not made; the text has the command.
    """

    raw_electrophysiology = Refused(*_NO_RAW)
    download_raw_electrophysiology = Refused(*_NO_RAW)
    plot_rawdata_snippet = Refused(*_NO_RAW)
    raw_waveforms = Refused(*_NO_WAVEFORMS)
    download_raw_waveforms = Refused(*_NO_WAVEFORMS)
    samples2times = Refused(*_NO_SYNC)
    timesprobe2times = Refused(*_NO_SYNC)
    download_spike_sorting = Refused(*_NO_FILES)
    download_spike_sorting_object = Refused(*_NO_FILES)
    filter_files_by_namespace = Refused(*_NO_FILES)
    files = Refused(*_NO_FILES)
    spike_sorting_path = Refused(*_NO_FILES)
    session_path = Refused(*_NO_FILES)
    get_version = Refused(
        "the store has no versions of sorters", "`SessionView.probes` has collection, revision and sorter."
    )
    url = Refused("the store has no server", "`nh fetch ibl EID --urls` lists the address of every file.")
    raster = Refused(
        "it is a picture of brainbox's",
        "Call brainbox.plot.driftmap(spikes['times'], spikes['depths']) on what was loaded.",
    )
    compute_metrics = Refused(
        "metrics are stored", "Recomputed ones are the columns ibl.<metric>@2022-10 of `SessionView.units`."
    )

    def __init__(
        self,
        one: StoreLike = None,
        atlas: object = None,
        pid: str | None = None,
        eid: str = "",
        pname: str = "",
        session_path: object = "",
        *,
        source: str = "ibl",
    ) -> None:
        if session_path:
            refuse_arguments("SpikeSortingLoader", {"session_path": session_path}, "Give pid, or eid and pname.")
        self.one, self.atlas = opened(one, "one"), atlas
        self.session: SessionView = stored_session(self.one, source, str(pid) if pid is not None else eid)
        probes = self.session.probes.set_index("probe")
        self.pname = probe_of(self.session, str(pid)) if pid is not None else pname
        if self.pname not in probes.index:
            raise UnknownSession(
                f"probe {self.pname!r} of {source} session {self.session.session_id}",
                f"it has {', '.join(probes.index) or 'none'}",
                "Give one of these as pname.",
            )
        probe = probes.loc[self.pname]
        self.eid = self.session.session_id
        self.pid = None if pd.isna(probe["insertion_id"]) else str(probe["insertion_id"])
        self.collection = str(probe["collection"])
        self.collections = [self.collection]
        self.histology = ""
        self.spike_sorter = "pykilosort"
        self.revision: str | None = None

    def __repr__(self) -> str:
        return f"SpikeSortingLoader(one={self.one!r}, eid={self.eid!r}, pname={self.pname!r})"

    @property
    def pid2ref(self) -> str:
        """``<date>_<number>_<subject>_<probe>``."""
        info = self.session.info
        return f"{info.date}_{info.number}_{info.subject}_{self.pname}"

    def load_spike_sorting(
        self,
        spike_sorter: str = "iblsorter",
        revision: str | None = None,
        enforce_version: bool = False,
        good_units: bool = False,
        namespace: str | None = None,
        dataset_types: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> tuple[Bunch, Bunch, Bunch]:
        """Return spikes, clusters and channels of the insertion.

        Parameters
        ----------
        spike_sorter
            Sorter that is preferred. The stored one is returned whatever is asked, as brainbox falls back, unless
        enforce_version
            is True: then another sorter is refused.
        revision
            Accepted where the stored files are those that it means, refused otherwise.
        good_units
            Only spikes of clusters whose released ``label`` is 1, as IBL's ``passingSpikes``; clusters are all.
        namespace
            Refused: curated sortings are not stored.
        dataset_types
            ``clusters.amps`` and ``clusters.peakToTrough``; others are not stored and refused.
        **kwargs
            Further arguments of ONE, refused.

        Returns
        -------
        spikes : Bunch
            Arrays (n_spikes,) in the order of time: ``amps`` float32 V, ``clusters`` uint16 row of the clusters,
            ``depths`` float32 µm, ``times`` float64 s, bit-exact. Spikes of one time come in the order of clusters.
        clusters : Bunch
            ``channels`` int64 row of the channels, ``depths`` float64 µm, ``metrics`` DataFrame as released (V),
            ``uuids`` Series.
        channels : Bunch
            As `load_channels`.

        Raises
        ------
        ConfigError
            If something is asked for that is not stored.
        UnknownSession
            If `raw_spikes` or `units` was not made; the text has the command.
        """
        refuse_arguments("load_spike_sorting", kwargs, "Leave it out: one sorting of each insertion is stored.")
        if namespace is not None:
            refuse_arguments("load_spike_sorting", {"namespace": namespace}, "Curated sortings are not stored.")
        extra = extra_columns(dataset_types)
        stored = self.collection.rpartition("/")[2]
        if enforce_version and spike_sorter and stored != spike_sorter:
            raise ConfigError(
                f"sorter {spike_sorter} of {self.eid} {self.pname}",
                f"{self.collection} is stored",
                f"Set `sorter: {spike_sorter}` under `read` of the source, and materialize the session again.",
            )
        check_revision(self.session, "raw_spikes", revision)
        self.spike_sorter, self.revision = spike_sorter, revision
        clusters = clusters_bunch(self.session, self.pname, extra)
        good = (clusters["metrics"]["label"] == 1).to_numpy() if good_units else None
        return spikes_bunch(self.session, self.pname, good), clusters, self.load_channels()

    def load_spike_sorting_object(self, obj: str, revision: str | None = None, **kwargs: Any) -> Bunch:
        """Return one of ``spikes``, ``clusters``, ``channels`` (before positions are added) of the insertion.

        Raises
        ------
        ConfigError
            If another object is asked for; ``drift``, ``templates`` and ``waveforms`` are not stored.
        """
        if obj not in ("spikes", "clusters", "channels"):
            raise ConfigError(
                f"ALF object {obj!r}",
                "the store has spikes, clusters and channels",
                "Load one of these, or ONE's file.",
            )
        parts = dict(zip(("spikes", "clusters", "channels"), self.load_spike_sorting(revision=revision, **kwargs)))
        return parts[obj]

    def load_channels(self, **kwargs: Any) -> Bunch:
        """Return the channels of the insertion, and set `histology`.

        Returns
        -------
        Bunch
            Arrays (n_channels,): ``x``, ``y``, ``z`` float64 m (IBL's, from bregma), ``acronym`` object, ``atlas_id``
            int64, ``axial_um``, ``lateral_um`` float64 µm, ``rawInd`` int64. Without final locations only
            ``localCoordinates`` (n_channels, 2) and ``rawInd``, as the file has them. ``labels`` are not stored.
        """
        allowed = {name: value for name, value in kwargs.items() if name not in ("spike_sorter", "revision")}
        refuse_arguments("load_channels", allowed, "Leave it out: one sorting of each insertion is stored.")
        channels = channels_bunch(self.session, self.pname)
        self.histology = "alf" if "x" in channels else ""
        return channels

    @staticmethod
    def merge_clusters(
        spikes: Mapping[str, Any] | None,
        clusters: Bunch,
        channels: Mapping[str, Any],
        cache_dir: object = None,
        compute_metrics: bool = False,
    ) -> Bunch:
        """Put the metrics, and what is known of each cluster's channel, into ``clusters`` and return it.

        Parameters
        ----------
        spikes
            Not used.
        clusters, channels
            As `load_spike_sorting` returns them; the key ``metrics`` is taken out of ``clusters``.
        cache_dir, compute_metrics
            Refused: nothing is written, and metrics are stored.

        Raises
        ------
        ConfigError
            If ``clusters`` has no metrics, which is so after they were merged, or metrics are to be computed.
        """
        if cache_dir is not None or compute_metrics:
            given = {
                name: True
                for name, is_set in (("cache_dir", cache_dir), ("compute_metrics", compute_metrics))
                if is_set
            }
            refuse_arguments("merge_clusters", given, "Leave it out; `SessionView.units` has the recomputed metrics.")
        if "metrics" not in clusters:
            raise ConfigError("clusters", "they have no metrics, or were merged already", "Load them again.")
        metrics = clusters.pop("metrics")
        for name in metrics:
            clusters[name] = metrics[name].to_numpy()
        for name, values in channels.items():
            clusters[name] = at_channels(np.asarray(values), clusters["channels"])
        return clusters
