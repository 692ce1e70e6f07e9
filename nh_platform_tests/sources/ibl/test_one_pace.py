"""Nothing comes through ONE's own downloads: what Alyx sends keeps to the rate, the quiet hours, and an end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nh_platform.downloads.pace import HOURS_VARIABLE, RATE_VARIABLE
from nh_platform.session import ConfigError, UpstreamTrouble
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.sources.ibl.catalogue import tables_zip
from nh_platform.sources.ibl.server import bounded_answers
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.ibl.conftest import Tree


@pytest.fixture
def servers(pristine: Tree) -> Iterator[Loopback]:
    with Loopback(pristine.root) as running:
        yield running


def remote(servers: Loopback, **settings: object) -> IblSource:
    return IblSource(IblSettings.model_validate({**servers.settings, **settings}))


def of_mode(servers: Loopback, monkeypatch: pytest.MonkeyPatch, mode: str) -> IblSource:
    if mode == "remote":
        return remote(servers)
    for name, value in servers.bucket.environment.items():
        monkeypatch.setenv(name, value)
    return IblSource(IblSettings.model_validate(servers.public_settings))


@pytest.fixture
def without_ones_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every download of ONE's own."""
    import one.api
    import one.webclient

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("ONE downloads by itself")

    for owner, name in (
        (one.webclient, "http_download_file"),
        (one.webclient, "http_download_file_list"),
        (one.webclient.AlyxClient, "download_file"),
        (one.webclient.AlyxClient, "download_cache_tables"),
        (one.api.OneAlyx, "_download_datasets"),
        (one.api.OneAlyx, "load_cache"),
    ):
        assert hasattr(owner, name)
        monkeypatch.setattr(owner, name, refused)


@pytest.mark.usefixtures("without_ones_downloads")
def test_catalogue_and_files_come_without_ones_own_downloads(servers: Loopback, pristine: Tree) -> None:
    for source in (remote(servers), pristine.source()):
        manifest = source.manifest()
        assert len(manifest.session_ids) == 2
        assert source.read_spikes(manifest.session(pristine.eid)).spikes.n_units == 24


@pytest.mark.parametrize("mode", ["remote", "public"])
def test_the_tables_rest_in_quiet_hours_and_a_look_at_what_is_new_does_not(
    servers: Loopback, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    source = of_mode(servers, monkeypatch, mode)
    monkeypatch.setenv(HOURS_VARIABLE, "00:00-23:59")
    with pytest.raises(ConfigError, match=r"nothing is downloaded between 00:00 and 23:59"):
        source.manifest()
    assert servers.alyx.asked("cache.zip") == []
    assert source.signal()


@pytest.mark.parametrize("mode", ["remote", "public"])
def test_tables_without_end_are_cut_off(servers: Loopback, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setattr(tables_zip, "MOST_BYTES", 4 << 20)
    source = of_mode(servers, monkeypatch, mode)
    server = servers.alyx if mode == "remote" else servers.bucket
    fault = server.faults.add(r"cache\.zip", "endless")
    with pytest.raises(ConfigError, match=r"cache\.zip.*sends more than 4194304 bytes; it was cut off there"):
        source.manifest()
    assert 1 <= fault.hits <= 3


@pytest.mark.parametrize("request_of", ["/cache/info", "/insertions", "/data-notices"])
def test_an_answer_without_end_is_cut_off(servers: Loopback, monkeypatch: pytest.MonkeyPatch, request_of: str) -> None:
    monkeypatch.setattr(bounded_answers, "MOST_BYTES", 4 << 20)
    fault = servers.alyx.faults.add(request_of, "endless")
    with pytest.raises(UpstreamTrouble, match=rf"{request_of}.*its answer has more than 4 MiB; it was cut off there"):
        remote(servers).manifest()
    assert fault.hits == 1


def test_answers_keep_to_the_rate(servers: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    source = remote(servers)
    source.manifest()
    waited: list[int] = []
    monkeypatch.setenv(RATE_VARIABLE, "1000")
    monkeypatch.setattr("nh_platform.downloads.pace.Pace.wait", lambda _, n_bytes, stop: waited.append(n_bytes))
    source.signal()
    n_looks = len(waited)
    source.manifest()
    zipped = servers.alyx.asked("cache.zip")
    assert n_looks >= 4
    assert len(waited) > n_looks + len(zipped)
