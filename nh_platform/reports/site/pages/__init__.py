"""The pages of the site: the index and a page per rule, from templates and charts.

Add a module here, and a template in ``static``, when the site has another page.
"""
