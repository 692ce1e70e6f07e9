"""A loopback server of a few files in memory, with the faults of `nh_platform_tests.loopback`."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from nh_platform_tests.loopback.serving import LoopbackServer, Reply


class BytesServer(LoopbackServer):
    """Serve ``files``, content by path."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """Answer with the file at a path, and for S3 at ``/bucket/<path>`` too."""
        path = unquote(urlsplit(target).path).removeprefix("/bucket")
        if path not in self.files:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml")
        return Reply(200, self.files[path], "application/octet-stream")
