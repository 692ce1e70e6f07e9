"""Access to IBL's buckets: the public one unsigned, others with the keys that Alyx or the environment gives.

Name and region of the public bucket come from ``one.remote.aws``. Add a bucket's peculiarities here.
"""

from __future__ import annotations

from typing import Any

from nh_platform.downloads.remote_bytes import Timeouts
from nh_platform.downloads.s3_client import s3_client


def public_bucket() -> str:
    """Return the name of IBL's public bucket."""
    from one.remote import aws

    return str(aws.S3_BUCKET_IBL)


def bucket_client(timeouts: Timeouts, keys: dict[str, Any], bucket: str) -> Any:
    """Return an S3 client for a bucket.

    Parameters
    ----------
    timeouts
        Longest waits.
    keys
        Arguments of ``boto3.Session``, as ``one.remote.aws.get_aws_access_keys`` gives them.
    bucket
        Name of the bucket. As ONE has it, a public bucket without keys is read unsigned, and any other with the
        credentials of the environment.
    """
    from one.remote import aws

    has_keys = any(value for name, value in keys.items() if "key" in name.casefold())
    if not has_keys and "public" in bucket.casefold():
        return s3_client(timeouts, unsigned=True, region_name=aws.REGION_NAME)
    return s3_client(timeouts, unsigned=False, **keys)
