"""What the code location serves: the definitions of the home folder that `NH_HOME` names.

Nothing else stands here. `nh_platform.defs.build.build_defs` makes them; tests call it themselves.
"""

from nh_platform.defs.build import build_defs

defs = build_defs()
