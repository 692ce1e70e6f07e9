"""One file of labels, read by the reader of its format.

Contains the choice of the reader. Add here another format; its reader has a module of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nh_platform.qc.reviews.curators.curation_json import read_curation
from nh_platform.qc.reviews.curators.label_tables import read_label_table
from nh_platform.qc.reviews.curators.stated_labels import FORMATS, StatedLabels, read_bytes
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches


def read_label_file(path: Path, form: str | None = None, columns: Sequence[str] = ()) -> StatedLabels:
    """Read a file of labels of another curator or tool.

    Parameters
    ----------
    path
        The file.
    form
        One of `FORMATS`; recognised by the content where None.
    columns
        Of a table, the headings of the columns that are labels; those of its format where none is given.

    Raises
    ------
    ConfigError
        If it cannot be read or is not as its format says; names file and line or unit.
    """
    if form is not None and form not in FORMATS:
        found = f"there is no format {form!r}; there are {', '.join(FORMATS)}"
        raise ConfigError(f"--format {form}", found, f"Name one of them.{close_matches(form, FORMATS)}")
    content = read_bytes(path)
    is_json = content.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"[") and content[:4] != b"PAR1"
    if form == "spikeinterface" or (form is None and is_json):
        if columns:
            raise ConfigError(f"--column {columns[0]}", f"{path.name} is no table", "Leave --column out.")
        return read_curation(content, path.name)
    return read_label_table(content, path.name, form, columns)
