"""Random comparisons between models with hostile names, each with a verdict."""

from __future__ import annotations

from fractions import Fraction

from hostile import names, texts
from hypothesis import strategies as st
from written import Row

MODELS = ("model_a", "model_b")

WON: dict[str, Fraction] = {"a": Fraction(1), "b": Fraction(0), "tie": Fraction(1, 2)}


@st.composite
def contests(draw: st.DrawFn) -> list[Row]:
    """Rows of comparisons between two models with hostile names, each on a prompt of its own, with a verdict."""
    models = draw(st.lists(names(more=False), min_size=2, max_size=3, unique=True))
    some = texts().filter(lambda text: bool(text.strip()))
    asked = draw(st.lists(some, min_size=2, max_size=6, unique=True))
    both = st.lists(st.sampled_from(models), min_size=2, max_size=2, unique=True)
    return [
        dict(zip(("prompt", "model_a", "model_b", "response_a", "response_b", "verdict"),
                 (text, *draw(both), draw(some), draw(some), draw(st.sampled_from(list(WON)))), strict=True))
        for text in asked
    ]  # fmt: skip
