"""The web server of the page: Dagster's own application, behind the guard.

Contains what runs in the process of the page. What a request must fulfil is `guard`; who starts the process is
`supervisor`. No name of Dagster's web server is public; a service test starts it and asks it everything.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from pathlib import Path

from nh_platform.home.own_process import collect_seldom
from nh_platform.operations.web.guard import Guard
from nh_platform.operations.web.kept_questions import keep_questions
from nh_platform.operations.web.page_names import page_hosts
from nh_platform.operations.web.served_metrics import with_metrics
from nh_platform.operations.web.stored_pages import with_stored_pages

_CLOSING_S = 2
"""How long open connections may go on at the end: a page keeps its WebSocket open for ever."""
_POLL_MS = 2000
_STATEMENT_MS, _POOL_RECYCLE_S, _POOL_OVERFLOW = 15_000, 3600, 20
"""How often the page asks what is new, and how it uses a database server: as Dagster's own command has it."""


def serve_page(arguments: Sequence[str]) -> None:
    """Serve the page until a signal; the arguments are those that `page_arguments` returns."""
    import dagster as dg
    import uvicorn
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context

    from nh_platform.home.settings import load_settings
    from nh_platform.store import Store

    asked = _parser().parse_args(arguments)
    with (
        dg.DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance, WorkspaceFileTarget([asked.workspace]), version=dg.__version__, read_only=asked.read_only
        ) as context,
    ):
        instance.optimize_for_webserver(_STATEMENT_MS, _POOL_RECYCLE_S, _POOL_OVERFLOW)
        keep_questions()
        app = create_app_from_workspace_process_context(context, live_data_poll_rate=_POLL_MS)
        pages = with_metrics(with_stored_pages(app, Store(load_settings().store)), instance)
        _leave_what_is_loaded_alone()
        guarded = Guard(pages, page_hosts(asked.host, asked.port, asked.allowed_host))
        uvicorn.run(
            guarded, host=asked.host, port=asked.port, log_level="warning", timeout_graceful_shutdown=_CLOSING_S
        )


def _leave_what_is_loaded_alone() -> None:
    """Keep the garbage collector away from what stays: an answer makes so many objects that it looked at all often."""
    gc.collect()
    gc.freeze()
    collect_seldom()


def page_arguments(
    workspace: Path, host: str, port: int, allowed_hosts: Sequence[str], *, read_only: bool
) -> list[str]:
    """Return the arguments of `serve_page`."""
    names = [f"--allowed-host={name}" for name in allowed_hosts]
    flags = ["--read-only"] if read_only else []
    return [f"--workspace={workspace}", f"--host={host}", f"--port={port}", *names, *flags]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--allowed-host", action="append", default=[])
    parser.add_argument("--read-only", action="store_true")
    return parser
