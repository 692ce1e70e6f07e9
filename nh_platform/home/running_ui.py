"""The web page that serves a home folder now: its address and process, for who wants to ask it or must not be a second.

Contains the small file in which `nh ui` says that it runs. Who starts and stops it is `nh_platform.operations`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from nh_platform.store.durable import write_durably
from nh_platform.store.processes import is_running, process_name

if TYPE_CHECKING:
    from urllib.request import Request

_FILE = "dagster/ui.json"


class RunningUi(BaseModel):
    """A web page that answers, or will within seconds.

    Parameters
    ----------
    address
        Its address, for example ``http://127.0.0.1:3000``.
    process
        Name of the `nh ui` process that serves it (`nh_platform.store.processes.process_name`).
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    address: str
    process: str

    @property
    def pid(self) -> int:
        """Id of that process on its machine."""
        return int(self.process.split("-")[-2])


def write_running_ui(home: Path, address: str) -> RunningUi:
    """Write that this process serves a home folder, and return what was written."""
    running = RunningUi(address=address, process=process_name())
    path = home / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, (json.dumps(running.model_dump(), indent=1) + "\n").encode())
    return running


def read_running_ui(home: Path) -> RunningUi | None:
    """Return the web page that serves a home folder, None where none does.

    One whose process is gone is none, and neither is one of another machine: its loopback address is not ours.
    """
    try:
        running = RunningUi.model_validate_json((home / _FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    return running if is_running(running.process) else None


def remove_running_ui(home: Path) -> None:
    """Take back that a home folder is served."""
    (home / _FILE).unlink(missing_ok=True)


def open_page(request: str | Request, timeout_s: float) -> Any:
    """Ask a page of this machine and return its answer, open; past any proxy, which knows no loopback of ours.

    Raises
    ------
    OSError
        If it does not answer.
    """
    from urllib.request import ProxyHandler, build_opener

    return build_opener(ProxyHandler({})).open(request, timeout=timeout_s)
