"""States of a catalogue: the manifest, its identity, its snapshots, and what one state brought against another.

Add here what compares, names or remembers states of upstream. How upstream is asked belongs to `nh_platform.sources`;
what runs because of a change is decided in `nh_platform.planning`.
"""
