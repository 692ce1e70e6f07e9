"""Definitions that the code location serves: those of the home folder that `NH_HOME` names.

Nothing else stands here. `nh_platform.defs.build.build_defs` makes them; tests call it themselves. What an installed
package brings and cannot be served is said in the log of the code location: the others go on.
"""

import logging

from nh_platform.home.own_process import use_one_thread

use_one_thread()  # before what loads numpy

from nh_platform.assets.registry import package_problems  # noqa: E402
from nh_platform.defs.build import build_defs  # noqa: E402

for _problem in package_problems():
    logging.getLogger(__name__).warning("%s %s; the others go on", _problem.thing, _problem.found)

defs = build_defs()
