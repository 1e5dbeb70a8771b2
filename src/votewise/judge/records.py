"""What the journal keeps of a question, and which questions it leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from votewise.judge.judge_models import JudgeModel
from votewise.judge.question_templates import read_reply
from votewise.language_models.completions import Completion

Record = dict[str, Any]

TRIES = 2
"""A reply without a verdict is asked for once more, with another seed and a temperature."""
SECOND_TEMPERATURE = 0.5
"""The lowest temperature of the second try: at 0 a model would say the same again."""


def record_of(completion: Completion, read: float, before: Mapping[str, Any] | None) -> Record:
    """A reply as the journal keeps it.

    Args:
        completion: what came back.
        read: about how many tokens the judge read, where the server does not say.
        before: the record of the try before this one, whose text and tokens are kept.
    """
    sent = completion.prompt_tokens if completion.prompt_tokens is not None else round(read)
    wrote = completion.tokens if completion.tokens is not None else round(len(completion.text or "") / 4)
    if completion.text is None and completion.tokens is None:
        sent = 0  # nothing came back that a server would ask money for
    record: Record = {
        "text": completion.text,
        "error": completion.error,
        "tokens_in": sent,
        "tokens_out": wrote,
        "tries": int(completion.text is not None),
        "counted": completion.tokens is not None and completion.prompt_tokens is not None,
    }
    if before is not None:
        record["tokens_in"] += before["tokens_in"]
        record["tokens_out"] += before["tokens_out"]
        record["counted"] = record["counted"] and before["counted"]
        record["tries"] = before["tries"] + (completion.text is not None)
        record["texts_before"] = [*before.get("texts_before", []), *([before["text"]] if before["text"] else [])]
    return record


def is_open(record: Mapping[str, Any] | None) -> bool:
    """Whether a question is still to be asked: it has no reply, or one without a verdict that was not asked for again."""
    if record is None or record["text"] is None:
        return True
    return record["tries"] < TRIES and read_reply(record["text"])[0] is None


def cost_of(judge: JudgeModel, record: Mapping[str, Any]) -> float:
    """What a reply has cost."""
    return judge.cost(record["tokens_in"], record["tokens_out"])
