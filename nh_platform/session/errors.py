"""The errors that a person may meet, each naming the thing, what was found and what to do.

Contains the exceptions of the platform, and the offer of the nearest known words. Add a class here when a caller
must tell one kind of failure from another. Do not add exceptions for programming errors; those stay plain Python
exceptions.
"""

from __future__ import annotations

import copyreg
import difflib
import re
from collections.abc import Iterable
from typing import Any

_ACCOUNT = re.compile(r"://[^/?#\s]*@")


class NhError(Exception):
    """An error whose text is meant for the person running the platform; addresses in it lose name and password.

    Parameters
    ----------
    thing
        What the error is about: a file, a session, a rule, a setting.
    found
        What was found there, and what was expected; a full stop at its end is left out, as another error's text has.
    action
        What the person can do next.
    """

    def __init__(self, thing: str, found: str, action: str) -> None:
        self.thing, self.found, self.action = map(without_account, (thing, without_stop(found), action))
        super().__init__(f"{self.thing}: {self.found}. {self.action}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how another process has the same error: an exception's own way calls the class with the text alone."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class BadUpstreamData(NhError):
    """A session's upstream files cannot be used: truncated, missing, mixed revisions, lengths that disagree."""


class UpstreamTrouble(BadUpstreamData):
    """A file or answer did not come as upstream states it, which may pass: a server in trouble, a broken transfer."""


class UnknownSession(NhError):
    """A session, insertion or unit was asked for that the source, or the store, does not hold."""


class SchemaError(NhError):
    """A table does not have the columns, dtypes or nulls that its schema states."""


class ConfigError(NhError):
    """A setting, a configuration file or a rulebook cannot be used as written."""


class StoreError(NhError):
    """The store could not be read or written: disk full, an incomplete asset, a wrong layout."""


class DamagedFile(StoreError):
    """A stored file is not the bytes that were published."""

    @property
    def reason(self) -> str:
        """What is wrong with it, without naming whose it is."""
        return self.found.rpartition(" is damaged: ")[2]


def close_matches(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean a, b?`` for the known words nearest to ``word``, or an empty text."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    if not near:  # An id that lacks its prefix or its version, for example noise_cutoff for ibl.noise_cutoff@2022-10.
        near = [name for name in names if word and word.lower() in name.lower()][:3]
    return f" Did you mean {', '.join(near)}?" if near else ""


def without_stop(text: str) -> str:
    """Return a text without the full stop at its end, which what it is put into has; dots of an ellipsis stay.

    Examples
    --------
    >>> without_stop("no such file."), without_stop("and so on ...")
    ('no such file', 'and so on ...')
    """
    return text[:-1] if text.endswith(".") and not text.endswith("..") else text


def without_account(text: str) -> str:
    """Return a text in which no address has a user name and password: proxies are configured with theirs.

    Examples
    --------
    >>> without_account("no connection by http://me:secret@proxy.lab:3128/")
    'no connection by http://…@proxy.lab:3128/'
    """
    return _ACCOUNT.sub("://…@", text)
