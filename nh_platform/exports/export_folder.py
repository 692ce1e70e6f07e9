"""The folder of an export: its files whole or not at all, and the record by which a second run knows what is current.

Contains the folder and its record. Add here what every export needs of the disk. What is in a file is its layout's.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nh_platform.exports.folder_entries import (
    FRESH,
    files_of,
    hashed,
    in_words,
    is_linked,
    regular_size,
    remove,
    replace,
)
from nh_platform.exports.origin import Origin
from nh_platform.session import ConfigError, StoreError
from nh_platform.store.durable import alone, disk_in_words, is_half_written, write_durably

RECORD = "nh_export.json"
"""Names the layout of an export and, by path, what each of its files was made from, with sizes and hashes."""

LOCK = ".nh_export.lock"


@dataclass(frozen=True)
class Written:
    """What the record says of a session's file, or folder of files.

    Parameters
    ----------
    identity
        Identity of what it was made from.
    origins
        Origin, terms and citations of each session in it, as `Origin` has them.
    files
        Size in bytes and sha256 (64 hexadecimal digits) by path from the folder of the export.
    """

    identity: str
    origins: tuple[Mapping[str, Any], ...]
    files: Mapping[str, tuple[int, str]]


class ExportFolder:
    """A folder that an export writes into.

    Parameters
    ----------
    folder
        The folder; made with the first file.
    layout
        Name of the layout.

    Raises
    ------
    ConfigError
        If it is a file, or holds something else than an export of the layout.
    StoreError
        If it cannot be read, or its name is longer than the disk takes.

    Attributes
    ----------
    made
        What was written, by path of the file or folder.
    beside
        Size in bytes and sha256 of what the layout wrote beside the sessions, by path.
    """

    def __init__(self, folder: Path, layout: str) -> None:
        self.folder = folder
        self.layout = layout
        self.made: dict[str, Written] = {}
        self.beside: dict[str, tuple[int, str]] = {}
        self._read()

    @classmethod
    def opened(cls, folder: Path) -> ExportFolder:
        """Return the folder of an export that was written, whatever its layout.

        Raises
        ------
        ConfigError
            If it holds none.
        """
        try:
            layout = str(json.loads((folder / RECORD).read_text(encoding="utf-8"))["layout"])
        except (OSError, ValueError, KeyError, TypeError):
            action = "Give the folder that `nh export` wrote into."
            raise ConfigError(str(folder), f"it holds no export: there is no usable {RECORD}", action) from None
        return cls(folder, layout)

    def is_current(self, path: str, identity: str) -> bool:
        """Return whether a file is there, in its size, and was made of what ``identity`` says."""
        made = self.made.get(path)
        if made is None or made.identity != identity:
            return False
        return all(regular_size(self.folder, name) == size for name, (size, _) in made.files.items())

    @contextmanager
    def writing(self, path: str, identity: str, origins: Sequence[Origin] = ()) -> Iterator[Path]:
        """Give the place where a file, or folder, is to be written; it gets its name when all of it is there.

        Parameters
        ----------
        path
            Its path from the folder.
        identity
            Identity of what it is made from.
        origins
            Origin of each session in it.

        Raises
        ------
        StoreError
            If the disk is full, or cannot be written to, or a folder of the path is a link; what was there stays.
        """
        final = self.folder / path
        fresh = final.with_name(f".{final.name}.{uuid.uuid4().hex[:8]}{FRESH}")
        if is_linked(self.folder, Path(path).parent):
            raise StoreError(str(final.parent), "it is a link, and nothing is written through one", "Remove the link.")
        try:
            with disk_in_words(self.folder):  # Judged before the rest is removed, while a full disk is still full.
                final.parent.mkdir(parents=True, exist_ok=True)
                yield fresh
                files = {one.as_posix(): hashed(fresh / one) for one in files_of(fresh)}
                at = {(path if one == "." else f"{path}/{one}"): found for one, found in files.items()}
                with self._forgotten(path):
                    replace(fresh, final)
                self.made[path] = Written(identity, tuple(asdict(one) for one in origins), at)
                self._write()
        finally:
            with disk_in_words(self.folder):
                remove(fresh)

    def restate(self, path: str, identity: str, origins: Sequence[Origin]) -> None:
        """Say anew what a file was made from: less than was meant to, so that it is not current."""
        self.made[path] = dataclasses.replace(
            self.made[path], identity=identity, origins=tuple(asdict(one) for one in origins)
        )
        self._write()

    def restate_beside(self, names: Sequence[str]) -> None:
        """Say which files the layout wrote beside the sessions, paths from the folder."""
        with disk_in_words(self.folder):
            self.beside = {name: hashed(self.folder / name) for name in names}
            self._write()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Write while no other process does.

        Raises
        ------
        ConfigError
            If another one does.
        """
        was_there = self.folder.exists()
        with disk_in_words(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        busy = ConfigError(str(self.folder), "another export writes into it", "Wait for it, or take another folder.")
        with alone(self.folder / LOCK, busy):
            self._read()
            with disk_in_words(self.folder):
                self._remove_half_written()
                if not (self.folder / RECORD).exists():
                    self._write()
            try:
                yield
            finally:
                (self.folder / LOCK).unlink(missing_ok=True)
                if not self.made:
                    self._leave_nothing(was_there)

    def _leave_nothing(self, was_there: bool) -> None:
        """Remove what an export without any file made: the folder can be used for another layout."""
        (self.folder / RECORD).unlink(missing_ok=True)
        emptied = sorted((one for one in self.folder.rglob("*") if one.is_dir()), reverse=True)
        for one in [*emptied, *([] if was_there else [self.folder])]:
            with suppress(OSError):  # it holds something, which is another's
                one.rmdir()

    def _remove_half_written(self) -> None:
        """Remove what a process that was killed was writing: files of sessions, hidden, and records beside them."""
        hidden = (one for one in self.folder.rglob(".*") if is_half_written(one.name))
        records = (one for one in self.folder.glob("*") if is_half_written(one.name) and not one.is_dir())
        for left in [*hidden, *records]:
            remove(left)

    def _read(self) -> None:
        """Read the record; a folder without one must be empty, but for what was left of the writing of one."""
        action = "Take a folder that is empty or not there yet."
        record, self.made, self.beside = self.folder / RECORD, {}, {}
        with disk_in_words(self.folder):
            if not self.folder.exists():
                return
            if not self.folder.is_dir():
                raise ConfigError(str(self.folder), "it is a file", action)
            if not record.is_file():
                names = sorted(one.name for one in self.folder.iterdir())
                others = [one for one in names if one != LOCK and not is_half_written(one, RECORD)]
                if others:
                    shown = ", ".join(map(in_words, others[:3])) + (" …" if len(others) > 3 else "")
                    raise ConfigError(str(self.folder), f"it holds something else: {shown}", action)
                return
            content = record.read_bytes()
        try:
            stated = json.loads(content)
            layout, files = stated["layout"], {path: _written(one) for path, one in stated["files"].items()}
            beside = _sizes(stated.get("beside", {}))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(str(record), "it is damaged", action) from None
        if layout != self.layout and files:
            raise ConfigError(str(self.folder), f"it holds an export of layout {layout}, not {self.layout}", action)
        self.made, self.beside = files, beside

    @contextmanager
    def _forgotten(self, path: str) -> Iterator[None]:
        """Take a file out of the record while it is replaced, and put it back where that fails.

        A process that is killed meanwhile leaves a file that no record names, which is made again.
        """
        before = self.made.pop(path, None)
        try:
            if before is not None:
                self._write()
            yield
        except OSError:
            if before is not None:
                self.made[path] = before
                with suppress(OSError):  # the first error is told; the next record has it
                    self._write()
            raise

    def _write(self) -> None:
        content = {
            "layout": self.layout,
            "files": {path: asdict(one) for path, one in sorted(self.made.items())},
            "beside": dict(sorted(self.beside.items())),
        }
        write_durably(self.folder / RECORD, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _written(stated: Mapping[str, Any]) -> Written:
    return Written(str(stated["identity"]), tuple(stated["origins"]), _sizes(stated["files"]))


def _sizes(stated: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    return {name: (int(size), str(digest)) for name, (size, digest) in stated.items()}
