"""Every quantity that a rule may name: the metric definitions, and what is only stated about a unit.

Contains the look-up by definition id, the released-only quantities, and the factors between units of measure. Add here
a quantity that the platform cannot compute from spikes. A metric with a formula belongs to `nh_platform.qc.metrics`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition


@dataclass(frozen=True)
class Quantity:
    """Something that a release or a table of one's own states of a unit, and that no pass over its spikes computes.

    Parameters
    ----------
    id
        Definition id, for example ``allen.quality@2019``.
    unit
        Unit of measure of its values; ``1`` for a pure number, ``-`` for text and yes/no.
    meaning
        One sentence.
    source
        Where the definition is written.
    says
        What a value says of a unit, as of `MetricDefinition`.
    made_by
        What computes it of a stored session, where it is no column of `units`; in words.
    """

    id: str
    unit: str
    meaning: str
    source: str
    says: str | tuple[str, str] = ""
    made_by: str = ""

    @property
    def name(self) -> str:
        """Name without dataset prefix and version, for example ``quality``."""
        return self.id.split(".", 1)[1].split("@", 1)[0]


RELEASED_ONLY: dict[str, Quantity] = {
    stated.id: stated
    for stated in (
        Quantity(
            "allen.quality@2019",
            "-",
            "Judgement of the waveform by the Allen pipeline: good or noise",
            "AllenSDK 2.16.2, EcephysProjectCache, column quality of the unit table",
            "the Allen pipeline judged its waveform {value}",
        ),
        Quantity(
            "nh.inside_brain@1",
            "-",
            "Whether the peak channel of the unit has an Allen CCF structure",
            "AllenSDK 2.16.2, EcephysProjectCache._get_units: ecephys_structure_id is not NaN",
            ("its peak channel is in no structure of the brain", "its peak channel is in a structure of the brain"),
        ),
        Quantity(
            "spikeinterface.snr@0.105",
            "1",
            "Largest size of the mean waveform on its main channel over the noise of that channel",
            "SpikeInterface 0.105.3 spikeinterface/metrics/quality/misc_metrics.py compute_snrs; in Python, "
            "session.signal_to_noise() where mean waveforms and noise were made",
            "the peak of its mean waveform is {value} times the noise of its channel",
            "session.signal_to_noise(), where mean_waveforms and noise are made on request",
        ),
        Quantity(
            "nh.waveform_type@1",
            "-",
            "Type of the waveform by the time from trough to peak: narrow (at most 0.4 ms) or broad",
            "nh_platform.embeddings.cell_types.waveform_type; the threshold of bombcell in cortex",
            "its waveform is {value}",
        ),
        Quantity(
            "nh.optotagged@1",
            "1",
            "Whether short pulses of light drive the unit, 1 or 0",
            "nh_platform.embeddings.cell_types.optotagging; after AllenSDK 2.16.2, example ecephys_optotagging",
            ("light does not drive it", "light drives it"),
        ),
    )
}

CELL_TYPES = ("nh.waveform_type@1", "nh.optotagged@1")
"""Those that are columns of `units` of the same name, as of `nh_platform.session.tables.cell_types`."""

_SCALES: dict[str, tuple[str, Decimal]] = {
    "V": ("V", Decimal(1)),
    "mV": ("V", Decimal("1e-3")),
    "uV": ("V", Decimal("1e-6")),
    "s": ("s", Decimal(1)),
    "ms": ("s", Decimal("1e-3")),
    "us": ("s", Decimal("1e-6")),
    "m": ("m", Decimal(1)),
    "mm": ("m", Decimal("1e-3")),
    "um": ("m", Decimal("1e-6")),
    "1": ("1", Decimal(1)),
    "%": ("1", Decimal("1e-2")),
    "Hz": ("Hz", Decimal(1)),
}

_PLATFORM_UNIT = {"uV": "V", "mV": "V"}
_SHOWN_UNIT = {"uV": "µV", "um": "µm", "us": "µs", "um/h": "µm/h", "1": "", "-": ""}


CURATED_PREFIX = "curated."
"""As of `nh_platform.session.tables.units`, which loads pandas: a mistake in a rulebook need not."""


def is_curated(definition_id: str) -> bool:
    """Return whether a rule names a label of another curator: a column of `units`, which a session may lack."""
    if not definition_id.startswith(CURATED_PREFIX):
        return False
    from nh_platform.session.tables.units import CURATED

    return re.fullmatch(CURATED.name, definition_id) is not None


def is_column_of_units(definition_id: str) -> bool:
    """Return whether a rule names a column of `units` itself: a label of another curator, or a cell type."""
    return definition_id in CELL_TYPES or is_curated(definition_id)


def quantity_ids() -> list[str]:
    """Return every id that a rule may name, sorted."""
    from nh_platform.qc.metrics.definitions.lookup import known_metrics

    return sorted({*known_metrics(), *RELEASED_ONLY})


def quantity(definition_id: str) -> Quantity | MetricDefinition:
    """Return the quantity with this definition id.

    Raises
    ------
    KeyError
        If neither the metric registry nor the released-only quantities have it, and it is no curator's label.
    """
    from nh_platform.qc.metrics.definitions.lookup import known_metrics

    if is_curated(definition_id):
        return Quantity(definition_id, "-", "Label of another curator or tool", "imported by `nh review import`")
    return RELEASED_ONLY.get(definition_id) or known_metrics()[definition_id]


def unit_factor(from_unit: str, to_unit: str) -> Decimal | None:
    """Return what a value in ``from_unit`` is multiplied by to be in ``to_unit``; None where they do not convert.

    Decimal, not float: 50 µV × 1e-6 must be the float 50e-6 that upstream compares with, or a unit exactly at the
    threshold changes sides.
    """
    if from_unit == to_unit:
        return Decimal(1)
    if from_unit not in _SCALES or to_unit not in _SCALES:
        return None
    from_base, from_scale = _SCALES[from_unit]
    to_base, to_scale = _SCALES[to_unit]
    return from_scale / to_scale if from_base == to_base else None


def platform_unit(upstream_unit: str) -> str:
    """Return the unit of measure in which the platform stores what upstream states in ``upstream_unit``."""
    return _PLATFORM_UNIT.get(upstream_unit, upstream_unit)


def shown_number(value: float, digits: int) -> str:
    """Return a number in ``digits`` significant digits, but none before the point is lost, up to a limit of 1e15.

    Examples
    --------
    >>> shown_number(0.123456, 4), shown_number(123456.7, 4)
    ('0.1235', '123457')
    """
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 1e15 else text


def said_of(definition_id: str, value: float | str | bool) -> str:
    """Return what a value says of a unit, in words; empty where the definition has none.

    Parameters
    ----------
    definition_id
        The quantity.
    value
        Its value, in the unit of measure of the rule.

    Examples
    --------
    >>> said_of("ibl.presence_ratio@2022-10", 0.876)
    'fires in 88 % of the 10 s bins'
    >>> said_of("nh.inside_brain@1", False)
    'its peak channel is in no structure of the brain'
    """
    says = quantity(definition_id).says
    if isinstance(says, tuple):
        return says[bool(value)]
    if isinstance(value, str):
        return says.format(value=value, percent="")
    return says.format(value=shown_number(value, 3), percent=shown_number(100 * value, 2))


def shown_unit(unit: str) -> str:
    """Return a unit of measure as a person reads it: µV for uV, nothing for a pure number."""
    return _SHOWN_UNIT.get(unit, unit)


def after_number(unit: str) -> str:
    """Return a unit of measure as it stands behind a number, with a space before; nothing for a pure number."""
    return f" {shown_unit(unit)}".rstrip()
