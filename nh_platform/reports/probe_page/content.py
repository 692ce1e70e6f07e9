"""What the page of probe insertions says: insertions, their tracks, their points, and what is not drawn and why.

Contains the record of the page, made of found insertions and their positions. Add here what the page shows of an
insertion. How it becomes HTML is `rendering`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.searching.probe_positions import AXES, FAIL, PASS, UNLABELLED, ProbePositions
from nh_platform.reports.probe_page.surface import Surface
from nh_platform.sources.anatomy.coordinates import MIDLINE_ML_UM
from nh_platform.sources.anatomy.regions import region_colours, regions_of_acronyms

LABELS = (PASS, FAIL, UNLABELLED, "channel")
"""Labels of points in the order of their numbers; a channel stands for itself where an insertion has no units."""

_VERTEX_EVERY = 16
"""Channels between two vertices of a track within one region: 160 µm on a Neuropixels 1.0 probe."""

_POINT_EVERY = 4
"""Of the channels of an insertion without units, every so many are points."""

_GREY = "#8c959f"
"""Colour of what has no region, or one that iblatlas does not know."""

_WITHOUT_COLOUR = ("root", "void")
"""White and black in the Allen ontology: neither is seen on paper of that colour."""

_REGIONS_NAMED = 6
_MIXED = "both"


@dataclass(frozen=True)
class ProbePage:
    """Record of the page.

    Parameters
    ----------
    title
        Title of the page.
    insertions
        Located insertions, one row each: ``source``, ``insertion_id``, ``session_id``, ``probe``, ``subject``, ``lab``,
        ``date``, ``release``, ``channels``, ``units``, ``good`` (numbers), ``regions`` (the most frequent),
        ``side`` (left, right or both).
    not_drawn
        The others, with ``why``.
    regions
        ``acronym``, ``beryl``, ``colour`` (of the Allen ontology), ``beryl_colour`` of each region by its number.
    tracks
        Vertices: ``insertion`` and ``region`` (numbers), `AXES` (µm); those of an insertion follow each other from one
        end of the probe to the other.
    points
        Places with units or channels: as tracks, and ``label`` (number in `LABELS`) and ``count``.
    labelled_by
        What labels are of, in words.
    notes
        What a reader should know of the selection.
    surface
        Surface of the brain, where there is one on this machine.
    """

    title: str
    insertions: pd.DataFrame
    not_drawn: pd.DataFrame
    regions: pd.DataFrame
    tracks: pd.DataFrame
    points: pd.DataFrame
    labelled_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    surface: Surface | None = None


def make_probe_page(
    title: str,
    probes: pd.DataFrame,
    positions: Sequence[ProbePositions],
    *,
    notes: Sequence[str] = (),
    surface: Surface | None = None,
) -> ProbePage:
    """Return the record of the page of these insertions.

    Parameters
    ----------
    title
        Title of the page.
    probes
        Schema `nh_platform.session.tables.catalogue.released.PROBE_CATALOG`, and ``release``: in which releases an
        insertion is.
    positions
        Of every source among them.
    notes
        What a reader should know of the selection.
    surface
        Surface of the brain, where there is one.
    """
    channels = pd.concat([one.channels for one in positions], ignore_index=True)
    units = pd.concat([one.units for one in positions], ignore_index=True)
    keys = [*zip(probes["source"], probes["insertion_id"])]
    with_position = {*zip(channels["source"], channels["insertion_id"]), *zip(units["source"], units["insertion_id"])}
    is_located = np.array([key in with_position for key in keys], dtype=bool)
    drawn = probes[is_located].reset_index(drop=True)
    number = {key: row for row, key in enumerate(zip(drawn["source"], drawn["insertion_id"]))}
    channels, units = (_numbered(table, number) for table in (channels, units))
    names, codes = _region_numbers(channels["acronym"], units["acronym"])
    channels, units = channels.assign(region=codes[: len(channels)]), units.assign(region=codes[len(channels) :])
    why = {one: reason for found in positions for one, reason in found.unlocated.items()}
    not_drawn = probes[~is_located].reset_index(drop=True)
    return ProbePage(
        title=title,
        insertions=_facts(drawn, channels, units, names),
        not_drawn=not_drawn.assign(why=not_drawn["insertion_id"].map(why).fillna("no position is known")),
        regions=names,
        tracks=_tracks(channels, units),
        points=_points(channels, units),
        labelled_by=tuple(dict.fromkeys(said for one in positions for said in one.labelled_by)),
        notes=tuple(notes),
        surface=surface,
    )


def _numbered(table: pd.DataFrame, number: dict[tuple[str, str], int]) -> pd.DataFrame:
    """Return the rows of drawn insertions with the insertion's number, in the order of the insertions."""
    codes = pd.Series(list(zip(table["source"], table["insertion_id"])), index=table.index, dtype=object).map(number)
    table = table.assign(insertion=codes)[codes.notna().to_numpy(dtype=bool)]
    return table.astype({"insertion": np.int64}).sort_values("insertion", kind="stable", ignore_index=True)


def _region_numbers(*acronyms: pd.Series) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Return the regions that occur and the number of each row's."""
    texts = pd.concat(acronyms, ignore_index=True).astype(object)
    codes, distinct = pd.factorize(texts.where(texts.notna(), ""))
    found = regions_of_acronyms(distinct)
    acronym = found["acronym"].where(found["acronym"].notna(), "no region")
    beryl = found["beryl"].where(found["beryl"].notna(), acronym)
    table = pd.DataFrame({"acronym": acronym, "beryl": beryl})
    colours = region_colours([*acronym, *beryl]) | dict.fromkeys(_WITHOUT_COLOUR, _GREY)
    of = {"colour": acronym.map(colours), "beryl_colour": beryl.map(colours)}
    return table.assign(**{name: values.fillna(_GREY) for name, values in of.items()}), codes


def _facts(drawn: pd.DataFrame, channels: pd.DataFrame, units: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    n = len(drawn)
    both = pd.concat([channels[["insertion", "region", "ml_um"]], units[["insertion", "region", "ml_um"]]])
    beryl = names["beryl"].to_numpy(dtype=object)[both["region"].to_numpy(np.int64)]
    sizes = both.assign(beryl=beryl).groupby(["insertion", "beryl"]).size().rename("n").reset_index()
    sizes = sizes.sort_values(["insertion", "n", "beryl"], ascending=[True, False, True])
    regions = sizes.groupby("insertion")["beryl"].agg(lambda found: ", ".join(found.head(_REGIONS_NAMED)))
    lowest, highest = (
        both.groupby("insertion")["ml_um"].agg(one).reindex(range(n)).to_numpy() for one in ("min", "max")
    )
    side = np.where(highest < MIDLINE_ML_UM, "left", np.where(lowest >= MIDLINE_ML_UM, "right", _MIXED))
    good = units[units["label"] == PASS]
    columns = ["source", "insertion_id", "session_id", "probe", "subject", "lab", "date", "release"]
    return drawn[columns].assign(
        channels=np.bincount(channels["insertion"], minlength=n),
        units=np.bincount(units["insertion"], minlength=n),
        good=np.bincount(good["insertion"], minlength=n),
        regions=regions.reindex(range(n)).fillna("").to_numpy(),
        side=side,
    )


def _tracks(channels: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return the vertices of every insertion: where the region changes, and some more. Without channels, its units."""
    alone = units[~units["insertion"].isin(channels["insertion"])].sort_values(["insertion", "dv_um"], kind="stable")
    columns = ["insertion", "region", *AXES]
    along = pd.concat([channels[columns], alone[columns]], ignore_index=True)
    along = along.sort_values("insertion", kind="stable", ignore_index=True)
    insertion, region = along["insertion"].to_numpy(), along["region"].to_numpy()
    first = np.r_[True, insertion[1:] != insertion[:-1]][: len(along)]
    last = np.r_[insertion[1:] != insertion[:-1], True][: len(along)]
    changed = np.r_[True, region[1:] != region[:-1]][: len(along)]
    rank = along.groupby("insertion").cumcount().to_numpy()
    return along[first | last | changed | (rank % _VERTEX_EVERY == 0)].reset_index(drop=True)


def _points(channels: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return one point per place and label with the number of units there; channels where an insertion has no units."""
    alone = channels[~channels["insertion"].isin(units["insertion"])]
    alone = alone[alone.groupby("insertion").cumcount() % _POINT_EVERY == 0].assign(label=LABELS[-1])
    columns = ["insertion", "region", *AXES, "label"]
    every = pd.concat([units[columns], alone[columns]], ignore_index=True)
    every = every.assign(label=every["label"].map({label: row for row, label in enumerate(LABELS)}).astype(np.int64))
    return every.groupby(columns, sort=True).size().rename("count").reset_index()
