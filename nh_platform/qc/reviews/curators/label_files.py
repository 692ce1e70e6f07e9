"""Files of labels beside the reviews: one per session and curator, as text that shows its changes line by line.

Contains the model of `<source>/<session>/labels/<curator>.yaml` under the reviews folder, its reader, writer and
version. Add here what is kept of imported labels. How an import changes a file is `label_importing.py`; the columns
that `units` gets are `label_columns.py`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from nh_platform.qc.reviews.curators.stated_labels import Kind
from nh_platform.qc.reviews.review_places import read_stated
from nh_platform.session import ConfigError
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import Location, YamlFile, parse_yaml
from nh_platform.store.records import record_names

_CURATOR = re.compile(r"[a-z0-9][a-z0-9_\-]{0,39}")
_SUFFIX = ".yaml"
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=100)]
_Label = str | bool | float | list[str]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ImportedFile(_Strict):
    """One file that labels of a probe came from: origin, and the sorting that its ids were matched to."""

    file: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    format: str
    tool: str = ""
    version: str = ""
    date: dt.date | None = None
    probe: str
    sorting: str
    label_sets: list[_Name]
    unknown: list[str] = []


class StoredSet(_Strict):
    """A label set: its kind, its options, and which of them mean a good unit, where that was stated."""

    name: _Name
    kind: Kind
    options: list[str] = []
    good: list[str] = []


class LabelledUnit(_Strict):
    """Labels of one unit, by label set; probe and cluster are for people."""

    unit: Annotated[str, Field(min_length=1)]
    probe: str
    cluster: int
    labels: dict[str, _Label]


class CuratorLabels(_Strict):
    """All labels that one curator gave to units of one session."""

    source: str
    session: str
    curator: str
    imports: list[ImportedFile]
    label_sets: list[StoredSet]
    units: list[LabelledUnit]

    def label_set(self, name: str) -> StoredSet | None:
        """Return a label set by its name; None where there is none."""
        return next((one for one in self.label_sets if one.name == name), None)

    def sorting_of(self, label_set: str, probe: str) -> str:
        """Return the sorting that the labels of a label set on a probe were matched to; empty where there are none."""
        found = (one.sorting for one in self.imports if one.probe == probe and label_set in one.label_sets)
        return next(found, "")


def labels_folder(reviews: str | os.PathLike[str], source: str, session_id: str) -> Path:
    """Return where the labels of a session's units are: ``<reviews>/<source>/<session>/labels``."""
    return Path(reviews) / source / session_id / "labels"


def require_curator(name: str) -> str:
    """Return the name of a curator, which names a file and columns.

    Raises
    ------
    ConfigError
        If it is not small letters, digits, ``-`` and ``_``.
    """
    if not _CURATOR.fullmatch(name):
        near = re.sub(r"[^a-z0-9_\-]+", "-", name.lower()).strip("-_")[:40]
        hint = f" For example {near}." if near else ""
        found = "a curator's name has up to 40 small letters, digits, - and _: it names a file and columns"
        raise ConfigError(f"--curator {name}", found, f"Give such a name.{hint}")
    return name


def read_labels(path: Path) -> CuratorLabels | None:
    """Return the labels of one curator; None where there is no such file.

    Parameters
    ----------
    path
        ``<reviews>/<source>/<session>/labels/<curator>.yaml``.

    Raises
    ------
    ConfigError
        If the file is not as `CuratorLabels` describes, or its place says another source, session or curator; with
        file and line.
    """
    source, session_id, curator = path.parents[2].name, path.parents[1].name, path.stem
    name = f"{source}/{session_id}/labels/{path.name}"
    text = read_stated(path, name)
    if text is None:
        return None
    lined = parse_yaml(text, name)
    said = checked(lined, CuratorLabels, lambda location: _about(lined, location), {"": "Import the labels again."})
    for key, stated, place in (
        ("source", said.source, source),
        ("session", said.session, session_id),
        ("curator", said.curator, curator),
    ):
        if stated != place:
            found = f"{key} {stated!r}, but its place says {place!r}"
            raise lined.error((key,), "", found, "Correct the file or its place.")
    _require_known_sets(said, lined)
    return said


def read_all_labels(folder: Path) -> list[CuratorLabels]:
    """Return the labels of every curator of a session, by name of curator; raises as `read_labels` does."""
    found = (read_labels(path) for path in label_paths(folder))
    return [said for said in found if said is not None]


def label_paths(folder: Path) -> list[Path]:
    """Return the files of a folder of labels, sorted; what is no curator's name is none of them."""
    named = (name for name in record_names(folder) if name.endswith(_SUFFIX))
    return [folder / name for name in named if _CURATOR.fullmatch(name.removesuffix(_SUFFIX))]


def labels_version(folder: Path) -> str:
    """Return the content identity of all labels of a session: sha256 over names and bytes; empty where there are none.

    Raises
    ------
    ConfigError
        If a file cannot be read.
    """
    paths = label_paths(folder)
    if not paths:
        return ""
    digest = hashlib.sha256()
    for path in paths:
        text = read_stated(path, f"{folder.parent.name}/labels/{path.name}") or ""
        digest.update(f"{path.name}\x1f{text}\x1e".encode())
    return digest.hexdigest()


def to_text(said: CuratorLabels) -> str:
    """Return the content of a file of labels: a line for each import, label set and unit."""
    lines = [
        f"# Labels of {said.curator}, imported by `nh review import`: evidence beside the reviews. They decide nothing",
        "# by themselves; a rulebook may name them. Import the file again rather than change labels here.",
        f"source: {_json(said.source)}",
        f"session: {_json(said.session)}",
        f"curator: {_json(said.curator)}",
    ]
    for key in ("imports", "label_sets", "units"):
        lines.append(f"{key}:" if getattr(said, key) else f"{key}: []")
        lines += [f"  - {_json(_stated(one))}" for one in getattr(said, key)]
    return "\n".join(lines) + "\n"


def _stated(one: BaseModel) -> dict[str, Any]:
    """Return the keys of an entry that say something."""
    return {key: value for key, value in one.model_dump(mode="json").items() if value not in ("", None, [])}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _about(lined: YamlFile, location: Location) -> tuple[str, Location]:
    if len(location) < 2 or location[0] != "units":
        return "", location
    unit = lined.at((*location[:2], "unit"))
    return f"unit {unit}" if isinstance(unit, str) else f"unit number {int(location[1]) + 1}", location[2:]


def _require_known_sets(said: CuratorLabels, lined: YamlFile) -> None:
    """Refuse a unit that stands twice, and labels that their label set does not allow."""
    sets = {one.name: one for one in said.label_sets}
    seen: set[str] = set()
    for number, unit in enumerate(said.units):
        at: Location = ("units", number)
        if unit.unit in seen:
            raise lined.error(at, f"unit {unit.unit}", "it stands twice", "Keep one of the two lines.")
        seen.add(unit.unit)
        for name, label in unit.labels.items():
            if name not in sets or not _fits(label, sets[name]):
                what = "label_sets has no such label set" if name not in sets else f"{label!r} is none of its labels"
                raise lined.error((*at, "labels", name), f"unit {unit.unit}, {name}", what, "Import the labels again.")


def _fits(label: str | bool | float | list[str], of: StoredSet) -> bool:
    kind: Literal["category", "categories", "flag", "number"] = of.kind
    if kind == "category":
        return isinstance(label, str) and label in of.options
    if kind == "categories":
        return isinstance(label, list) and set(label) <= set(of.options)
    return isinstance(label, bool) if kind == "flag" else isinstance(label, float) and not isinstance(label, bool)
