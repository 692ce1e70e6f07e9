"""Lists of Alyx, one page at a time, so that an error or a revoked token costs a page and not the list.

Add here what every list needs. What is asked is `alyx_records`; how one request is repeated is `connection`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from nh_platform.session import BadUpstreamData
from nh_platform.sources.ibl.server.connection import OneConnection
from nh_platform.sources.ibl.server.one_errors import REQUEST_LINE

T = TypeVar("T")
Record = Mapping[str, Any]

PAGE = 1000
"""Largest page that Alyx serves (``LimitedLimitOffsetPagination.max_limit``)."""

READINGS = 3
"""How often a list is read from its start before one that changes all the time is given up."""


_AROUND = len("GET  HTTP/1.1") + len(f"&limit={PAGE}&offset=1000000")
"""Bytes of a request line beside the address without paging."""


def id_queries(path: str, field: str, ids: Sequence[str], url: str) -> Iterator[str]:
    """Return the addresses that select records by id, as few as request lines of `REQUEST_LINE` bytes allow.

    Parameters
    ----------
    path
        Address without the ids, for example ``/datasets``.
    field
        Field of Django that holds the id, for example ``session``.
    ids
        The ids.
    url
        Address of the server; a proxy may get all of it in the request line.

    Examples
    --------
    >>> list(id_queries("/datasets", "session", ["a", "b"], "https://alyx.example.org"))
    ['/datasets?django=session__in,%5B%27a%27,%27b%27%5D']
    """
    start = f"{path}{'&' if '?' in path else '?'}django={field}__in,"
    room = REQUEST_LINE - _AROUND - len(url) - len(start) - len(quote("[]"))
    some: list[str] = []
    used = 0
    for one in ids:
        length = len(quote(f"'{one}',", safe=","))
        if some and used + length > room:
            yield start + _listed(some)
            some, used = [], 0
        some.append(one)
        used += length
    if some:
        yield start + _listed(some)


def _listed(ids: Sequence[str]) -> str:
    return quote("[" + ",".join(f"'{one}'" for one in ids) + "]", safe=",")


def read_list(connection: OneConnection, path: str, what: str, take: Callable[[Record], T]) -> list[T]:
    """Read every page of a list.

    Parameters
    ----------
    connection
        The open ONE.
    path
        Address without paging, for example ``/insertions``.
    what
        What it lists, for error texts.
    take
        What is kept of a record; whole records of 80,000 datasets are 200 MB.

    Raises
    ------
    BadUpstreamData
        If the number of records changes from page to page in each of `READINGS` tries: a record that moves across the
        border of two pages would be missed.
    ConfigError
        If the server or the login cannot be used.
    """
    for _ in range(READINGS):
        taken = _once(connection, path, what, take)
        if taken is not None:
            return taken
    raise BadUpstreamData(
        what,
        f"the list changed while it was read, in {READINGS} tries",
        "Upstream is being rebuilt; run it again in an hour.",
    )


def _once(connection: OneConnection, path: str, what: str, take: Callable[[Record], T]) -> list[T] | None:
    taken: list[T] = []
    total: int | None = None
    while total is None or len(taken) < total:
        page, count = connection.ask(partial(_page, path=path, offset=len(taken)), what)
        if total not in (None, count) or (count and not page):
            return None
        taken += map(take, page)
        total = count
    return taken


def _page(one: Any, path: str, offset: int) -> tuple[list[Record], int]:
    """Return the records of one page, and how many the whole list has."""
    query = f"{path}{'&' if '?' in path else '?'}limit={PAGE}" + (f"&offset={offset}" if offset else "")
    answer = one.alyx.get(query)
    if isinstance(answer, list):
        return answer, len(answer)
    # A page that is not all: ONE counts it from 0 whatever its offset, and would fetch the rest by itself.
    return [answer[i] for i in range(answer.limit)], len(answer)
