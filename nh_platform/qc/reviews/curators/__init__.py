"""Labels that other curators and tools gave to units: read, matched, kept as evidence, compared and exported.

Add here what concerns labels that are not reviews. They decide nothing by themselves: a rulebook that names one does.
"""
