r"""Stand-ins for the servers of IBL on loopback: Alyx, bulk files and the public bucket, with releases and faults.

Good enough for the unmodified ``OneAlyx`` of ONE-api 3.6.1. Add an endpoint to `alyx`, a change of a release to
`state`, a misbehaviour to `faults`. No test lives here.

Examples
--------
>>> with Loopback(root) as servers:  # doctest: +SKIP
...     source = IblSource(IblSettings(**servers.settings))
...     servers.files.faults.add(r"spikes\.times", "corrupt", times=1)
...     servers.state.set_session_qc(eid, "CRITICAL")
"""

from nh_platform_tests.loopback.alyx import AlyxServer
from nh_platform_tests.loopback.bucket import BucketServer
from nh_platform_tests.loopback.faults import Faults
from nh_platform_tests.loopback.files import FileServer
from nh_platform_tests.loopback.servers import Loopback
from nh_platform_tests.loopback.state import AlyxState

__all__ = ["AlyxServer", "AlyxState", "BucketServer", "Faults", "FileServer", "Loopback"]
