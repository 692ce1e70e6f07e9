"""`nh metrics`: counters in the text format of Prometheus."""

from __future__ import annotations

import sys

from nh_platform import operations
from nh_platform.home.folder import home_folder


def metrics() -> None:
    """Print counters for Prometheus: sessions by state, queue, sessions and failures of the last hour, bytes a second.

    `nh ui` serves the same at `/metrics`. Without a served page, write it to the folder of node_exporter's text files.

    **Examples**

        nh metrics

        nh --home /data/neuropixels metrics | sponge /var/lib/node_exporter/nh.prom
    """
    sys.stdout.write(operations.metrics(home_folder()))
