"""What a release costs, from ten sessions to ten thousand: the formula, what it assumes, and the page that shows both.

Add here what is computed of the figures that `benchmarks.rehearsal` measures.
"""
