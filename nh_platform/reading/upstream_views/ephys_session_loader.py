"""`EphysSessionLoader` of brainbox over a store: behaviour and the sortings of all probes of a session.

Contains that class. What it loads is in `session_loader` and `spike_sorting_loader`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nh_platform.reading.upstream_views.session_loader import SessionLoader
from nh_platform.reading.upstream_views.spike_sorting_loader import SpikeSortingLoader


class EphysSessionLoader(SessionLoader):
    """Behaviour and spike sorting of all probes of a session, as brainbox's class of that name.

    Parameters
    ----------
    one, session_path, eid, revision, source
        As of `SessionLoader`.
    pname, pid
        One probe of the session; all where neither is stated.

    Attributes
    ----------
    ephys : dict
        By probe: ``ssl`` a `SpikeSortingLoader`, and ``spikes``, ``clusters``, ``channels`` once loaded.
    """

    def __init__(self, *args: Any, pname: str | None = None, pid: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source = self.session.source
        if pid is not None:
            loaders = [SpikeSortingLoader(self.one, pid=pid, source=source)]
        else:
            names = self.session.probes["probe"].tolist() if pname is None else [pname]
            loaders = [SpikeSortingLoader(self.one, eid=self.eid, pname=name, source=source) for name in names]
        self.ephys: dict[str, dict[str, Any]] = {loader.pname: {"ssl": loader} for loader in loaders}

    def load_session_data(self, *args: Any, **kwargs: Any) -> None:
        """Load behaviour as `SessionLoader`, and the spike sorting of every probe."""
        super().load_session_data(*args, **kwargs)
        self.load_spike_sorting()

    def load_spike_sorting(self, pnames: Sequence[str] | None = None) -> None:
        """Load spikes, clusters and channels of probes into `ephys`."""
        for name in pnames or list(self.ephys):
            loaded = self.ephys[name]["ssl"].load_spike_sorting()
            self.ephys[name].update(zip(("spikes", "clusters", "channels"), loaded))

    @property
    def probes(self) -> dict[str, str | None]:
        """Insertion id by probe."""
        return {name: part["ssl"].pid for name, part in self.ephys.items()}
