"""A model's answers -> AlpacaEval's ``model_outputs.json``.

The way back needs no conversion: ``votewise evaluate win-rate`` and ``read_votes`` read AlpacaEval's annotations.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.evaluate.answers import Answers
from votewise.evaluate.columns import plain_text, prompt_key
from votewise.storage.files import write_json, written_whole

DATASET = "votewise"
"""AlpacaEval's column ``dataset`` for answers without a domain."""


def alpaca_eval_rows(answers: Answers) -> list[dict[str, str]]:
    """The rows of ``model_outputs.json``: ``dataset``, ``instruction``, ``output``, ``generator``.

    Raises:
        BadInputError: a prompt has several messages.
    """
    return [
        {
            "dataset": (answers.domain[i] if answers.domain is not None else None) or DATASET,
            "instruction": single_prompt(answers, i),
            "output": plain_text(answers.answers[i]),
            "generator": answers.model,
        }
        for i in range(len(answers))
    ]


def write_alpaca_eval(out: Path, rows: list[dict[str, Any]]) -> None:
    """Write ``model_outputs.json``.

    Raises:
        BadInputError: ``out`` is not a .json file, or cannot be written.
    """
    if out.suffix != ".json":
        raise BadInputError("AlpacaEval reads JSON", source=str(out), expected="a name ending in .json")
    with written_whole(out) as partial:
        write_json(partial, rows)


def single_prompt(answers: Answers, i: int) -> str:
    """Prompt ``i`` as one text; benchmarks have no conversations.

    Raises:
        BadInputError: the prompt has several messages.
    """
    prompt = answers.prompts[i]
    if isinstance(prompt, str) or (len(prompt) == 1 and prompt[0]["role"] == "user"):
        return prompt_key(prompt)
    raise BadInputError(
        f"the prompt of answer {i + 1:,} is a conversation of {len(prompt)} messages",
        source=answers.source,
        column="prompt",
        expected="one message of the user",
    )
