"""Column schemas of every table that is written: one module per asset or subject.

Add a module here when an asset brings tables of its own. A schema says name, dtype, unit of measure and meaning; no
table is made or checked against data here but by `TableSchema` itself.
"""
