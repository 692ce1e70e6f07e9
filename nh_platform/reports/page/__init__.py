"""Pages in one file that open from disk: packed arrays, charts as records, and the shell that makes HTML of them.

Add here what every such page needs. What a page says is in a room of its own beside this one.
"""
