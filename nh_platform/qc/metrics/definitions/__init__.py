"""Definitions of the unit metrics: id with version, formula, parameters, source, edge cases.

Add a definition here, in the module of the laboratory that states it. How it is computed stands in the modules above.
"""
