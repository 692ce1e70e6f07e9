"""Files of the disk sent to a bucket: streamed, large ones in parts, which go on after a kill or a failure.

Contains what makes an object of a file. Nothing of a file is held in memory but the block that is being sent, however
many are sent at a time. Parts that came are found by the server's list of uploads and compared by their MD5; whoever
sends the same file goes on with them. Add here what concerns the way of a file into a bucket.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from nh_platform.session.errors import StoreError
from nh_platform.store.objects.bucket import Bucket, OtherContent
from nh_platform.store.objects.bucket_trouble import answered_with

IN_ONE_PIECE = 64 << 20
"""Larger files are sent in parts [bytes]: their e_tag is then no MD5."""
PART_BYTES = 16 << 20
"""Bytes of a part; more where the file would have more than `_MOST_PARTS`."""
_MOST_PARTS = 9000
"""S3 takes 10,000."""
_BLOCK = 1 << 20
_TRIES = 5
"""How often an upload is begun anew that somebody else ended meanwhile."""
_DENIED, _NOT_OFFERED = 403, (405, 501)


def send_file(bucket: Bucket, key: str, place: Path, *, over: str | None = "*") -> None:
    """Write a file of the disk as an object; large ones in parts, which appear together.

    Parameters
    ----------
    bucket, key
        The object.
    place
        The file, which nobody changes meanwhile.
    over
        None where nothing may be there, ``*`` for whatever is there.

    Raises
    ------
    OtherContent
        If something is there and nothing may be.
    StoreError
        As of `Bucket.tried`.
    """
    condition = {"IfNoneMatch": "*"} if over is None else {}
    size = place.stat().st_size
    if size > IN_ONE_PIECE:
        _send_parts(bucket, key, place, condition)
        return

    def request() -> None:
        with place.open("rb") as body:
            bucket.client.put_object(**bucket.names(key), Body=body, **condition)

    try:
        bucket.tried(key, request)
    except OtherContent:  # a try whose answer was lost may have written it
        found = bucket.entry(key)
        if found is None or found.size != size or found.e_tag != _md5(place, 0, size):
            raise


def remove_left_uploads(
    bucket: Bucket, begun_before: float, *, is_ours: Callable[[str], bool] = lambda key: True, dry_run: bool = False
) -> int:
    """Remove parts of uploads that were never ended, which the server bills for; return how many uploads.

    Parameters
    ----------
    bucket
        The store, the raw files or the backups.
    begun_before
        Later ones stay: somebody may be at work on them, or goes on with them [s since 1970, server's clock].
    is_ours
        Whether a key may be one of them, where other things lie beside.
    dry_run
        Remove nothing.
    """
    before = bucket.names("")["Key"]
    left = [
        one
        for one in _uploads(bucket, "")
        if one["Initiated"].timestamp() < begun_before and is_ours(str(one["Key"]).removeprefix(before))
    ]
    for one in () if dry_run else left:
        _abort(bucket, str(one["Key"]), str(one["UploadId"]))
    return len(left)


def _send_parts(bucket: Bucket, key: str, place: Path, condition: dict[str, str]) -> None:
    size = place.stat().st_size
    part_bytes = max(PART_BYTES, -(-size // _MOST_PARTS))
    starts = range(0, size, part_bytes)
    for _ in range(_TRIES):
        upload, came = _begun(bucket, key)
        sent = []
        for number, start in enumerate(starts, start=1):
            length = min(part_bytes, size - start)
            tag = came.get(number)
            if tag is None or tag != _md5(place, start, length):
                tag = _send_part(bucket, key, upload, number, (place, start, length))
            if tag is None:
                break
            sent.append({"PartNumber": number, "ETag": f'"{tag}"'})
        is_ended = len(sent) == len(starts) and _end(bucket, key, upload, sent, condition)
        # An upload that is gone was ended by this process, whose answer was lost, or by another with the same bytes.
        if is_ended or ((found := bucket.entry(key)) is not None and found.size == size and not condition):
            return
        if found is not None and found.size == size:
            raise OtherContent(key)
    text = "its upload was removed by somebody again and again"
    raise StoreError(f"{bucket.address}/{key}", text, "Try again when fewer machines clear the bucket.")


def _send_part(bucket: Bucket, key: str, upload: str, number: int, piece: tuple[Path, int, int]) -> str | None:
    """Send a part and return its e_tag; None where the upload is gone."""
    from s3transfer.utils import ReadFileChunk

    where = {**bucket.names(key), "UploadId": upload, "PartNumber": number}

    def request() -> str:
        with ReadFileChunk.from_filename(str(piece[0]), piece[1], piece[2]) as body:
            return str(bucket.client.upload_part(**where, Body=body)["ETag"]).strip('"')

    return bucket.tried(key, partial(_unless_gone, request))


def _end(bucket: Bucket, key: str, upload: str, sent: list[dict[str, Any]], condition: dict[str, str]) -> bool:
    """Make an object of the parts; return False where the upload is gone.

    Raises
    ------
    OtherContent
        If something is there and nothing may be; the parts are removed.
    """
    asked = {**bucket.names(key), "UploadId": upload, "MultipartUpload": {"Parts": sent}, **condition}

    def request() -> bool:
        bucket.client.complete_multipart_upload(**asked)
        return True

    try:
        return bool(bucket.tried(key, partial(_unless_gone, request)))
    except OtherContent:
        _abort(bucket, bucket.names(key)["Key"], upload)
        raise


def _begun(bucket: Bucket, key: str) -> tuple[str, dict[int, str]]:
    """Return an upload of an object, one that was begun before where there is any, and the e_tags of its parts."""
    for one in _uploads(bucket, key):
        if one["Key"] == bucket.names(key)["Key"]:
            parts = _parts(bucket, key, str(one["UploadId"]))
            if parts is not None:
                return str(one["UploadId"]), parts

    def request() -> str:
        return str(bucket.client.create_multipart_upload(**bucket.names(key))["UploadId"])

    return bucket.tried(key, request), {}


def _uploads(bucket: Bucket, key: str) -> Iterator[dict[str, Any]]:
    """Give the uploads below a key that were not ended, the newest first; none where the server does not tell."""
    names = bucket.names(key)
    asked = {"Bucket": names["Bucket"], "Prefix": names["Key"]}

    def request() -> list[dict[str, Any]]:
        try:
            pages = bucket.client.get_paginator("list_multipart_uploads").paginate(**asked)
            return [one for page in pages for one in page.get("Uploads", ())]
        except Exception as error:
            if answered_with(error)[0] in (_DENIED, *_NOT_OFFERED):  # one begins anew then
                return []
            raise

    found: list[dict[str, Any]] = bucket.tried(key, request)
    yield from sorted(found, key=lambda one: one["Initiated"], reverse=True)


def _parts(bucket: Bucket, key: str, upload: str) -> dict[int, str] | None:
    """Return the e_tags of the parts that came of an upload; None where it is gone."""

    def request() -> dict[int, str]:
        pages = bucket.client.get_paginator("list_parts").paginate(**bucket.names(key), UploadId=upload)
        return {int(one["PartNumber"]): str(one["ETag"]).strip('"') for page in pages for one in page.get("Parts", ())}

    return bucket.tried(key, partial(_unless_gone, request))


def _abort(bucket: Bucket, name: str, upload: str) -> None:
    """Remove the parts of an upload by its whole key; what cannot be removed goes with `remove_left_uploads`."""
    asked = {"Bucket": bucket.address.bucket, "Key": name, "UploadId": upload}
    with suppress(StoreError):
        bucket.tried(name, partial(_unless_gone, lambda: bucket.client.abort_multipart_upload(**asked)))


def _unless_gone(request: Any) -> Any:
    """Return what a request on an upload gives; None where the upload is not there any more."""
    try:
        return request()
    except Exception as error:
        if answered_with(error)[1] == "NoSuchUpload":
            return None
        raise


def _md5(place: Path, start: int, length: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with place.open("rb") as handle:
        handle.seek(start, os.SEEK_SET)
        while length > 0 and (block := handle.read(min(_BLOCK, length))):
            digest.update(block)
            length -= len(block)
    return digest.hexdigest()
