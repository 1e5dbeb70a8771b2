"""What the models that score have in common: batches of about equal length, each the same in a run that is resumed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from votewise.language_models import local as models
from votewise.score.scorer import Answer, Found, ModelOptions

Row = TypeVar("Row")


class BatchScorer(ABC, Generic[Row]):
    """A model that scores batch by batch, loaded when the first batch is due; a ``Row`` is what it reads of an answer."""

    def __init__(self, name: str, options: ModelOptions) -> None:
        self.name, self.options = name, options

    @cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        return models.load_tokenizer(self.name)

    @cached_property
    def model(self) -> Any:
        """The model, ready to score."""
        return self._load()

    def scores(self, answers: Sequence[Answer], done: Container[int]) -> Iterator[list[Found]]:
        """Score batch by batch; one of which only a part is done is scored anew. Nothing first, when ready."""
        lengths = [models.text_length(*answer) for answer in answers]
        batches = models.batches_left(lengths, self.options.batch_size, done)
        if not batches:
            return
        limit = models.context_length(self.model)
        yield []
        for batch in batches:
            rows = {i: self._row(answers[i]) for i in batch}
            size = {i: self._size(row) for i, row in rows.items()}
            fit = [i for i in batch if limit is None or size[i] <= limit]
            with models.memory_in_one_line(len(fit)):
                found = dict(zip(fit, self._run([rows[i] for i in fit]) if fit else [], strict=True))
            yield [Found(i, found.get(i), size[i] if i in found else 0) for i in batch]

    @abstractmethod
    def _load(self) -> Any:
        """Load the model."""

    @abstractmethod
    def _row(self, answer: Answer) -> Row:
        """What the model reads of an answer."""

    @abstractmethod
    def _size(self, row: Row) -> int:
        """Its tokens."""

    @abstractmethod
    def _run(self, rows: list[Row]) -> list[float]:
        """The scores of a batch."""
