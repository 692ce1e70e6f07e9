"""The task parameters and metadata of a Visual Behavior session, as its NWB file states them in attributes.

Contains the readers of ``/general/task_parameters``, ``/general/metadata`` and ``/general/subject``, under the names of
AllenSDK 2.16.2 (`BehaviorEcephysSession.task_parameters` and ``.metadata``). Add a fact here when a file states one
more. Facts of a whole release are its tables (`nh_platform.sources.allen.released_tables`).
"""

from __future__ import annotations

import json
import re
from typing import Any

import h5py
import numpy as np
import pandas as pd

from nh_platform.session.tables.change_detection import SESSION_METADATA, TASK_PARAMETERS
from nh_platform.sources.nwb.nwb_file import NULL_TEXTS, NwbFile

PARAMETERS = "general/task_parameters"
METADATA = "general/metadata"
SUBJECT = "general/subject"

_OF_NWB = frozenset({"namespace", "neurodata_type", "object_id"})
"""Attributes of every NWB object, which say nothing of the session."""


def read_task_parameters(nwb: NwbFile) -> pd.DataFrame | None:
    """Return how the task was set (schema `TASK_PARAMETERS`), or None and a note where the file does not say.

    ``image_set`` follows from ``session_type``, as AllenSDK has it; volumes are mL and durations s, as in the file.
    """
    if not nwb.has(PARAMETERS):
        nwb.note("task_parameters", "no task parameters in the NWB file")
        return None
    facts = nwb.optional("task_parameters", _attributes, nwb, PARAMETERS, "task_parameters")
    if facts is None:
        return None
    if image_set := _image_set(str(facts.get("session_type", ""))):
        facts["image_set"] = image_set
    return TASK_PARAMETERS.conform(_rows(facts))


def read_session_metadata(nwb: NwbFile) -> pd.DataFrame | None:
    """Return who was recorded, when and on which rig (schema `SESSION_METADATA`), or None and a note.

    Names and values are AllenSDK's, but that times and uuids are text: ``age_in_days`` is a number, ``driver_line`` a
    sorted list, ``cre_line`` the first part of a genotype that has several.
    """
    if not nwb.has(METADATA):
        nwb.note("session_metadata", "no session metadata in the NWB file")
        return None
    facts = nwb.optional("session_metadata", _attributes, nwb, METADATA, "session_metadata")
    if facts is None:
        return None
    subject = nwb.optional("session_metadata", _attributes, nwb, SUBJECT, "session_metadata") or {}
    genotype, drivers, reporter = (
        nwb.text(f"{SUBJECT}/genotype"),
        subject.get("driver_line"),
        subject.get("reporter_line"),
    )
    identifier = nwb.text("identifier") or ""
    facts |= {
        "age_in_days": _days(nwb.text(f"{SUBJECT}/age")),
        "cre_line": genotype.split(";")[0].replace("/wt", "") if genotype and ";" in genotype else None,
        "date_of_acquisition": nwb.text("session_start_time"),
        "driver_line": sorted(drivers) if isinstance(drivers, list) else drivers,
        "ecephys_session_id": int(identifier) if identifier.isdigit() else None,
        "full_genotype": genotype,
        "mouse_id": nwb.text(f"{SUBJECT}/subject_id"),
        "reporter_line": None if isinstance(reporter, str) and reporter in NULL_TEXTS else reporter,
        "sex": nwb.text(f"{SUBJECT}/sex"),
    }
    return SESSION_METADATA.conform(_rows(facts))


def _rows(facts: dict[str, Any]) -> pd.DataFrame:
    names = sorted(facts)
    return pd.DataFrame({"name": names, "value": [json.dumps(facts[name], ensure_ascii=False) for name in names]})


def _attributes(nwb: NwbFile, name: str, subject: str) -> dict[str, Any]:
    """Return the attributes of a group as plain numbers, texts and lists; of those that cannot be read there is a note.

    Raises
    ------
    BadUpstreamData
        If it is no group.
    """
    group, facts = nwb.group(name), {}
    for key in sorted(set(group.attrs) - _OF_NWB):
        try:
            facts[key] = _plain(group.attrs[key])
        except (OSError, TypeError, ValueError) as error:
            nwb.note(subject, f"left out: attribute {key} of {name} cannot be read: {error}")
    return facts


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (h5py.Reference, h5py.Empty)):
        raise TypeError("it holds no value")
    return value


def _days(age: str | None) -> int | None:
    """Return the days of an ISO 8601 duration such as ``P157D``."""
    found = re.fullmatch(r"P(\d+)(?:\.\d+)?D", age or "")  # of months and years nobody knows the days
    return int(found[1]) if found else None


def _image_set(session_type: str) -> str | None:
    """Return ``images_G`` of ``EPHYS_1_images_G_5uL_reward``, as AllenSDK's `parse_stimulus_set` does."""
    found = re.match(r"[^_]*_[^_]*_(images_[^_]+|gratings)(_|$)", session_type)
    return found[1] if found else None
