"""What all models that score share: batches of similar length, which are the same in a resumed run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from votewise.language_models import conversations, local
from votewise.language_models.batch_work import batches_left
from votewise.score.scorer import Answer, AnswerScore, ModelOptions

Row = TypeVar("Row")


class BatchScorer(ABC, Generic[Row]):
    """A model that scores batch by batch, loaded when the first batch is needed; a ``Row`` is what it reads of an answer."""

    def __init__(self, name: str, options: ModelOptions) -> None:
        self.name, self.options = name, options

    @cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        return local.load_tokenizer(self.name)

    @cached_property
    def model(self) -> Any:
        """The model, ready to score."""
        return self._load()

    def scores(self, answers: Sequence[Answer], done: Container[int]) -> Iterator[list[AnswerScore]]:
        """Score batch by batch; a batch that is partly done is scored again. An empty one first: the model is ready."""
        lengths = [conversations.text_length(*answer) for answer in answers]
        batches = batches_left(lengths, self.options.batch_size, done)
        if not batches:
            return
        limit = local.context_length(self.model)
        yield []
        for batch in batches:
            rows = {i: self._row(answers[i]) for i in batch}
            size = {i: self._size(row) for i, row in rows.items()}
            fit = [i for i in batch if limit is None or size[i] <= limit]
            with local.memory_in_one_line(len(fit)):
                found = dict(zip(fit, self._run([rows[i] for i in fit]) if fit else [], strict=True))
            yield [AnswerScore(i, found.get(i), size[i] if i in found else 0) for i in batch]

    @abstractmethod
    def _load(self) -> Any:
        """Load the model."""

    @abstractmethod
    def _row(self, answer: Answer) -> Row:
        """What the model reads of an answer."""

    @abstractmethod
    def _size(self, row: Row) -> int:
        """How many tokens it has."""

    @abstractmethod
    def _run(self, rows: list[Row]) -> list[float]:
        """The scores of a batch."""
