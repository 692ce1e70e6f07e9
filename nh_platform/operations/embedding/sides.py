"""The two sides of a comparison of embeddings: where each is read from, or how it is computed.

Contains what a name stands for. Add here another place that embeddings come from. How they are compared is
`nh_platform.embeddings.comparison`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.errors import close_matches

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.operations.opened_home import OpenHome
    from nh_platform.reading import OpenedStore, SessionView

Side = dict[str, "pd.DataFrame"]
"""Features by what they are of (``source/session``, or the name of a file), a row per unit or image, indexed by it."""

STORED, ENCODER = "stored", "encoder:"
_KEYS = ("unit_id", "image_name", "image", "name", "frame")
"""Columns of a file that name its rows, the first that it has."""

READERS = (".parquet", ".csv", ".npy")
"""Kinds of files."""


def side_of(at: OpenHome, name: str, source: str, sessions: Sequence[str], on_session: Callable[[str], None]) -> Side:
    """Return the embeddings that a name stands for.

    Parameters
    ----------
    at
        The home.
    name
        ``stored``: unit embeddings of the home; ``encoder:NAME``: the columns of one encoder of these; a reference
        window, as ``start-30s``: computed anew from the stored spikes; a folder: those of another home; a file: a table
        (``.parquet``, ``.csv``) or matrix (``.npy``) of embeddings, of units or images.
    source, sessions
        Only of this source and these sessions; of all that are stored where empty.
    on_session
        Called with each session.

    Raises
    ------
    ConfigError
        If a name stands for nothing, or a file holds no embeddings.
    UnknownSession
        If no session is stored.
    """
    path = Path(name)
    if path.suffix in READERS:
        return {path.stem: _of_file(path)}
    if name and _is_folder(path):
        from nh_platform.reading import open_store

        return _of_store(open_store(path), source, sessions, _stored, on_session)
    from nh_platform.reading import OpenedStore

    store = OpenedStore(at.platform.store)
    if name == STORED:
        return _of_store(store, source, sessions, _stored, on_session)
    if name.startswith(ENCODER):
        columns = _columns_of(name.removeprefix(ENCODER))
        return _of_store(store, source, sessions, lambda view: _stored(view).reindex(columns=columns), on_session)
    return _of_store(store, source, sessions, _window(name), on_session)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is longer than the disk takes
        return False


def _of_file(path: Path) -> pd.DataFrame:
    """Return the numbers of a file by the column that names its rows, else by their number: an index without name."""
    import numpy as np
    import pandas as pd

    from nh_platform.downloads.hashes import why_no_file

    action = (
        "Name a table (.parquet, .csv) with columns of numbers (float), or a matrix (.npy), a row per unit or image."
    )
    if (trouble := why_no_file(path)) is not None:
        raise ConfigError(str(path), f"it cannot be read: {trouble}", action)
    try:
        if path.suffix == ".npy":
            table = pd.DataFrame(np.load(path, allow_pickle=False))
        else:
            as_text = dict.fromkeys(_KEYS, str)
            table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=as_text)
    except (OSError, ValueError, EOFError, MemoryError) as error:  # a damaged head may state any number of rows
        raise ConfigError(str(path), f"it cannot be read: {error}", action) from error
    key = next((name for name in _KEYS if name in table), None)
    if key is not None:
        if (nameless := int(table[key].isna().sum())) > 0:
            raise ConfigError(str(path), f"{nameless} of {len(table)} rows have no {key}", "Name every row, or none.")
        table = table.set_index(key)
    else:
        table = table.reset_index(drop=True)
    numbers = table.select_dtypes("floating")
    if not len(numbers.columns):
        raise ConfigError(str(path), "it holds no columns of floating-point numbers", action)
    if numbers.index.has_duplicates:
        raise ConfigError(str(path), f"a row stands twice in it by {key}", "Name a file with a row for each.")
    return numbers.rename(columns=str)


def _of_store(
    store: OpenedStore,
    source: str,
    sessions: Sequence[str],
    read: Callable[[SessionView], pd.DataFrame],
    on_session: Callable[[str], None],
) -> Side:
    """Return what is read of each session that has unit embeddings or, of a window, spikes."""
    sources_there = store.store.sources()
    found: Side = {}
    for one in [source] if source else sources_there:
        stored = store.store.sessions(one)
        for session_id in [store.session(one, each).session_id for each in sessions] if sessions else stored:
            view = store.session(one, session_id)
            on_session(f"{one} {session_id}")
            if "unit_embeddings" in view.assets:
                found[f"{one}/{session_id}"] = read(view)
    if not found:
        where = f"no session of source {source}" if source else "no session"
        near = "" if source in sources_there else close_matches(source, sources_there)
        action = f"Run `nh materialize {source or 'SOURCE'} --missing` first, or name another home.{near}"
        raise UnknownSession(f"unit embeddings in {store.store.address}", f"{where} has any", action)
    return found


def _stored(view: SessionView) -> pd.DataFrame:
    return view.embeddings.set_index("unit_id").select_dtypes("floating")


def _columns_of(encoder: str) -> list[str]:
    """Return the columns of an encoder."""
    from nh_platform.embeddings.units.unit_encoding import known_encoders

    known = {one.name: [column.name for column in one.columns] for one in known_encoders()}
    if encoder not in known:
        action = f"Use one of {', '.join(known)}.{close_matches(encoder, known)}"
        raise ConfigError(f"encoder {encoder!r}", "there is none of that name", action)
    return known[encoder]


def _window(name: str) -> Callable[[SessionView], pd.DataFrame]:
    """Return what describes the units of a session from a reference window, as the asset does."""
    from nh_platform.embeddings.units.reference_windows import REFERENCE_WINDOWS, checked_window

    try:
        window = checked_window(name)
    except ConfigError as error:
        known = f"{STORED}, {ENCODER}NAME, {'; '.join(REFERENCE_WINDOWS)}"
        near = close_matches(name, REFERENCE_WINDOWS)
        action = f"Name a file (.parquet, .csv, .npy), the folder of a home, or one of: {known}.{near}"
        raise ConfigError(
            f"embeddings {name!r}", "there is no such file, folder or reference window", action
        ) from error

    def described(view: SessionView) -> pd.DataFrame:
        table, _ = view.describe_units(window.id)
        return table.set_index("unit_id").select_dtypes("floating")

    return described
