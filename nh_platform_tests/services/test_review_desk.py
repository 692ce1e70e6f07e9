"""`nh review serve` as a process: it ends by signals, asks for a token off loopback, and loses nothing of two."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pytest

from nh_platform.home.platform import Platform
from nh_platform.qc.reviews.review_files import read_reviews
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.reports.desk.served import Client
from nh_platform_tests.services.servers import free_port

pytestmark = pytest.mark.service

N_DECISIONS = 200
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(
            platform,
            instance,
            "ibl",
            assets=("raw_spikes", "events", "signals", "units", "windows", "unit_embeddings", "session_report"),
        )
    return platform


@contextmanager
def nh_review_serve(platform: Platform, *options: str) -> Iterator[tuple[Client, subprocess.Popen[str], list[str]]]:
    """Run the command; give a client, the process, and the lines that it says."""
    port = free_port()
    command = [sys.executable, "-u", "-m", "nh_platform.cli", "--home", str(platform.settings.home), "review", "serve"]
    environment = {
        key: value for key, value in os.environ.items() if key not in ("DAGSTER_HOME", "NH_HOME", "NH_REVIEWS")
    }
    process = subprocess.Popen(
        [*command, "--port", str(port), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if "reviews:" in line:
            break
    threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True).start()
    try:
        assert process.poll() is None, said
        yield Client(port), process, said
    finally:
        process.kill()
        process.wait(10)


def form_token(client: Client, path: str = "/", headers: dict[str, str] | None = None) -> str:
    """Return the token that the desk's own page holds."""
    status, _, body = client.ask("GET", path, headers)
    assert status == 200, body
    found = re.search(r'name="nh-desk" content="([^"]*)"', body.decode())
    assert found
    return str(json.loads(found[1].replace("&#34;", '"').replace("&quot;", '"'))["token"])


def post(client: Client, session: str, token: str, content: Any, **more: str) -> tuple[int, Any]:
    headers = {"Origin": f"http://{client.host}", "X-NH-Token": token, **JSON, **more}
    status, _, body = client.ask("POST", f"/api/sessions/ibl/{session}/reviews", headers, json.dumps(content).encode())
    try:
        return status, json.loads(body)
    except ValueError:
        return status, body.decode()


def unit_ids(platform: Platform, session: str) -> list[str]:
    from nh_platform.store.codecs.parquet import read_table

    return [
        str(unit) for unit in read_table(platform.store.folder("ibl", session, "units") / "units.parquet")["unit_id"]
    ]


def test_two_reviewers_at_once_lose_nothing(platform: Platform) -> None:
    session = platform.store.sessions("ibl")[0]
    units = unit_ids(platform, session)
    conflicts: Counter[str] = Counter()
    failures: list[object] = []

    def review(client: Client, token: str, name: str, order: int) -> None:
        digest = client.reviews("ibl", session, name)["digest"]
        for number in range(N_DECISIONS):
            unit = units[(order * number) % len(units)]
            decision = {
                "unit": unit,
                "decision": "fail" if number % 3 else "pass",
                "reason": f"reason {number} of {name}",
            }
            while True:
                status, found = post(
                    client, session, token, {"reviewer": name, "reviews": [decision], "digest": digest}
                )
                if status == 409:  # the other decided on the same unit: look again, decide again
                    conflicts[name] += 1
                    digest = found["error"]["digest"]
                    continue
                if status != 200:
                    failures.append((status, found))
                    return
                digest = found["digest"]
                break

    with nh_review_serve(platform) as (client, _, _):
        token = form_token(client, f"/sessions/ibl/{session}")
        both = [threading.Thread(target=review, args=(client, token, *one)) for one in (("ada", 1), ("bob", -1))]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join(300)
    assert failures == []
    written = read_reviews(platform.reviews_file("ibl", session)).reviews
    assert Counter(review.reviewer for review in written) == {"ada": N_DECISIONS, "bob": N_DECISIONS}
    for name in ("ada", "bob"):
        assert [one.reason for one in written if one.reviewer == name] == [
            f"reason {n} of {name}" for n in range(N_DECISIONS)
        ]
    left = [path.name for path in platform.reviews_file("ibl", session).parent.iterdir() if path.suffix != ".yaml"]
    assert [name for name in left if not name.endswith(".lock")] == [session]  # trains of what was reviewed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_by_a_signal_and_frees_its_port(platform: Platform, number: signal.Signals) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{number.name} is ignored by whoever runs the tests, as by nohup, and is then by the desk")
    with nh_review_serve(platform) as (client, process, said):
        assert f"kill {process.pid}" in said[0]
        session = platform.store.sessions("ibl")[0]
        unit, reason = unit_ids(platform, session)[0], f"ended by {number.name}"
        decided = {"reviewer": "cleo", "reviews": [{"unit": unit, "decision": "fail", "reason": reason}]}
        status, saved = post(client, session, form_token(client), decided)
        assert status == 200
        process.send_signal(number)
        assert process.wait(15) == 0, said
        with pytest.raises(ConnectionRefusedError):
            client.ask("GET", "/")
        trains = platform.reviews_file("ibl", session).with_suffix("") / "spike-trains.tsv"
        assert saved["ids"][0] in trains.read_text()  # what was reviewed last is kept before it ends


def test_a_port_that_is_taken_is_said_with_a_free_one(platform: Platform) -> None:
    with nh_review_serve(platform) as (client, _, _):
        command = [sys.executable, "-m", "nh_platform.cli", "--home", str(platform.settings.home), "review", "serve"]
        second = subprocess.run([*command, "--port", str(client.port)], capture_output=True, text=True, timeout=120)
    assert second.returncode == 1
    assert "in use" in second.stderr
    assert "--port" in second.stderr
    assert "nh ui" not in second.stderr


def test_off_loopback_everything_asks_for_the_token_that_was_printed(platform: Platform) -> None:
    session = platform.store.sessions("ibl")[0]
    with nh_review_serve(platform, "--host", "0.0.0.0") as (client, _, said):
        deadline = threading.Event()
        for _ in range(100):
            if any("token" in line for line in said):
                break
            deadline.wait(0.1)
        printed = next(line for line in said if "token" in line).split()[-1]
        assert client.ask("GET", "/")[0] == 401
        assert client.ask("GET", f"/api/sessions/ibl/{session}/reviews")[0] == 401
        wrong = {"Authorization": f"Basic {base64.b64encode(b'ada:' + printed[:-1].encode()).decode()}"}
        assert client.ask("GET", "/", wrong)[0] == 401
        right = {"Authorization": f"Basic {base64.b64encode(b'ada:' + printed.encode()).decode()}"}
        token = form_token(client, "/", right)
        assert printed not in client.ask("GET", "/", right)[2].decode()
        question = {"reviewer": "ada", "reviews": [{"whole_session": True, "comment": "Which rig?"}]}
        assert post(client, session, token, question)[0] == 401
        assert post(client, session, token, question, **right)[0] == 200
        assert post(client, session, "", question, **right)[0] == 403
