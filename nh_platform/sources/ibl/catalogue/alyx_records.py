"""Records of Alyx that its tables lack: of insertions, sessions and datasets, and its data notices.

Add a request here that needs an account and belongs into the manifest. What the manifest makes of the records is
`manifest_tables` and `manifest_additions`; how a list is read is `paginated_lists`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import pandas as pd

from nh_platform.session.tables.catalogue.releases import NOTICES
from nh_platform.sources.ibl.downloads.addresses import FileAddress, address_of_record, id_of_record
from nh_platform.sources.ibl.server.connection import OneConnection
from nh_platform.sources.ibl.server.one_errors import explain, status_of
from nh_platform.sources.ibl.server.paginated_lists import id_queries, read_list

QC_LEVELS = ("PASS", "WARNING", "FAIL", "CRITICAL")
"""Levels of a session's QC that say something (``alyx.data.models.QC``)."""

BESIDE = 4
"""Requests for single sessions beside each other."""

PER_MINUTE, BURST = 500, 400
"""Requests for single sessions in a minute, and before that is heeded; Alyx takes 550 of an account by default, and the
rest of a catalogue takes about 100."""

IMPORTANCE = {50: "CRITICAL", 40: "MAJOR", 30: "MINOR", 20: "INSIGNIFICANT"}
"""Levels of a data notice (``alyx.data.models.DataNotice.IMPORTANCE``, 3.6.1)."""

DatasetRecord = tuple[str, tuple[str, ...], FileAddress]
"""Dataset id, its release tags, and where it lies."""


def fetch_insertions(connection: OneConnection) -> pd.DataFrame:
    """Return every insertion: ``name`` and ``json``, index (``eid``, ``id``); ``eid`` is empty where there is none."""
    what = f"insertions of {connection.settings.url}"

    def take(record: Mapping[str, Any]) -> tuple[Any, ...]:
        return str(record.get("session") or "")[-36:], record["id"], record["name"], record.get("json")

    found = read_list(connection, "/insertions", what, take)
    eids, ids, names, json = zip(*found) if found else ((), (), (), ())
    index = pd.MultiIndex.from_arrays([list(eids), list(ids)], names=["eid", "id"])
    return pd.DataFrame({"name": list(names), "json": list(json)}, index=index, dtype=object)


def fetch_insertions_in(connection: OneConnection, acronym: str) -> list[str]:
    """Return the ids of the insertions of which a channel lies in a structure or in one below it, sorted.

    Alyx descends by itself, and counts alignments that are not final; the list has an insertion once for each channel
    that matches.
    """
    what = f"insertions of {connection.settings.url} in {acronym}"
    found = read_list(connection, f"/insertions?atlas_acronym={quote(acronym)}", what, lambda one: str(one["id"]))
    return sorted(set(found))


def fetch_session_qc(connection: OneConnection) -> dict[str, str]:
    """Return the QC of every session that has one, by session id.

    By one query for each level: the list of sessions does not state the QC, and asking for each session by itself is
    8,161 requests for what is public.
    """
    what = f"QC of the sessions of {connection.settings.url}"
    stated: dict[str, str] = {}
    for level in QC_LEVELS:
        stated |= dict.fromkeys(read_list(connection, f"/sessions?qc={level}", what, lambda r: str(r["id"])), level)
    return stated


def fetch_touched(connection: OneConnection, moment: datetime) -> set[str]:
    """Return the ids of the sessions whose record was touched after a moment; one request for 1,000 sessions.

    Alyx moves ``auto_datetime`` of a session with its QC and extended QC, and with much else: it may only be trusted to
    say what did not change.
    """
    path = f"/sessions?django=auto_datetime__gt,{quote(moment.isoformat(timespec='seconds'))}"
    return set(read_list(connection, path, f"sessions of {connection.settings.url}", lambda record: str(record["id"])))


def fetch_extended_qc(connection: OneConnection, session_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the extended QC of sessions by session id, empty where none is stated; one request each.

    No list states it. `BESIDE` requests go beside each other, and no more than Alyx takes in a minute. A session that
    upstream no longer has is not in the result: it was withdrawn after the tables were read.
    """
    import requests

    stated: dict[str, dict[str, Any]] = {}
    started = time.monotonic()
    for start in range(0, len(session_ids), BESIDE):
        some = session_ids[start : start + BESIDE]
        what = f"session {some[0]}"
        try:
            records = connection.ask(partial(_sessions, session_ids=some), what, raw=True)
        except requests.HTTPError as error:
            raise explain(error, what, connection.settings.url) from error
        for session_id, record in zip(some, records):
            if record is not None:
                extended = record.get("extended_qc")
                stated[session_id] = extended if isinstance(extended, dict) else {}
        due = started + max(start + len(some) - BURST, 0) * 60.0 / PER_MINUTE
        time.sleep(max(due - time.monotonic(), 0.0))
    return stated


def fetch_dataset_records(connection: OneConnection, session_ids: Sequence[str]) -> list[DatasetRecord]:
    """Return the record of every dataset of some sessions.

    By session and not by tag, ``/datasets?tag=``: a dataset lists its tags, so that one reading of 83 pages tells the
    membership of the Brain-wide Map's 82,390 datasets in every release, and where each lies.
    """
    what = f"datasets of {connection.settings.url}"
    data_server = connection.settings.data_server

    def take(record: Mapping[str, Any]) -> DatasetRecord:
        tags = tuple(sorted({str(tag) for tag in record.get("tags") or ()}))
        return id_of_record(record), tags, address_of_record(record, data_server)

    stated = []
    for path in id_queries("/datasets", "session", session_ids, str(connection.settings.url)):
        stated += read_list(connection, path, what, take)
    return stated


def fetch_notices(connection: OneConnection) -> pd.DataFrame:
    """Return the data notices: columns of schema `NOTICES`."""
    return notices_table(read_list(connection, "/data-notices", f"data notices of {connection.settings.url}", dict))


def notices_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return notices as a table; the first of the fields that hold a text is taken, a record without one left out."""
    rows = []
    for record in records:
        text = next((record[name] for name in ("text", "description", "name") if record.get(name)), None)
        if text is None:
            continue
        moment = next((record[name] for name in ("datetime", "created_datetime", "date") if record.get(name)), None)
        days = [str(record.get(f"affected_date_{end}") or "") for end in ("start", "end")]
        importance, name = record.get("importance"), record.get("name")
        row = {
            "notice_id": str(record.get("id") or text),
            "date": str(moment)[:10] if moment else None,
            "text": str(text),
            "title": str(name) if name and name != text else None,
            "importance": None if importance is None else IMPORTANCE.get(importance, str(importance)),
            "version_affected": record.get("version_affected") or None,
            "affected_dates": "/".join(days) if any(days) else None,
            "datasets": ",".join(sorted(str(one)[-36:] for one in record.get("datasets") or ())) or None,
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=NOTICES.names, dtype=object)


def _sessions(one: Any, session_ids: Sequence[str]) -> list[dict[str, Any] | None]:
    """Return the records of some sessions, None for one that is not there, asked for beside each other."""
    import requests

    def ask(session_id: str) -> dict[str, Any] | None:
        try:
            return dict(one.alyx.get(f"/sessions/{session_id}"))
        except requests.HTTPError as error:
            if status_of(error) != 404:
                raise
            return None

    with ThreadPoolExecutor(max_workers=BESIDE, thread_name_prefix="alyx") as pool:
        running = [pool.submit(ask, session_id) for session_id in session_ids]
    errors = [error for one_of in running if (error := one_of.exception()) is not None]
    # Where a token was revoked, ONE logs out in one thread and raises ValueError for want of a user in another.
    for error in sorted(errors, key=lambda error: isinstance(error, ValueError)):
        raise error
    return [one_of.result() for one_of in running]
