"""The dictionary with attribute access that ONE's loaders return.

Contains that class. Add a method here when notebooks call another one on what they loaded.
"""

from __future__ import annotations

from typing import Any

import pandas as pd


class Bunch(dict[str, Any]):
    """A dictionary whose values are attributes too, as iblutil's `Bunch` and ONE's `AlfBunch`.

    Examples
    --------
    >>> spikes = Bunch(times=[0.1, 0.2], clusters=[3, 0])
    >>> spikes.times is spikes["times"]
    True
    >>> spikes.to_df().shape
    (2, 2)
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"it has {', '.join(map(repr, self))}, and no {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def copy(self) -> Bunch:
        """Return another bunch of the same values."""
        return Bunch(self)

    def to_df(self) -> pd.DataFrame:
        """Return the values as the columns of a table; all need one length."""
        return pd.DataFrame(dict(self))
