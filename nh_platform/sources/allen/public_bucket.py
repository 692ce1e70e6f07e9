"""A public bucket of the Allen Institute: what it lists, and an opener for each of its objects.

Contains what both data sets ask a bucket. Add here a further question, and trouble that is told in words. What is
listed of it, and where files go, is each source's matter.

boto3 itself, and not AllenSDK's cache: that has boto3's timeouts and five tries (5 minutes for a silent server), keeps
what a broken connection left of a file under the file's name, and takes it for whole from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from nh_platform.downloads.deadlines import within
from nh_platform.downloads.remote_bytes import Timeouts
from nh_platform.downloads.s3_client import s3_client, stated_endpoint
from nh_platform.downloads.s3_objects import S3Opener
from nh_platform.session import BadUpstreamData

if TYPE_CHECKING:
    from nh_platform.sources.servers import Answer

T = TypeVar("T")

REGION = "us-west-2"
"""Where the Allen Institute's buckets are, as the addresses in its manifests say."""

LIST_WAIT_S = 120.0
"""Longest wait for a listing when somebody waits for the catalogue; 1,100 objects are two answers."""

LIST_TRIES = 3

_REFUSALS = {
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "access is refused: it is not public, or there is no such key",
    "PermanentRedirect": f"it is not in {REGION}",
}


@dataclass(frozen=True)
class PublicBucket:
    """A bucket that everybody may read.

    Parameters
    ----------
    name
        Its name.
    endpoint
        Address of the S3 server where it is not Amazon's; that of ``AWS_ENDPOINT_URL_S3`` or ``AWS_ENDPOINT_URL``
        where None.
    timeouts
        Longest waits for a connection and for the next bytes.
    settings
        Settings that name it, for error texts.
    """

    name: str
    endpoint: str | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    settings: str = "bucket and endpoint"

    def listed(self, operation: str, part: str, prefix: str, wait_s: float = LIST_WAIT_S) -> list[dict[str, Any]]:
        """Return every row of a listing; downloads nothing.

        Parameters
        ----------
        operation, part
            Operation of S3, as boto3 calls it, and the part of its answer that has the rows.
        prefix
            What the keys begin with.
        wait_s
            Longest wait [s].

        Raises
        ------
        BadUpstreamData
            If the bucket cannot be listed, or not in that time; the text says whether it is there and public.
        """

        def rows() -> Iterator[dict[str, Any]]:
            pages = self._client(tries=LIST_TRIES).get_paginator(operation)
            for page in pages.paginate(Bucket=self.name, Prefix=prefix):
                yield from page.get(part, ())

        return self._asked(lambda: list(rows()), wait_s)

    def opener(self, key: str, version: str | None = None, etag: str | None = None) -> S3Opener:
        """Return an opener for an object, of exactly one version or content of it where one is named."""
        return S3Opener(self._client(), self.name, key, version, etag)

    def link(self, key: str) -> str:
        """Return the address of an object, for any HTTP client."""
        endpoint = self.endpoint or stated_endpoint()
        return f"{endpoint}/{self.name}/{key}" if endpoint else f"{self.address}/{key}"

    @property
    def address(self) -> str:
        """Address of the bucket on its server."""
        endpoint = self.endpoint or stated_endpoint()
        return f"{endpoint}/{self.name}" if endpoint else f"https://{self.name}.s3.{REGION}.amazonaws.com"

    def answer(self, prefix: str, wait_s: float) -> Answer:
        """Return what comes of asking for one key below a prefix: for `nh doctor`."""
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

        from nh_platform.sources.servers import Answer, in_trouble, unreachable

        def ask() -> int:
            return len(self._client().list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=1).get("Contents", ()))

        try:
            found = self._asked(ask, wait_s)
        except BadUpstreamData as error:
            said = error.__cause__
            if said is None or isinstance(said, ConnectionError | HTTPClientError):
                return unreachable(error.found)
            if not isinstance(said, ClientError) or _code(said) in _REFUSALS:
                return Answer(False, f"{error.found}. Correct the settings {self.settings}")
            status = said.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            text = f"answers, but not as a bucket does (HTTP {status}). Correct the settings {self.settings}"
            return in_trouble(status) or Answer(False, text)
        if not found:
            return Answer(False, f"nothing is below {prefix}. Correct the settings {self.settings}")
        return Answer(True, "answers, and lists files")

    def _asked(self, ask: Callable[[], T], wait_s: float) -> T:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            return within(wait_s, ask, f"bucket {self.name}")
        except (BotoCoreError, ClientError) as error:
            code = _code(error)
            if code in _REFUSALS:
                raise BadUpstreamData(
                    f"bucket {self.name}",
                    f"it cannot be read: {_REFUSALS[code]} ({code})",
                    f"Correct the settings {self.settings}.",
                ) from error
            raise BadUpstreamData(
                f"bucket {self.name}",
                f"it cannot be read: {error}",
                f"Check the network and the settings {self.settings}.",
            ) from error
        except (ValueError, ResponseParserError) as error:  # an address that is none; a page in the place of a listing
            raise BadUpstreamData(
                f"bucket {self.name}", f"it cannot be read: {error}", f"Correct the settings {self.settings}."
            ) from error

    def _client(self, tries: int = 1) -> Any:
        return s3_client(self.timeouts, unsigned=True, tries=tries, endpoint=self.endpoint, region_name=REGION)


def _code(error: BaseException) -> str:
    """Return the code by which S3 refuses a request; empty where it is no such error."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
