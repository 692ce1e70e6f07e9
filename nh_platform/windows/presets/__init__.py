"""Window presets: which stretches of a session become windows, and in which bins, as reviewed text.

Add a preset to `presets.yaml`. No spike is counted here.
"""
