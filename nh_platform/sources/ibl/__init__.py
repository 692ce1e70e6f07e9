"""IBL releases through ONE-api: the manifest, and one session's spikes, behaviour, metrics and positions.

The only folder that imports ONE. Add here what is particular to IBL's files and server. What another source could use
too belongs to `nh_platform.sources`; nothing here writes to the store or imports Dagster.
"""

from nh_platform.session.lazy_names import lazy_names

__getattr__ = lazy_names(__name__, {"IblSettings": "settings", "IblSource": "source"})
