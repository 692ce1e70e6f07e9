"""Text and names as torch_brain can hold them: ASCII of a fixed length, and names that are attributes.

Add here what else of a table torch_brain has no room for.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.torch_brain.checks import RESERVED


def as_text(values: pd.Series) -> npt.NDArray[np.str_]:
    r"""Return (n,) text of dtype ``<U``; nulls are empty, and what is not ASCII is written as Python escapes it.

    Examples
    --------
    >>> as_text(pd.Series(["VISp", None, "5 µm"])).tolist()
    ['VISp', '', '5 \\xb5m']
    """
    plain = ["" if pd.isna(one) else str(one).encode("ascii", "backslashreplace").decode() for one in values]
    return np.array(plain, dtype=f"<U{max(map(len, plain), default=1) or 1}")


def as_name(name: str) -> str:
    """Return a name that an attribute can have; one that torch_brain's objects have already gets ``_`` behind it.

    Examples
    --------
    >>> as_name("natural_movie_one"), as_name("gabors 20°"), as_name("keys")
    ('natural_movie_one', 'gabors_20_', 'keys_')
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"{plain}_" if plain in RESERVED or plain in ("start", "end", "timestamps") else plain
