"""Addresses of IBL files: the key in the S3 bucket and the address on the HTTP server.

Contains the naming of both, from Alyx' file records or from the session and the dataset id alone. Add a place here.
Nothing here is downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import pandas as pd

from nh_platform.session import Session
from nh_platform.sources.ibl.catalogue.datasets import relative_path

BUCKET_FOLDER = "data"
"""Folder of the data in the bucket, beside the mirrors of whole labs under it."""


@dataclass(frozen=True)
class FileAddress:
    """Places of one file.

    Parameters
    ----------
    key
        Key in the S3 bucket, None where it is not there.
    url
        HTTP address, quoted (``#`` of a revision is ``%23``), None where it is not there.
    gone
        Where it lies nowhere any more: what upstream says now.
    """

    key: str | None
    url: str | None
    gone: str | None = None


def with_id(path: str, dataset_id: str) -> str:
    """Return a path with the dataset id before the extension, as files are named in the bucket and on the server.

    Examples
    --------
    >>> with_id("alf/#2024-05-06#/spikes.times.npy", "1b2c")
    'alf/#2024-05-06#/spikes.times.1b2c.npy'
    """
    stem, _, extension = path.rpartition(".")
    return f"{stem}.{dataset_id}.{extension}"


def conventional_addresses(session: Session, rows: pd.DataFrame, data_server: str) -> dict[str, FileAddress]:
    """Return the addresses that follow from the naming of IBL's public files, asking nobody.

    Parameters
    ----------
    session
        The session.
    rows
        Rows of the files table (schema `FILES`) with their ``dataset_id``.
    data_server
        HTTP address of the folder that holds the labs.

    Returns
    -------
    dict
        Address by path relative to the session.
    """
    folder = _folder(session.lab, session.subject, session.date, session.number)
    addresses = {}
    for collection, revision, name, dataset_id in rows[_COLUMNS].itertuples(index=False):
        path = relative_path(collection, revision, name)
        addresses[path] = _conventional(folder, path, str(dataset_id), data_server)
    return addresses


def conventional_urls(sessions: pd.DataFrame, files: pd.DataFrame, data_server: str) -> list[str | None]:
    """Return what `file_url` says of the `conventional_addresses` of every row of a files table.

    Parameters
    ----------
    sessions, files
        Schemas `SESSIONS` and `FILES`.
    data_server
        HTTP address of the folder that holds the labs.
    """
    facts = (sessions[name] for name in ("lab", "subject", "date", "number"))
    folders = {eid: _folder(lab or "", *rest) for eid, lab, *rest in zip(sessions["session_id"], *facts)}
    paths = map(relative_path, files["collection"], files["revision"], files["name"])
    rows = zip(files["session_id"], paths, files["dataset_id"])
    return [file_url(_conventional(folders[eid], path, str(did), data_server), None) for eid, path, did in rows]


def _folder(lab: str, subject: str, date: str, number: int) -> str:
    return f"{lab}/Subjects/{subject}/{date}/{number:03d}"


def _conventional(folder: str, path: str, dataset_id: str, data_server: str) -> FileAddress:
    place = f"{folder}/{with_id(path, dataset_id)}"
    return FileAddress(key=f"{BUCKET_FOLDER}/{place}", url=f"{data_server}/{quote(place)}")


def file_url(place: FileAddress, bucket: str | None) -> str | None:
    """Return the address that a person or another program is given for a file; None where it lies nowhere.

    Parameters
    ----------
    place
        Where the file lies.
    bucket
        Name of the S3 bucket, if there is one. Its address is given where the file is not served over HTTP.
    """
    return place.url or (f"s3://{bucket}/{place.key}" if bucket and place.key else None)


def id_of_record(record: Mapping[str, Any]) -> str:
    """Return the id of the dataset that a record of Alyx is of."""
    return str(record["url"]).rstrip("/").rpartition("/")[2]


def address_of_record(record: Mapping[str, Any], data_server: str | None = None) -> FileAddress:
    """Return where Alyx' record of a dataset says that it lies; nowhere, where no place of it exists.

    Parameters
    ----------
    record
        Alyx' record of the dataset.
    data_server
        HTTP address that counts where it lies on several servers.
    """
    # Not in the order of the records, which may differ at each reading; the bucket last, which is tried by its key.
    places = sorted(_existing(record), key=lambda place: (_is_s3(place), str(place.get("data_url"))))
    dataset_id = id_of_record(record)
    return FileAddress(
        key=next((_key(place, dataset_id) for place in places if _is_s3(place)), None),
        url=_url([str(place["data_url"]) for place in places if place.get("data_url")], data_server),
    )


def addresses_of_records(
    session: Session, rows: pd.DataFrame, records: list[dict[str, Any]], data_server: str | None = None
) -> dict[str, FileAddress]:
    """Return the addresses that Alyx' dataset records state; ``gone`` of those that they do not state any more.

    Parameters
    ----------
    session
        The session.
    rows
        Rows of the files table (schema `FILES`).
    records
        Alyx' records of these datasets.
    data_server
        HTTP address that counts where a dataset lies on several servers.
    """
    by_id = {id_of_record(record): record for record in records}
    addresses = {}
    for collection, revision, name, dataset_id in rows[_COLUMNS].itertuples(index=False):
        path = relative_path(collection, revision, name)
        record = by_id.get(str(dataset_id))
        places = [] if record is None else _existing(record)
        # A dataset that went before the tables were built anew is its readers' matter, not that of the whole session.
        if record is None or not places:
            addresses[path] = FileAddress(None, None, gone="upstream does not list it any more")
        elif not all(place["relative_path"].endswith(path) for place in places):
            elsewhere = places[0]["relative_path"]
            addresses[path] = FileAddress(None, None, gone=f"upstream has it at {elsewhere} now")
        else:
            addresses[path] = address_of_record(record, data_server)
    return addresses


_COLUMNS = ["collection", "revision", "name", "dataset_id"]


def _existing(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [place for place in record["file_records"] if place["exists"]]


def _is_s3(place: dict[str, Any]) -> bool:
    return str(place["data_repository"]).startswith("aws")


def _key(place: dict[str, Any], dataset_id: str) -> str:
    folder = str(place["data_repository_path"]).strip("/")
    return with_id(f"{folder}/{place['relative_path']}", dataset_id)


def _url(urls: list[str], data_server: str | None) -> str | None:
    chosen = next((url for url in urls if data_server and url.startswith(data_server)), urls[0] if urls else None)
    # unquoted first: some records carry a raw '#', which would start a fragment
    return None if chosen is None else quote(unquote(chosen), safe=":/")
