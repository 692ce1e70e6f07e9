"""The Allen Institute's warehouse as a catalogue: which session files it serves, and the tables, kept in a folder.

Contains the list of NWB files (``nwb_files.csv``) and the refreshing of AllenSDK's four tables beside it. Add here what
the catalogue of the warehouse needs. Reading those tables is `nh_platform.sources.allen.coding.cache_folder`; session
files are fetched in `warehouse_downloads`; what AllenSDK is called with is `nh_platform.sources.allen.sdk`.

The warehouse states no hash of any file. What tells one file from another there, and what AllenSDK downloads by, is the
id of the *well-known file*: that id is the weak identity of `FILE_IDENTITY`. Sizes and dates are never part of it. A
file whose bytes upstream replaced under the same id would look unchanged.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from filelock import FileLock

from nh_platform.downloads.deadlines import within
from nh_platform.session import BadUpstreamData
from nh_platform.sources.allen import sdk
from nh_platform.sources.allen.coding.downloads import ServedFile
from nh_platform.store.durable import write_durably

NWB_FILES_CSV = "nwb_files.csv"
TABLES = ("sessions.csv", "probes.csv", "channels.csv", "units.csv")
MANIFEST = "manifest.json"
FILE_IDENTITY = "well_known_file/{}"
"""Stands in a manifest where other sources have an md5."""

LOCK_NAME = "nh_platform.lock"
"""AllenSDK writes its tables in place, so that only one process may refresh a folder at a time."""

LIST_WAIT_S = 120.0
TABLES_WAIT_S = 3600.0
"""Longest waits: the list is one answer; the tables are 45 answers of 5,000 rows, one after the other."""

SIZE_TIMEOUT_S = (10.0, 30.0)
UNANSWERED_SIZES = 3
"""So many files in a row without a stated size, and the others are not asked for: 58 timeouts would be half an hour."""

_STAGING = ".tables.part"
_COLUMNS = ["id", "ecephys_session_id", "link", "size"]


class WarehouseFile(ServedFile):
    """One NWB file as the warehouse serves it, told from others by the id of the well-known file."""

    server = "warehouse"

    @property
    def identity(self) -> str:
        """What takes the place of the md5 in a manifest."""
        return FILE_IDENTITY.format(self.file_id)


@dataclass(frozen=True)
class WarehouseCatalogue:
    """The catalogue of a warehouse, kept in a folder that AllenSDK's `EcephysProjectCache` uses too.

    Parameters
    ----------
    root
        The folder.
    address
        The warehouse, scheme and host.
    """

    root: Path
    address: str = sdk.WAREHOUSE

    def address_of(self, file: ServedFile) -> str:
        """Return the address of a file, for any HTTP client."""
        return f"{self.address}/{file.link.lstrip('/')}"

    def ask(self, wait_s: float = LIST_WAIT_S) -> list[WarehouseFile]:
        """Return what the warehouse serves now, without sizes: one request, nothing is stored.

        Parameters
        ----------
        wait_s
            Longest wait for the answer.

        Raises
        ------
        BadUpstreamData
            If it cannot be asked in that time, or lists nothing.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        cache = sdk.warehouse_cache(self.root / MANIFEST, self.address)
        table = within(wait_s, lambda: sdk.list_warehouse_nwb_files(cache, self.address), f"warehouse {self.address}")
        missing = [name for name in ("id", "attachable_id", "download_link") if name not in table]
        if missing:
            found = f"lacks {', '.join(missing)}" if len(table) else "is empty"
            raise BadUpstreamData(
                f"warehouse {self.address}", f"its list of session files {found}", "Check the setting address."
            )
        newest = table.sort_values("id").drop_duplicates("attachable_id", keep="last").sort_values("attachable_id")
        return [
            WarehouseFile(str(int(session)), str(int(file_id)), str(link), None)
            for session, file_id, link in zip(newest["attachable_id"], newest["id"], newest["download_link"])
        ]

    def ask_lfp(self, session_id: str, probe_ids: Sequence[str]) -> list[WarehouseFile]:
        """Return the LFP files that the warehouse serves of some probes of a session, with their sizes.

        Raises
        ------
        BadUpstreamData
            If it cannot be asked in time.
        """
        if not probe_ids:
            return []
        self.root.mkdir(parents=True, exist_ok=True)
        cache = sdk.warehouse_cache(self.root / MANIFEST, self.address)
        ask = partial(sdk.list_warehouse_lfp_files, cache, self.address, probe_ids)
        table = within(LIST_WAIT_S, ask, f"warehouse {self.address}")
        if not len(table):
            return []
        newest = table.sort_values("id").drop_duplicates("attachable_id", keep="last").sort_values("attachable_id")
        rows = zip(newest["attachable_id"], newest["id"], newest["download_link"])
        return [
            WarehouseFile(
                session_id, str(int(id_)), str(link), served_version(self.address, link).size, str(int(probe))
            )
            for probe, id_, link in rows
        ]

    def stored(self) -> list[WarehouseFile] | None:
        """Return what the folder knows of the warehouse, by session; None where it was never asked.

        Raises
        ------
        BadUpstreamData
            If the list cannot be read.
        """
        path = self.root / NWB_FILES_CSV
        if not path.is_file():
            return None
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False)[_COLUMNS]
            return [
                WarehouseFile(session, file_id, link, int(size) if size else None)
                for file_id, session, link, size in table.itertuples(index=False)
            ]
        except (ValueError, KeyError, OSError) as error:
            raise BadUpstreamData(
                f"file {path.name}", f"it cannot be read: {error}", "Delete it; it is asked for again."
            ) from error

    def update(self) -> list[WarehouseFile]:
        """Ask the warehouse, bring the folder up to date, and return what it serves, by session.

        The tables are fetched again where a session file was added, replaced or withdrawn since they were, and where
        one of them is missing or does not list every session; what AllenSDK put there before is used otherwise. Kept
        sizes are not asked for again.

        Raises
        ------
        BadUpstreamData
            If the warehouse cannot be asked; the folder keeps what it had.
        """
        asked = self.ask()
        with FileLock(self.root / LOCK_NAME):
            before = self.stored()
            known = {file.file_id: file.size for file in before or []}
            moved = before is not None and {file.file_id for file in before} != {file.file_id for file in asked}
            if moved or not self._tables_list(asked):
                self._fetch_tables(afresh=moved or self._has_tables())
            sizes = self._sizes([file for file in asked if known.get(file.file_id) is None]) | {
                file_id: size for file_id, size in known.items() if size is not None
            }
            files = [WarehouseFile(f.session_id, f.file_id, f.link, sizes.get(f.file_id)) for f in asked]
            self._write(files)
        return files

    def _has_tables(self) -> bool:
        return all((self.root / name).is_file() for name in TABLES)

    def _tables_list(self, files: list[WarehouseFile]) -> bool:
        """Whether all tables are there and the one of sessions has every session."""
        if not self._has_tables():
            return False
        listed = set(pd.read_csv(self.root / TABLES[0], usecols=["id"], dtype=str)["id"])
        return {file.session_id for file in files} <= listed

    def _fetch_tables(self, *, afresh: bool) -> None:
        """Have AllenSDK write the tables beside, and put them in place once all are whole."""
        staging = self.root / _STAGING
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        for name in TABLES:
            if not afresh and (self.root / name).is_file():
                shutil.copy(self.root / name, staging)
        cache = sdk.warehouse_cache(staging / MANIFEST, self.address)
        ask = partial(sdk.fetch_warehouse_tables, cache, self.address)
        within(TABLES_WAIT_S, ask, f"warehouse {self.address}")
        for name in TABLES:
            os.replace(staging / name, self.root / name)
        shutil.rmtree(staging)

    def _sizes(self, files: list[WarehouseFile]) -> dict[str, int]:
        """Return how many bytes the server would send of each file, for those of which it says so."""
        found: dict[str, int] = {}
        unanswered = 0
        for file in files:
            size = served_version(self.address, file.link).size
            if size is not None:
                found[file.file_id] = size
            unanswered = unanswered + 1 if size is None else 0
            if unanswered == UNANSWERED_SIZES:
                break
        return found

    def _write(self, files: list[WarehouseFile]) -> None:
        rows = [(f.file_id, f.session_id, f.link, "" if f.size is None else str(f.size)) for f in files]
        text = pd.DataFrame(rows, columns=_COLUMNS).to_csv(index=False, lineterminator="\n")
        write_durably(self.root / NWB_FILES_CSV, text.encode())


@dataclass(frozen=True)
class ServedVersion:
    """What a server says of a file before it sends it, None where it does not say.

    Parameters
    ----------
    size
        Bytes.
    version
        Its ETag, else its Last-Modified: what an If-Range may state.
    """

    size: int | None = None
    version: str | None = None


def served_version(address: str, link: str) -> ServedVersion:
    """Return what the server says that it would send for a link."""
    import requests

    try:
        answer = requests.head(
            f"{address}/{link.lstrip('/')}",
            allow_redirects=True,
            timeout=SIZE_TIMEOUT_S,
            headers={"Accept-Encoding": "identity"},  # else the size is of the compressed answer
        )
    except requests.RequestException:
        return ServedVersion()
    if not answer.ok:
        return ServedVersion()
    length = answer.headers.get("Content-Length", "")
    tag = answer.headers.get("ETag", "")
    # A weak ETag (W/"…") may be the same for other bytes; If-Range must not state it (RFC 9110, 13.1.5).
    version = tag if tag.startswith('"') else answer.headers.get("Last-Modified")
    return ServedVersion(int(length) if length.isdigit() and int(length) > 0 else None, version)
