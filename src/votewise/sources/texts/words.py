"""How many words a text has, also in scripts that put no spaces between words."""

from __future__ import annotations

import re

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of Thai, Lao, Burmese, Khmer, Japanese and Chinese."""
LETTERS = 3
"""Such letters that count as a word: names have up to four of them."""
ENDS = ("\u3002", "\uff1f", "\uff01", "\u2026")


def words(text: str) -> int:
    """The number of words; where there are no spaces, an estimate.

    >>> words("What is it"), words("wk_07"), words("田中太郎"), words("这句话是什么意思")
    (3, 1, 1, 3)
    """
    unspaced = len(UNSPACED.findall(text)) if not text.isascii() else 0
    spaced = len(text.split())
    if unspaced == 0:
        return spaced
    estimate = max(1, round(unspaced / LETTERS))
    return max(spaced, estimate, 2 if text.rstrip().endswith(ENDS) else 1)
