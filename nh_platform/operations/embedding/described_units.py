"""Vectors of the units of stored sessions, as a person looks at them: by session, by unit, by their robustness.

Contains what `nh embed units` shows. Nothing is stored: sessions are made by `nh_platform.operations.materialize`. Add
here what else is asked of units' vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import OnProgress, Progress, unwatched

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.embeddings.units.reference_windows import UsedWindow
    from nh_platform.embeddings.units.robustness import Robustness
    from nh_platform.embeddings.units.unit_quality import UnitQuality
    from nh_platform.reading import SessionView
    from nh_platform.session import NhError
    from nh_platform.store import Store


@dataclass(frozen=True)
class DescribedUnits:
    """The units of one session, described.

    Parameters
    ----------
    source, session_id
        The session.
    table
        Schema `UNIT_EMBEDDINGS` with the regions of units; None where it could not be read.
    window
        The stretch that they are described from.
    is_stored
        Whether that is what the store holds, and not another window that was asked for.
    quality
        Measures of the vectors.
    robustness
        Comparisons of disjoint windows; none where they were not asked for.
    error
        Why the session could not be described.
    """

    source: str
    session_id: str
    table: pd.DataFrame | None = None
    window: UsedWindow | None = None
    is_stored: bool = True
    quality: UnitQuality | None = None
    robustness: tuple[Robustness, ...] = ()
    error: NhError | None = None


def describe_units(
    home: Path | str,
    source: str,
    sessions: Sequence[str] = (),
    *,
    window: str | None = None,
    robustness: bool = False,
    on_progress: OnProgress = unwatched,
) -> list[DescribedUnits]:
    """Describe the units of stored sessions.

    Parameters
    ----------
    home
        Home folder.
    source
        Name of the source.
    sessions
        Ids, or their first characters; every session with `unit_embeddings` where empty.
    window
        Another reference window than the stored one, computed here and not stored.
    robustness
        Compare disjoint windows as well: some CPU seconds a session.
    on_progress
        Is told of every session.

    Returns
    -------
    list of DescribedUnits
        A session that cannot be described has its error, and the others go on.

    Raises
    ------
    ConfigError
        If there is no such source or window.
    UnknownSession
        If a session is not stored.
    StoreError
        If no session of the source has embeddings.
    """
    from nh_platform.embeddings.units.reference_windows import checked_window
    from nh_platform.home.settings import load_settings
    from nh_platform.reading import OpenedStore
    from nh_platform.store import Store

    settings = load_settings(Path(home))
    settings.entry(source)
    if window is not None:
        checked_window(window)
    store = Store(settings.store)
    opened = OpenedStore(store, settings.home)
    wanted = list(sessions) or list(_with_embeddings(store, source))
    views = [opened.session(source, one) for one in wanted]
    found = []
    for number, view in enumerate(views):
        on_progress(Progress("sessions", number, len(views), view.session_id))
        found.append(_described(view, window, robustness=robustness))
    on_progress(Progress("sessions", len(views), len(views), "done"))
    return found


def _with_embeddings(store: Store, source: str) -> Iterator[str]:
    from nh_platform.session import StoreError

    ids = [one for one in store.sessions(source) if store.current(source, one, "unit_embeddings") is not None]
    if not ids:
        action = f"Run `nh materialize {source} --missing` first."
        raise StoreError(f"source {source}", f"no session of it has unit embeddings in {store.address}", action)
    yield from ids


def _described(view: SessionView, window: str | None, *, robustness: bool) -> DescribedUnits:
    from nh_platform.embeddings.units.unit_quality import unit_quality
    from nh_platform.embeddings.units.unit_regions import with_regions
    from nh_platform.session import NhError

    try:
        if window is None:
            table, used = view.embeddings_with_regions, view.embeddings_window
            quality = unit_quality(view.embeddings)
        else:
            raw, used = view.describe_units(window)
            table, quality = with_regions(raw, view.units), unit_quality(raw)
        compared = tuple(view.embeddings_robustness(window)) if robustness else ()
    except NhError as error:
        return DescribedUnits(view.source, view.session_id, error=error)
    return DescribedUnits(view.source, view.session_id, table, used, window is None, quality, compared)
