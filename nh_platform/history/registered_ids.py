"""The session ids of the stored manifest, without the manifest: a mistyped session is refused in a tenth of the time.

Reading the manifest loads pandas, 0.7 s of the 1.2 s that such a mistake took. Add nothing here that is not about ids.
"""

from __future__ import annotations

from collections.abc import Iterable

from nh_platform.session.errors import DamagedFile, NhError
from nh_platform.session.session_names import session_named
from nh_platform.store import Store
from nh_platform.store.file_hashes import verified
from nh_platform.store.names import SOURCE_WIDE

_ASSET = "release_manifest"


def require_registered(store: Store, source: str, asked: Iterable[str]) -> None:
    """Check that at least one of some names means a session of the stored manifest.

    Says nothing where none is stored or it cannot be read: the manifest itself says then what is wrong.

    Raises
    ------
    UnknownSession
        If none does, with the text for the first name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = store.usable(source, SOURCE_WIDE, _ASSET)
    if folder is None:
        return
    try:
        # not pq.read_table, which goes through pyarrow.dataset, and that loads pandas
        table = pq.ParquetFile(verified(folder / "sessions.parquet")).read(columns=["session_id"])
        listed = set(table["session_id"].to_pylist())
        release = verified(folder / "release.txt").read_text(encoding="utf-8").splitlines()[1]
    except (OSError, pa.ArrowException, IndexError, DamagedFile):
        return
    first: NhError | None = None
    insertions = insertion_sessions(store, source)
    for name in asked:
        try:
            session_named(name, listed, source, f"the manifest ({release})", see_sessions(source), insertions)
        except NhError as error:
            first = first or error
        else:
            return
    if first is not None:
        raise first


def insertion_sessions(store: Store, source: str) -> dict[str, str]:
    """Return the session of each probe insertion of the stored manifest by its id; none where it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = store.usable(source, SOURCE_WIDE, _ASSET)
    if folder is None:
        return {}
    try:
        table = pq.ParquetFile(verified(folder / "insertions.parquet")).read(columns=["insertion_id", "session_id"])
    except (OSError, pa.ArrowException, DamagedFile):
        return {}
    return dict(zip(table["insertion_id"].to_pylist(), table["session_id"].to_pylist()))


def see_sessions(source: str) -> str:
    """Return what a person does who named a session that is not there."""
    return f"Run `nh sync {source}` and `nh sessions --source {source}` to see what is there."
