"""The Alyx stand-in: the endpoints that the unmodified ``OneAlyx`` of ONE-api 3.6.1 uses.

Add an endpoint here. Payloads are `payloads`, queries `filters`, the database `state`.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from nh_platform_tests.loopback.filters import NAMED, UnknownFilter, select
from nh_platform_tests.loopback.payloads import Payloads
from nh_platform_tests.loopback.serving import LoopbackServer, Reply
from nh_platform_tests.loopback.state import AlyxState, Record

PAGE_SIZE, MAX_PAGE_SIZE = 250, 1000
MAX_REQUEST_LINE = 4094


class AlyxServer(LoopbackServer):
    """Serve the REST interface of a state.

    Parameters
    ----------
    state
        The database; read anew at every request.
    data_server
        Address under which files are served, as `FileServer.data_server`.

    Attributes
    ----------
    max_page_size
        Most records of a page, whatever is asked for.
    max_request_line
        Longest request line in bytes; a longer one is answered with 414, as by gunicorn.
    serves_me
        Whether there is ``/me``, which says whose a token is; Alyx 3.6.1 has none.
    """

    def __init__(self, state: AlyxState, data_server: str) -> None:
        super().__init__()
        self.state, self.data_server = state, data_server
        self.max_page_size = MAX_PAGE_SIZE
        self.max_request_line = MAX_REQUEST_LINE
        self.serves_me = True

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """Answer one request."""
        if len(f"{method} {target} HTTP/1.1") > self.max_request_line:
            return Reply(414, b"<h1>Request-URI Too Long</h1>", "text/html")
        with self.state.lock:
            parts = urlsplit(target)
            path = unquote(parts.path).strip("/")
            if path == "auth-token" and method == "POST":
                return self._login(body)
            user = self._user(headers)
            if method != "GET":
                return _json({"detail": f'Method "{method}" not allowed.'}, 405)
            payloads = Payloads(self.state, self.url, self.data_server)
            if path == "me" and self.serves_me:
                return _json({"username": user})
            if path == "api/schema":
                return _json(_schema())
            cache = re.fullmatch(r"cache/info(?:/(\w+))?|(?:cache/(\w+)/)?cache\.zip", path)
            if cache:
                return self._cache(payloads, path, cache.group(1) or cache.group(2))
            endpoint, _, key = path.partition("/")
            if endpoint not in NAMED:
                return _not_found()
            if key:
                return self._detail(payloads, endpoint, key)
            return self._list(payloads, endpoint, dict(parse_qsl(parts.query)))

    def _login(self, body: bytes) -> Reply:
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if self.state.users.get(form.get("username", "")) != form.get("password", ""):
            return _json({"non_field_errors": ["Unable to log in with provided credentials."]}, 400)
        return _json({"token": self.state.issue_token(form["username"])})

    def _user(self, headers: Any) -> str:
        token = (headers.get("Authorization") or "").removeprefix("Token ")
        if not token:
            raise _json({"detail": "Authentication credentials were not provided."}, 403)
        if token not in self.state.tokens:
            raise _json({"detail": "Invalid token."}, 403)
        return self.state.tokens[token]

    def _cache(self, payloads: Payloads, path: str, tag: str | None) -> Reply:
        if tag is not None and tag not in self.state.tags:
            return _not_found()
        if path.startswith("cache/info"):
            return _json(payloads.cache_info(tag))
        return Reply(200, payloads.cache_zip(tag), "application/zip")

    def _records(self, endpoint: str) -> list[Record]:
        state = self.state
        by_id = {"sessions": state.sessions, "insertions": state.insertions, "datasets": state.datasets}
        lists = {
            "subjects": list(state.subjects.values()),
            "trajectories": state.trajectories,
            "channels": state.channels,
            "data-notices": state.notices,
            "tags": list(state.tags.values()),
            "revisions": list(state.revisions.values()),
        }
        return list(by_id[endpoint].values()) if endpoint in by_id else list(lists.get(endpoint, []))

    def _detail(self, payloads: Payloads, endpoint: str, key: str) -> Reply:
        if endpoint == "data-repository" and key == "aws_cortexlab" and self.state.aws_bucket:
            return _json({"name": key, "json": {"bucket_name": self.state.aws_bucket}})
        for record in self._records(endpoint):
            if key in (record.get("id"), record.get("name")):
                return _json(_payload(payloads, endpoint, record, detail=True))
        return _not_found()

    def _list(self, payloads: Payloads, endpoint: str, query: dict[str, str]) -> Reply:
        try:
            selected = select(self.state, endpoint, self._records(endpoint), query)
        except UnknownFilter as error:
            return _json({"detail": str(error)}, 400)
        limit = min(int(query.get("limit", PAGE_SIZE)), self.max_page_size)
        offset = int(query.get("offset", 0))
        return _json(
            {
                "count": len(selected),
                "next": self._page(endpoint, query, limit, offset + limit, len(selected)),
                "previous": self._page(endpoint, query, limit, offset - limit, len(selected)),
                "results": [_payload(payloads, endpoint, r) for r in selected[offset : offset + limit]],
            }
        )

    def _page(self, endpoint: str, query: dict[str, str], limit: int, offset: int, count: int) -> str | None:
        if not 0 <= offset < count:
            return None
        terms = {**query, "limit": limit, "offset": offset}
        return f"{self.url}/{endpoint}?" + "&".join(f"{name}={value}" for name, value in terms.items())


def _payload(payloads: Payloads, endpoint: str, record: Record, detail: bool = False) -> Record:
    make = {"sessions": payloads.session, "insertions": payloads.insertion, "datasets": payloads.dataset}
    return make[endpoint](record, detail) if endpoint in make else record


def _json(content: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(content, separators=(",", ":")).encode(), "application/json")


def _not_found() -> Reply:
    return _json({"detail": "Not found."}, 404)


def _schema() -> Record:
    """Return the OpenAPI 3 description, of which ONE reads paths, actions and parameter names."""
    paths: Record = {"/me": {"get": {}}}
    for endpoint, names in NAMED.items():
        parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
        paths[f"/{endpoint}"] = {"get": {"description": f"List {endpoint}", "parameters": parameters}}
        paths[f"/{endpoint}/{{id}}"] = {"get": {"description": f"Read one of {endpoint}"}}
    return {"openapi": "3.0.3", "info": {"title": "Alyx stand-in", "version": "3.6.1"}, "paths": paths}
