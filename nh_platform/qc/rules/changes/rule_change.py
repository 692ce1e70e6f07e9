"""One change of a rule as its rulebook states it: when, who, what, why, and how many units came in and went out.

Contains the models of the `history:` of a rule. Add a field here when a change needs one more. What a rulebook states
and what checks recorded is brought together by `nh_platform.qc.rules.changes.rule_history`.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1)]
_MONTH_FORMATS = {4: "-01-01", 7: "-01", 10: ""}
"""What a date of so many characters lacks of a whole one."""


def _is_date(text: str) -> str:
    if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", text):
        raise ValueError(f"{text!r} is no date; write YYYY-MM-DD, YYYY-MM or YYYY in quotes")
    try:
        dt.date.fromisoformat(text + _MONTH_FORMATS[len(text)])
    except ValueError as error:
        raise ValueError(f"{text!r} is no date: {error}") from error
    return text


class RuleEffect(BaseModel):
    """Units that a change took in and threw out of the good ones, as `nh qc diff` counts them.

    ``measured_on`` names the units, ``n_units`` of them, and how they were compared.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    came_in: Annotated[int, Field(ge=0)]
    went_out: Annotated[int, Field(ge=0)]
    n_units: Annotated[int, Field(ge=1)]
    measured_on: Text

    @model_validator(mode="after")
    def _fits(self) -> RuleEffect:
        if self.came_in + self.went_out > self.n_units:
            raise ValueError(f"{self.came_in} in and {self.went_out} out are more than the {self.n_units} units")
        return self

    def __str__(self) -> str:
        return f"{self.came_in:,} in, {self.went_out:,} out; {self.n_units:,} units compared ({self.measured_on})"


class RuleChange(BaseModel):
    """One change of a rule. ``date`` is a day, a month or a year; ``effect`` stands where it was counted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: Annotated[str, AfterValidator(_is_date)]
    who: Text
    what: Text
    why: Text
    effect: RuleEffect | None = None
    references: list[str] = []
