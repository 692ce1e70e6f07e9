"""The table of `session_report`: the figures of a page, and why one of them is not drawn.

Add a column here when something is said of every figure. The page itself is one HTML file beside it.
"""

from nh_platform.session.columns import Column, TableSchema

REPORT_FIGURES = TableSchema(
    "report_figures",
    (
        Column("figure", "string", "-", "Id of the figure, as in the page's address"),
        Column("title", "string", "-", "What it shows"),
        Column("about", "string", "-", "Whether it is of every unit (unit) or of the session (session)"),
        Column("drawn", "bool", "-", "Whether it is drawn"),
        Column("lacking", "string", "-", "Why it is not drawn; empty where it is"),
    ),
    key=("figure",),
)
