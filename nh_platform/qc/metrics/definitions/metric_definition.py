"""A metric definition: an id with a version, the formula, its parameters, its source and its edge cases.

Contains the record type and the checks of its fields. Add a field here when every definition needs it. The definitions
themselves stand in the modules beside this one; no number is computed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ID_PATTERN = r"[a-z][a-z0-9]*\.[A-Za-z0-9_]+@[0-9A-Za-z.\-]+"
"""What a definition id looks like: ``<who defined it>.<name>@<version>``. It is also the column name in `units`."""

NEEDS = ("times", "amplitudes", "depths")
"""The spike properties that a metric may be computed from."""


@dataclass(frozen=True)
class MetricDefinition:
    """One number of a unit, defined so exactly that two people compute the same value.

    Parameters
    ----------
    id
        ``<who defined it>.<name>@<version>``; the version is the vintage of the definition: a changed formula is a new
        id.
    meaning
        One sentence for a reader who does not know the metric.
    formula
        The formula in words or LaTeX-like text. N is the number of spikes of the unit, t its spike times, T the time
        from the first to the last spike of its probe.
    unit
        Unit of measure of the value (``1`` for a pure number).
    needs
        Which of ``times``, ``amplitudes``, ``depths`` it is computed from.
    edge_cases
        What the value is for empty units, one spike, zero duration and unusable input.
    source
        Paper and upstream file with version.
    parameters
        Every constant of the formula, names with the unit in them where there is one.
    dtype
        ``float64``, ``int64`` or ``uint8``.
    says
        What a value says of a unit, as the end of a sentence about it: a template of ``{value}``, in the rule's unit of
        measure, and ``{percent}``, a hundred times it; of a yes/no value the words for no and for yes. It stands here
        and not in the rules: it tells what is measured, the same for every threshold, and rulebooks of one's own have
        it too.

    Raises
    ------
    ValueError
        If the id does not match `ID_PATTERN` or a field has an unknown value.
    """

    id: str
    meaning: str
    formula: str
    unit: str
    needs: tuple[str, ...]
    edge_cases: str
    source: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    dtype: str = "float64"
    says: str | tuple[str, str] = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(ID_PATTERN, self.id):
            raise ValueError(f"metric id {self.id!r} does not match {ID_PATTERN}")
        if self.dtype not in ("float64", "int64", "uint8"):
            raise ValueError(f"metric {self.id}: dtype {self.dtype!r} is not float64, int64 or uint8")
        if not self.needs or not set(self.needs) <= set(NEEDS):
            raise ValueError(f"metric {self.id}: needs {self.needs} is not a choice of {NEEDS}")

    @property
    def defined_by(self) -> str:
        """Who defined it: ``ibl``, ``allen``, ``nh`` (this platform) or a lab whose package is installed."""
        return self.id.split(".", 1)[0]

    @property
    def name(self) -> str:
        """Name that upstream gives the metric, for example ``noise_cutoff``."""
        return self.id.split(".", 1)[1].split("@", 1)[0]

    @property
    def version(self) -> str:
        """Vintage of the definition, for example ``2022-10``."""
        return self.id.split("@", 1)[1]
