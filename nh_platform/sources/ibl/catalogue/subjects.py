"""Sex, age and genotype of IBL's animals: asked of Alyx once in a sync, kept in a file, and tabulated by session.

Contains the request, the file and the table. Add here what Alyx states of animals and a search can ask for. Neither the
ONE tables nor the public bucket state any of it, so that it is known of a source in mode ``remote`` alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from nh_platform.downloads.hashes import file_hash
from nh_platform.history.identity import version_of
from nh_platform.history.manifest import Manifest
from nh_platform.session import BadUpstreamData
from nh_platform.sources.ibl.server.connection import OneConnection
from nh_platform.sources.ibl.server.paginated_lists import read_list
from nh_platform.store.durable import write_durably

FILE = "subjects.json"

STATED = ("nickname", "lab", "sex", "birth_date", "death_date", "genotype", "line", "strain")
"""Fields of Alyx's list of subjects that are kept."""

_SEXES = frozenset({"F", "M"})
"""Those that say something; Alyx has U for unknown."""


def fetch_subjects(connection: OneConnection) -> list[dict[str, Any]]:
    """Return what Alyx states of every animal; one request for 1,000, not one for each session."""

    def take(record: Mapping[str, Any]) -> dict[str, Any]:
        return {name: record.get(name) for name in STATED}

    return read_list(connection, "/subjects", f"subjects of {connection.settings.url}", take)


def keep_subjects(folder: Path, subjects: list[dict[str, Any]], manifest: Manifest) -> None:
    """Write the animals of a catalogue into the folder of the release's tables; the same animals are the same bytes.

    Those of no session of the catalogue are left out: a server's other animals change from day to day.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = set(manifest.sessions["subject"])
    own = [one for one in subjects if str(one["nickname"]) in listed]
    ordered = sorted(own, key=lambda one: (str(one["nickname"]), str(one["lab"]), json.dumps(one, sort_keys=True)))
    write_durably(folder / FILE, (json.dumps(ordered, indent=0, ensure_ascii=False) + "\n").encode())


def subjects_version(folder: Path | None, manifest: Manifest) -> str:
    """Return the identity of the animals and of whose sessions they are; empty where none were asked for."""
    if folder is None or not (folder / FILE).is_file():
        return ""
    of_sessions = manifest.sessions[["session_id", "subject", "lab", "date"]].astype(str).itertuples(index=False)
    return version_of([f"{FILE} {file_hash(folder / FILE)}\n", *sorted(f"{' '.join(row)}\n" for row in of_sessions)])


def sessions_by_subject(folder: Path, manifest: Manifest) -> pd.DataFrame:
    """Return what is stated of the animal of each session of the catalogue, schema `RELEASED_SESSIONS`.

    ``age_in_days`` is the day of the session less ``birth_date``; several genotypes are joined by commas. A session
    whose animal Alyx does not list has nulls, and so has one of several animals of that name of which none, or more
    than one, is of the session's lab.

    Raises
    ------
    BadUpstreamData
        If the file is none that `keep_subjects` wrote.
    """
    try:
        by_name: dict[str, list[dict[str, Any]]] = {}
        for one in json.loads((folder / FILE).read_bytes()):
            by_name.setdefault(str(one["nickname"]), []).append(one)
    except (OSError, ValueError, TypeError, KeyError) as error:
        action = "Delete it and run `nh sync ibl`, which asks Alyx again."
        raise BadUpstreamData(f"file {FILE}", f"it cannot be read: {error}", action) from error
    columns = ["session_id", "subject", "lab", "date"]
    rows = [
        {"session_id": session_id, "subject": subject, **_facts(_animal(by_name.get(subject, []), lab), date)}
        for session_id, subject, lab, date in manifest.sessions[columns].itertuples(index=False)
    ]
    return pd.DataFrame(rows, columns=["session_id", "subject", *_facts({}, None)])


def _animal(of_name: list[dict[str, Any]], lab: str) -> Mapping[str, Any]:
    """Return the one that is meant of the animals of one name, which labs give apart from each other."""
    of_lab = of_name if len(of_name) == 1 else [one for one in of_name if one.get("lab") == lab]
    return of_lab[0] if len(of_lab) == 1 else {}


def _facts(stated: Mapping[str, Any], date: Any) -> dict[str, Any]:
    sex, genotype = stated.get("sex"), stated.get("genotype")
    names = genotype if isinstance(genotype, list) else [genotype]
    age = _day(date) - _day(stated.get("birth_date"))
    return {
        "sex": sex if sex in _SEXES else None,
        "age_in_days": float("nan") if pd.isna(age) else float(age.days),
        "genotype": ", ".join(str(one) for one in names if one) or None,
        **{name: stated.get(name) or None for name in ("birth_date", "death_date", "line", "strain")},
    }


def _day(text: Any) -> pd.Timestamp:
    """Return a day; NaT where none is stated."""
    return pd.to_datetime(str(text or ""), errors="coerce")
