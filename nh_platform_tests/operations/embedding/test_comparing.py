"""Embeddings of stored sessions, reference windows, homes and files are compared, and what is none is refused."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from nh_platform import open_store, operations
from nh_platform.session import ConfigError, UnknownSession
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import make_home, materialize


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared") / "home"
    platform = make_home(folder, ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, "ibl", assets=("units", "unit_embeddings"))
    assert outcome.success, outcome.errors
    return folder


def test_a_window_that_is_computed_is_what_is_stored_of_it(home: Path) -> None:
    found = operations.compare_embeddings(home, "stored", "start-30s")
    (row,) = found.sessions.to_dict("records")
    assert row["cka"] == pytest.approx(1.0)
    assert row["neighbours"] == 1.0
    assert (found.features["largest_difference"].dropna() == 0).all()
    assert row["features"] == row["columns_a"] == row["columns_b"]


def test_a_short_window_is_alike_and_not_the_same(home: Path) -> None:
    found = operations.compare_embeddings(home, "stored", "whole-session", source="ibl")
    (row,) = found.sessions.to_dict("records")
    assert row["by_chance"] < row["neighbours"] < 1.0
    assert found.features.set_index("feature").loc["log10_rate", "r"] > 0.7


def test_another_home_an_encoder_and_files(home: Path, tmp_path: Path) -> None:
    assert operations.compare_embeddings(home, "stored", str(home)).sessions["cka"].tolist() == [pytest.approx(1.0)]
    (firing,) = operations.compare_embeddings(home, "encoder:firing", "stored").sessions.to_dict("records")
    assert firing["columns_a"] <= firing["columns_b"]
    (session_id,) = open_store(home).sessions("ibl")["session_id"]
    table = open_store(home).session("ibl", session_id).embeddings
    table.sample(frac=1, random_state=0).to_parquet(tmp_path / "shuffled.parquet")
    found = operations.compare_embeddings(home, "stored", str(tmp_path / "shuffled.parquet"))
    assert (found.features["largest_difference"].dropna() == 0).all()
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(30, 4)))
    found = operations.compare_embeddings(home, *(f"{tmp_path}/{name}.npy" for name in "ab"))
    assert found.sessions["cka"].tolist() == [pytest.approx(1.0)]


def test_a_table_of_text_is_matched_by_the_names_of_its_rows(home: Path, tmp_path: Path) -> None:
    (session_id,) = open_store(home).sessions("ibl")["session_id"]
    table = open_store(home).session("ibl", session_id).embeddings
    table.sample(frac=1, random_state=0)[:20].to_csv(tmp_path / "units.csv", index=False)
    found = operations.compare_embeddings(home, "stored", str(tmp_path / "units.csv"))
    assert not found.by_position
    assert found.sessions["rows"].tolist() == [20]
    assert found.features["largest_difference"].max() < 1e-4
    numbered = pd.DataFrame({"unit_id": ["007", "7", "8"], "x": [1.0, 2.0, 3.0], "y": [0.5, 0.1, 0.2]})
    numbered.to_csv(tmp_path / "numbered.csv", index=False)
    itself = operations.compare_embeddings(home, *[str(tmp_path / "numbered.csv")] * 2)
    assert itself.sessions["rows"].tolist() == [3]


def test_rows_without_names_are_matched_by_their_number_and_that_is_said(home: Path, tmp_path: Path) -> None:
    (session_id,) = open_store(home).sessions("ibl")["session_id"]
    table = open_store(home).session("ibl", session_id).embeddings.select_dtypes("floating")
    np.save(tmp_path / "whole.npy", table.to_numpy())
    np.save(tmp_path / "short.npy", table.to_numpy()[1:])
    found = operations.compare_embeddings(home, "stored", str(tmp_path / "whole.npy"))
    assert found.by_position
    assert found.sessions["cka"].tolist() == [pytest.approx(1.0)]
    assert not operations.compare_embeddings(home, "stored", "whole-session").by_position
    said = nh(home, "embed", "compare", "stored", str(tmp_path / "whole.npy")).stderr
    assert "matched by their number" in " ".join(said.split())
    for sides in (("stored", "short.npy"), ("whole.npy", "short.npy")):
        names = [name if name == "stored" else str(tmp_path / name) for name in sides]
        with pytest.raises(ConfigError, match=r"have no names, and there are 24 and 23\. Name the rows"):
            operations.compare_embeddings(home, *names)


def test_what_stands_for_nothing_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "words.parquet").write_text("no table")
    np.save(tmp_path / "short.npy", np.zeros((3, 2)))
    (tmp_path / "empty.npy").touch()
    os.mkfifo(tmp_path / "pipe.npy")
    np.save(tmp_path / "whole.npy", np.zeros((3, 2), dtype=np.int64))
    head = (tmp_path / "short.npy").read_bytes()
    (tmp_path / "huge.npy").write_bytes(head.replace(b"(3, 2), }           ", b"(99999999999999, 2)}"))
    pd.DataFrame({"unit_id": ["a", None, None], "x": [1.0, 2.0, 3.0]}).to_parquet(tmp_path / "nameless.parquet")
    for name, text in (
        ("", "no such file"),
        ("x" * 5000, "no such file"),
        (str(tmp_path / "empty.npy"), "cannot be read"),
        (str(tmp_path / "huge.npy"), "cannot be read"),
        (str(tmp_path / "pipe.npy"), "a FIFO"),
        (str(tmp_path / "whole.npy"), "no columns of floating-point numbers"),
        (str(tmp_path / "nameless.parquet"), "2 of 3 rows have no unit_id"),
        ("start-30", "start-30s"),
        ("encoder:fring", "firing"),
        (str(tmp_path / "words.parquet"), "cannot be read"),
        (str(tmp_path / "gone.npy"), "cannot be read"),
        (str(tmp_path / "short.npy"), "have no names, and there are 24 and 3"),
    ):
        with pytest.raises(ConfigError, match=text):
            operations.compare_embeddings(home, "stored", name)
    with pytest.raises(UnknownSession, match="no session of source allen_vc has any"):
        operations.compare_embeddings(home, "stored", "stored", source="allen_vc")
    with pytest.raises(UnknownSession, match=r"source ibll has any.*Did you mean ibl\?"):
        operations.compare_embeddings(home, "stored", "stored", source="ibll")


def test_the_command_prints_sessions_and_features(home: Path) -> None:
    shown = nh(home, "embed", "compare", "stored", "whole-session")
    assert shown.exit_code == 0, shown.output
    assert "cka" in shown.output
    table = nh(home, "embed", "compare", "stored", "whole-session", "--features", "--format", "csv")
    assert "log10_rate," in table.output
