"""The card as Croissant 1.0 (JSON-LD): what search engines and loaders of data sets read.

Contains the document; its terms are those of http://mlcommons.org/croissant/1.0. Add a property here that the format
asks for.
"""

from __future__ import annotations

from typing import Any

from nh_platform.exports.data_card.card_facts import CardFacts
from nh_platform.exports.data_card.record_sets import ENCODINGS, RecordKind, record_kinds

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"

_OWN = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
"""Terms of Croissant's own vocabulary, as the specification's context lists them."""

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{name: f"cr:{name}" for name in _OWN},
}


def croissant(facts: CardFacts) -> dict[str, Any]:
    """Return the card as a JSON-LD document; the same export gives the same one."""
    day, which = facts.published
    kinds = record_kinds(facts.folder, [one.path for one in facts.files])
    return {
        "@context": dict(sorted(CONTEXT.items())),
        "@type": "sc:Dataset",
        "name": facts.name,
        "description": f"{described(facts)} datePublished is {which}.",
        "conformsTo": CONFORMS_TO,
        "license": facts.each("license") or list(facts.terms.values()),
        "usageInfo": "\n".join(f"{title}: {terms}" for title, terms in facts.terms.items()),
        "url": facts.address,
        "creator": [{"@type": "sc:Organization", "name": one} for one in facts.each("organisation")],
        "citeAs": "\n".join(facts.cites),
        "datePublished": day,
        "version": facts.number,
        "keywords": ["Neuropixels", "electrophysiology", "spikes", "mouse", *facts.each("title")],
        "distribution": [*(_file(one) for one in facts.files), *(_file_set(one) for one in kinds)],
        "recordSet": [_record_set(one) for one in kinds],
    }


def described(facts: CardFacts) -> str:
    """Return what an export is, in sentences."""
    units = " and ".join(facts.each("units"))
    rulebooks = facts.each("rulebook")
    judged = f", judged by rulebook {' and '.join(rulebooks)}" if rulebooks else ""
    parts = [f"{facts.name}.", *facts.each("description"), f"Units: {units}{judged}."]
    if releases := facts.each("release"):
        parts.append(f"Release as it was synced: {', '.join(releases)}.")
    return " ".join([*parts, f"Made by {facts.each('made_by')[0]}."])


def _file(one: Any) -> dict[str, Any]:
    suffix = f".{one.path.rpartition('.')[2]}"
    return {
        "@type": "cr:FileObject",
        "@id": one.path,
        "name": one.path,
        "contentUrl": one.path,
        "contentSize": f"{one.size} B",
        "encodingFormat": ENCODINGS.get(suffix, "application/octet-stream"),
        "sha256": one.sha256,
    }


def _file_set(kind: RecordKind) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"files-of-{kind.name}",
        "name": f"files-of-{kind.name}",
        "encodingFormat": kind.encoding,
        "includes": kind.pattern,
    }


def _record_set(kind: RecordKind) -> dict[str, Any]:
    fields = []
    for one in kind.fields:
        extract = {"column": one.name} if kind.is_columns else {"fileProperty": "content"}
        unit = "" if one.unit in ("-", "") else f" Unit of measure: {one.unit}."
        fields.append(
            {
                "@type": "cr:Field",
                "@id": f"{kind.name}/{one.name}",
                "name": one.name,
                "description": f"{one.meaning}.{unit}".replace("..", "."),
                "dataType": one.data_type,
                "source": {"fileSet": {"@id": f"files-of-{kind.name}"}, "extract": extract},
            }
        )
    return {"@type": "cr:RecordSet", "@id": kind.name, "name": kind.name, "field": fields}
