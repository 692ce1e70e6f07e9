"""Numbers of things in words, for titles and messages.

Contains `counted`. Add here another phrase that depends on a number.
"""


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> counted(1, "session"), counted(2, "probe insertion"), counted(1, "kind of units", "kinds of units")
    ('1 session', '2 probe insertions', '1 kind of units')
    >>> counted(2, "process")
    '2 processes'
    """
    several = plural or singular + ("es" if singular.endswith(("s", "x", "ch", "sh")) else "s")
    return f"{number} {singular if number == 1 else several}"
