"""A machine that knows the address of the store alone reads, trains and reviews, and the first one sees it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from typer.testing import CliRunner

from nh_platform import open_store, operations
from nh_platform.cli.app import app
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.load import Batches, Vocabulary, WindowSet
from nh_platform.operations.upkeep.backup import backup
from nh_platform.session import ConfigError
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.loopback.object_store import BUCKET, serve_objects

ADDRESS = f"s3://{BUCKET}/lab/store"
ASSETS = ("raw_spikes", "events", "signals", "units", "windows", "spike_events")
REVIEW = {"unit": "probe00/1", "decision": "fail", "reason": "drifts away", "reviewer": "ada"}


def test_what_one_machine_decides_the_other_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a cache and a home of its own; only the address and the keys are the same."""
    with serve_objects() as server:

        def use_machine(name: str) -> Path:
            for variable, value in {**server.environment(tmp_path / f"cache-{name}"), "NH_STORE": ADDRESS}.items():
                monkeypatch.setenv(variable, value)
            return tmp_path / name

        first = use_machine("first")
        settings_file = make_home(first, ("ibl",)).settings.home / "sources.yaml"
        settings_file.write_text(settings_file.read_text() + "  also_assets: [spike_events]\n")
        platform = Platform(load_settings(first))
        with dg.DagsterInstance.ephemeral() as instance:
            materialize(platform, instance, "ibl", assets=ASSETS)
        (session,) = platform.manifest("ibl").session_ids
        before = platform.reviews_version("ibl", session)

        second = use_machine("second")
        recording = open_store(ADDRESS).session("ibl", session)
        batches = Batches(WindowSet([recording], "continuous-1s", vocabulary=Vocabulary()), batch_size=8, seed=3)
        assert np.asarray(batches.batch(0).counts).sum() > 0
        saved = operations.add_review(second, "ibl", session[:8], REVIEW)
        arguments = ["--home", str(second), "review", "add", "ibl", session, "--reviewer", "bea", "--decision", "fail"]
        said = CliRunner().invoke(app, [*arguments, "--unit", "probe00/1", "--reason", "it does"])
        assert said.exit_code == 0, said.output
        assert not (second / "reviews").exists()
        made = sorted(key for key in server.keys("lab/store/.reviews/"))
        assert made == [f"lab/store/.reviews/ibl/{session}.yaml", f"lab/store/.reviews/ibl/{session}/spike-trains.tsv"]

        use_machine("first-later")
        again = Platform(load_settings(first))
        assert again.reviews_version("ibl", session) != before
        listed = CliRunner().invoke(app, ["--home", str(first), "review", "list", "ibl", session])
        assert "drifts away" in listed.output, listed.output
        assert [one.reviewer for one in saved.added] == ["ada"]
        kept = backup(first, tmp_path / "backups").folder / "reviews" / "ibl"
        assert (kept / f"{session}.yaml").read_bytes() == server.get(made[0])


def test_a_home_with_reviews_is_told_that_the_bucket_would_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reviews" / "ibl").mkdir(parents=True)
    (tmp_path / "reviews" / "ibl" / "s1.yaml").write_text("source: ibl\nsession: s1\nreviews: []\n")
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NH_STORE", ADDRESS)
    with pytest.raises(ConfigError, match=rf"1 file of reviews.*{ADDRESS}/\.reviews.*aws s3 sync.*NH_REVIEWS="):
        load_settings(tmp_path)
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path / "reviews"))
    assert load_settings(tmp_path).reviews == tmp_path / "reviews"
    monkeypatch.setenv("NH_REVIEWS", f"s3://{BUCKET}/opinions")
    assert load_settings(tmp_path).reviews.name == f"store-of-s3={BUCKET}%2Fopinions"
    monkeypatch.setenv("NH_REVIEWS", "gs://x/y")
    with pytest.raises(ConfigError, match="NH_REVIEWS"):
        load_settings(tmp_path)
