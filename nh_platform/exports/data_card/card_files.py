"""The files of a card: ``croissant.json``, ``README.md`` and ``.zenodo.json`` of an export's folder.

Contains the words for people and the metadata of a deposit at Zenodo. Add here another file that a repository of data
asks for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nh_platform.exports.data_card.card_facts import CROISSANT, MARK, README, ZENODO, CardFacts, card_facts, is_ours
from nh_platform.exports.data_card.croissant import croissant, described
from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.store.durable import disk_in_words, write_durably

MOST_LISTED = 200
"""Files that a readme lists one by one; `CROISSANT` lists all."""

_ZENODO_LICENSES = {"https://creativecommons.org/licenses/by/4.0/": "cc-by-4.0"}
"""Licences that Zenodo knows by name; anything else is ``other-nc``, since nothing freer was stated."""


def write_card(folder: Path, *, check: bool = False) -> CardFacts:
    """Write the card of an export's folder; a readme that is not the card's is left alone.

    Parameters
    ----------
    folder
        Folder of an export.
    check
        Require every file to be what was exported, its hash compared.

    Raises
    ------
    ConfigError
        If the folder holds no export, or one without a session, or a folder in the place of the card.
    DamagedFile
        If a file is not, and ``check`` asks for it.
    StoreError
        If the disk is full, or a file cannot be read or written.
    """
    with disk_in_words(folder):
        facts = card_facts(folder, check=check)
        if not facts.origins:
            raise ConfigError(str(folder), "it holds no exported session", "Export one into it first.")
        for name in (CROISSANT, ZENODO):
            if (folder / name).is_dir() and not (folder / name).is_symlink():
                raise ConfigError(
                    str(folder / name), "it is a folder; the card is a file of that name", "Move it away."
                )
        _replace(folder / CROISSANT, _json(croissant(facts)))
        _replace(folder / ZENODO, _json(_zenodo(facts)))
        if is_ours(folder / README):
            _replace(folder / README, _readme(facts))
    return facts


def _replace(path: Path, text: str) -> None:
    content = text.encode()
    if path.is_symlink() or not (path.is_file() and path.read_bytes() == content):
        write_durably(path, content)


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _readme(facts: CardFacts) -> str:
    day, which = facts.published
    lines = [MARK, f"# {facts.name}", "", described(facts), ""]
    lines += ["## Terms", ""]
    licenses = {str(one["title"]): str(one.get("license", "")) for one in facts.origins}
    for title, terms in facts.terms.items():
        lines.append(f"- {title}: {terms}" + f" <{licenses[title]}>" * bool(licenses[title]))
    lines += ["", "## Cite", "", *(f"- {work}" for work in facts.cites)]
    lines += ["", "## Files", "", f"{counted(len(facts.files), 'file')}, {facts.size:,} bytes. Date: {day} ({which})."]
    if len(facts.files) <= MOST_LISTED:
        lines += ["", "| file | bytes | sha256 |", "| --- | --- | --- |"]
        lines += [f"| {one.path} | {one.size} | {one.sha256} |" for one in facts.files]
    else:
        lines += ["", f"{CROISSANT} has size and sha256 of each."]
    lines += [
        "",
        "## Sessions",
        "",
        "| source | session | animal | laboratory | day |",
        "| --- | --- | --- | --- | --- |",
    ]
    columns = ("source", "session_id", "subject", "lab", "recorded")
    lines += [f"| {' | '.join(str(one.get(name, '')) for name in columns)} |" for one in facts.origins]
    return "\n".join(lines) + "\n"


def _zenodo(facts: CardFacts) -> dict[str, Any]:
    licenses = facts.each("license")
    known = _ZENODO_LICENSES.get(licenses[0]) if len(licenses) == 1 else None
    return {
        "title": facts.name,
        "upload_type": "dataset",
        "description": described(facts),
        "creators": [{"name": one} for one in facts.each("organisation")],
        "license": known or "other-nc",
        "notes": "\n".join(f"{title}: {terms}" for title, terms in facts.terms.items()),
        "references": facts.cites,
        "keywords": ["Neuropixels", "electrophysiology"],
        "publication_date": facts.published[0],
        "version": facts.number,
    }
