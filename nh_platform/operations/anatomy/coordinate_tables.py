"""Tables of points converted between IBL's metres and the Allen CCF, as `nh coords` prints them.

Contains the reading of a CSV table, its conversion and what is said of cells that are none. Add a frame here when
`nh_platform.sources.anatomy.coordinates` has one more. The formulas stand there.
"""

from __future__ import annotations

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
    import pandas as pd

    try:
        rows = pd.read_csv(table, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise ConfigError(
            f"table {name}", f"it cannot be read as CSV: {error}", "Check the path and the file."
        ) from error
    return rows.rename(columns=lambda column: str(column).strip())


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
        line = int(odd[0]) + 2
        found = f"line {line}, column {column}: {texts.iloc[int(odd[0])]!r} is no number"
        raise ConfigError(f"table {name}", found, "Write a number with a point, or leave the cell empty.")
    return numbers.to_numpy(np.float64)


def _written(value: float, decimals: int) -> str:
    return "" if value != value else repr(round(float(value), decimals) + 0.0)  # + 0.0: no -0.0
