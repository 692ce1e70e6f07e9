"""Reports and figures within the page of `nh ui`: served as they are stored, refused in words, all else left alone."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import urljoin

import dagster as dg
import pytest

from nh_platform.assets.across_sessions.qc_site import ASSET as QC_SITE
from nh_platform.home.page_addresses import figure_address, report_address, site_address
from nh_platform.home.platform import Platform
from nh_platform.operations.web.stored_pages import with_stored_pages
from nh_platform.planning.making import make_source_asset
from nh_platform.reports.site.release_snapshot import with_release_snapshot
from nh_platform_tests.homes import make_home, materialize


async def dagster_page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"dagster"})


def asked(platform: Platform, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    app = with_stored_pages(dagster_page, platform.store)
    asyncio.run(app({"type": "http", "path": path, "method": method}, None, send))  # type: ignore[arg-type]
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = make_home(tmp_path_factory.mktemp("pages") / "home", ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, "ibl")
    assert outcome.success, outcome.errors
    return platform


def test_a_report_and_a_figure_are_served_as_they_are_stored(home: Platform) -> None:
    session = home.manifest("ibl").session_ids[0]
    status, headers, body = asked(home, report_address("ibl", session))
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert body == (home.store.folder("ibl", session, "session_report") / "report.html").read_bytes()
    status, headers, body = asked(home, figure_address("ibl", session, "amp_median"))
    assert (status, headers["content-type"]) == (200, "image/svg+xml")
    assert b"threshold 50" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert asked(home, report_address("ibl", session), "HEAD")[2] == b""


def test_a_site_is_served_and_its_links_lead_to_the_reports_that_count(home: Platform) -> None:
    session = home.manifest("ibl").session_ids[0]
    assert asked(home, site_address("ibl"))[0] == 404
    folder = make_source_asset(home, "ibl", QC_SITE).folder
    status, headers, body = asked(home, site_address("ibl"))
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert body == (folder / "index.html").read_bytes()
    (link,) = re.findall(rf'<td class="id"><a href="([^"]+)">{session}', body.decode())
    assert (folder / link).resolve() == home.store.folder("ibl", session, "session_report") / "report.html"
    report = asked(home, urljoin(site_address("ibl"), link))[2].decode()
    snapshot = json.loads((folder / "release.json").read_text())
    assert {rule["rule"] for rule in snapshot["rules"]} >= {"amp_median", "noise_cutoff"}
    assert report == with_release_snapshot((folder / link).read_text(), snapshot), "the release stands beside it"
    assert asked(home, urljoin(site_address("ibl"), "rules/amp_median.html"))[0] == 200


def test_what_was_never_made_or_is_damaged_is_said(home: Platform) -> None:
    status, headers, body = asked(home, "/nh/report/ibl/none")
    assert (status, headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert b"nh materialize ibl none" in body
    session = home.manifest("ibl").session_ids[0]
    assert asked(home, figure_address("ibl", session, "no_such_rule"))[0] == 404
    path = home.store.folder("ibl", session, "units") / "rules/amp_median.svg"
    kept = path.read_bytes()
    try:
        path.write_bytes(kept + b" ")
        status, _, body = asked(home, figure_address("ibl", session, "amp_median"))
        assert (status, b"nh verify" in body) == (404, True)
    finally:
        path.write_bytes(kept)


@pytest.mark.parametrize(
    "path", ["/assets", "/nh/report/ibl/../x", "/nh/report/ibl/a/b", "/nh/figure/ibl/s/../../x.svg"]
)
def test_every_other_address_is_dagsters(home: Platform, path: str) -> None:
    assert asked(home, path)[2] == b"dagster"
