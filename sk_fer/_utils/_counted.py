"""Numbers of things in words."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which is in the plural unless the number is 1.

    Parameters
    ----------
    number : int
        The number.
    noun : str
        The singular. Its plural ends in "s".

    Examples
    --------
    >>> from sk_fer._utils._counted import counted
    >>> counted(1, "fold"), counted(3, "epoch")
    ('1 fold', '3 epochs')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
