"""The address of a database as SQLAlchemy reads it.

Contains what needs none of the packages of the extra ``deploy``.
"""

from __future__ import annotations

_DRIVER = "postgresql+psycopg2://"
_WITHOUT_DRIVER = ("postgresql://", "postgres://")


def with_driver(url: str) -> str:
    """Return the address of a database with the driver that is installed.

    SQLAlchemy 2.1 takes ``postgresql://`` for psycopg 3, which dagster-postgres does not bring, and refuses the
    ``postgres://`` that hosting services hand out.

    Examples
    --------
    >>> with_driver("postgresql://dagster@db/dagster")
    'postgresql+psycopg2://dagster@db/dagster'
    """
    for scheme in _WITHOUT_DRIVER:
        if url.startswith(scheme):
            return _DRIVER + url.removeprefix(scheme)
    return url
