"""Tables of points converted between IBL's metres and the Allen CCF, as `nh coords` prints them.

Contains the reading of a CSV table, its conversion and what is said of cells that are none. Add a frame here when
`nh_platform.sources.anatomy.coordinates` has one more. The formulas stand there.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from nh_platform.session import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from nh_platform.sources.anatomy.coordinates import Outside

Frame = Literal["ibl", "ccf"]

AXES: dict[Frame, tuple[tuple[str, str, str], ...]] = {
    "ibl": (("x", "y", "z"), ("x_m", "y_m", "z_m")),
    "ccf": (("ap", "dv", "ml"), ("ccf_ap_um", "ccf_dv_um", "ccf_ml_um")),
}
"""Columns of each frame: metres from bregma, µm of the CCF. The second names are those of the platform's own tables;
columns are written under the names of the same kind."""

_DECIMALS: dict[Frame, int] = {"ibl": 15, "ccf": 9}
"""Decimals that are written, 1 fm each: more shows the rounding of float64 (3739.0000000000005)."""

_NOTHING = frozenset({"", "nan", "na", "n/a", "none", "null"})


def convert_coordinates(
    table: Path | TextIO,
    from_frame: Frame,
    to_frame: Frame,
    *,
    outside: Outside = "raise",
    mirror_ml: bool = False,
) -> pd.DataFrame:
    """Convert the positions of a CSV table; all its other columns are kept as they are written.

    Parameters
    ----------
    table
        Path of the table, or an open text file.
    from_frame, to_frame
        ``ibl``: x, y, z in metres from bregma. ``ccf``: ap, dv, ml in µm of the Allen CCF.
    outside
        What becomes of points outside the CCF volume, as of
        `nh_platform.sources.anatomy.coordinates.ccf_um_from_xyz_m`.
    mirror_ml
        Whether ML of the CCF counts from right to left, as in Allen's own sessions.

    Returns
    -------
    pandas.DataFrame
        The rows in their order, every cell text. The converted columns stand in the place of the first of the three;
        a row without a position on every axis has none in any.

    Raises
    ------
    ConfigError
        If the table cannot be read, has no such columns, has the converted ones already or a cell that is no number,
        or if a point lies outside the volume; with the row.
    """
    import numpy as np

    from nh_platform.sources.anatomy.coordinates import ccf_um_from_xyz_m, mirrored_ml_um, xyz_m_from_ccf_um

    if from_frame == to_frame:
        raise ConfigError("frames", f"both are {from_frame}", "State another: ibl, ccf.")
    name = str(table) if isinstance(table, Path) else "the table"
    rows = _read(table, name)
    given, made = _columns(rows, from_frame, to_frame, name)
    points = np.column_stack([_numbers(rows, column, name) for column in given]).reshape(len(rows), 3)
    points[np.isnan(points).any(axis=1)] = np.nan
    try:
        if from_frame == "ibl":
            ap, dv, ml = ccf_um_from_xyz_m(*points.T, outside=outside)
            converted = (ap, dv, mirrored_ml_um(ml) if mirror_ml else ml)
        else:
            ap, dv, ml = points.T
            converted = xyz_m_from_ccf_um(ap, dv, mirrored_ml_um(ml) if mirror_ml else ml, outside=outside)
    except ConfigError as error:
        raise ConfigError(f"table {name}", f"{error.thing}: {error.found}", error.action) from error
    place = list(rows.columns).index(given[0])
    kept = rows.drop(columns=list(given))
    place = min(place, kept.shape[1])
    for offset, (column, values) in enumerate(zip(made, converted)):
        kept.insert(place + offset, column, [_written(value, _DECIMALS[to_frame]) for value in values])
    return kept


def _read(table: Path | TextIO, name: str) -> pd.DataFrame:
    """Return the rows of a table as text; their index is the line of each, as an editor counts them.

    pandas leaves the fields away that a row has too many, and names the second of two columns anew.
    """
    import pandas as pd

    try:
        if isinstance(table, Path):
            with table.open(encoding="utf-8-sig", newline="") as stream:
                return _read(stream, name)
        reader = csv.reader(table, strict=True)
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(
            f"table {name}", f"it cannot be read as CSV: {error}", "Check the path and the file."
        ) from error
    columns = [cell.removeprefix("\ufeff").strip() for cell in lines[0][1]] if lines else []
    heading, times = Counter(columns).most_common(1)[0] if columns else ("", 0)
    if times > 1:
        raise ConfigError(f"table {name}", f"the column {heading!r} stands twice", "Rename one of the two.")
    for number, cells in lines[1:]:
        if len(cells) != len(columns):
            found = f"line {number} has {len(cells)} fields, the line of names {len(columns)}"
            raise ConfigError(f"table {name}", found, "Save the table again; text with a comma needs quotes.")
    by_column = zip(*(cells for _, cells in lines[1:])) if lines[1:] else ((),) * len(columns)
    return pd.DataFrame(dict(zip(columns, by_column)), index=[number for number, _ in lines[1:]], dtype=object)


def _columns(
    rows: pd.DataFrame, from_frame: Frame, to_frame: Frame, name: str
) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Return the three columns to convert and the names of what is made of them."""
    from nh_platform.session.errors import close_matches

    for given, made in zip(AXES[from_frame], AXES[to_frame]):
        if set(given) <= set(rows.columns):
            twice = [column for column in made if column in rows.columns]
            if twice:
                there = f"it has a column {twice[0]} already, and the converted one gets that name"
                raise ConfigError(f"table {name}", there, "Rename that column, or leave it out.")
            return given, made
    wanted = AXES[from_frame][0]
    missing = [column for column in wanted if column not in rows.columns]
    found = f"columns missing: {', '.join(missing)}; it has {', '.join(map(str, rows.columns)) or 'none'}"
    others = ", ".join(AXES[from_frame][1])
    unit = "metres from bregma" if from_frame == "ibl" else "µm of the CCF"
    near = close_matches(missing[0], map(str, rows.columns))
    raise ConfigError(
        f"table {name}", found, f"Name them {', '.join(wanted)} (or {others}), in {unit}, separated by commas.{near}"
    )


def _numbers(rows: pd.DataFrame, column: str, name: str) -> npt.NDArray[np.float64]:
    """Return the values of a column; NaN where a cell says that there is none."""
    import numpy as np
    import pandas as pd

    texts = rows[column].fillna("").str.strip()
    numbers = pd.to_numeric(texts.where(~texts.str.lower().isin(_NOTHING), "nan"), errors="coerce")
    odd = np.flatnonzero(numbers.isna() & ~texts.str.lower().isin(_NOTHING))
    if len(odd):
        found = f"line {rows.index[int(odd[0])]}, column {column}: {texts.iloc[int(odd[0])]!r} is no number"
        raise ConfigError(f"table {name}", found, "Write a number with a point, or leave the cell empty.")
    return numbers.to_numpy(np.float64)


def _written(value: float, decimals: int) -> str:
    return "" if value != value else repr(round(float(value), decimals) + 0.0)  # + 0.0: no -0.0
