"""The desk as a web application: which address shows or takes what, and how an error is answered.

Contains the routes alone. Add an address here; what it answers is made in the modules beside. Whether a request is
answered at all was decided before, by the guard (`nh_platform.operations.web.guard`): never serve this without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from nh_platform.qc.reviews.review_model import reviewer_name
from nh_platform.qc.reviews.review_saving import ReviewsChanged
from nh_platform.reports.desk.exports import export
from nh_platform.reports.desk.index_page import error_page, index_page
from nh_platform.reports.desk.posted import LONGEST_NAME, read_post
from nh_platform.reports.desk.queue import MOST_ITEMS, Place, queue
from nh_platform.reports.desk.readers import Reader, session_state
from nh_platform.reports.desk.saving import save_post
from nh_platform.reports.desk.served_page import served_page
from nh_platform.reports.desk.settings import Desk
from nh_platform.session import ConfigError, NhError, UnknownSession

_MISSING, _CHANGED, _REFUSED, _TROUBLE = 404, 409, 422, 500


def desk_app(desk: Desk) -> Starlette:
    """Return the application of a desk; it belongs behind a guard."""

    def index(request: Request) -> Response:
        page = index_page(desk)
        return HTMLResponse(page.html, headers={"content-security-policy": page.policy})

    def session(request: Request) -> Response:
        source, session_id = _named(desk, request)
        page = served_page(desk, source, session_id)
        return HTMLResponse(page.html, headers={"content-security-policy": page.policy})

    def waiting(request: Request) -> Response:
        asked = request.query_params
        begin = Place(*(asked.get(name, "") for name in ("source", "session", "unit")))
        limit = _limit(asked.get("limit", "50"))
        return JSONResponse(queue(desk, asked.get("reason", ""), _reader(desk, request), begin=begin, limit=limit))

    def reviews(request: Request) -> Response:
        source, session_id = _named(desk, request)
        return JSONResponse(session_state(desk, desk.reviews(source, session_id), _reader(desk, request)))

    def exported(request: Request) -> Response:
        source, session_id = _named(desk, request)
        file = export(desk, source, session_id, request.path_params["form"], request.query_params.get("probe", ""))
        attached = {"content-disposition": f'attachment; filename="{file.name}"'}
        return Response(file.text, media_type=file.kind, headers=attached)

    async def save(request: Request) -> Response:
        body = await request.body()

        def saved() -> Response:
            source, session_id = _named(desk, request)
            return JSONResponse(save_post(desk, source, session_id, read_post(body)))

        return await run_in_threadpool(_answered, saved)

    def view(make: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                return make(request)
            except NhError as error:
                page = error_page(error)
                return HTMLResponse(page.html, _status(error), headers={"content-security-policy": page.policy})

        return answer

    def data(make: Callable[[Request], Response]) -> Callable[[Request], Response]:
        return lambda request: _answered(lambda: make(request))

    return Starlette(
        routes=[
            Route("/", view(index)),
            Route("/sessions/{source}/{session}", view(session)),
            Route("/api/queue", data(waiting)),
            Route("/api/sessions/{source}/{session}/reviews", data(reviews), methods=["GET"]),
            Route("/api/sessions/{source}/{session}/export/{form}", data(exported)),
            Route("/api/sessions/{source}/{session}/reviews", save, methods=["POST"]),
        ]
    )


def _answered(make: Callable[[], Response]) -> Response:
    """Answer with an error as data: the thing, what was found, and what to do."""
    try:
        return make()
    except NhError as error:
        told: dict[str, Any] = {"thing": error.thing, "found": error.found, "action": error.action}
        if isinstance(error, ReviewsChanged):
            told |= {"digest": error.digest}
        return JSONResponse({"error": told}, _status(error))


def _status(error: NhError) -> int:
    if isinstance(error, ReviewsChanged):
        return _CHANGED
    if isinstance(error, UnknownSession):
        return _MISSING
    return _REFUSED if isinstance(error, ConfigError) else _TROUBLE


def _named(desk: Desk, request: Request) -> tuple[str, str]:
    source, session_id = str(request.path_params["source"]), str(request.path_params["session"])
    desk.require_session(source, session_id)
    return source, session_id


def _reader(desk: Desk, request: Request) -> Reader:
    return Reader(reviewer_name(request.query_params.get("reviewer", "")[:LONGEST_NAME]), desk.blind)


def _limit(text: str) -> int:
    return (
        min(max(int(text), 1), MOST_ITEMS) if text.isdecimal() and len(text) < len(str(MOST_ITEMS)) + 1 else MOST_ITEMS
    )
