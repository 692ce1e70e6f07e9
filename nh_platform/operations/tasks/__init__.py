"""Operations on benchmark tasks: which there are, what they predict in stored sessions, runs and scores.

Add an operation here when a person can do one more thing with a task. What a task is, is `nh_platform.tasks`.
"""
