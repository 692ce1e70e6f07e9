"""The review desk: a small web app in which reviewers open the stored pages, decide, and see what others decided.

Add here what the desk shows or takes. Who may ask it at all is the guard before it (`nh_platform.operations.web`),
which also serves it; what a review may say is `nh_platform.qc.reviews`. Nothing here commits or runs anything.
"""
