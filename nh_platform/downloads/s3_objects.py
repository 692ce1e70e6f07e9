"""Opening one object of an S3 bucket at an offset, in exactly the version that was meant.

Contains the opener of objects. Add here what a request for an object states. Clients are `s3_client`; what tells
transient errors from permanent ones, of every protocol, is `remote_bytes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from nh_platform.downloads.remote_bytes import (
    BLOCK_BYTES,
    PermanentError,
    RemoteBytes,
    TransientError,
    check_status,
    error_words,
    stated_total,
)

_REPLACED = 412
"""HTTP answer where an object is not the one that the condition names."""


@dataclass(frozen=True)
class S3Opener:
    """An object of an S3 bucket.

    Parameters
    ----------
    client
        A boto3 S3 client; clients are safe to share between threads.
    bucket, key
        The object.
    version
        Id of the version of the object; the newest where None.
    etag
        ETag that the object must have (If-Match), without quotation marks; any where None. For buckets that keep no
        versions: bytes of two contents are never put together.
    """

    client: Any
    bucket: str
    key: str
    version: str | None = None
    etag: str | None = None

    @property
    def address(self) -> str:
        """The object as ``s3://bucket/key``, with its version where one is pinned."""
        return f"s3://{self.bucket}/{self.key}" + (f"?versionId={self.version}" if self.version else "")

    @property
    def server(self) -> str:
        """The bucket."""
        return f"s3://{self.bucket}"

    def pinned(self, etag: str) -> S3Opener:
        """Return an opener for the object as long as it has this ETag."""
        return replace(self, etag=etag)

    @contextmanager
    def open(self, offset: int, stop: int | None = None) -> Iterator[RemoteBytes]:
        """Open the object at ``offset``; as of `Opener.open`.

        Parameters
        ----------
        offset, stop
            First byte, and the one behind the last; up to the end where None.
        """
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

        wanted = {} if not offset and stop is None else {"Range": f"bytes={offset}-{'' if stop is None else stop - 1}"}
        if self.version is not None:
            wanted["VersionId"] = self.version
        if self.etag is not None:
            wanted["IfMatch"] = f'"{self.etag}"'
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.key, **wanted)
        except ClientError as error:
            metadata = error.response.get("ResponseMetadata", {})
            status = int(metadata.get("HTTPStatusCode") or 0)
            if status == _REPLACED:
                text = f"{self.address} was replaced: its ETag is not {self.etag} any more"
                raise PermanentError(text, missing=True) from error
            check_status(status, self.address, metadata.get("HTTPHeaders", {}).get("retry-after"))
            raise PermanentError(f"{self.address}: {error_words(error)}") from error
        except (ConnectionError, HTTPClientError) as error:
            raise TransientError(f"{self.address}: {error_words(error)}", unreachable=True) from error
        except BotoCoreError as error:  # no credentials, a wrong region
            raise PermanentError(f"{self.address}: {error_words(error)}") from error
        with closing(answer["Body"]) as body:
            resumed = "ContentRange" in answer
            stated = {"Content-Range": answer.get("ContentRange"), "Content-Length": answer.get("ContentLength")}
            etag = str(answer.get("ETag") or "").strip('"')
            yield RemoteBytes(
                offset=offset if resumed else 0,
                total=stated_total(stated, resumed),
                blocks=_blocks(body, self.address),
                etag=etag or None,
            )


def _blocks(body: Any, address: str) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    try:
        yield from body.iter_chunks(BLOCK_BYTES)
    except (BotoCoreError, HTTPError, OSError) as error:
        raise TransientError(f"{address}: {error_words(error)}") from error
