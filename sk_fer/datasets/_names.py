"""The names of expressions and of splits, and what else they are called."""

import re
import reprlib

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt")
"""The class names of every loader; their order is FER2013's code."""

FER2013_EXPRESSIONS = EXPRESSIONS[:7]

SUBSETS = ("train", "validation", "test")
"""The splits, as `usage` of every Bunch names them; FER2013's code has the same order."""

USAGES = ("Training", "PublicTest", "PrivateTest")
"""FER2013's words for `SUBSETS`, in the same order."""

_ALIASES = {
    "angry": ("anger", "angered", "ang"),
    "disgust": ("disgusted", "disgusting", "disgusts", "dis"),
    "fear": ("fearful", "afraid", "scared", "fearfulness", "frightened", "fea"),
    "happy": ("happiness", "joy", "joyful", "joyous", "hap"),
    "sad": ("sadness", "saddened", "sadly"),
    "surprise": ("surprised", "surprising", "suprise", "suprised", "astonished", "sur"),
    "neutral": ("neutrality", "neutralness", "neu"),
    "contempt": ("contemptuous", "contemptuousness", "contempted", "con"),
}
_EXPRESSION_OF = {
    name: expression for expression in EXPRESSIONS for name in (expression, *_ALIASES[expression])
}
_NUMBERED = re.compile(r"\d+[\W_]+(?=[^\W\d_])")
_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validate": "validation",
    "validation": "validation",
    "dev": "validation",
    "development": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "publictest": "validation",
    "test": "test",
    "testing": "test",
    "privatetest": "test",
}
_BEFORE_A_SPLIT = "(?:fer2013|ferplus|fer|ckplus|ck)?"
_AFTER_A_SPLIT = "(?:dataset|data|set|split|subset|images?|imgs?|faces?|samples?|files?|folder)*"
_SPLIT = re.compile(f"{_BEFORE_A_SPLIT}({'|'.join(_SPLIT_WORDS)}){_AFTER_A_SPLIT}")
_SEPARATORS = re.compile(r"[\W_]+")


def expression_of(name: str) -> str | None:
    """Return the expression of a name, or None if there is none.

    Case, spaces and a number before the name, as in ``3_Happy``, do not matter.

    Examples
    --------
    >>> [expression_of(name) for name in ("Anger", "AFRAID", "3_happiness", "bored")]
    ['angry', 'fear', 'happy', None]
    """
    name = name.strip().lower()
    return _EXPRESSION_OF.get(name) or _EXPRESSION_OF.get(_NUMBERED.sub("", name, count=1))


def subset_of(name: str) -> str | None:
    """Return the subset of a name, or None if there is none.

    Case, spaces, underscores and hyphens do not matter, and the word may have "FER2013" before it
    and "set", "data" or "images" after it.

    Examples
    --------
    >>> [subset_of(name) for name in ("Public Test", "training_set", "FER2013Valid", "happy")]
    ['validation', 'train', 'validation', None]
    """
    found = _SPLIT.fullmatch(_SEPARATORS.sub("", name.lower()))
    return _SPLIT_WORDS[found[1]] if found else None


def canonical_subset(name: str) -> str | None:
    """Return the value of a parameter `subset` in the words of `SUBSETS`, or "all"."""
    return "all" if name.strip().lower() == "all" else subset_of(name)


def usage_code(usage: str) -> int:
    """Return the position in `SUBSETS` of a split, under any of its names."""
    subset = subset_of(usage)
    if subset is None:
        raise ValueError(f"Usage {reprlib.repr(usage)} is not one of {', '.join(USAGES)}")
    return SUBSETS.index(subset)
