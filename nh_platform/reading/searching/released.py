"""The tables of a whole release, for notebooks: units, channels, probes, sessions, regions; no session file is needed.

Contains what `OpenedStore.released` returns. Add here what people ask of such tables. How they come into the store is
`nh_platform.history.released_tables`; which insertions there are, `probe_search`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.embeddings.cell_types.waveform_type import waveform_types
from nh_platform.history.released_tables import SCHEMAS, read_released, released_folder
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.cell_types import WAVEFORM_TYPE
from nh_platform.sources.anatomy.region_names import Region, find_region
from nh_platform.sources.registry import sources
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import column_names
from nh_platform.store.file_hashes import is_stored

_DURATIONS = ("waveform_duration", "duration")
"""Column of released units with the ms from trough to peak: in Visual Behavior, and in Visual Coding."""


class Released:
    """Tables of the release that was synced last. What a release does not tabulate is an empty table.

    Every table begins with the platform's own columns (``session_id``, ``insertion_id``, ``probe``, ``unit_id``,
    ``acronym``, ``beryl``, ``cosmos``, CCF positions in µm); all others are upstream's, under its names and in its
    units of measure.

    Parameters
    ----------
    store, source
        Where they are.

    Raises
    ------
    UnknownSession
        If there are none; the text says how to get them.
    """

    def __init__(self, store: Store, source: str) -> None:
        self.source = source
        self._folder = released_folder(store, source)

    def __repr__(self) -> str:
        return f"Released({self.source!r}, release={self.release!r})"

    @property
    def release(self) -> str:
        """Name of the release."""
        return self.provenance.parameters.get("release", "")

    @cached_property
    def provenance(self) -> Provenance:
        """The upstream files with their hashes, and what was left out."""
        return Provenance.read(self._folder)

    def sessions(self) -> pd.DataFrame:
        """Return one row per session: sex, age, genotype, image set and all else that the release states."""
        return read_released(self._folder, "sessions")

    def probes(self) -> pd.DataFrame:
        """Return one row per probe insertion."""
        return read_released(self._folder, "probes")

    def regions(self, region: str | None = None) -> pd.DataFrame:
        """Return how many channels and units of each insertion lie in each structure, schema `RELEASED_REGIONS`."""
        table = read_released(self._folder, "regions")
        return table if region is None else _within(table, self.region(region))

    def channels(self, columns: Sequence[str] | None = None, region: str | None = None) -> pd.DataFrame:
        """Return one row per channel; ``columns`` and ``region`` as of `units`."""
        return self._rows("channels", columns, region)

    def units(self, columns: Sequence[str] | None = None, region: str | None = None) -> pd.DataFrame:
        """Return one row per unit, before any filter.

        Parameters
        ----------
        columns
            Columns to read; all where not stated. Fewer are faster.
        region
            Only those in this region or below it: an acronym of the Allen CCF, Beryl or Cosmos, or V1, LM, LGN, ….

        Raises
        ------
        ConfigError
            If there is no such region or column; the text names the nearest.
        """
        return self._rows("units", columns, region)

    def analysis_metrics(self, columns: Sequence[str] | None = None, region: str | None = None) -> pd.DataFrame:
        """Return Allen's own analysis of each unit: preferred orientation, receptive field, p-values and so on.

        One row per unit that upstream analysed; ``columns`` and ``region`` as of `units`.

        Raises
        ------
        ConfigError
            If there is no such region or column; the text names the nearest.
        UnknownSession
            If there are none; the text says how to get them.
        """
        if not self.holds("analysis_metrics"):
            raise UnknownSession(
                f"analysis metrics of {self.source}",
                "none are stored" + "".join(f"; {said}" for said in self.provenance.left_out if "analysis" in said),
                "Of the sources only Visual Coding has such metrics: `nh sync allen_vc --tables` fetches them, or put "
                "the files beside sessions.csv and run `nh sync allen_vc`.",
            )
        return self._rows("analysis_metrics", columns, region)

    def holds(self, table: str) -> bool:
        """Return whether one of the tables is stored."""
        return is_stored(self._folder / f"{table}.parquet")

    def unit_rows(self, columns: Sequence[str] | None = None, region: str | None = None) -> pd.DataFrame:
        """Return `units` with columns of `analysis_metrics` beside them; units without an analysis have none (NaN).

        Columns that both tables have are those of the units; without ``columns`` those of the units are all. The type
        of the waveform, narrow or broad, is a column that may be asked for where the release states a duration.
        """
        if columns is None:
            return self.units(None, region)
        durations = [name for name in _DURATIONS if name in self.column_names("units")]
        if WAVEFORM_TYPE.name in columns and durations:
            others = [name for name in columns if name != WAVEFORM_TYPE.name]
            rows = self.unit_rows(list(dict.fromkeys([*others, durations[0]])), region)
            types = waveform_types(rows[durations[0]].to_numpy(dtype=np.float64))
            return rows.assign(**{WAVEFORM_TYPE.name: types})[list(dict.fromkeys(columns))]
        analysed = self.column_names("analysis_metrics") if self.holds("analysis_metrics") else []
        own = self.column_names("units")
        asked = list(dict.fromkeys(columns))
        beside = [name for name in asked if name not in own and name in analysed]
        if not beside:
            return self.units(asked, region)
        units = self.units([name for name in dict.fromkeys(["unit_id", *asked]) if name not in beside], region)
        return units.merge(self.analysis_metrics(["unit_id", *beside]), on="unit_id", how="left")[asked]

    def column_names(self, table: str) -> list[str]:
        """Return the columns of one of the stored tables."""
        path: Path = self._folder / f"{table}.parquet"
        return column_names(path) if is_stored(path) else SCHEMAS[table].names

    def region(self, asked: str) -> Region:
        """Return the region that a name means among the users of this source."""
        return find_region(asked, region_names(self.source))

    def _rows(self, name: str, columns: Sequence[str] | None, region: str | None) -> pd.DataFrame:
        place = None if region is None else self.region(region)
        if columns is not None:
            self._require(name, columns)
        read = None if columns is None else list(dict.fromkeys([*columns, *(["acronym"] if place else [])]))
        table = read_released(self._folder, name, read)
        if place is not None:
            table = _within(table, place)
        return table if columns is None else table[list(columns)]

    def _require(self, name: str, columns: Sequence[str]) -> None:
        known = self.column_names(name)
        if name == "units" and self.holds("analysis_metrics"):  # `unit_rows` has them beside
            near = list(dict.fromkeys([*known, *self.column_names("analysis_metrics")]))
        else:
            near = known
        for column in columns:
            if column not in known:
                raise ConfigError(
                    f"column {column!r}",
                    f"the released {name} of {self.source} have no such column",
                    f"Use one of: {', '.join(known)}.{close_matches(column, near)}",
                )


def region_names(source: str) -> Mapping[str, str]:
    """Return the names that the users of a source give to regions, where they mean something else in the CCF."""
    entry = sources().get(source)
    return {} if entry is None else entry.region_names


def _within(table: pd.DataFrame, region: Region) -> pd.DataFrame:
    return table[table["acronym"].isin(region.acronyms)].reset_index(drop=True)
