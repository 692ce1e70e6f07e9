"""Changes of rules: what a rule was changed to, by whom and why, and what a change does to units.

Add here what compares rules over time. Rules as they are now are read and applied by the modules above.
"""
