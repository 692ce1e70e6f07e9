"""An import of labels: what it makes of the file of a curator, and how that is saved.

Contains the merge of an imported file with what the curator labelled before, the earlier versions, and the write. Add
here what an import may replace. The file's model is `label_files.py`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nh_platform.qc.reviews.curators.label_files import (
    CuratorLabels,
    ImportedFile,
    LabelledUnit,
    StoredSet,
    read_labels,
    to_text,
)
from nh_platform.qc.reviews.curators.stated_labels import Label, LabelSet, StatedLabels
from nh_platform.qc.reviews.curators.unit_matching import MatchedLabels, sorting_id
from nh_platform.session import ConfigError
from nh_platform.store.durable import read_regular, write_durably
from nh_platform.store.objects.address import shown
from nh_platform.store.records import change_record

_EARLIER = "earlier"


@dataclass(frozen=True)
class LabelChange:
    """What an import changes: labels that are new, others than before, or gone; and the file as it will be."""

    after: CuratorLabels
    added: int
    replaced: int
    removed: int
    is_changed: bool


def with_import(
    before: CuratorLabels | None,
    stated: StatedLabels,
    matched: MatchedLabels,
    units: pd.DataFrame,
    *,
    source: str,
    session_id: str,
    curator: str,
    date: dt.date | None = None,
    good: Sequence[str] = (),
) -> LabelChange:
    """Return the labels of a curator with those of one more file.

    The file replaces what the curator said before in its label sets of its probes; other label sets and probes stay.

    Parameters
    ----------
    before
        The labels so far; None where there are none.
    stated, matched
        The file, and its labels by unit.
    units
        Units of the session: ``unit_id``, ``probe``, ``cluster_id``, ``n_spikes``.
    source, session_id, curator
        What the labels are about, and whose they are.
    date
        Day of the labels, where the person states one.
    good
        Labels that mean a good unit, where that is stated.

    Raises
    ------
    ConfigError
        If a label set is of another kind than before, or none has a label of ``good``.
    """
    before = before or CuratorLabels(
        source=source, session=session_id, curator=curator, imports=[], label_sets=[], units=[]
    )
    names = [one.name for one in stated.sets]
    replaced = {(name, probe) for name in names for probe in matched.probes}
    kept_imports = [one for one in (_without(entry, replaced) for entry in before.imports) if one.label_sets]
    same = [one for one in before.imports if one.sha256 == stated.sha256]
    imports = [
        ImportedFile(
            file=Path(stated.file).name,
            sha256=stated.sha256,
            format=stated.format,
            tool=stated.tool,
            version=stated.version,
            date=date or next((one.date for one in same if one.probe == probe), None),
            probe=probe,
            sorting=sorting_id(units, probe),
            label_sets=names,
            unknown=list(matched.unknown),
        )
        for probe in matched.probes
    ]
    old = _by_pair(before)
    kept = {pair: label for pair, label in old.items() if (pair[1], _probe_of(units, before)[pair[0]]) not in replaced}
    new = {(unit, name): label for unit, said in matched.labels.items() for name, label in said.items()}
    labels = {**kept, **new}
    used = {name for _, name in labels} | set(names)
    sets = _sets(before, stated.sets, used, good, stated.file)
    after = CuratorLabels(
        source=source,
        session=session_id,
        curator=curator,
        imports=sorted((*kept_imports, *imports), key=lambda one: (one.probe, one.label_sets)),
        label_sets=sets,
        units=_rows(labels, before, units, [one.name for one in sets]),
    )
    common = old.keys() & labels.keys()
    return LabelChange(
        after=after,
        added=len(labels.keys() - old.keys()),
        replaced=sum(old[pair] != labels[pair] for pair in common),
        removed=len(old.keys() - labels.keys()),
        is_changed=after != before,
    )


def save_labels(path: Path, change: LabelChange, before: CuratorLabels | None) -> Path | None:
    """Write the file of a curator, whole or not at all; what an import replaced is kept beside as an earlier version.

    Parameters
    ----------
    path
        ``<reviews>/<source>/<session>/labels/<curator>.yaml``.
    change, before
        What it becomes, and what it was when that was decided.

    Returns
    -------
    Path or None
        The earlier version that was kept; None where nothing was replaced.

    Raises
    ------
    ConfigError
        If the file was changed in between; nothing is written.
    StoreError
        If the disk refuses it, or another process holds the file for 30 s.
    """
    kept: list[Path] = []

    def after() -> bytes | None:
        if read_labels(path) != before:
            raise ConfigError(shown(path), "somebody changed it while the labels were read", "Import the file again.")
        if not change.is_changed:
            return None
        if before is not None and (change.replaced or change.removed):
            content = read_regular(path)
            name = f"{path.stem}-{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
            kept[:] = [path.parent / _EARLIER / name]
            kept[0].parent.mkdir(parents=True, exist_ok=True)
            write_durably(kept[0], content)
        return to_text(change.after).encode()

    change_record(path, after)
    return kept[0] if kept else None


def _without(entry: ImportedFile, replaced: set[tuple[str, str]]) -> ImportedFile:
    left = [name for name in entry.label_sets if (name, entry.probe) not in replaced]
    return entry.model_copy(update={"label_sets": left})


def _by_pair(said: CuratorLabels) -> dict[tuple[str, str], Label]:
    return {(unit.unit, name): label for unit in said.units for name, label in unit.labels.items()}


def _probe_of(units: pd.DataFrame, before: CuratorLabels) -> dict[str, str]:
    """Return the probe of every unit: as labelled before, where the session has it no more."""
    now = dict(zip(units["unit_id"].astype(str), units["probe"].astype(str)))
    return {**{unit.unit: unit.probe for unit in before.units}, **now}


def _sets(
    before: CuratorLabels, stated: Iterable[LabelSet], used: set[str], good: Sequence[str], file: str
) -> list[StoredSet]:
    """Return the label sets of both, by name; options of both."""
    sets = {one.name: one for one in before.label_sets if one.name in used}
    found_good: set[str] = set()
    for one in stated:
        earlier = sets.get(one.name)
        if earlier is not None and earlier.kind != one.kind:
            found = f"{one.name} is a {one.kind} here, and a {earlier.kind} in what the curator labelled before"
            raise ConfigError(file, found, "Import it under another --curator, or rename the column.")
        options = sorted({*(earlier.options if earlier else ()), *one.options})
        means_good = [word for word in good if word in one.options]
        found_good.update(means_good)
        sets[one.name] = StoredSet(
            name=one.name,
            kind=one.kind,
            options=options,
            good=means_good or (earlier.good if earlier else []),
        )
    if unknown := [word for word in good if word not in found_good]:
        options = sorted({word for one in stated for word in one.options})
        raise ConfigError(
            f"--good {unknown[0]}", f"{file} has no such label; it has {', '.join(options)}", "Name one of them."
        )
    return [sets[name] for name in sorted(sets)]


def _rows(
    labels: Mapping[tuple[str, str], Label], before: CuratorLabels, units: pd.DataFrame, names: Sequence[str]
) -> list[LabelledUnit]:
    """Return a row for every labelled unit, by probe and cluster."""
    place = {unit.unit: (unit.probe, unit.cluster) for unit in before.units}
    place |= {str(one): (str(p), int(c)) for one, p, c in zip(units["unit_id"], units["probe"], units["cluster_id"])}
    of_unit: dict[str, dict[str, Label]] = {}
    for name in names:
        for (unit, label_set), label in labels.items():
            if label_set == name:
                of_unit.setdefault(unit, {})[name] = label
    ordered = sorted(of_unit, key=lambda unit: (*place[unit], unit))
    return [
        LabelledUnit(unit=unit, probe=place[unit][0], cluster=place[unit][1], labels=of_unit[unit]) for unit in ordered
    ]
