"""Arrays ↔ HDF5, compressed, with the unit of measure and meaning of every dataset as attributes.

Add here what every HDF5 file needs. What a file holds is stated by the codec that calls these.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.session.errors import StoreError
from nh_platform.session.recording import Note
from nh_platform.store.file_hashes import verified
from nh_platform.store.objects.address import shown

ZSTD_LEVEL = 3
CHUNK_BYTES = 1 << 20
"""1 MiB chunks: large enough for zstd, small enough that a time slice reads little."""


@contextmanager
def create_file(path: Path) -> Iterator[Any]:
    """Open a new HDF5 file whose bytes depend on its content alone (no timestamps).

    Raises
    ------
    OSError
        If the disk is full. The bytes go through a Python file that remembers the error: HDF5's own driver leaves an
        unclosable file behind when a write fails, and the process then dies of a segmentation fault at its exit.
    """
    import h5py

    with path.open("xb+", buffering=0) as raw:
        checked = _CheckedFile(raw)
        try:
            with h5py.File(checked, "w", libver=("v110", "v110"), track_order=False) as handle:
                yield handle
        except (OSError, RuntimeError) as error:
            raise checked.error or error from error
        if checked.error is not None:
            raise checked.error


class _CheckedFile:
    """A binary file that takes writes for granted once one has failed, and keeps the error."""

    def __init__(self, raw: io.FileIO) -> None:
        self._raw = raw
        self.error: OSError | None = None

    def write(self, data: memoryview) -> int:
        size = len(data)
        if self.error is None:
            try:
                written = 0
                while written < size:
                    written += self._raw.write(data[written:])
            except OSError as error:
                self.error = error
        if self.error is not None:
            self._raw.seek(size, io.SEEK_CUR)
        return size

    def read(self, size: int = -1) -> bytes:
        return self._raw.read(size) or b""

    def readinto(self, buffer: memoryview) -> int:
        return self._raw.readinto(buffer) or 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._raw.truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def flush(self) -> None:
        self._raw.flush()


@contextmanager
def open_file(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading.

    Raises
    ------
    DamagedFile
        If it belongs to a published version and is not the bytes that were published (`verified`).
    StoreError
        If the file is missing or is not a whole HDF5 file.
    """
    import h5py
    import hdf5plugin  # noqa: F401  registers the zstd filter

    try:
        handle = h5py.File(verified(path), "r")
    except OSError as error:
        raise StoreError(shown(path), f"it cannot be read: {error}", "Materialize the asset again.") from error
    with handle:
        yield handle


def create_dataset(
    group: Any,
    name: str,
    array: npt.NDArray[Any],
    *,
    unit: str,
    meaning: str,
    chunks: tuple[int, ...] | None = None,
) -> Any:
    """Write ``array`` as a zstd-compressed, shuffled dataset with attributes ``unit`` and ``meaning``.

    zstd 3 with shuffle: 100 MB and 0.33 s against 101 MB and 2.99 s of gzip 4 on 11.5 M spikes.
    """
    import hdf5plugin

    array = np.ascontiguousarray(array)
    options: dict[str, Any] = {}
    if array.size:
        options = {
            "chunks": chunks or _default_chunks(array),
            "shuffle": True,
            "compression": hdf5plugin.Zstd(clevel=ZSTD_LEVEL),
        }
    dataset = group.create_dataset(name, data=array, track_times=False, **options)
    dataset.attrs["unit"] = unit
    dataset.attrs["meaning"] = meaning
    return dataset


def write_notes(handle: Any, notes: Iterable[Note]) -> None:
    """Write what was left out of a file as its attributes ``note_subjects`` and ``note_texts``; nothing of origins."""
    notes = [note for note in notes if not note.is_origin]
    handle.attrs["note_subjects"] = [note.subject for note in notes]
    handle.attrs["note_texts"] = [note.text for note in notes]


def read_notes(handle: Any) -> tuple[Note, ...]:
    """Return the notes that `write_notes` wrote."""
    subjects, texts = handle.attrs["note_subjects"], handle.attrs["note_texts"]
    return tuple(Note(str(subject), str(text)) for subject, text in zip(subjects, texts))


def _default_chunks(array: npt.NDArray[Any]) -> tuple[int, ...]:
    """Return chunks of about 1 MiB that span the trailing axes."""
    row_bytes = max(int(array.itemsize * np.prod(array.shape[1:])), 1)
    rows = min(max(CHUNK_BYTES // row_bytes, 1), len(array))
    return (rows, *array.shape[1:])
