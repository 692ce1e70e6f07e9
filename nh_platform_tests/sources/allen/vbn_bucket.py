"""An S3 server in this process that holds simulated releases as the Allen Institute's public bucket does.

Add here what the tests on a bucket need of it. The server is moto's; AllenSDK and boto3 are the real ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nh_platform.simulation.allen.behavior.cloud_release import BUCKET, PROJECT, manifest_name, write_release_manifest
from nh_platform_tests.loopback.object_store import moto_server

DATA_SUFFIXES = (".csv", ".nwb")


@dataclass
class Bucket:
    """A public, versioned bucket.

    Parameters
    ----------
    endpoint
        Address of the server.
    client
        boto3 client with an account, to fill it.
    fetched
        Keys of the objects whose content was fetched since the last look, in order.
    """

    endpoint: str
    client: Any
    fetched: list[str] = field(default_factory=list)
    _versions: dict[tuple[str, str], str] = field(default_factory=dict)

    def publish(self, root: Path, release: str) -> None:
        """Upload a release; content that is there already keeps its object version, as on the real bucket."""
        folder = root / f"{PROJECT}-{release}"
        versions = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix in DATA_SUFFIXES:
                below = path.relative_to(folder).as_posix()
                versions[below] = self._put(f"{PROJECT}/{below}", path.read_bytes())
        write_release_manifest(root, release, versions.__getitem__)
        manifest = root / manifest_name(release)
        self._put(f"{PROJECT}/manifests/{manifest.name}", manifest.read_bytes())

    def take_fetched(self) -> list[str]:
        """Return the keys fetched since the last call, without the manifests."""
        keys = [key.removeprefix(f"{PROJECT}/") for key in self.fetched]
        self.fetched.clear()
        return sorted(key for key in keys if not key.startswith("manifests/"))

    def _put(self, key: str, content: bytes) -> str:
        place = (key, hashlib.sha256(content).hexdigest())
        if place not in self._versions:
            # Public reading is needed: AllenSDK signs no request, which moto answers with 403 otherwise.
            answer = self.client.put_object(Bucket=BUCKET, Key=key, Body=content, ACL="public-read")
            self._versions[place] = answer["VersionId"]
        return self._versions[place]


@contextmanager
def serve_bucket(monkeypatch: Any) -> Iterator[Bucket]:
    """Serve an empty public bucket on the loopback interface."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto_server(BUCKET, is_public=True) as (endpoint, client):
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        bucket = Bucket(endpoint, client)
        _record_fetches(monkeypatch, bucket)
        yield bucket


def _record_fetches(monkeypatch: Any, bucket: Bucket) -> None:
    """Note every object whose content AllenSDK asks the server for."""
    from botocore.client import BaseClient

    call = BaseClient._make_api_call

    def recorded(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "GetObject":
            bucket.fetched.append(arguments["Key"])
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
