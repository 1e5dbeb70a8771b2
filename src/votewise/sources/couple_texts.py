"""The texts of votes between two rows that hold an answer each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from votewise.data.identity import ALSO
from votewise.sources.answer_lists.ranked_together import key_of
from votewise.sources.canonical import PLACE
from votewise.sources.containers.stand_in_type import TextsNeededError
from votewise.sources.rows import Rows
from votewise.sources.texts.one_kind import one_kind
from votewise.sources.texts.prompt_parts import Parts, prompts_of, seen_of
from votewise.sources.vote_texts import stage_couples, texts_where_they_are


class CoupleTexts:
    """The texts of votes between two rows: in memory, or digests of them where they are in files.

    Attributes:
        asked: (n,) what tells prompts apart.
        answers: (n,) what tells answers apart.
    """

    def __init__(self, rows: Rows, parts: Parts, answer: str) -> None:
        self._rows, self._prompt, self._answer = rows, parts.prompt, answer
        self._left = rows.source.stand_ins is not None
        self._prompts: Sequence[Any]
        if self._left:
            # Only texts of one column each can be put together from files.
            if parts.columns != (parts.prompt,) or parts.prompt is None:
                raise TextsNeededError(answer)
            columns = [(name, texts_where_they_are(rows, name)) for name in (parts.prompt, answer)]
            asked, self.answers = (
                rows.text(name, stand_ins=True).to_pylist() if texts is None else texts for name, texts in columns
            )
            self.asked: Sequence[Any] = asked
            return
        self._prompts, self.answers = prompts_of(rows, parts), rows.values(answer)
        self._seen = seen_of(rows, parts) or [None] * len(rows)
        self.asked = [key_of(both) for both in zip(self._prompts, self._seen, strict=True)]
        for i, value in enumerate(self.answers):
            if value in (None, []):
                rows.reject(i, "is missing", column=answer, value=value, expected="an answer")

    def added(self, votes: list[dict[str, Any]], better: list[int]) -> list[dict[str, Any]]:
        """The votes with their texts, or with the places of these."""
        if self._left:
            stage_couples(self._rows, str(self._prompt), self._answer, better, [vote["row"] for vote in votes])
            return [vote | {PLACE: at} for at, vote in enumerate(votes)]
        found = []
        for vote, i in zip(votes, better, strict=True):
            p, a, b = one_kind(self._prompts[i], self.answers[i], self.answers[vote["row"]])
            found.append(vote | {"prompt": p, "response_a": a, "response_b": b, ALSO: self._seen[i]})
        return found
