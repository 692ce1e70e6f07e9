"""Benchmark tasks: what is predicted from the spikes of a session, how it is scored, and what linear models reach.

Contains the tasks by name, their targets made from stored sessions, metrics, linear baselines with a control, and
predictions in the layout of BrainWideBench. Add a task in the folder of its family, and its record in `named_tasks`.
Windows and splits themselves are `nh_platform.windows`, models of one's own are nobody's business here.
"""
