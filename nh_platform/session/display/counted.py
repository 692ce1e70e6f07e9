"""Numbers of things in words, for titles and messages.

Contains `counted`. Add here another phrase that depends on a number.
"""


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> counted(1, "session"), counted(2, "probe insertion"), counted(1, "kind of units", "kinds of units")
    ('1 session', '2 probe insertions', '1 kind of units')
    """
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"
