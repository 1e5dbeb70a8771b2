"""Labels in notations of tools and papers: ``Assistant A``, ``Option (b)``, ``[[A]]``, ``A>>B``, ``leftvote``.

A notation names a side and nothing else. Sentences such as ``Left is better`` or ``about the same`` are no notation: what
they mean is said with ``--label``.
"""

from __future__ import annotations

import re

_NOUN = (
    r"(?:response|answer|model|assistant|output|option|completion|candidate|text|choice|reply|summary|version|system|chatbot"
    r"|generation|image)"
)
_SIDE = r"(?:a|b|\d)"
_NAME = re.compile(rf"(?:{_NOUN}[ _-]?)?(?:\(({_SIDE})\)|({_SIDE}))")
_SIGN = re.compile(rf"({_SIDE}) ?(>{{1,3}}|<{{1,3}}|=|==|~=|≈) ?({_SIDE})")
_VOTES = {
    "1st": "first", "2nd": "second", "leftvote": "left", "rightvote": "right", "tievote": "tie", "bothbad_vote": "both_bad",
}  # fmt: skip
_LONGEST = 40


def word_of(label: str) -> str | None:
    """The word of labels that a notation stands for: a side as it is written, or ``tie``; None for anything else.

    What a side means depends on the table: ``2`` is the second answer only where the answers' columns are numbered so.

    >>> [word_of(text) for text in ("assistant b", "option (a)", "a>>b", "[[b]]", "[[a=b]]", "answer 2", "a is better")]
    ['b', 'a', 'a', 'b', 'tie', '2', None]
    """
    if len(label) > _LONGEST:
        return None
    plain = label[2:-2] if label.startswith("[[") and label.endswith("]]") else label
    if plain in _VOTES:
        return _VOTES[plain]
    if sign := _SIGN.fullmatch(plain):
        return _by_sign(*sign.groups())
    name = _NAME.fullmatch(plain)
    return name[1] or name[2] if name else None


def _by_sign(one: str, sign: str, other: str) -> str | None:
    if one == other:
        return None
    return "tie" if sign[0] in "=~≈" else one if sign[0] == ">" else other
