"""A stand-in for the Allen Institute's warehouse on loopback: RMA queries and well-known files of a simulated cache.

Good enough for the unmodified client of AllenSDK 2.16.2. Add a model when AllenSDK asks for one, a fault when the
warehouse is seen to have it. No test lives here.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd

FILE_ROUTE = "api/v2/well_known_file_download/"
FIRST_FILE_ID = 1026123989
FIRST_LFP_ID = 1026124219
TABLE_OF = {
    "EcephysSession": "sessions",
    "EcephysProbe": "probes",
    "EcephysChannel": "channels",
    "EcephysUnit": "units",
}
PAGE = re.compile(r"start_row\$eq(\d+)\]\[num_rows\$eq(\d+)")


class Warehouse:
    """What is served, what was asked, and what goes wrong.

    Attributes
    ----------
    root
        Simulated cache: its CSV tables and NWB files are served.
    file_ids
        Well-known-file id by session id; give a session another one to release its file anew.
    faults
        What happens to the next downloads of a file, first to last: ``truncated`` (half the bytes under the full
        length), a status such as ``500`` or ``429`` (with a page), ``stall`` (half the bytes and then nothing),
        ``reset`` (half the bytes and a reset connection), ``other`` (a whole HDF5 file without units). Nothing once the
        list is empty.
    states_sizes
        Whether HEAD is answered with a length.
    states_versions
        Whether answers have an ETag, and parts are served of that version.
    silent
        Whether queries are left without an answer.
    lfp_paths
        LFP files of probes, by well-known-file id.
    templates
        Path upstream and content of stimulus templates, by well-known-file id.
    ranges
        Range headers that were answered with a part.
    requests
        Method and path of every request, RMA models in the place of their query.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        sessions = pd.read_csv(root / "sessions.csv")["id"]
        self.file_ids = {str(session): FIRST_FILE_ID + number for number, session in enumerate(sessions)}
        self.lfp_paths = {
            FIRST_LFP_ID + number: path for number, path in enumerate(sorted(root.glob("session_*/probe_*_lfp.nwb")))
        }
        self.faults: list[str] = []
        self.states_sizes = True
        self.states_versions = True
        self.silent = False
        self.ranges: list[str] = []
        self.templates: dict[int, tuple[str, bytes]] = {}
        self.requests: list[str] = []
        self.address = ""
        self.stopping = threading.Event()

    def asked(self, part: str) -> int:
        """Return how many requests so far contain ``part``."""
        return sum(part in request for request in self.requests)

    def nwb(self, file_id: int) -> bytes | None:
        """Return the bytes of a well-known file."""
        if file_id in self.templates:
            return self.templates[file_id][1]
        if file_id in self.lfp_paths:
            return self.lfp_paths[file_id].read_bytes()
        for session, own in self.file_ids.items():
            if own == file_id:
                return (self.root / f"session_{session}" / f"session_{session}.nwb").read_bytes()
        return None

    def template_rows(self) -> list[dict[str, Any]]:
        """Return the rows of the stimulus templates."""
        return [
            {"id": file_id, "download_link": f"/{FILE_ROUTE}{file_id}", "path": path}
            for file_id, (path, _) in self.templates.items()
        ]

    def lfp_rows(self, probe_ids: list[str]) -> list[dict[str, Any]]:
        """Return the rows of the LFP files of some probes."""
        return [
            {"id": file_id, "attachable_id": int(probe_id), "download_link": f"/{FILE_ROUTE}{file_id}"}
            for file_id, path in self.lfp_paths.items()
            if (probe_id := path.stem.split("_")[1]) in probe_ids
        ]

    def rows(self, model: str) -> list[dict[str, Any]]:
        """Return the rows of an RMA model in the form in which the warehouse has them."""
        if model == "WellKnownFile":
            return [
                {
                    "id": file_id,
                    "attachable_id": int(session),
                    "attachable_type": "EcephysSession",
                    "download_link": f"/{FILE_ROUTE}{file_id}",
                    "path": f"/external/{session}.nwb",
                }
                for session, file_id in self.file_ids.items()
            ]
        if model == "EcephysUnitMetricBundle":
            (path,) = self.root.glob("*_analysis_metrics.csv")
            rows = pd.read_csv(path).to_dict(orient="records")
            return [
                {"id": number, "ecephys_unit_id": int(row.pop("ecephys_unit_id")), "data": json.dumps(row)}
                for number, row in enumerate(rows)
            ]
        name = {"EcephysSession": "sessions", "EcephysProbe": "probes", "EcephysChannel": "channels"}.get(
            model, "units"
        )
        table = pd.read_csv(self.root / f"{name}.csv")
        rows = json.loads(table.to_json(orient="records", double_precision=15))
        if model == "EcephysSession":
            return [_session(row) for row in rows]
        if model == "EcephysProbe":
            return [{"use_lfp_data": row.pop("has_lfp_data"), **row} for row in rows]
        return rows


def _session(row: dict[str, Any]) -> dict[str, Any]:
    donor = {"age": {"days": row.pop("age_in_days")}, "sex": row.pop("sex"), "full_genotype": row.pop("genotype")}
    nwb = {"well_known_file_type": {"name": "EcephysNwb"}}
    row.pop("has_nwb")
    stimulus = row.pop("session_type")
    extra = {"specimen": {"donor": donor}, "well_known_files": [nwb], "fail_eye_tracking": False}
    return {**row, "stimulus_name": stimulus, **extra}


@contextmanager
def serve(root: Path) -> Iterator[Warehouse]:
    """Serve a simulated cache on a free port of 127.0.0.1."""
    warehouse = Warehouse(root)

    class Handler(_Handler):
        served = warehouse

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    warehouse.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield warehouse
    finally:
        warehouse.stopping.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: Warehouse

    def do_HEAD(self) -> None:  # name of http.server
        body = self._file()
        if body is None or not self.served.states_sizes:
            self.send_error(405)
        else:
            self._head(200, len(body), self._tag(body))

    def do_GET(self) -> None:  # name of http.server
        if FILE_ROUTE in self.path:
            self._send_file()
            return
        query = unquote(self.path)
        model = re.findall(r"model::(\w+)", query)[0]
        self.served.requests.append(f"GET {model}")
        if self.served.silent:
            self.served.stopping.wait(60)
            return
        start, count = (int(number) for number in PAGE.findall(query)[0])
        if "'EcephysLfpNwb'" in query:
            rows = self.served.lfp_rows(re.findall(r"attachable_id\$in([\d,]+)", query)[0].split(","))
        else:
            rows = self.served.template_rows() if "'Stimulus'" in query else self.served.rows(model)
        page = rows[start : start + count]
        answer = {"success": True, "num_rows": len(page), "total_rows": len(rows), "start_row": start, "msg": page}
        body = json.dumps(answer).encode()
        self._head(200, len(body))
        self.wfile.write(body)

    def _send_file(self) -> None:
        body = self._file()
        fault = self.served.faults.pop(0) if self.served.faults else ""
        if body is None or fault.isdigit():
            self.send_error(404 if body is None else int(fault))
            return
        tag = self._tag(body)
        if fault == "other":
            body = (self.served.root / "other.h5").read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted and tag and self.headers.get("If-Range") in (None, tag):
            self.served.ranges.append(self.headers["Range"])
            start, size = int(wanted[1]), len(body)
            body = body[start:]
            self._head(206, len(body), tag, f"bytes {start}-{size - 1}/{size}")
        else:
            self._head(200, len(body), tag)
        self.wfile.write(body[: len(body) // 2] if fault in ("truncated", "stall", "reset") else body)
        self.wfile.flush()
        if fault == "stall":
            self.served.stopping.wait(60)
        if fault == "reset":  # a zero linger time makes close() send RST instead of FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _file(self) -> bytes | None:
        self.served.requests.append(f"{self.command} {self.path}")
        return self.served.nwb(int(self.path.rpartition("/")[2]))

    def _tag(self, body: bytes) -> str:
        tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return f'"{tag}"' if self.served.states_versions else ""

    def _head(self, status: int, length: int, tag: str = "", part: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if tag:
            self.send_header("ETag", tag)
        if part:
            self.send_header("Content-Range", part)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test output clean; `Warehouse.requests` has it."""
