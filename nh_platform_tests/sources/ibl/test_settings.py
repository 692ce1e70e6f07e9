"""Settings come from arguments and the environment, and their errors show no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.session import ConfigError
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.sources.registry import source_entry


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "USERNAME", "PASSWORD", "TOKEN", "DATA_SERVER"):
        monkeypatch.delenv(f"NH_ONE_{name}", raising=False)


def opened(chosen: dict[str, object], home: Path) -> IblSettings:
    """Return the settings with which ``read`` of ``sources.yaml`` opens the source."""
    source = source_entry("ibl").open(chosen, home)
    assert isinstance(source, IblSource)
    return source.settings


def test_servers_and_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NH_ONE_URL", "https://alyx.example.org/")
    monkeypatch.setenv("NH_ONE_USERNAME", "me")
    monkeypatch.setenv("NH_ONE_PASSWORD", "hush")
    settings = opened({"mode": "remote", "tag": "2024_Q2_IBL_et_al_BWM_iblsort"}, tmp_path)
    assert settings.url == "https://alyx.example.org"
    assert settings.password is not None
    assert settings.password.get_secret_value() == "hush"
    assert "hush" not in repr(settings)
    assert settings.release == "2024_Q2_IBL_et_al_BWM_iblsort, follow_default"


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        ({"mode": "remote"}, "NH_ONE_URL"),
        ({"mode": "remote", "url": "http://a.org", "username": "me"}, "NH_ONE_TOKEN, or NH_ONE_USERNAME and"),
        ({"mode": "remote", "url": "a.org", "token": "sesame"}, "not an http"),
        ({"mode": "local"}, "local mode needs `root`"),
        ({"root": "x", "revision": "2024-5-6"}, "2024-05-06"),
        ({"root": "x", "sortr": "pykilosort"}, "unknown key 'sortr'"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_is_shown(chosen, text, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"setting ibl\.read") as error:
        opened(chosen, tmp_path)
    assert text in str(error.value)
    assert "sesame" not in str(error.value)


def test_a_pinned_revision_names_the_release() -> None:
    assert IblSettings(root="x", revision="2024-05-06").release == "pinned 2024-05-06"


@pytest.mark.parametrize(
    ("tag", "tags", "release"),
    [
        (None, (), "follow_default"),
        ("", (), "follow_default"),
        ("2024_Q2", ("2024_Q2",), "2024_Q2, follow_default"),
        (["2024_Q2", "2022_Q4"], ("2022_Q4", "2024_Q2"), "2022_Q4+2024_Q2, follow_default"),
    ],
)
def test_one_tag_or_several_name_the_release(tag, tags, release) -> None:
    settings = IblSettings(mode="public", tag=tag)
    assert (settings.tags, settings.release) == (tags, release)


REMOTE = {"mode": "remote", "url": "https://alyx.example.org:8443", "username": "ada", "password": "sesame"}


@pytest.mark.parametrize(
    ("chosen", "selection"),
    [
        ({"root": "x"}, "local"),
        ({"root": "x", "revision": "2024-05-06", "sorter": "pykilosort", "attempts": 9, "tag": "unused"}, "local"),
        ({"mode": "public"}, "public"),
        ({"mode": "public", "tag": "2024_Q2", "timeout_s": 5.0}, "public, tag 2024_Q2"),
        ({"mode": "public", "tag": ["B", "A", "B", ""], "signal_timeout_s": 5.0}, "public, tag A, tag B"),
        (REMOTE, "remote, server alyx.example.org, account fdee430d"),
    ],
)
def test_the_selection_names_what_chooses_sessions_and_nothing_else(chosen, selection) -> None:
    assert IblSettings(**chosen).selection == selection
