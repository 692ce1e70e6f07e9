"""REST payloads and ONE tables of a state, with the fields that ONE-api 3.6.1 reads.

Add a field here when the client needs it. Which records a query selects is `filters`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from nh_platform_tests.loopback.state import AlyxState, Record

QC_LEVELS = ("NOT_SET", "PASS", "WARNING", "FAIL", "CRITICAL")
MIN_API_VERSION = "2.10"
ORIGIN = "alyx"


class Payloads:
    """Payloads of a state.

    Parameters
    ----------
    state
        The database.
    base_url, data_server
        Addresses of Alyx and of the bulk files.
    """

    def __init__(self, state: AlyxState, base_url: str, data_server: str) -> None:
        self.state, self.base_url, self.data_server = state, base_url, data_server

    def session(self, record: Record, detail: bool = False) -> Record:
        """Return a session; in detail with its QC, extended QC and datasets."""
        listed = ("id", "lab", "subject", "start_time", "number", "task_protocol", "projects")
        stated = record if detail else {key: record[key] for key in listed}
        payload = {**stated, "url": f"{self.base_url}/sessions/{record['id']}"}
        if detail:
            related = [d for d in self.state.datasets.values() if d["session"] == record["id"] and d["exists"]]
            payload["data_dataset_session_related"] = [self._related(dataset) for dataset in related]
        return payload

    def _related(self, dataset: Record) -> Record:
        return {
            "id": dataset["id"],
            "name": dataset["name"],
            "dataset_type": ".".join(dataset["name"].split(".")[:2]),
            "data_url": self._data_url(dataset),
            "url": f"{self.base_url}/datasets/{dataset['id']}",
            "file_size": dataset["file_size"],
            "hash": dataset["hash"],
            "version": None,
            "collection": dataset["collection"],
            "revision": dataset["revision"],
            "default_revision": str(dataset["default"]),  # a text upstream too
            "qc": dataset["qc"],
        }

    def insertion(self, record: Record, detail: bool = False) -> Record:
        """Return an insertion; in detail with its datasets."""
        session = self.state.sessions[record["session"]] if record["session"] else None
        keys = ("subject", "start_time", "number", "lab", "id", "projects", "task_protocol")
        payload = {
            **record,
            "url": f"{self.base_url}/insertions/{record['id']}",
            "session_info": session and {key: session[key] for key in keys},
        }
        if detail:
            payload["datasets"] = [
                dataset["id"]
                for dataset in self.state.datasets.values()
                if dataset["session"] == record["session"] and f"/{record['name']}" in dataset["collection"]
            ]
        return payload

    def dataset(self, record: Record, detail: bool = False) -> Record:
        """Return a dataset with its file records."""
        session = self.state.sessions[record["session"]]
        lab, relative = session["lab"], self.state.file_path(record).split("/Subjects/", 1)[1]
        stem, _, extension = relative.rpartition(".")
        place = {
            "data_repository_path": f"/public/{lab}/Subjects/",
            "relative_path": f"{stem.rpartition('.')[0]}.{extension}",
            "exists": record["exists"],
        }
        records = [{**place, "data_repository": f"flatiron_{lab}", "data_url": self._data_url(record)}]
        if self.state.aws_bucket:
            aws = {"data_repository": f"aws_{lab}", "data_repository_path": f"data/{lab}/Subjects/", "data_url": None}
            records.append({**place, **aws})
        return {
            "url": f"{self.base_url}/datasets/{record['id']}",
            "session": f"{self.base_url}/sessions/{record['session']}",
            "subject": session["subject"],
            "dataset_type": ".".join(record["name"].split(".")[:2]),
            "default_dataset": record["default"],
            "file_records": records,
            **{key: record[key] for key in ("name", "collection", "revision", "file_size", "hash", "qc")},
            **{key: record[key] for key in ("tags", "auto_datetime")},
            "version": None,
        }

    def _data_url(self, dataset: Record) -> str:
        return f"{self.data_server}/{self.state.file_path(dataset)}"

    def cache_info(self, tag: str | None) -> Record:
        """Return what cache/info answers."""
        info: Record = {
            "date_created": self.state.date_created,
            "min_api_version": MIN_API_VERSION,
            "origin": ORIGIN,
            "database_tags": [tag] if tag else [],
        }
        if not self.state.omit_location:
            info["location"] = f"{self.base_url}/{f'cache/{tag}/' if tag else ''}cache.zip"
        return info

    def cache_zip(self, tag: str | None, insertions: bool = False) -> bytes:
        """Return the zip of the ONE tables, of a tag's datasets or of all; with a table of insertions if asked for."""
        from iblutil.io import parquet

        datasets = [d for d in self.state.datasets.values() if tag is None or tag in d["tags"]]
        eids = {dataset["session"] for dataset in datasets}
        sessions = [s for s in self.state.sessions.values() if tag is None or s["id"] in eids]
        metadata: dict[str, Any] = {
            "date_created": self.state.date_created,
            "min_api_version": MIN_API_VERSION,
            "origin": ORIGIN,
        }
        if tag:
            metadata["database_tags"] = [tag]
        content = io.BytesIO()
        with TemporaryDirectory() as folder, zipfile.ZipFile(content, "w") as archive:
            order = -1 if self.state.reversed_projects else 1
            tables = {"sessions": _sessions_table(sessions, order), "datasets": _datasets_table(datasets)}
            if self.state.pandas_3:
                tables["datasets"]["rel_path"] = [_with_nan(path) for path in tables["datasets"]["rel_path"]]
            if insertions:
                eids = {session["id"] for session in sessions}
                tables["insertions"] = _insertions_table(
                    r for r in self.state.insertions.values() if r["session"] in eids
                )
            for name, table in tables.items():
                file = Path(folder, f"{name}.pqt")
                parquet.save(file, table, metadata)
                archive.write(file, file.name)
        return content.getvalue()


def _with_nan(rel_path: str) -> str:
    folder, _, name = rel_path.rpartition("/")
    return rel_path if "#" in rel_path else f"{folder}/#nan#/{name}"


def _sessions_table(records: Iterable[Record], order: int) -> pd.DataFrame:
    rows = [
        {
            "id": r["id"],
            "lab": r["lab"],
            "subject": r["subject"],
            "date": pd.Timestamp(r["start_time"]).date(),
            "number": r["number"],
            "task_protocol": r["task_protocol"],
            "projects": ",".join(r["projects"][::order]),
        }
        for r in records
    ]
    columns = ["id", "lab", "subject", "date", "number", "task_protocol", "projects"]
    return pd.DataFrame(rows, columns=columns).astype({"number": "uint16"}).set_index("id").sort_index()


def _insertions_table(records: Iterable[Record]) -> pd.DataFrame:
    rows = [
        {"eid": r["session"], "id": r["id"], "name": r["name"], "model": r["model"], "json": json.dumps(r["json"])}
        for r in records
    ]
    return pd.DataFrame(rows, columns=["eid", "id", "name", "model", "json"]).set_index(["eid", "id"]).sort_index()


def _datasets_table(records: Iterable[Record]) -> pd.DataFrame:
    rows = [
        {
            "eid": r["session"],
            "id": r["id"],
            "rel_path": r["rel_path"],
            "file_size": r["file_size"],
            "hash": r["hash"],
            "exists": r["exists"],
            "qc": r["qc"],
            "default_revision": r["default"],
        }
        for r in records
    ]
    columns = ["eid", "id", "rel_path", "file_size", "hash", "exists", "qc", "default_revision"]
    table = pd.DataFrame(rows, columns=columns)
    table["qc"] = pd.Categorical(table["qc"], categories=QC_LEVELS, ordered=True)
    dtypes = {"file_size": "UInt64", "exists": bool, "default_revision": bool}
    return table.astype(dtypes).set_index(["eid", "id"]).sort_index()
