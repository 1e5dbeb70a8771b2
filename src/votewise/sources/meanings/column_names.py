"""The names under which sources keep what a model is asked and what it answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from votewise.data.identity import ALSO

SYSTEM = (
    "system", "system_prompt", "system_message", "sys_prompt", "system_instruction", "system_instructions", "system_text",
    "system_content",
)  # fmt: skip
HISTORY = (
    "history", "chat_history", "conversation_history", "dialog_history", "dialogue_history", "previous_turns",
    "trajectory", "chat", "dialogue", "dialog", "conversations", "conversation", "context", "messages", "contents",
)  # fmt: skip
NO_ANSWERS = tuple(name for name in HISTORY if "history" in name or name in ("previous_turns", "context"))
"""Histories whose names say that the answers come after them."""
PROMPT = (
    "prompt", "question", "instruction", "query", "user_prompt", "user_input", "user_query", "user_message", "problem",
    "post", "article", "document", "passage", "request", "input_text",
)  # fmt: skip
INPUT = ("input", "initial_reason_steps")
WHOLE = 20
"""Characters from which on a text that another one holds is a copy of it; shorter ones may be words of it."""
DOCUMENTS = ("passage", "document", "article", "post", "story", "paragraph", "source_text", "background")
"""Texts that a prompt is about, if they stand beside it."""
SEEN = (
    "tools",
    "functions",
    "chat_template_kwargs",
    "images",
    "image",
    "image_path",
    "image_url",
    "video",
    "audio",
    ALSO,
)
"""What a model sees beside the texts."""

ROWS = (
    {"chosen", "rejected"}, {"preferred_output", "non_preferred_output"}, {"data", "annotations"},
    {"conversation_a", "conversation_b"}, {"snapshot", "user_id"}, {"human_evaluation_result", "model_responses"},
)  # fmt: skip
"""Names that only a row of votes has, together."""

STEMS = ("response", "answer", "completion", "output", "generation", "text", "candidate", "")
SUFFIXES = (("a", "b"), ("1", "2"), ("0", "1"), ("left", "right"), ("one", "two"), ("", "1"), ("", "2"), ("", "b"))

_PEOPLE = (
    r"annotator|(crowd_?)?worker|turker|performer|labell?er|rater|evaluator|judge|grader|reviewer|participant|respondent|coder"
    r"|voter|assessor|contributor|user"
)
WAYS = r"_?(id|name|index|idx|hash|email|uuid|uid|key|code|no|nr|number|pid|login)"
PERSON = re.compile(
    rf"((human|crowd|mturk|prolific|anon|anonymous)_)?({_PEOPLE})({WAYS})?|prolific_(id|pid)|participant_(private|public|external)_id|(annotated|rated|labell?ed|judged|evaluated|voted|graded|reviewed|completed)_by(_id)?"
)
"""Names of columns that say who voted."""


_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[a-z])(?=I[dD]$)")
"""Where a new word begins in ``workerId`` and ``responseText``."""


def plain_name(name: str) -> str:
    """A column's name in the form in which it is looked up: small letters, words joined by ``_``.

    >>> plain_name("Worker ID"), plain_name("workerId"), plain_name("_worker-id"), plain_name("human_ref_A")
    ('worker_id', 'worker_id', 'worker_id', 'human_ref_a')
    """
    spaced = _HUMP.sub(" ", name.replace("-", " ").replace(".", " "))
    return "_".join(spaced.split()).casefold().strip("_") or name


def prefix_of(a: str, b: str) -> str:
    """What stands before the answers' names: other columns that begin so belong to them.

    >>> prefix_of("orig_response_A", "orig_response_B"), prefix_of("Input.a", "Input.b"), prefix_of("answer1", "answer2")
    ('orig_', 'input_', '')
    """
    x, y = plain_name(a), plain_name(b)
    found = re.match(
        rf"(\w+?_)(({'|'.join(stem for stem in STEMS if stem)}|summary|option)s?_?)?(\w|\d|left|right|one|two)$", x
    )
    return found[1] if found and y.startswith(found[1]) and found[1].rstrip("_") not in STEMS else ""


def names_a_row(names: Iterable[str]) -> bool:
    """Whether these are names of one row's columns, rather than of an object that holds rows."""
    plain = {plain_name(name) for name in names}
    if plain & {*PROMPT, *INPUT, *SYSTEM} or any(row <= plain for row in ROWS):
        return True
    return two_answers([name for name in plain if not any(name in couple for couple in SUFFIXES)]) is not None


def names_what_was_asked(name: str) -> bool:
    """Whether this is a name of a part of the prompt."""
    return plain_name(name) in {*PROMPT, *INPUT, *SYSTEM, *HISTORY, *SEEN}


def two_answers(names: Sequence[str]) -> tuple[str, str] | None:
    """Find the two fields that hold the answers: one stem and two suffixes, ``response_a`` and ``response_b``.

    Where several couples of fields have such names, one with a usual stem is taken; None if there is none.
    """
    couples: dict[str, tuple[str, str]] = {}
    stems: dict[str, dict[str, str]] = {}
    for name in names:
        found = re.fullmatch(r"(.*?)[\s_.-]*(a|b|0|1|2|left|right|one|two)", name.casefold())
        stem, suffix = (found[1], found[2]) if found else (name.casefold(), "")
        stems.setdefault(stem.rstrip("s"), {})[suffix] = name
    for stem, fields in stems.items():
        both = next(((x, y) for x, y in SUFFIXES if x in fields and y in fields), None)
        if both:
            couples[stem] = (fields[both[0]], fields[both[1]])
    usual = [couples[stem] for stem in STEMS if stem in couples]
    return usual[0] if usual else next(iter(couples.values())) if len(couples) == 1 else None


def answer_fields(names: Sequence[str], both: tuple[str, str] | None = None) -> list[str]:
    """All fields of the stem whose first two ``two_answers`` finds, in order: ``response-1`` to ``response-4``.

    The first two may be known already (``both``).
    """
    both = two_answers(names) if both is None else both
    if both is None:
        return []
    stem = re.sub(r"[\s_.-]*(a|b|0|1|2|left|right|one|two)$", "", both[1].casefold())
    more = [name for name in names if re.fullmatch(rf"{re.escape(stem)}[\s_.-]*(\d+|[a-z])", name.casefold())]
    others = sorted(set(more) - set(both), key=lambda name: (len(name), name))
    return [*both, *others]
