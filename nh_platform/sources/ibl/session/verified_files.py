"""One session's verified files of some asset groups, opened with errors that name the file.

Contains the lookup by ALF collection and name, and the loading of npy, parquet, csv and frames of bytes. Add a file
format here. What the arrays mean, and which are required, is for the readers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ParamSpec, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.downloads.archives import archive_problem
from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, Note, Session, UpstreamTrouble
from nh_platform.session.columns import unnamed_fields
from nh_platform.sources.ibl.catalogue.datasets import relative_path
from nh_platform.sources.ibl.downloads.given_files import GivenFiles

Read = TypeVar("Read")
Given = ParamSpec("Given")

MOST_UNPACKED_BYTES = 2 << 30
"""Most bytes that an npz file may unpack to: 1,500 units × 500 waveforms × 40 channels of int64 are 0.24 GB."""

CRITICAL = "CRITICAL"
"""Dataset QC with which IBL marks a dataset as not to be used; ONE does not load it (``QC.FAIL`` is its limit)."""


class OpenFiles:
    """Files of one session that are present and verified.

    Parameters
    ----------
    session_id
        The session.
    rows
        Rows of the files table that are to be read.
    given
        Local path of each readable row, by path relative to the session; what could not be had becomes a note.
    source
        Name of the source, for commands in texts.

    Attributes
    ----------
    notes
        What readers found missing or assumed, in the order of reading.
    """

    def __init__(self, session_id: str, rows: pd.DataFrame, given: GivenFiles, source: str = "ibl") -> None:
        self.session_id, self.source = session_id, source
        self.rows = rows.assign(
            path=[relative_path(*parts) for parts in zip(rows["collection"], rows["revision"], rows["name"])]
        )
        self._paths, self._told = given, given.told
        self._by_name: dict[tuple[str, str], list[str]] = {}
        for collection, name, path in zip(self.rows["collection"], self.rows["name"], self.rows["path"]):
            self._by_name.setdefault((collection, name), []).append(path)
        self.notes: list[Note] = []
        for row in self.rows[self.rows["md5"].isna() & ~self.rows["path"].isin(given.gone)].itertuples():
            self.note(str(row.path), "upstream states no hash; the content was not verified")
        for missing, found in given.gone.items():
            again = f"`nh materialize {self.source} {self.session_id}` reads it once it is back"
            text = f"the catalogue lists it, and {found}; not read, {again}"
            self.notes.append(Note(missing, text, may_return=True))

    def note(self, subject: str, text: str) -> None:
        """Record something that was missing or assumed."""
        self.notes.append(Note(subject, text))

    def _note_once(self, subject: str, text: str) -> None:
        if Note(subject, text) not in self.notes:
            self.note(subject, text)

    def has(self, collection: str, name: str) -> bool:
        """Return whether the dataset is there and may be used; of several revisions none may, and a note says so."""
        paths = self._by_name.get((collection, name), [])
        if len(paths) > 1:
            self._note_once(f"{collection}/{name}", f"{_several(paths)}; not read")
        return len(paths) == 1 and paths[0] in self._paths

    def lists(self, collection: str, name: str) -> bool:
        """Return whether the catalogue has the dataset among those to be read, whether or not it can be had."""
        return (collection, name) in self._by_name

    def note_lacking(self, what: str, collections: Sequence[str], *names: str) -> None:
        """Say which datasets of ``what`` upstream has in no collection; those listed but not read have their notes."""
        if lacking := [name for name in names if not any(self.lists(one, name) for one in collections)]:
            self.note(what, f"upstream has no {', '.join(lacking)}")
        elif len(collections) > 1:
            self.note(what, f"none of {', '.join(collections)} has all that can be read: {', '.join(names)}")

    def require(self, collection: str, name: str) -> None:
        """Check that a dataset is there.

        Raises
        ------
        BadUpstreamData
            If it is missing, there are two revisions of it, its dataset QC is CRITICAL, or it is gone upstream
            (`UpstreamTrouble`).
        """
        path = self._path(collection, name)
        if path in self._paths:
            return
        if path is None:
            found, action = "required, and upstream has none that is served by default", "Leave the session out"
        elif path in self._told:
            action = f"Run `nh sync {self.source}` to see what upstream holds now."
            raise UpstreamTrouble(
                f"session {self.session_id}, file {path}", f"required, and {self._told[path]}", action
            )
        else:
            found, action = "required, and its dataset QC upstream is CRITICAL", "Leave the session out"
        raise self.bad(path or f"{collection}/{name}", found, f"{action}, or pin another revision.")

    def bad(
        self, path: str, found: str, action: str = "Leave the session out and report it to IBL."
    ) -> BadUpstreamData:
        """Return the error that names this session and file, ready to be raised."""
        return BadUpstreamData(f"session {self.session_id}, file {path}", found, action)

    def label(self, collection: str, name: str) -> str:
        """Return the path relative to the session of a dataset that is there."""
        return self._path(collection, name) or f"{collection}/{name}"

    def optional(self, what: str, read: Callable[Given, Read], *given: Given.args, **by: Given.kwargs) -> Read | None:
        """Return what ``read`` returns; None, and a note about ``what``, where it raises `BadUpstreamData`."""
        try:
            return read(*given, **by)
        except BadUpstreamData as error:
            self.note(what, f"left out: {error.thing.removeprefix(f'session {self.session_id}, ')}: {error.found}")
            return None

    def collections_of(self, objects: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
        """Return the collections that hold each of some ALF objects, sorted; objects that none holds are absent.

        An object whose files are of several revisions is noted. Other than in a sorting this is legitimate: upstream
        patches single files of an object (trials in a few per cent of sessions, wheel in 13 %), which keep their rows.
        """
        found = {}
        for key, names in objects.items():
            rows = self.rows[self.rows["name"].isin(names)]
            if len(rows):
                found[key] = tuple(sorted(rows["collection"].unique()))
            revisions = sorted(rows["revision"].unique())
            if len(revisions) > 1 and key != "passive":  # three unrelated tables, one object in name only
                self.note(key, f"files of revisions {', '.join(name or 'unrevised' for name in revisions)}")
        return found

    def in_time_order(self, table: pd.DataFrame, column: str, path: str) -> pd.DataFrame:
        """Return the rows of a table that have a time, in order of it; a note where some have none or lie otherwise.

        Raises
        ------
        BadUpstreamData
            If the times are no numbers, or no row has one.
        """
        times = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=np.float64)
        timed = np.isfinite(times)
        if len(times) == 0:
            self.note(path, "it has no rows")
        elif not timed.any():
            raise self.bad(path, f"none of {len(times)} rows has a {column}")
        if not timed.all():
            self.note(path, f"{int((~timed).sum())} of {len(times)} rows have no {column}; left out")
        kept = table[timed].reset_index(drop=True)
        if (np.diff(times[timed]) < 0).any():
            self.note(path, f"rows are not in order of {column}; sorted")
            kept = kept.sort_values(column, kind="stable", ignore_index=True)
        return kept

    def in_intervals(self, table: pd.DataFrame, path: str) -> pd.DataFrame:
        """Return the rows of a table that have a start and, not before it, a stop, in order of the start.

        Columns ``start_time`` and ``stop_time``, in s. Every kind of row that is left out has a note that counts it.

        Raises
        ------
        BadUpstreamData
            If no row of several is left.
        """
        numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in ("start_time", "stop_time")}
        started = self.in_time_order(table.assign(**numbers), "start_time", path)
        stopped = np.isfinite(started["stop_time"].to_numpy(dtype=np.float64))
        backwards = stopped & (started["stop_time"] < started["start_time"]).to_numpy()
        kept = started[stopped & ~backwards].reset_index(drop=True)
        if len(started) and not len(kept):
            raise self.bad(path, f"none of {len(table)} rows has a stop_time that is not before its start_time")
        for is_left_out, found in ((~stopped, "have no stop_time"), (backwards, "stop before they start")):
            if is_left_out.any():
                self.note(path, f"{int(is_left_out.sum())} of {len(table)} rows {found}; left out")
        return kept

    def array(
        self,
        collection: str,
        name: str,
        kinds: str = "f",
        columns: int | None = None,
        shape: tuple[int | None, ...] | None = None,
    ) -> npt.NDArray[Any]:
        """Load an npy file.

        Parameters
        ----------
        collection, name
            The dataset.
        kinds
            Allowed kinds of dtype (``f`` float, ``i`` and ``u`` integer, ``b`` bool).
        columns
            None for a vector, else the number of columns of a matrix.
        shape
            In the place of both: the shape of a row of an array of more than two dimensions, None where it may be any.

        Raises
        ------
        BadUpstreamData
            If the file is missing, truncated, or of another dtype or shape.
        """
        self.require(collection, name)
        path = self.label(collection, name)
        try:
            array = np.load(self._paths[path], allow_pickle=False)
        except Exception as error:  # a decoder of a damaged file raises anything: BadZipFile, TokenError, MemoryError
            raise self.bad(path, f"not a whole npy file: {error}") from error
        if not isinstance(array, np.ndarray):
            raise self.bad(path, "an archive of several arrays (npz), expected an npy file")
        if shape is not None:
            fits = array.ndim == len(shape) + 1
            fits = fits and all(want in (None, has) for want, has in zip(shape, array.shape[1:]))
            if array.dtype.kind not in kinds or not fits:
                wanted = ", ".join("any" if size is None else str(size) for size in shape)
                found = f"{array.dtype} of shape {array.shape}"
                raise self.bad(path, f"{found}, expected (n, {wanted}) of dtype kind {kinds!r}")
            return array
        if array.ndim == 2 and columns is None and array.shape[1] == 1:
            array = array[:, 0]  # some extractors wrote vectors as (n, 1)
        fits = array.ndim == 1 if columns is None else array.ndim == 2 and array.shape[1] == columns
        if array.dtype.kind not in kinds or not fits:
            text = "a vector" if columns is None else f"(n, {columns})"
            raise self.bad(path, f"{array.dtype} of shape {array.shape}, expected {text} of dtype kind {kinds!r}")
        return array

    def packed(self, collection: str, name: str, key: str) -> npt.NDArray[np.integer]:
        """Load a matrix of whole numbers from an npz file.

        Raises
        ------
        BadUpstreamData
            If the file is missing or damaged, or has no such matrix under ``key``.
        """
        self.require(collection, name)
        path = self.label(collection, name)
        # A row that repeats 256 times, as channels of waveforms do, packs as well as a bomb: bytes alone are limited.
        if problem := archive_problem(self._paths[path], most_bytes=MOST_UNPACKED_BYTES, most_ratio=None):
            raise self.bad(path, f"no array {key!r} can be read: {problem}")
        try:
            with np.load(self._paths[path], allow_pickle=False) as held:
                array = held[key]
        except Exception as error:  # of a damaged file, as in `array`: also KeyError, where there is no such array
            raise self.bad(path, f"no array {key!r} can be read: {error}") from error
        if array.ndim != 2 or array.dtype.kind not in "iu":
            raise self.bad(path, f"{array.dtype} of shape {array.shape}, expected whole numbers of shape (n, any)")
        return array

    def frames(self, collection: str, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """Load a file of bytes as (n, *shape) frames.

        Raises
        ------
        BadUpstreamData
            If the file is missing, cannot be read, or is no whole number of frames.
        """
        self.require(collection, name)
        path = self.label(collection, name)
        try:
            values = np.fromfile(self._paths[path], dtype=np.uint8)
        except OSError as error:
            raise self.bad(path, f"cannot be read: {error}") from error
        if len(values) % math.prod(shape):
            raise self.bad(path, f"{len(values)} bytes are no whole number of frames of {shape}")
        return values.reshape(-1, *shape)

    def table(self, collection: str, name: str) -> pd.DataFrame:
        """Load a parquet or csv file.

        Raises
        ------
        BadUpstreamData
            If the file is missing or cannot be parsed.
        """
        self.require(collection, name)
        path = self.label(collection, name)
        try:
            if not name.endswith(".csv"):
                return pd.read_parquet(self._paths[path])
            table = pd.read_csv(self._paths[path])
            if more := unnamed_fields(table):
                raise ValueError(more)
            return table
        except Exception as error:  # of a damaged file, as in `array`: also KeyError, of metadata that name no column
            found = (str(error).splitlines() or [""])[0]
            raise self.bad(path, f"cannot be parsed: {type(error).__name__}: {found}") from error

    def _path(self, collection: str, name: str) -> str | None:
        paths = self._by_name.get((collection, name), [])
        if len(paths) > 1:
            raise self.bad(
                f"{collection}/{name}",
                _several(paths),
                "Pin a revision (`revision` of the IBL settings).",
            )
        return paths[0] if paths else None


class VerifiedFiles(Protocol):
    """Who gives the files: the local tree, or the downloads."""

    def verified_files(self, session: Session, rows: pd.DataFrame) -> AbstractContextManager[GivenFiles]:
        """Give the local path of every row that can be had, by path relative to the session."""


def _several(paths: list[str]) -> str:
    return f"{len(paths)} revisions are all served by default: {', '.join(paths)}"


def usable_rows(session: SessionFiles, *groups: str) -> pd.DataFrame:
    """Return the rows of the files that the asset groups read, without those whose dataset QC is CRITICAL."""
    rows = _rows_of(session, groups)
    return rows[rows["qc"] != CRITICAL]


@contextmanager
def open_files(
    given: VerifiedFiles, session: SessionFiles, *groups: str, objects: tuple[str, ...] = ()
) -> Iterator[OpenFiles]:
    """Open the files that the asset groups read, verified; they are there only within the block.

    Of ``objects``, where named, alone: the channels of a sorting are some kB, its spikes a GB.
    """
    rows = _rows_of(session, groups)
    if objects:
        rows = rows[rows["name"].str.startswith(tuple(f"{name}." for name in objects))]
    with given.verified_files(session.session, rows[rows["qc"] != CRITICAL]) as paths:
        files = OpenFiles(session.session_id, rows, paths, session.session.source)
        for path in files.rows.loc[rows["qc"] == CRITICAL, "path"]:
            files.note(path, "dataset QC upstream is CRITICAL; not read")
        yield files


def _rows_of(session: SessionFiles, groups: tuple[str, ...]) -> pd.DataFrame:
    rows = pd.concat([session.of_group(group) for group in groups], ignore_index=True)
    return rows.drop_duplicates(["collection", "revision", "name"], ignore_index=True)  # some files are of two groups
