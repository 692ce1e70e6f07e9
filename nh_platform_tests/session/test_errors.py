"""The text of an error is whole sentences: one full stop where another error's text was put into it, no `None`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import nh_platform
from nh_platform.session import ConfigError, NhError
from nh_platform.session import errors as error_module
from nh_platform.training_sets.set_tables import SetTables

PACKAGE = Path(nh_platform.__file__).parent
ERRORS = {name for name, one in vars(error_module).items() if isinstance(one, type) and issubclass(one, NhError)}


def raised() -> Iterator[tuple[str, list[ast.expr]]]:
    """Yield where an error is made, and its three texts."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ERRORS and len(call.args) == 3:
                yield f"{path.relative_to(PACKAGE)}:{call.lineno}", call.args


def constant_end(text: ast.expr) -> str:
    """Return the words at the end of a text that are stated in it; none where it ends with a value."""
    if isinstance(text, ast.Constant):
        return str(text.value)
    if isinstance(text, ast.JoinedStr) and text.values and isinstance(text.values[-1], ast.Constant):
        return str(text.values[-1].value)
    return ""


def test_what_was_found_of_another_error_ends_once() -> None:
    inner = ConfigError("file a.yaml", "it is empty", "Write it.")
    text = str(ConfigError("home", f"it cannot be read: {inner}", "Look at it."))
    assert text == "home: it cannot be read: file a.yaml: it is empty. Write it. Look at it."
    assert str(ConfigError("a", "b.", "C.")) == str(ConfigError("a", "b", "C."))
    assert ConfigError("a", "it ends with ...", "C.").found == "it ends with ..."


def test_stated_texts_have_one_full_stop_where_it_belongs() -> None:
    places = list(raised())
    assert len(places) > 500
    odd = [
        where
        for where, (_, found, action) in places
        if constant_end(found).endswith((".", " "))
        or (constant_end(action) and not constant_end(action).endswith((".", "?", "!")))
        or ".." in constant_end(action).replace("...", "")
    ]
    assert odd == []


def test_a_preset_that_is_not_named_is_not_called_none() -> None:
    windows = pd.DataFrame({"preset": ["continuous-1s", "trial-2s"]})
    tables = SetTables(SimpleNamespace(id="mine", tables={"set_windows": windows}))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"training set mine: it has 2 presets, and none is named\. Name one"):
        tables._preset(None)
    with pytest.raises(ConfigError, match="training set mine, preset 'trial-1s': it has none of that name"):
        tables._preset("trial-1s")
