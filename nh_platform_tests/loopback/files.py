"""The bulk file server: files of the ALF tree under names that carry the dataset's uuid.

``/public/<lab>/Subjects/<subject>/<date>/<number>/<collection>/[#revision#/]<object.attribute>.<uuid>.<ext>``, as
ibl.flatironinstitute.org serves them. What exists is the state's; what goes wrong is `faults`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from nh_platform_tests.loopback.serving import LoopbackServer, Reply
from nh_platform_tests.loopback.state import AlyxState

PREFIX = "/public"


class FileServer(LoopbackServer):
    """Serve the files of a state.

    Parameters
    ----------
    state
        Datasets and their place in the tree; read anew at every request.
    """

    def __init__(self, state: AlyxState) -> None:
        super().__init__()
        self.state = state

    @property
    def data_server(self) -> str:
        """What ONE's parameter HTTP_DATA_SERVER must be."""
        return self.url + PREFIX

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """Answer with the content of the dataset whose uuid the name carries, if the whole path is right."""
        # A raw '#' never arrives: it would start a fragment. ONE sends %23.
        path = unquote(urlsplit(target).path)
        dataset = self.state.datasets.get(path.rsplit(".", 2)[-2] if path.count(".") >= 2 else "")
        if method != "GET" or dataset is None or path != f"{PREFIX}/{self.state.file_path(dataset)}":
            return Reply(404, b"not found", "text/plain")
        file = self.state.local_path(dataset)
        if not dataset["exists"] or not file.exists():
            return Reply(404, b"not found", "text/plain")
        return Reply(200, file.read_bytes(), "application/octet-stream")
