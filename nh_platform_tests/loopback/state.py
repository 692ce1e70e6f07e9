"""What the Alyx stand-in knows: sessions, insertions, datasets, tags, notices, and every way a release changes them.

Built from an ALF tree with ONE tables, and brought up to date with it by `sync_tree` after files were changed there.
Add a change of upstream here. Timestamps come from a counter, so that a history repeats exactly; which of them a
change moves is as seen on a real Alyx 3.6.1.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

Record = dict[str, Any]

START = datetime(2024, 1, 1)


class AlyxState:
    """A mutable Alyx database over an ALF tree.

    Parameters
    ----------
    root
        The ALF tree.
    tables
        Folder of its ``sessions.pqt``, ``datasets.pqt`` and ``insertions.pqt``; ``root`` where not given.

    Attributes
    ----------
    sessions, insertions, datasets
        Records by id.
    subjects
        Records by nickname.
    trajectories, channels, notices
        Lists of records.
    tags, revisions
        Records by name.
    users
        Password by user name.
    tokens
        User name by token.
    omit_location
        Leave ``location`` out of cache/info, as an Alyx with a file:// table root does.
    pandas_3
        Write the tables as pandas 3 made Alyx write them: ``#nan#`` where a dataset has no revision.
    reversed_projects
        Join the projects of a session in the opposite order: the tables join a set, which has none.
    regions
        Acronyms of the structures in which the channels of an insertion lie, by its id.
    aggregates
        Content of the tables of whole releases in the bucket, by ``<tag>/<file name>``.
    aws_bucket
        Name of the bucket that data-repository/aws_cortexlab states; 404 where None.
    """

    def __init__(self, root: Path, tables: Path | None = None) -> None:
        self.root, self.tables = root, tables or root
        self.lock = threading.RLock()
        self.sessions: dict[str, Record] = {}
        self.subjects: dict[str, Record] = {}
        self.insertions: dict[str, Record] = {}
        self.datasets: dict[str, Record] = {}
        self.trajectories: list[Record] = []
        self.channels: list[Record] = []
        self.notices: list[Record] = []
        self.tags: dict[str, Record] = {}
        self.revisions: dict[str, Record] = {}
        self.users = {"reader": "secret"}
        self.tokens: dict[str, str] = {}
        self.omit_location = False
        self.pandas_3 = False
        self.reversed_projects = False
        self.regions: dict[str, tuple[str, ...]] = {}
        self.aggregates: dict[str, bytes] = {}
        self.aws_bucket: str | None = None
        self._ticks = 0
        self._issued = 0
        self.sync_tree()

    def now(self) -> str:
        """Return the time of the next event: one minute after the last, the resolution of cache/info."""
        self._ticks += 1
        return (START + timedelta(minutes=self._ticks)).isoformat()

    @property
    def date_created(self) -> str:
        """When the ONE tables were written last: after the last change."""
        return (START + timedelta(minutes=self._ticks)).isoformat(sep=" ", timespec="minutes")

    # what is in the tree ------------------------------------------------------------------------------------------

    def sync_tree(self) -> None:
        """Take over what the tree's ONE tables say now: new, replaced and withdrawn sessions and datasets."""
        with self.lock:
            self._sync_sessions(_rows(self.tables / "sessions.pqt", ["id"]))
            path = self.tables / "insertions.pqt"
            self._sync_insertions(_rows(path, ["eid", "id"]) if path.exists() else [])
            self._sync_datasets(_rows(self.tables / "datasets.pqt", ["eid", "id"]))

    def _sync_sessions(self, rows: list[Record]) -> None:
        found = {row["id"]: row for row in rows}
        for gone in set(self.sessions) - set(found):
            del self.sessions[gone]
        for eid, row in found.items():
            stated = {
                "id": eid,
                "lab": row["lab"],
                "subject": row["subject"],
                "start_time": f"{row['date']}T10:00:00",
                "number": int(row["number"]),
                "task_protocol": row["task_protocol"],
                "projects": [name for name in str(row["projects"]).split(",") if name],
            }
            if eid not in self.sessions:
                self.sessions[eid] = {**stated, "qc": "NOT_SET", "extended_qc": {}, "auto_datetime": self.now()}
            self.sessions[eid].update(stated)
            self.subjects.setdefault(row["subject"], self._subject(row))

    @staticmethod
    def _subject(row: Record) -> Record:
        """Return an animal with the fields of Alyx's list of subjects, a female born 100 days before the session."""
        return {
            "nickname": row["subject"],
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, row["subject"])),
            "birth_date": str((pd.Timestamp(row["date"]) - timedelta(days=100)).date()),
            "age_weeks": 14,
            "death_date": None,
            "species": "Laboratory mouse",
            "sex": "F",
            "litter": None,
            "strain": "C57BL/6J",
            "source": None,
            "line": "C57BL/6J",
            "lab": row["lab"],
            "genotype": [],
            "description": "",
            "alive": True,
        }

    def _sync_insertions(self, rows: list[Record]) -> None:
        found = {row["id"]: row for row in rows if row["eid"] in self.sessions}
        for gone in set(self.insertions) - set(found):
            del self.insertions[gone]
        for pid, row in found.items():
            if pid in self.insertions:
                continue
            details = row.get("json")
            self.insertions[pid] = {
                "id": pid,
                "session": row["eid"],
                "name": row["name"],
                "model": row.get("model") or "3B2",
                "serial": row.get("serial"),
                "json": json.loads(details) if isinstance(details, str) else (details or {}),
                "auto_datetime": self.now(),
            }

    def _sync_datasets(self, rows: list[Record]) -> None:
        found = {row["id"]: row for row in rows if row["eid"] in self.sessions}
        for gone in set(self.datasets) - set(found):
            del self.datasets[gone]
        for did, row in found.items():
            folder, _, name = row["rel_path"].rpartition("/")
            collection, _, revision = folder.partition("#")
            stated = {
                "session": row["eid"],
                "rel_path": row["rel_path"],
                "collection": collection.strip("/"),
                "revision": revision.strip("#/") or None,
                "name": name,
                "file_size": int(row["file_size"]),
                "hash": row["hash"] or None,
                "default": bool(row.get("default_revision", True)),
                "exists": bool(row["exists"]),
            }
            if stated["revision"]:
                self.revisions.setdefault(
                    stated["revision"], {"name": stated["revision"], "description": f"revision {stated['revision']}"}
                )
            known = self.datasets.get(did)
            if known is None:
                self.datasets[did] = {
                    "id": did,
                    **stated,
                    "qc": str(row.get("qc", "NOT_SET")),
                    "tags": [],
                    "auto_datetime": self.now(),
                }
                self.sessions[row["eid"]]["auto_datetime"] = self.now()
            elif any(known[key] != value for key, value in stated.items()):
                known.update(stated, auto_datetime=self.now())  # an overwritten file does not move the session

    # what upstream changes ----------------------------------------------------------------------------------------

    def find(self, eid: str, rel_path: str) -> Record:
        """Return the dataset at a path relative to its session."""
        return next(d for d in self.datasets.values() if d["session"] == eid and d["rel_path"] == rel_path)

    def patch_file(self, eid: str, rel_path: str, content: bytes) -> None:
        """Overwrite a file in place: its id stays, its hash and time move, its session's time does not."""
        with self.lock:
            dataset = self.find(eid, rel_path)
            self.local_path(dataset).write_bytes(content)
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            dataset.update(hash=md5, file_size=len(content), auto_datetime=self.now())

    def set_session_qc(self, eid: str, qc: str, **extended: Any) -> None:
        """Change a session's QC and parts of its extended QC."""
        with self.lock:
            self.sessions[eid]["extended_qc"] |= extended
            self.sessions[eid].update(qc=qc, auto_datetime=self.now())

    def set_dataset_qc(self, eid: str, rel_path: str, qc: str) -> None:
        """Change the QC of one dataset."""
        with self.lock:
            self.find(eid, rel_path).update(qc=qc, auto_datetime=self.now())

    def set_insertion(self, pid: str, **details: Any) -> None:
        """Change an insertion's json, for example ``alignment_resolved`` or ``qc``."""
        with self.lock:
            self.insertions[pid]["json"] |= details
            self.insertions[pid]["auto_datetime"] = self.now()

    def add_alignment(self, pid: str, author: str) -> None:
        """Store another alignment of an insertion: a trajectory, and nothing else moves."""
        with self.lock:
            self.trajectories.append(
                {
                    "id": str(uuid.UUID(int=len(self.trajectories) + 1, version=4)),
                    "probe_insertion": pid,
                    "provenance": "Ephys aligned histology track",
                    "json": {f"2024-01-01T00:00:00_{author}": []},
                    "datetime": self.now(),
                }
            )

    def add_tag(self, name: str, dataset_ids: list[str], description: str = "") -> None:
        """Tag datasets, which is how a release is made; moves no timestamp at all."""
        with self.lock:
            self.tags.setdefault(name, {"name": name, "description": description, "public": True, "protected": False})
            for did in dataset_ids:
                tags = self.datasets[did]["tags"]
                if name not in tags:
                    tags.append(name)

    def add_notice(self, text: str, **facts: Any) -> Record:
        """Publish a data notice, with the fields of Alyx 3.6.1; returns its record."""
        with self.lock:
            notice: Record = {
                "id": str(uuid.UUID(int=len(self.notices) + 1, version=4)),
                "name": "",
                "description": text,
                "importance": 20,
                "datasets": [],
                "version_affected": "",
                "affected_date_start": None,
                "affected_date_end": None,
                "created_by": "staff",
                "created_datetime": self.now(),
                "json": None,
                "description_html": f"<p>{text}</p>",
            }
            self.notices.append({**notice, **facts})
            return self.notices[-1]

    def add_insertion(self, eid: str | None, name: str, **details: Any) -> str:
        """Add a probe insertion without data, of no session where ``eid`` is None; returns its id."""
        with self.lock:
            pid = str(uuid.UUID(int=len(self.insertions) + 1, version=4))
            record = {"id": pid, "session": eid, "name": name, "model": "3B2", "serial": None, "json": details}
            self.insertions[pid] = {**record, "auto_datetime": self.now()}
            return pid

    def pass_days(self, days: int) -> None:
        """Let time pass without an event."""
        self._ticks += days * 24 * 60

    def touch(self, eid: str) -> None:
        """Move every timestamp of a session and change nothing, as the pruning of a release does."""
        with self.lock:
            self.sessions[eid]["auto_datetime"] = self.now()
            for record in (*self.insertions.values(), *self.datasets.values()):
                if record["session"] == eid:
                    record["auto_datetime"] = self.now()

    def delete_dataset(self, eid: str, rel_path: str) -> None:
        """Withdraw a dataset; nothing else moves."""
        with self.lock:
            del self.datasets[self.find(eid, rel_path)["id"]]

    def delete_session(self, eid: str) -> None:
        """Withdraw a session with its insertions and datasets."""
        with self.lock:
            del self.sessions[eid]
            for records in (self.insertions, self.datasets):
                for key in [key for key, record in records.items() if record["session"] == eid]:
                    del records[key]

    def revoke_tokens(self) -> None:
        """Forget every token, as the swap of the public database after a release does."""
        with self.lock:
            self.tokens.clear()

    def issue_token(self, username: str) -> str:
        """Return a new token of a user."""
        with self.lock:
            self._issued += 1  # not `now()`: a login does not write the ONE tables again
            token = hashlib.sha256(f"{username}{self._issued}".encode()).hexdigest()[:40]
            self.tokens[token] = username
            return token

    # where files are ----------------------------------------------------------------------------------------------

    def session_path(self, eid: str) -> str:
        """Return ``lab/Subjects/subject/date/number`` of a session."""
        session = self.sessions[eid]
        day = session["start_time"][:10]
        return f"{session['lab']}/Subjects/{session['subject']}/{day}/{session['number']:03d}"

    def local_path(self, dataset: Record) -> Path:
        """Return the place of a dataset in the ALF tree."""
        return self.root / self.session_path(dataset["session"]) / dataset["rel_path"]

    def file_path(self, dataset: Record) -> str:
        """Return the path of a dataset on the file server, with its uuid before the extension."""
        stem, _, extension = dataset["rel_path"].rpartition(".")
        return f"{self.session_path(dataset['session'])}/{stem}.{dataset['id']}.{extension}"


def _rows(path: Path, index: list[str]) -> list[Record]:
    table = pd.read_parquet(path)
    frame = table.reset_index() if table.index.names == index else table
    records: list[Record] = frame.to_dict("records")
    return records
