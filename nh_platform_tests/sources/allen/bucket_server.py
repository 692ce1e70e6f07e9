"""A bucket of Visual Behavior releases on loopback that misbehaves on request; moto's (`vbn_bucket`) cannot.

Speaks as much S3 as listing manifests, listing object versions and a GET with a range need. Object versions are those
that the simulated manifests state. Faults are `nh_platform_tests.loopback.faults`. No test lives here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from nh_platform.simulation.allen.behavior.cloud_release import BUCKET, PROJECT, manifest_name
from nh_platform_tests.loopback.serving import LoopbackServer, Reply

LISTED = "2024-10-01T00:00:00.000Z"


class BucketServer(LoopbackServer):
    """Serve releases of a simulated folder.

    Attributes
    ----------
    objects
        Content by key and object version, the newest version of a key last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[tuple[str, str], bytes] = {}

    def publish(self, root: Path, release: str) -> None:
        """Serve a release of a simulated folder; earlier object versions stay."""
        text = (root / manifest_name(release)).read_bytes()
        content = json.loads(text)
        folder = root / f"{PROJECT}-{release}"
        for entry in (*content["metadata_files"].values(), *content["data_files"].values()):
            key = urlsplit(entry["url"]).path.lstrip("/")
            self.objects[key, entry["version_id"]] = (folder / key.partition("/")[2]).read_bytes()
        self.objects[f"{PROJECT}/manifests/{manifest_name(release)}", "1"] = text

    def fetched(self, part: str = "/") -> list[str]:
        """Return the keys below the project whose content was asked for so far, without the manifests."""
        keys = [urlsplit(path).path.removeprefix(f"/{BUCKET}/{PROJECT}/") for path in self.asked("?versionId=")]
        return [key for key in keys if part in key]

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """Answer a listing or a GET of an object."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        key = unquote(parts.path).removeprefix(f"/{BUCKET}").lstrip("/")
        if unquote(parts.path).split("/")[1] != BUCKET:
            return _error(404, "NoSuchBucket")
        if not key:
            return self._listing(query.get("prefix", ""), versions="versions" in query)
        versions = [version for own, version in self.objects if own == key]
        version = query.get("versionId", versions[-1] if versions else "")
        if (key, version) not in self.objects:
            return _error(404, "NoSuchKey" if not versions else "NoSuchVersion")
        return Reply(200, self.objects[key, version], "application/octet-stream", Accept_Ranges="bytes")

    def _listing(self, prefix: str, *, versions: bool) -> Reply:
        rows = []
        for (key, version), content in self.objects.items():
            if key.startswith(prefix):
                facts = f"<Key>{escape(key)}</Key><LastModified>{LISTED}</LastModified><Size>{len(content)}</Size>"
                rows.append(f"<Version>{facts}<VersionId>{version}</VersionId></Version>" if versions else facts)
        name = "ListVersionsResult" if versions else "ListBucketResult"
        inside = "".join(rows if versions else (f"<Contents>{row}</Contents>" for row in rows))
        xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"
        text = f'<{name} xmlns="{xmlns}"><Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>{inside}</{name}>'
        return Reply(200, text.encode(), "application/xml")


def _error(status: int, code: str) -> Reply:
    return Reply(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode(), "application/xml")
