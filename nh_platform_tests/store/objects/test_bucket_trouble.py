"""A server in trouble is asked again until a deadline; what does not pass is named, and what was stored stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nh_platform.session import StoreError
from nh_platform.store import Store
from nh_platform.store.file_hashes import problems, verified
from nh_platform.store.objects import client, uploads
from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer
from nh_platform_tests.store.test_any_store import content
from nh_platform_tests.store.test_layout import publish, record


def fresh_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str = "other") -> None:
    """Lead this process to an empty cache, as that of another machine."""
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / name))


@pytest.mark.parametrize("kind", ["status", "reset", "truncated", "corrupt"])
def test_trouble_that_passes_is_not_seen(
    kind: str, address: str, faults: ObjectFaults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    details = {"status": 503} if kind == "status" else {}
    faults.faults.add("store/ibl", kind, times=2, **details)
    publish(Store(address), "one")
    faults.faults.add("current", kind, times=1, **details)
    faults.faults.add(r"file\.txt", kind, times=1, **details)
    fresh_machine(tmp_path, monkeypatch)
    assert content(Store(address)) == "one"


def test_a_server_that_hangs_is_asked_again(
    address: str, faults: ObjectFaults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_READ_S", 1.0)
    publish(Store(address), "one")
    faults.faults.add(r"file\.txt", "hang", times=1, seconds=30)
    fresh_machine(tmp_path, monkeypatch)
    began = time.monotonic()
    assert content(Store(address)) == "one"
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("status", [500, 503])
def test_trouble_that_stays_is_named_and_nothing_is_lost(
    status: int, address: str, faults: ObjectFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(address)
    publish(store, "one")
    monkeypatch.setenv("NH_STORE_DEADLINE_S", "0.3")
    faults.faults.add("/units/", "status", status=status)
    with pytest.raises(StoreError, match=rf"{address}.*does not answer as it should, tried for 0.3 s: {status}"):
        publish(store, "two", version="2")
    faults.faults.clear()
    assert content(Store(address)) == "one"
    publish(store, "two", version="2")
    assert content(store) == "two"


def test_a_write_whose_answer_was_lost_is_not_taken_for_another_machines(address: str, faults: ObjectFaults) -> None:
    faults.lost += ["PUT .*/current", r"PUT .*/provenance\.json", r"PUT .*/file\.txt"]
    store = Store(address)
    publish(store, "one")
    assert faults.lost == []
    assert content(store) == "one"
    assert store.folder("ibl", "s1", "units").name == store.provenance("ibl", "s1", "units").data_version[:16]


def test_a_refusal_is_named_at_once(address: str, faults: ObjectFaults) -> None:
    faults.faults.add("store/ibl", "status", status=403)
    with pytest.raises(StoreError, match=r"access is refused.*AWS_ACCESS_KEY_ID"):
        publish(Store(address), "one")
    assert len(faults.asked("store/ibl")) == 1


def test_a_bucket_that_is_not_there_is_named(address: str) -> None:
    with pytest.raises(StoreError, match="s3://no-such-bucket/store: there is no such bucket"):
        Store("s3://no-such-bucket/store").sources()


def test_missing_keys_are_named(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    client._client.cache_clear()
    try:
        with pytest.raises(StoreError, match="there are no keys for the bucket"):
            Store(address).sources()
    finally:
        client._client.cache_clear()


def test_a_transfer_that_breaks_off_is_no_damage(address: str, faults: ObjectFaults) -> None:
    store = Store(address)
    publish(store, "one")
    for kind in ("truncated", "reset"):
        faults.faults.add(r"file\.txt", kind, times=1)
        assert list(problems(store.folder("ibl", "s1", "units"))) == []
    assert store.state("ibl", "s1", "units").damage == ()


def test_large_files_are_sent_in_parts_and_come_back(
    address: str, faults: ObjectFaults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "IN_ONE_PIECE", 5 << 20)
    monkeypatch.setattr(uploads, "PART_BYTES", 5 << 20)
    content_of_all = bytes(range(256)) * (11 << 12)
    faults.faults.add("partNumber=2", "status", status=503, times=1)
    store = Store(address)
    for _ in range(2):
        with store.publish(record()) as folder:
            (folder / "large.bin").write_bytes(content_of_all)
    assert len([one for one in faults.methods if "partNumber=" in one]) <= 6
    fresh_machine(tmp_path, monkeypatch)
    other = Store(address)
    assert verified(other.folder("ibl", "s1", "units") / "large.bin").read_bytes() == content_of_all


def test_a_server_that_ignores_conditions_is_refused_before_anything_is_published(
    address: str, faults: ObjectFaults, object_server: ObjectServer
) -> None:
    faults.ignores_conditions = True
    with pytest.raises(StoreError, match=r"its server ignores the conditions of a write"):
        publish(Store(address), "one")
    assert object_server.keys(address.removeprefix(f"s3://{BUCKET}/")) == []
    faults.ignores_conditions = False
    publish(Store(address), "one")
    assert [key for key in object_server.keys(address.removeprefix(f"s3://{BUCKET}/")) if "trial" in key] == []
