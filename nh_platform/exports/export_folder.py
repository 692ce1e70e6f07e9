"""The folder of an export: its files whole or not at all, and the record by which a second run knows what is current.

Contains the folder and its record. Add here what every export needs of the disk. What is in a file is its layout's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nh_platform.exports.origin import Origin
from nh_platform.session import ConfigError
from nh_platform.store.durable import alone, disk_in_words, write_durably

RECORD = "nh_export.json"
"""Names the layout of an export and, by path, what each of its files was made from, with sizes and hashes."""

_LOCK, _FRESH = ".nh_export.lock", ".new"


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
    """

    def __init__(self, folder: Path, layout: str) -> None:
        self.folder = folder
        self.layout = layout
        self.made: dict[str, Written] = self._read()

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
        return all(_size(self.folder / name) == size for name, (size, _) in made.files.items())

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
            If the disk is full, or cannot be written to.
        """
        final = self.folder / path
        with disk_in_words(self.folder):
            final.parent.mkdir(parents=True, exist_ok=True)
            fresh = final.with_name(f".{final.name}.{uuid.uuid4().hex[:8]}{_FRESH}")
            try:
                yield fresh
                # The record goes first: a file that is named by no record, or by that of its forerunner, is made again.
                files = {one.as_posix(): _hashed(fresh / one) for one in _files_of(fresh)}
                self._forget(path)
                _replace(fresh, final)
                at = {(path if one == "." else f"{path}/{one}"): hashed for one, hashed in files.items()}
                self.made[path] = Written(identity, tuple(asdict(one) for one in origins), at)
                self._write()
            finally:
                _remove(fresh)

    def restate(self, path: str, identity: str, origins: Sequence[Origin]) -> None:
        """Say anew what a file was made from: less than was meant to, so that it is not current."""
        self.made[path] = replace(self.made[path], identity=identity, origins=tuple(asdict(one) for one in origins))
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
        with alone(self.folder / _LOCK, busy):
            self.made = self._read()
            for left in self.folder.rglob(f".*{_FRESH}"):  # of a process that was killed
                _remove(left)
            if not (self.folder / RECORD).exists():
                self._write()
            try:
                yield
            finally:
                (self.folder / _LOCK).unlink(missing_ok=True)
                if not self.made:
                    self._leave_nothing(was_there)

    def _leave_nothing(self, was_there: bool) -> None:
        """Remove what an export without any file made: the folder can be used for another layout."""
        (self.folder / RECORD).unlink(missing_ok=True)
        emptied = sorted((one for one in self.folder.rglob("*") if one.is_dir()), reverse=True)
        for one in [*emptied, *([] if was_there else [self.folder])]:
            with suppress(OSError):  # it holds something, which is another's
                one.rmdir()

    def _read(self) -> dict[str, Written]:
        action = "Take a folder that is empty or not there yet."
        if not self.folder.exists():
            return {}
        if not self.folder.is_dir():
            raise ConfigError(str(self.folder), "it is a file", action)
        record = self.folder / RECORD
        if not record.is_file():
            others = sorted(one.name for one in self.folder.iterdir() if one.name != _LOCK)
            if others:
                shown = ", ".join(others[:3]) + (" …" if len(others) > 3 else "")
                raise ConfigError(str(self.folder), f"it holds something else: {shown}", action)
            return {}
        try:
            content = json.loads(record.read_text(encoding="utf-8"))
            layout, files = content["layout"], {path: _written(one) for path, one in content["files"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(str(record), "it is damaged", action) from None
        if layout != self.layout and files:
            raise ConfigError(str(self.folder), f"it holds an export of layout {layout}, not {self.layout}", action)
        return files

    def _forget(self, path: str) -> None:
        if self.made.pop(path, None) is not None:
            self._write()

    def _write(self) -> None:
        content = {"layout": self.layout, "files": {path: asdict(one) for path, one in sorted(self.made.items())}}
        write_durably(self.folder / RECORD, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _replace(fresh: Path, final: Path) -> None:
    if final.is_dir():
        shutil.rmtree(final)
    fresh.replace(final)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _written(stated: Mapping[str, Any]) -> Written:
    files = {name: (int(size), str(digest)) for name, (size, digest) in stated["files"].items()}
    return Written(str(stated["identity"]), tuple(stated["origins"]), files)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _files_of(written: Path) -> list[Path]:
    """Return the files of what was written, from there: ``.`` where it is a file itself."""
    if not written.is_dir():
        return [Path()]
    return sorted(one.relative_to(written) for one in written.rglob("*") if one.is_file())


def _hashed(path: Path) -> tuple[int, str]:
    with path.open("rb") as handle:
        return path.stat().st_size, hashlib.file_digest(handle, "sha256").hexdigest()
