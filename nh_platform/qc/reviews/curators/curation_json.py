"""Curations of SpikeInterface: the JSON of formats 1 and 2, and sortingview's before them.

Contains their reader. Add here another version of the format. The layout was read in SpikeInterface 0.105
(`curation/curation_model.py` and its tests, 2026-07): label definitions with several label sets, exclusive or not,
manual labels, removed units, merges and splits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from nh_platform.qc.reviews.curators.stated_labels import (
    Label,
    LabelSet,
    StatedLabels,
    StatedUnit,
    id_of,
    require_few_options,
    require_word,
    set_name,
    sha256_of,
    text_of,
)
from nh_platform.session import ConfigError
from nh_platform.session.yaml_files.validation_errors import dotted, first_mistake
from nh_platform.session.yaml_files.yaml_file import YamlFile

REMOVED, MERGED_WITH, SPLIT = "removed", "merged_with", "split"
"""Label sets that hold what a curation does to units beside labelling them."""
_SORTINGVIEW = "all_labels"
_VERSIONS = ("1", "2")
_MOST_MERGED = 100
"""Units of one merge: each unit states the others, and 20,000 in one would state 2 GB."""
_Id = int | str


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Definition(_Lenient):
    label_options: list[str]
    exclusive: bool = Field(default=True, validation_alias=AliasChoices("exclusive", "auto_exclusive"))


class _Curation(_Lenient):
    format_version: str | int
    unit_ids: list[_Id]
    label_definitions: dict[str, _Definition] | None = None
    manual_labels: list[dict[str, Any]] | None = None
    removed: list[_Id] | None = Field(default=None, validation_alias=AliasChoices("removed", "removed_units"))
    merges: list[Any] | dict[str, list[_Id]] | None = Field(
        default=None, validation_alias=AliasChoices("merges", "merge_unit_groups")
    )
    splits: list[Any] | dict[str, Any] | None = None


def read_curation(content: bytes, file: str) -> StatedLabels:
    """Read a curation of SpikeInterface or sortingview.

    Every label set of it becomes one of the platform's; units that it removes, merges or splits are said by the label
    sets ``removed``, ``merged_with`` and ``split``, where it does so to any.

    Raises
    ------
    ConfigError
        If it is no JSON, no curation, of a version that is not known, or contradicts itself: a label that its
        definitions do not have, two labels where one excludes the other, or a unit that it does not list.
    """
    text = text_of(content, file)
    try:
        data = json.loads(text)
        if "\\ud" in text.lower():  # half of a pair of escapes is a text that cannot be written anywhere
            json.dumps(data, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        found = f"no JSON: {error.msg}, column {error.colno}"
        raise ConfigError(f"{file}:{error.lineno}", found, "Export the curation again.") from error
    except UnicodeEncodeError as error:
        found = "a text holds half a character, an escape from \\ud800 to \\udfff alone"
        raise ConfigError(file, found, "Export the curation again.") from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise ConfigError(file, "it holds a number of thousands of digits", "Export the curation again.") from error
    except RecursionError as error:
        raise ConfigError(file, "its lists lie too deep within each other", "Export the curation again.") from error
    if isinstance(data, dict) and isinstance(data.get("curation_steps"), list) and len(data["curation_steps"]) == 1:
        data = data["curation_steps"][0]
    if isinstance(data, dict) and "labelsByUnit" in data and "format_version" not in data:
        data = _of_sortingview(data, file)
    curation = _parsed(data, file)
    listed = dict.fromkeys(map(id_of, curation.unit_ids))
    sets, labels = _labels(curation, listed, file)
    _add_operations(curation, listed, sets, labels, file)
    if not sets:
        found = "it labels, removes, merges and splits no unit"
        raise ConfigError(file, found, "Export the curation once units are labelled.")
    units = [StatedUnit(unit, f"unit {unit}", labels[unit]) for unit in listed]
    made_by = "sortingview" if _SORTINGVIEW in sets and curation.format_version == "0" else "SpikeInterface"
    version = "" if made_by == "sortingview" else f"curation format {curation.format_version}"
    return StatedLabels(
        file, sha256_of(content), "spikeinterface", made_by, version, tuple(sets.values()), tuple(units)
    )


def _of_sortingview(data: dict[str, Any], file: str) -> dict[str, Any]:
    """Return sortingview's curation in the keys of SpikeInterface's."""
    by_unit = data["labelsByUnit"]
    if not isinstance(by_unit, dict) or not all(isinstance(one, list) for one in by_unit.values()):
        raise ConfigError(file, "labelsByUnit is no mapping of units to lists", "Export the curation again.")
    merges = data.get("mergeGroups") or []
    if not isinstance(merges, list) or not all(isinstance(group, list) for group in merges):
        raise ConfigError(file, "mergeGroups is no list of lists", "Export the curation again.")
    merged = [unit for group in merges for unit in group]
    options = sorted({str(one) for words in by_unit.values() for one in words})
    return {
        "format_version": "0",
        "unit_ids": [*dict.fromkeys([*by_unit, *map(str, merged)])],
        "label_definitions": {_SORTINGVIEW: {"label_options": options, "exclusive": False}},
        "manual_labels": [{"unit_id": unit, _SORTINGVIEW: words} for unit, words in by_unit.items()],
        "merges": merges,
    }


def _parsed(data: Any, file: str) -> _Curation:
    if not isinstance(data, dict) or "unit_ids" not in data or "format_version" not in data:
        found = "it is JSON and no curation: format_version and unit_ids are not there"
        if isinstance(data, dict) and "curation_steps" in data:
            found = "it is a sequence of curations, of which the later ones are about units that merges and splits made"
        raise ConfigError(file, found, "Name one curation, as SpikeInterface's validate_curation_dict accepts it.")
    try:
        curation = TypeAdapter(_Curation).validate_python(data)
    except ValidationError as error:
        mistake = first_mistake(error, YamlFile(file, data, {}), _Curation)
        action = mistake.action or "Export the curation again."
        raise ConfigError(f"{file}, {dotted(mistake.location)}", mistake.words, action) from error
    if str(curation.format_version) not in (*_VERSIONS, "0"):
        found = f"format_version {curation.format_version}; {' and '.join(_VERSIONS)} are known"
        raise ConfigError(file, found, "Export it in format 2.")
    if not curation.unit_ids:
        raise ConfigError(file, "it lists no unit", "Export the curation once units are labelled.")
    return curation


def _labels(
    curation: _Curation, listed: dict[str, None], file: str
) -> tuple[dict[str, LabelSet], dict[str, dict[str, Label]]]:
    """Return the label sets by the name they have here, and the labels of every listed unit."""
    sets: dict[str, LabelSet] = {}
    names: dict[str, str] = {}
    for heading, definition in (curation.label_definitions or {}).items():
        name = set_name(heading, file)
        if name in sets or name in (REMOVED, MERGED_WITH, SPLIT):
            raise ConfigError(file, f"the label set {heading!r} comes to the name {name}", "Rename it in the file.")
        for option in definition.label_options:
            require_word(option, file, f"the option of {heading}")
        options = require_few_options(definition.label_options, heading, file)
        if not definition.exclusive and len({set_name(option, file) for option in options}) < len(options):
            found = f"two options of {heading} come to one name: {', '.join(options)}"
            raise ConfigError(file, found, "Rename one of them: each becomes a column.")
        sets[name] = LabelSet(name, "category" if definition.exclusive else "categories", options)
        names[heading] = name
    labels: dict[str, dict[str, Label]] = {unit: {} for unit in listed}
    for number, entry in enumerate(curation.manual_labels or [], 1):
        unit = id_of(entry.get("unit_id", ""))
        about = f"{file}, manual label {number}, unit {unit or '(none)'}"
        if unit not in labels:
            raise ConfigError(about, "unit_ids does not list the unit", "Export the curation again.")
        for heading, words in _answers(entry, about):
            if heading not in names:
                found = f"label_definitions has no {heading!r}; it has {', '.join(names) or 'none'}"
                raise ConfigError(about, found, "Define the label set in the file.")
            label_set = sets[names[heading]]
            if unknown := [word for word in words if word not in label_set.options]:
                found = f"{heading} {unknown[0][:60]!r} is none of {', '.join(label_set.options)}"
                raise ConfigError(about, found, "Add it to label_options, or correct it.")
            if label_set.kind == "category" and len(words) > 1:
                found = f"{heading} is {' and '.join(words)}, and they exclude each other"
                raise ConfigError(about, found, "Keep one of them.")
            label: Label = sorted(set(words)) if label_set.kind == "categories" else (words or [""])[0]
            if labels[unit].get(label_set.name, label) != label:
                found = f"{heading} is {label!r}, and an earlier entry says {labels[unit][label_set.name]!r}"
                raise ConfigError(about, found, "Keep one of the two.")
            if label != "":
                labels[unit][label_set.name] = label
    return sets, labels


def _answers(entry: dict[str, Any], about: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the label sets of an entry with their words: beside the id, or within ``labels``; both are written."""
    within = entry.get("labels")
    given: dict[str, Any] = within if isinstance(within, dict) else entry
    if "label_category" in entry:  # as it was before format 1
        given = {str(entry["label_category"]): entry.get("labels", [])}
    for heading, words in given.items():
        if heading in ("unit_id", "labels"):
            continue
        stated = [words] if isinstance(words, str) else words
        if not isinstance(stated, list) or not all(isinstance(word, str) for word in stated):
            raise ConfigError(about, f"{heading} is no list of words", "Export the curation again.")
        yield heading, stated


def _add_operations(
    curation: _Curation,
    listed: dict[str, None],
    sets: dict[str, LabelSet],
    labels: dict[str, dict[str, Label]],
    file: str,
) -> None:
    """Add what the curation removes, merges and splits, as label sets of every unit that it lists."""
    removed = [id_of(unit) for unit in curation.removed or []]
    splits = curation.splits or []
    split = [id_of(one.get("unit_id", "")) if isinstance(one, dict) else id_of(one) for one in splits]
    merges = curation.merges.values() if isinstance(curation.merges, dict) else curation.merges or []
    groups = [_merged(group, file) for group in merges]
    for what, units in ((REMOVED, removed), (SPLIT, split), ("merge", [unit for group in groups for unit in group])):
        if unknown := [unit for unit in units if unit not in listed]:
            found = f"{what} names unit {unknown[0] or '(none)'}, which unit_ids does not list"
            raise ConfigError(file, found, "Export the curation again.")
    for name, units in ((REMOVED, removed), (SPLIT, split)):
        if units:
            sets[name] = LabelSet(name, "flag")
            for unit in listed:
                labels[unit][name] = unit in units
    if groups:
        for group in groups:
            for unit in group:
                labels[unit][MERGED_WITH] = "+".join(one for one in group if one != unit)
        options = sorted({str(labels[unit][MERGED_WITH]) for group in groups for unit in group})
        sets[MERGED_WITH] = LabelSet(MERGED_WITH, "category", tuple(options))


def _merged(group: Any, file: str) -> list[str]:
    """Return the units of one merge: a list, or a mapping with the list."""
    units = group.get("unit_ids") if isinstance(group, dict) else group
    if not isinstance(units, list) or len(units) < 2:
        raise ConfigError(file, "a merge is no list of two units or more", "Export the curation again.")
    if len(units) > _MOST_MERGED:
        found = f"a merge of {len(units):,} units; one has at most {_MOST_MERGED}"
        raise ConfigError(file, found, "Merge fewer units, or import the curation without that merge.")
    ids = [id_of(unit) for unit in units]
    for unit in ids:
        require_word(unit, file, "the id in a merge")
    return ids
