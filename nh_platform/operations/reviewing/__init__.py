"""Operations of reviewers: adding a review, agreeing with one, and looking at what was decided and asked.

Add here what a reviewer does besides. What a review may say, and what reviews decide, is `nh_platform.qc.reviews`.
"""
