"""Whether what differs from our files of one mode is equal to those of the other.

Contains the comparison that `nh export stimulus --compare` makes. What differs is found in `comparison`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nh_platform.exports.stimulus.compare.comparison import Comparison, compare_files
from nh_platform.session import ConfigError, StoreError
from nh_platform.windows.presentations.conventions import MODES, Mode


def compare_with_other_mode(
    files: Path | str,
    folder: Path | str,
    *,
    stimulus: str | None = None,
    structure: str | None = None,
    data: str | None = None,
    mode: Mode = "mlynarski-compat",
    dims: str | None = None,
) -> Comparison:
    """Compare as `compare_files`; where something differs, find out whether nothing does in the other mode.

    Bins of the two modes differ, so that an export of one, held against the other, looks like other data.

    Returns
    -------
    Comparison
        Of ``mode``; ``agrees_with`` is the mode of ours from which nothing differs, None where there is none.
    """
    found = compare_files(files, folder, stimulus=stimulus, structure=structure, data=data, mode=mode, dims=dims)
    if not found.differences:
        return found
    for other in MODES:
        if other == mode or not (Path(files) / other).is_dir():
            continue
        try:
            again = compare_files(
                files, folder, stimulus=stimulus, structure=structure, data=data, mode=other, dims=dims
            )
        except (ConfigError, StoreError):  # it does not fit that mode
            continue
        if again.arrays and not again.differences:
            return replace(found, agrees_with=other)
    return found
