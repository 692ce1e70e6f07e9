"""An address says where a store lies, or is refused in words; a path of the cache leads back to its object."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.session import ConfigError
from nh_platform.store import Store
from nh_platform.store.objects.address import ObjectAddress, address_of, local_root, located, parse_address, shown

PARTS = st.from_regex(r"[A-Za-z0-9_.=@+-]{1,12}", fullmatch=True).filter(lambda part: part not in (".", ".."))


@given(bucket=st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True), parts=st.lists(PARTS, max_size=4))
def test_a_path_of_the_cache_leads_back_to_its_address(bucket: str, parts: list[str]) -> None:
    address = parse_address(f"s3://{bucket}/{'/'.join(parts)}/")
    assert address == ObjectAddress(bucket, "/".join(parts))
    root = local_root(address)
    assert address_of(root) == address
    assert located(root / "ibl" / "s1" / "units") == (root, "ibl/s1/units")
    assert located(root) == (root, "")
    assert shown(root / "ibl") == f"{address}/ibl"


LONG = f"s3://lab/{'x' * 250}"


@pytest.mark.parametrize("text", ["gs://lab/x", "s3:///x", "s3://UPPER/x", "s3://lab/a b", "s3://lab/../x", LONG])
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(ConfigError, match=r"s3://my-bucket/neuropixels"):
        Store(text)


def test_a_path_on_the_disk_is_shown_as_it_is(tmp_path: Path) -> None:
    assert shown(tmp_path) == str(tmp_path)
    with pytest.raises(ValueError, match="no path of a store in a bucket"):
        located(tmp_path)
