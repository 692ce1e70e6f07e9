"""`nh review …`: reviews of units, intervals and sessions: listed, added, agreed with, and shown as a history.

Add a module per command, and list it in `app`. What a review may say, and what reviews decide, is
`nh_platform.qc.reviews`; what a reviewer does is `nh_platform.operations.reviewing`.
"""
