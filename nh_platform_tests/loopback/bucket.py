"""IBL's public bucket: its catalogue and its files, as an S3 endpoint for unsigned reading.

``/<bucket>/caches/openalyx/[<tag>/]cache.zip`` with its ``cache_info.json``, and ``/<bucket>/data/<lab>/Subjects/…``.
Speaks as much S3 as a GET of an object needs, and unlike moto misbehaves on request. What exists is the state's.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from nh_platform_tests.loopback.payloads import Payloads
from nh_platform_tests.loopback.serving import LoopbackServer, Reply
from nh_platform_tests.loopback.state import AlyxState

BUCKET = "ibl-brain-wide-map-public"


class BucketServer(LoopbackServer):
    """Serve the public bucket of a state.

    Parameters
    ----------
    state
        Catalogue and files; read anew at every request.

    Attributes
    ----------
    bucket
        Name of the bucket.
    lists_insertions
        Whether the zip has a table of insertions; the real one is not known to.
    """

    def __init__(self, state: AlyxState, bucket: str = BUCKET) -> None:
        super().__init__()
        self.state, self.bucket, self.lists_insertions = state, bucket, False

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that point boto3 here; a request that is signed after all has someone's name on it."""
        return {"AWS_ENDPOINT_URL_S3": self.url, "AWS_EC2_METADATA_DISABLED": "true"}

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """Answer a GET of an object."""
        key = unquote(urlsplit(target).path).removeprefix(f"/{self.bucket}/")
        content = self._object(key) if method == "GET" and not headers.get("Authorization") else None
        if content is None:
            text = f"<Error><Code>NoSuchKey</Code><Message>no such key</Message><Key>{key}</Key></Error>"
            return Reply(404, text.encode(), "application/xml")
        tag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return Reply(200, content, "application/octet-stream", ETag=f'"{tag}"', Accept_Ranges="bytes")

    def _object(self, key: str) -> bytes | None:
        with self.state.lock:
            if key.startswith("aggregates/"):
                return self.state.aggregates.get(key.removeprefix("aggregates/"))
            catalogue = re.fullmatch(r"caches/openalyx/(?:(\w+)/)?(cache\.zip|cache_info\.json)", key)
            if catalogue:
                tag, name = catalogue.groups()
                if tag is not None and tag not in self.state.tags:
                    return None
                payloads = Payloads(self.state, self.url, self.url)
                if name == "cache_info.json":
                    return json.dumps(payloads.cache_info(tag)).encode()
                return payloads.cache_zip(tag, insertions=self.lists_insertions)
            dataset = self.state.datasets.get(key.rsplit(".", 2)[-2] if key.count(".") >= 2 else "")
            if dataset is None or key != f"data/{self.state.file_path(dataset)}" or not dataset["exists"]:
                return None
            file = self.state.local_path(dataset)
            return file.read_bytes() if file.exists() else None
