"""Window presets: which stretches of a session become windows, and in which bins, as reviewed text.

Add a preset as a file of `shipped/`, named by its id. No spike is counted here.
"""
