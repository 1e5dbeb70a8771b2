"""Rows of which much is left out or cut, as they are counted in memory and in streams."""

from __future__ import annotations

from typing import Any

from datasets import Dataset
from tiny import as_chat, make_rows, make_tokenizer
from transformers import TrainerCallback

LONG = "w1 " * 30
MUTE = (
    "{% for m in messages %}{% if m['content'] or m['role'] == 'assistant' %}{{ '<' + m['role'] + '> ' }}{% endif %}"
    "{{ m['content'] + ' ' }}{% endfor %}{% if add_generation_prompt %}{{ '<assistant> ' }}{% endif %}"
)
"""A template that ends no answer with a token, so that an empty one has none."""


def uneven_rows(number: int = 40) -> Dataset:
    """Rows of which some are too long, the first and the last too, cut, without an answer, equal or of no weight."""
    rows = [{**row, "weight": 1.0} for row in make_rows(number).to_list()]
    for i in (0, 9, 10, number - 2, number - 1):
        rows[i]["prompt"] = LONG
    for i in (3, 17, 30):
        rows[i]["chosen"] = "w1 " * 20
    rows[5]["rejected"] = rows[22]["chosen"] = ""
    rows[12]["chosen"] = rows[12]["rejected"]
    rows[13]["weight"] = 0.0
    return as_chat(Dataset.from_list(rows))


def mute_tokenizer() -> Any:
    tokenizer = make_tokenizer(chat=True)
    tokenizer.chat_template = MUTE
    return tokenizer


UNEVEN: dict[str, Any] = {
    "preference_loss": "cpo",
    "max_length": 20,
    "per_device_train_batch_size": 4,
    "processing_class": mute_tokenizer(),
}
"""What is left out and cut of the rows."""

LEFT_OUT = {"rows": 40, "trained": 33, "equal_answers": 1, "weightless": 1, "too_long": 5, "cut": 3, "no_answer": 2}
"""What becomes of the 40 rows."""


class EndAfter(TrainerCallback):
    """Ends a run that would read its stream again and again."""

    def __init__(self, passes: int) -> None:
        self.passes = passes

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.passes -= 1
        control.should_training_stop = self.passes == 0
