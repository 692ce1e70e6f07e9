"""The decisions of a home on the units of a session, exported as SpikeInterface and phy read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.operations.reviewing.label_import import judged_units
from nh_platform.session import ConfigError, UnknownSession

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DecisionExport:
    """What an export of decisions wrote, or would write.

    Parameters
    ----------
    session_id, rulebook
        Of which session, and by which rulebook units pass.
    written
        Files.
    n_units, n_good, n_reviewed
        Units, those that pass, and those of which reviews count.
    """

    session_id: str
    rulebook: str
    written: tuple[Path, ...]
    n_units: int
    n_good: int
    n_reviewed: int


def export_decisions(
    home: Home,
    source: str,
    session: str,
    out: Path,
    form: Literal["spikeinterface", "phy"],
    *,
    rulebook: str | None = None,
    fail_as: Literal["mua", "noise"] = "mua",
    probe: str | None = None,
    by_cluster: bool = False,
    remove_failed: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
) -> DecisionExport:
    """Write the decisions on units as a curation of SpikeInterface, or as phy's TSV files.

    A unit is ``good`` where it passes the rulebook, reviews included; all others are called ``fail_as``.

    Parameters
    ----------
    home
        Home folder.
    source, session
        Whose units; a session by its id or first characters.
    out
        SpikeInterface: a ``.json`` file, or, ``by_cluster``, a folder that gets ``<probe>.json``. phy: a folder that
        gets a folder for each probe with ``cluster_group.tsv``.
    form
        ``spikeinterface`` or ``phy``.
    rulebook
        Rulebook that decides; the active one where None.
    fail_as
        What failed units are called: a rulebook does not tell multi-unit activity from noise.
    probe
        That probe alone.
    by_cluster
        Name units by cluster id, in place of unit id; phy always does.
    remove_failed
        Also have SpikeInterface remove failed units.
    overwrite
        Replace files that hold something else; a phy folder has the groups of whoever curated it.
    dry_run
        Say what would be written, and write nothing.

    Raises
    ------
    ConfigError
        If the units were not judged by the rulebook, the probe is unknown, or a file holds something else.
    UnknownSession
        If the units of the session are not stored.
    """
    from nh_platform.operations.upkeep.stored_sessions import stored_session
    from nh_platform.store.durable import disk_in_words, write_durably

    with open_home(home) as at:
        at.platform.entry(source)
        session_id = stored_session(at.platform.store, source, session)
        units = judged_units(at, source, session_id)
        if not len(units):
            found, action = "it has no unit that was judged", f"Run `nh materialize {source} {session_id}` first."
            raise UnknownSession(f"{source} session {session_id}", found, action)
        rulebook = rulebook or at.platform.config(source).rulebook_ids[0]
    units = units if probe is None else _of_probe(units, probe)
    files = _files(units, out, form, rulebook, fail_as, by_cluster, remove_failed)
    for path, content in files.items():
        if path.exists() and not overwrite and (not path.is_file() or path.read_bytes() != content.encode()):
            found = "it is there and holds something else, which may be a person's labels"
            raise ConfigError(str(path), found, "Name another --out, or --overwrite it.")
    if not dry_run:
        for path, content in files.items():
            with disk_in_words(path.parent):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_durably(path, content.encode())
    return DecisionExport(
        session_id=session_id,
        rulebook=rulebook,
        written=tuple(files),
        n_units=len(units),
        n_good=int(units[f"pass.{rulebook}"].sum()),
        n_reviewed=int(units["review"].isin(("pass", "fail")).sum()),
    )


def _of_probe(units: pd.DataFrame, probe: str) -> pd.DataFrame:
    own = units[units["probe"].astype(str) == probe]
    if not len(own):
        there = ", ".join(sorted(units["probe"].astype(str).unique())) or "none"
        raise ConfigError(f"--probe {probe}", f"the session has no such probe; it has {there}", "Name one of them.")
    return own


def _files(
    units: pd.DataFrame,
    out: Path,
    form: Literal["spikeinterface", "phy"],
    rulebook: str,
    fail_as: Literal["mua", "noise"],
    by_cluster: bool,
    remove_failed: bool,
) -> dict[Path, str]:
    """Return the files by path."""
    from nh_platform.qc.reviews.curators.label_exporting import to_curation, to_phy
    from nh_platform.store.path_parts import path_part_problem

    of_probe = {str(probe): own for probe, own in units.groupby("probe", sort=True)}
    for probe in of_probe:  # as its file states it: of a lab's own it may be anything
        if problem := path_part_problem(probe):
            action = "Rename the probe in the file of the session, or name one file: --out FILE.json."
            raise ConfigError(f"probe {probe[:80]!r}", f"no file can be named so: {problem}", action)
    if form == "phy":
        texts = {probe: to_phy(own, rulebook, fail_as) for probe, own in of_probe.items()}
        return {out / probe / name: text for probe, files in texts.items() for name, text in files.items()}
    choice = {"fail_as": fail_as, "remove_failed": remove_failed}
    if by_cluster:
        return {
            out / f"{probe}.json": to_curation(own, rulebook, by_cluster=True, **choice)  # type: ignore[arg-type]
            for probe, own in of_probe.items()
        }
    if out.suffix != ".json":
        raise ConfigError(f"--out {out}", "a curation of a whole session is one file", "Name a file ending in .json.")
    return {out: to_curation(units, rulebook, **choice)}  # type: ignore[arg-type]
