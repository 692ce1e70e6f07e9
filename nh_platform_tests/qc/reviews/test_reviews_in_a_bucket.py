"""Reviews in a bucket: several machines write the same file at once, and none of them loses a word of another."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from nh_platform.qc.reviews.curators.label_files import (
    CuratorLabels,
    ImportedFile,
    StoredSet,
    labels_folder,
    read_all_labels,
)
from nh_platform.qc.reviews.curators.label_importing import LabelChange, save_labels
from nh_platform.qc.reviews.evidence import TRAINS, evidence_folder, evidence_version
from nh_platform.qc.reviews.resorted.fingerprints import Fingerprint, read_fingerprints, save_fingerprints
from nh_platform.qc.reviews.review_files import read_all_reviews, read_reviews, review_path
from nh_platform.qc.reviews.review_saving import ReviewsChanged, append_reviews
from nh_platform.session import ConfigError, StoreError
from nh_platform.store.objects.address import local_root, parse_address
from nh_platform.store.objects.listings import FRESH_S
from nh_platform.store.records import look_again
from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer, on_machine

WRITERS, ENTRIES, KILLS = 4, 6, 6


@pytest.fixture
def prefix(led_to_bucket: ObjectServer) -> str:
    """Give an empty place of reviews, to which this process is led."""
    return f"{uuid.uuid4().hex[:12]}/.reviews"


def file_of(prefix: str, cache: Path | None = None, session: str = "s1") -> Path:
    """Return the review file of a session as this machine, or one with another cache, names it."""
    if cache is not None:
        os.environ["NH_STORE_CACHE"] = str(cache)
    return review_path(local_root(parse_address(f"s3://{BUCKET}/{prefix}")), "ibl", session)


def entry(reviewer: str, unit: str = "u1") -> dict[str, object]:
    return {"unit": unit, "decision": "fail", "reason": "drifts", "reviewer": reviewer, "date": "2026-03-01"}


def test_machines_that_write_at_once_lose_nothing(prefix: str, tmp_path: Path) -> None:
    def write(name: str) -> None:
        for number in range(ENTRIES):
            append_reviews(file_of(prefix), [entry(name, f"u{number}")])

    names = [f"reader {number}" for number in range(WRITERS)]
    writers = [on_machine(tmp_path / name, lambda name=name: write(name)) for name in names]  # type: ignore[misc]
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    kept = read_reviews(file_of(prefix)).reviews
    for name in names:
        assert [one.unit for one in kept if one.reviewer == name] == [f"u{number}" for number in range(ENTRIES)]
    assert len(kept) == WRITERS * ENTRIES


def test_a_writer_that_is_killed_at_any_moment_leaves_what_was_said_to_be_saved(prefix: str, tmp_path: Path) -> None:
    chance, said = random.Random(3), tmp_path / "said"
    said.mkdir()
    for kill in range(KILLS):

        def write(kill: int = kill) -> None:
            for number in range(1000):
                append_reviews(file_of(prefix), [entry(f"writer {kill}", f"u{number}")])
                (said / f"{kill}-{number}").touch()

        writer = on_machine(tmp_path / f"cache {kill}", write)
        until = time.monotonic() + 60
        while not (said / f"{kill}-0").exists() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.1))
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    kept = [(one.reviewer, one.unit) for one in read_reviews(file_of(prefix)).reviews]
    stated = {(f"writer {kill}", f"u{number}") for kill, number in (one.name.split("-") for one in said.iterdir())}
    assert len(kept) == len(set(kept))
    assert stated <= set(kept)
    assert len(kept) <= len(stated) + KILLS, "a review may be saved and not said any more, no more than that"


def test_another_machine_sees_a_review_after_some_seconds(prefix: str, tmp_path: Path) -> None:
    assert read_reviews(file_of(prefix)).reviews == ()

    def write() -> None:
        append_reviews(file_of(prefix), [entry("ada")])

    on_machine(tmp_path / "other", write).join(60)
    time.sleep(FRESH_S)
    assert [one.reviewer for one in read_reviews(file_of(prefix)).reviews] == ["ada"]


def test_who_was_shown_another_file_is_told_who_came(prefix: str, tmp_path: Path) -> None:
    shown = append_reviews(file_of(prefix), [entry("ada")]).reviews.digest

    def write() -> None:
        append_reviews(file_of(prefix), [entry("bea")])

    on_machine(tmp_path / "other", write).join(60)
    with pytest.raises(ReviewsChanged, match="1 review of bea came to it") as caught:
        append_reviews(file_of(prefix), [entry("cyd")], digest=shown)
    assert [one.reviewer for one in caught.value.now.reviews] == ["ada", "bea"]
    saved = append_reviews(file_of(prefix), [entry("cyd")], digest=caught.value.digest)
    assert [one.reviewer for one in saved.reviews.reviews] == ["ada", "bea", "cyd"]


def test_a_review_whose_answer_was_lost_is_saved_once_though_others_wrote_since(
    prefix: str, object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, tries = f"{prefix}/ibl/s1.yaml", []
    append_reviews(file_of(prefix), [entry("ada")])
    with ObjectFaults(object_server.url) as proxy:
        monkeypatch.setenv("NH_STORE_ENDPOINT", proxy.url)

        def others_write(found: object) -> bool:
            tries.append(found)
            if len(tries) == 1:
                return False
            line = "  - {unit: u7, decision: fail, reason: drifts, reviewer: bea, date: 2026-03-02}\n"
            object_server.put(key, object_server.get(key) + line.encode())
            return True

        proxy.lost.append("^PUT .*s1.yaml")
        proxy.when_asked("^PUT .*s1.yaml", others_write)
        saved = append_reviews(file_of(prefix), [entry("cyd")])
    assert len(tries) == 2
    assert [one.reviewer for one in saved.reviews.reviews] == ["ada", "cyd", "bea"]
    assert [one.reviewer for one in saved.added] == ["cyd"]
    look_again(file_of(prefix))
    assert read_reviews(file_of(prefix)) == saved.reviews


def test_a_server_that_ignores_conditions_is_refused_before_the_first_review(
    prefix: str, object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ObjectFaults(object_server.url) as proxy:
        proxy.ignores_conditions = True
        monkeypatch.setenv("NH_STORE_ENDPOINT", proxy.url)
        with pytest.raises(StoreError, match="ignores the conditions of a write"):
            append_reviews(file_of(prefix), [entry("ada")])
    assert object_server.keys(prefix) == []


def test_a_mistake_in_a_file_is_its_sessions_matter(prefix: str, object_server: ObjectServer) -> None:
    append_reviews(file_of(prefix), [entry("ada")])
    object_server.put(f"{prefix}/ibl/s2.yaml", b"reviews: []\n")
    object_server.put(f"{prefix}/ibl/s3.yaml", b"\xff")
    look_again(file_of(prefix))
    found, mistakes = read_all_reviews(file_of(prefix).parents[1])
    assert [one.session_id for one in found] == ["s1"]
    assert [str(one).split(":")[0] for one in mistakes] == ["ibl/s2.yaml", "ibl/s3.yaml"]
    with pytest.raises(ConfigError, match=r"ibl/s3\.yaml:1.*no UTF-8 text"):
        append_reviews(file_of(prefix, session="s3"), [entry("ada")])
    assert object_server.get(f"{prefix}/ibl/s3.yaml") == b"\xff"


def test_what_lies_beside_reviews_is_kept_there_too(prefix: str, object_server: ObjectServer) -> None:
    path = file_of(prefix)
    assert evidence_version(path) == ""
    trains = [
        Fingerprint(unit, "probe00", number, 3, "sorting", (f"r{number}",), (np.array([5, 9, 12]),))
        for number, unit in enumerate(("u1", "u2"))
    ]
    for train in trains:
        save_fingerprints(evidence_folder(path) / TRAINS, [train])
    assert [one.unit for one in read_fingerprints(evidence_folder(path) / TRAINS)] == ["u1", "u2"]
    first = evidence_version(path)
    assert first
    imported = ImportedFile(
        file="a.tsv", sha256="0" * 64, format="phy", probe="probe00", sorting="x", label_sets=["quality"]
    )
    said = CuratorLabels(
        source="ibl",
        session="s1",
        curator="anna",
        imports=[imported],
        label_sets=[StoredSet(name="quality", kind="flag")],
        units=[],
    )
    folder = labels_folder(path.parents[1], "ibl", "s1")
    change = LabelChange(after=said, added=1, replaced=0, removed=0, is_changed=True)
    assert save_labels(folder / "anna.yaml", change, None) is None
    assert read_all_labels(folder) == [said]
    assert evidence_version(path) != first
    with pytest.raises(ConfigError, match=f"s3://{BUCKET}/{prefix}/ibl/s1/labels/anna.yaml.*somebody changed it"):
        save_labels(folder / "anna.yaml", change, None)
    later = LabelChange(after=said.model_copy(update={"imports": []}), added=0, replaced=1, removed=0, is_changed=True)
    earlier = save_labels(folder / "anna.yaml", later, said)
    assert earlier is not None
    assert object_server.get(f"{prefix}/ibl/s1/labels/earlier/{earlier.name}").startswith(b"# Labels of anna")
