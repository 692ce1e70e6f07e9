"""What a page lets in beside its own views: paths that hold data or take what is sent, secrets, and limits.

Contains the records for the two pages of the platform that a guard stands before: Dagster's, and the review desk. Add
here what a page takes; how a request is held against it is `guard`.
"""

from __future__ import annotations

from dataclasses import dataclass

Header = tuple[bytes, bytes]

_DESK_BODY_BYTES = 1 << 20
_DESK_BODY_S = 10.0


@dataclass(frozen=True)
class Entrance:
    """What a page lets in; all else but GET and HEAD is refused.

    Parameters
    ----------
    data
        Paths whose answers are data, with all below them: a link on another site does not lead there.
    posts
        Paths that take POST in JSON; one that ends in ``/`` stands for all below it.
    posts_only
        Paths that are asked by POST alone.
    web_sockets
        Paths with a WebSocket.
    add_name
        Command that adds a name to the page.
    headers
        Headers of every answer. One that the page itself gives stays.
    form_token
        What a POST must state in the header ``x-nh-token``; no such thing where empty. Another site's script cannot
        read it from the page, and its form cannot send a header.
    access_token
        Password (Basic) or bearer token of every request; no such thing where empty.
    body_bytes, body_s
        Longest body of a POST and how long it may take [s]; bodies go through unread where 0.
    """

    data: tuple[str, ...]
    posts: tuple[str, ...]
    add_name: str
    posts_only: tuple[str, ...] = ()
    web_sockets: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()
    form_token: str = ""
    access_token: str = ""
    body_bytes: int = 0
    body_s: float = 0.0

    def takes_posts(self, path: str) -> bool:
        """Return whether a path takes POST."""
        return any(path.startswith(one) if one.endswith("/") else path == one for one in self.posts)

    def holds_data(self, path: str) -> bool:
        """Return whether a path holds data."""
        return any(path == one or path.startswith(f"{one}/") for one in self.data)


DAGSTER = Entrance(
    data=("/graphql", "/metrics", "/logs", "/download_debug", "/notebook", "/dagit/notebook"),
    posts=("/graphql",),
    posts_only=("/graphql",),
    web_sockets=("/graphql",),
    add_name="nh ui --allowed-host NAME",
    headers=((b"x-frame-options", b"SAMEORIGIN"),),
)
"""Dagster's page. Without the header another site shows it in a frame, and lets a person press what lies below."""

CLOSED = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
"""No other site can frame, read or keep anything; a view of the desk states a policy of its own for what it holds."""


def desk_entrance(form_token: str, access_token: str = "") -> Entrance:
    """Return what the review desk lets in, with the secrets of one start."""
    return Entrance(
        data=("/api",),
        posts=("/api/",),
        add_name="nh review serve --allowed-host NAME",
        headers=CLOSED,
        form_token=form_token,
        access_token=access_token,
        body_bytes=_DESK_BODY_BYTES,
        body_s=_DESK_BODY_S,
    )
