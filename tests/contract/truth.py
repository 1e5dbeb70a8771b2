"""The truth of a random table: which votes it holds. A shape writes it down, a command reads it, and both are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hostile import answers, names, remarks, texts
from hypothesis import strategies as st

Message = tuple[str, str]
"""Role and content."""

Prompt = tuple[Message, ...]

VERDICTS = ("a", "b", "tie", "both_bad", "both_good", "skip")
FLIPPED = {"a": "b", "b": "a"}


@dataclass(frozen=True)
class TrueVote:
    """What one person said about two answers, shown in this order; ``number`` is the vote's place in the table."""

    number: int
    annotator: str | None
    prompt: Prompt
    a: str
    b: str
    verdict: str
    score: int
    comment: str | None

    @property
    def pair(self) -> tuple[Prompt, frozenset[str]]:
        """What tells its pair from others."""
        return self.prompt, frozenset((self.a, self.b))

    @property
    def better(self) -> str | None:
        """The preferred answer; None where neither is."""
        return {"a": self.a, "b": self.b}.get(self.verdict)

    def shown_as(self, a: str) -> TrueVote:
        """The same vote with ``a`` as the first answer."""
        if a == self.a:
            return self
        return replace(self, a=self.b, b=self.a, verdict=FLIPPED.get(self.verdict, self.verdict))


@st.composite
def prompts(draw: st.DrawFn, turns: str) -> Prompt:
    """A prompt: one text of a user, or a conversation where ``turns`` allows it."""
    asked = draw(texts())
    if turns == "text" or draw(st.booleans()):
        return (("user", asked),)
    before: list[Message] = [("system", draw(texts()))] if turns == "system" and draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 2))):
        before += [("user", draw(texts())), ("assistant", draw(texts()))]
    return (*before, ("user", asked))


@st.composite
def truths(
    draw: st.DrawFn, verdicts: tuple[str, ...] = VERDICTS, *, turns: str = "text", named: bool = True, most: int = 5
) -> list[TrueVote]:
    """Votes of a few people on a few pairs: one of each person on a pair, some pairs with a prompt or an answer in common.

    Args:
        draw: hypothesis' way to draw.
        verdicts: what may be said.
        turns: what prompts may be: ``text``, ``turns`` (conversations) or ``system`` (with a system text, too).
        named: whether all people have names.
        most: how many pairs and people there are at most.
    """
    asked = draw(st.lists(prompts(turns), min_size=1, max_size=3))
    said = draw(answers())
    two = st.lists(st.sampled_from(said), min_size=2, max_size=2, unique=True)
    pairs = draw(
        st.lists(
            st.tuples(st.sampled_from(asked), two),
            min_size=1,
            max_size=most,
            unique_by=lambda p: (p[0], frozenset(p[1])),
        )
    )
    people: list[str | None] = [*draw(st.lists(names(), min_size=1, max_size=most, unique=True))]
    if not named and draw(st.booleans()):
        people.append(None)
    cast = draw(
        st.lists(st.sampled_from([(p, who) for p in pairs for who in people]), min_size=1, max_size=12, unique_by=repr)
    )
    votes = []
    for number, ((prompt, (x, y)), who) in enumerate(cast):
        a, b = (y, x) if draw(st.booleans()) else (x, y)
        votes.append(
            TrueVote(
                number, who, prompt, a, b, draw(st.sampled_from(verdicts)),
                draw(st.integers(-(2**60), 2**60)), draw(st.none() | remarks()),
            )
        )  # fmt: skip
    # A table without any vote is refused, and tells nothing.
    if all(vote.verdict == "skip" for vote in votes):
        votes[0] = replace(votes[0], verdict=verdicts[0])
    return votes
