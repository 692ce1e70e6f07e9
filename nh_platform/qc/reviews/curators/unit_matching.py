"""Ids of a file of labels, matched to the units of a session.

Contains the match by unit id or by cluster id of a probe, and its refusals. Add here another way in which tools name
units. What a file says is `stated_labels.py`; what becomes of matched labels is `label_files.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from nh_platform.qc.reviews.curators.stated_labels import Label, StatedLabels, StatedUnit
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

_NAMED = 10
_LIKE = 0.2
"""Share by which counts of spikes may differ: bombcell leaves duplicates out, phy counts what it split and merged."""
_FEWEST_LIKE = 0.5
_FEW = 5


@dataclass(frozen=True)
class MatchedLabels:
    """Labels of units of a session.

    Parameters
    ----------
    labels
        Labels by unit id of the session, of units with any.
    probes
        Probes that the file speaks of.
    unknown
        Ids of the file that are no unit of the session, sorted.
    notes
        What was merged or left out, in words.
    """

    labels: Mapping[str, Mapping[str, Label]]
    probes: tuple[str, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]


def sorting_id(units: pd.DataFrame, probe: str) -> str:
    """Return the identity of a probe's sorting: 12 digits of sha256 over cluster ids and numbers of spikes.

    A re-sort changes it, a correction of clocks or amplitudes does not.

    Parameters
    ----------
    units
        Columns ``probe``, ``cluster_id`` and ``n_spikes``.
    probe
        The probe.
    """
    own = units[units["probe"].astype(str) == probe].sort_values("cluster_id")
    lines = "\n".join(f"{cluster} {n}" for cluster, n in zip(own["cluster_id"], own["n_spikes"]))
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


def match_labels(
    stated: StatedLabels, units: pd.DataFrame, where: str, *, probe: str | None = None, skip_unknown: bool = False
) -> MatchedLabels:
    """Match the ids of a file to units: to unit ids, else to the cluster ids of one probe.

    Parameters
    ----------
    stated
        The file.
    units
        Units of the session: ``unit_id``, ``probe``, ``cluster_id``, ``n_spikes``.
    where
        Names the session in errors.
    probe
        Probe that the file is about; needed where its ids are cluster ids and the session has several probes.
    skip_unknown
        Leave ids out that are no unit, and state them, in place of a refusal.

    Raises
    ------
    ConfigError
        If ids are unknown, one stands twice with different labels, the probe is unknown, missing or another one, or
        the numbers of spikes that the file states are those of another sorting.
    """
    if not len(units):
        raise ConfigError(where, "the session has no unit", "There is nothing to label.")
    probes = sorted(units["probe"].astype(str).unique())
    if probe is not None and probe not in probes:
        found = f"{where} has no such probe; it has {', '.join(probes)}"
        raise ConfigError(f"--probe {probe}", found, f"Name one of them.{close_matches(probe, probes)}")
    labels, notes = _without_repeats(stated)
    own = units if probe is None else units[units["probe"].astype(str) == probe]
    by_unit = {str(unit): str(unit) for unit in own["unit_id"]}
    known = by_unit if any(unit in by_unit for unit in labels) else _by_cluster(stated, labels, own, probes, where)
    unknown = tuple(sorted(unit for unit in labels if unit not in known))
    if len(unknown) == len(labels) or (unknown and not skip_unknown):
        raise _unknown_units(stated, unknown, len(labels), own, where, units, probe)
    matched = {known[unit]: said for unit, said in labels.items() if unit in known}
    _require_same_spikes(stated, known, own, where)
    probe_of = dict(zip(own["unit_id"].astype(str), own["probe"].astype(str)))
    spoken = tuple(sorted({probe_of[unit] for unit in matched}))
    with_labels = {unit: said for unit, said in matched.items() if said}
    if not with_labels:
        raise ConfigError(stated.file, "no unit has a label", "Label units first, or choose columns with --column.")
    if unknown:
        notes += (f"{len(unknown)} ids are no unit of {where} and were left out: {_some(unknown)}",)
    return MatchedLabels(with_labels, spoken, unknown, notes)


def _without_repeats(stated: StatedLabels) -> tuple[dict[str, Mapping[str, Label]], tuple[str, ...]]:
    seen: dict[str, StatedUnit] = {}
    repeated = 0
    for unit in stated.units:
        first = seen.setdefault(unit.id, unit)
        if first is unit:
            continue
        repeated += 1
        if first.labels != unit.labels:
            found = f"unit {unit.id} has {_said(first)} ({first.place}) and {_said(unit)} ({unit.place})"
            raise ConfigError(stated.file, found, "Keep one of the two: '1', 1 and 1.0 are the same id.")
    notes = (f"{repeated} rows repeat a unit with the same labels",) if repeated else ()
    return {unit.id: unit.labels for unit in seen.values()}, notes


def _said(unit: StatedUnit) -> str:
    return ", ".join(f"{name} {label}" for name, label in unit.labels.items()) or "no label"


def _by_cluster(
    stated: StatedLabels, labels: Mapping[str, object], own: pd.DataFrame, probes: list[str], where: str
) -> dict[str, str]:
    """Return unit ids by cluster id of the one probe that ``own`` holds the units of."""
    if len(set(own["probe"])) > 1:
        of_probe = {one: set(own.loc[own["probe"].astype(str) == one, "cluster_id"].astype(str)) for one in probes}
        held = ", ".join(f"{one} {len(labels.keys() & ids)}" for one, ids in of_probe.items())
        found = (
            f"its ids are cluster ids, and {where} has {len(probes)} probes (of {len(labels)} ids there are on {held})"
        )
        raise ConfigError(stated.file, found, "State the probe that was curated with --probe.")
    return dict(zip(own["cluster_id"].astype(str), own["unit_id"].astype(str)))


def _unknown_units(
    stated: StatedLabels,
    unknown: tuple[str, ...],
    n_ids: int,
    own: pd.DataFrame,
    where: str,
    units: pd.DataFrame,
    probe: str | None,
) -> ConfigError:
    """Return the refusal of ids that are no units, with the place of the first and another probe that has them."""
    first = next(unit for unit in stated.units if unit.id == unknown[0])
    examples = ", ".join([*own["cluster_id"].astype(str)[:3], *own["unit_id"].astype(str)[:1]])
    found = (
        f"{len(unknown)} of {n_ids} ids are no unit of {where}{f' on {probe}' if probe else ''}: "
        f"{_some(unknown)} (the first is {first.place}); its units are, for example, {examples}"
    )
    others = [
        str(name)
        for name, rows in units.groupby(units["probe"].astype(str))
        if name != probe and set(unknown) <= {*rows["cluster_id"].astype(str), *rows["unit_id"].astype(str)}
    ]
    hint = f" The probe {' or '.join(others)} has all of them: check --probe." if others else ""
    action = "Check session and probe; --skip-unknown imports the others and records these."
    return ConfigError(stated.file, found, f"{action}{hint}")


def _require_same_spikes(stated: StatedLabels, known: Mapping[str, str], own: pd.DataFrame, where: str) -> None:
    """Refuse a file whose numbers of spikes are those of other units: a wrong probe, or another sorting."""
    ours = dict(zip(own["unit_id"].astype(str), own["n_spikes"].astype(int)))
    pairs = [(n, ours[known[unit]]) for unit, n in stated.n_spikes.items() if unit in known]
    like = [abs(n - own_n) <= _LIKE * max(n, own_n) for n, own_n in pairs]
    if len(pairs) >= _FEW and sum(like) < _FEWEST_LIKE * len(pairs):
        found = (
            f"the numbers of spikes that it states are those of {sum(like)} of {len(pairs)} units of {where} alone "
            f"(within {_LIKE:.0%})"
        )
        raise ConfigError(stated.file, found, "It is of another probe or another sorting; state the right --probe.")


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
