"""Every format that is known, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.canonical import Canonical
from votewise.sources.rows import Rows
from votewise.sources.shapes.alpacaeval import read_alpacaeval
from votewise.sources.shapes.arena import read_arena, read_mt_bench
from votewise.sources.shapes.argilla import read_argilla
from votewise.sources.shapes.helpsteer import read_helpsteer
from votewise.sources.shapes.labelstudio import read_labelstudio
from votewise.sources.shapes.multipref import read_multipref
from votewise.sources.shapes.openwebui import read_openwebui
from votewise.sources.shapes.plain import read_clicks, read_plain
from votewise.sources.shapes.prism import read_prism
from votewise.sources.shapes.trl import looks_like_hh, read_hh, read_trl, read_ultrafeedback

Columns = tuple[tuple[str, ...], ...]


def _always(table: pa.Table) -> bool:
    return True


@dataclass(frozen=True)
class Format:
    """A shape in which votes are kept.

    Attributes:
        name: what it is called, as in ``read_votes(..., format=name)``.
        description: what it is, in a few words.
        needs: the columns it cannot do without, each with its alternatives; ``*`` stands for anything.
        read: turns the source's rows into canonical votes.
        looks: a look at the first rows, where the columns' names alone do not tell.
        over: formats of which this one is a special case: where both fit, this one is meant.

    """

    name: str
    description: str
    needs: Columns
    read: Callable[[Rows], Canonical]
    looks: Callable[[pa.Table], bool] = _always
    over: tuple[str, ...] = ()

    def lacks(self, names: Sequence[str]) -> list[str]:
        """List the needed columns that are not among these."""
        return [" or ".join(any_of) for any_of in self.needs if not any(_among(names, pattern) for pattern in any_of)]

    def recognise(self, table: pa.Table) -> bool:
        """Tell whether a table is of this format."""
        return not self.lacks(table.column_names) and self.looks(table)


def _among(names: Sequence[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


_CHOSEN: Columns = (("chosen",), ("rejected",))
_BATTLE: Columns = (("model_a",), ("model_b",), ("winner",), ("conversation_a",), ("conversation_b",))

_ALL = (
    Format(
        "plain",
        "one vote per row: annotator, label (a, b or tie), and a pair's name or two responses",
        (("annotator",), ("label",), ("pair", "response_a"), ("pair", "response_b")),
        read_plain,
    ),
    Format(
        "clicks",
        "one click per row: user, winner and two models' answers, as `votewise filter` takes and writes them",
        (("user",), ("winner",), ("response_a",), ("response_b",)),
        read_clicks,
    ),
    Format(
        "ultrafeedback",
        "UltraFeedback with all generated responses and their reward scores",
        (*_CHOSEN, ("all_generated_responses",), ("all_rm_scores",)),
        read_ultrafeedback,
        over=("trl",),
    ),
    Format(
        "ultrafeedback-binarized",
        "UltraFeedback in pairs with two scores",
        (*_CHOSEN, ("score_chosen",), ("score_rejected",)),
        read_trl,
        over=("trl",),
    ),
    Format(
        "hh-rlhf",
        "Anthropic's hh-rlhf: two texts with marked turns",
        _CHOSEN,
        read_hh,
        looks=looks_like_hh,
        over=("trl",),
    ),
    Format("trl", "TRL preferences: chosen and rejected, texts or conversations", _CHOSEN, read_trl),
    Format(
        "multipref",
        "allenai/multipref: several annotators per comparison",
        (
            ("comparison_id",),
            ("text",),
            ("completion_a",),
            ("completion_b",),
            ("normal_worker_annotations", "expert_worker_annotations"),
        ),
        read_multipref,
    ),
    Format(
        "helpsteer3",
        "nvidia/HelpSteer3 preferences from -3 to 3",
        (("context",), ("response1",), ("response2",), ("overall_preference",)),
        read_helpsteer,
    ),
    Format(
        "prism",
        "PRISM utterances: one response per row, the chosen one marked",
        (("interaction_id",), ("user_id",), ("turn",), ("user_prompt",), ("model_response",), ("if_chosen",)),
        read_prism,
    ),
    Format(
        "arena",
        "lmsys/chatbot_arena_conversations",
        (*_BATTLE, ("judge",), ("tstamp", "language", "anony")),
        read_arena,
        over=("mt-bench",),
    ),
    Format("arena-100k", "lmarena-ai/arena-human-preference-100k", (*_BATTLE, ("judge_hash",)), read_arena),
    Format("arena-140k", "lmarena-ai/arena-human-preference-140k", (*_BATTLE, ("evaluation_session_id",)), read_arena),
    Format("mt-bench", "lmsys/mt_bench_human_judgments", (*_BATTLE, ("judge",), ("turn",)), read_mt_bench),
    Format(
        "openwebui", "Open WebUI's feedback export", (("user_id",), ("data",), ("meta", "snapshot")), read_openwebui
    ),
    Format("argilla", "Argilla 2 records, flattened", (("*.responses",), ("*.responses.users",)), read_argilla),
    Format("labelstudio", "Label Studio's export of comparisons", (("data",), ("annotations",)), read_labelstudio),
    Format(
        "alpacaeval",
        "AlpacaEval's annotations.json",
        (("instruction",), ("output_1",), ("output_2",), ("preference",)),
        read_alpacaeval,
    ),
)
FORMATS: dict[str, Format] = {f.name: f for f in _ALL}


def choose(rows: Rows, name: str) -> Format:
    """Pick the format by name, or with ``auto`` the one that fits the columns; raises BadInputError if none does."""
    names = rows.table.column_names
    if name != "auto":
        if name not in FORMATS:
            raise BadInputError(f"there is no format '{name}'", expected="auto, " + ", ".join(FORMATS))
        lacks = FORMATS[name].lacks(names)
        if lacks:
            problem = f"is not of format {name}: it lacks {', '.join(lacks)}"
            raise rows.fail(problem, expected=f"those columns; found: {', '.join(names)}")
        return FORMATS[name]
    fit = [f for f in FORMATS.values() if f.recognise(rows.table)]
    covered = {name for f in fit for name in f.over}
    fit = [f for f in fit if f.name not in covered]
    if len(fit) > 1:
        problem = f"fits several formats: {', '.join(f.name for f in fit)}"
        raise rows.fail(problem, expected=f"one; choose it, e.g. format='{fit[0].name}'")
    if fit:
        return fit[0]
    nearest = min(FORMATS.values(), key=lambda f: len(f.lacks(names)) / len(f.needs))
    problem = f"unknown format; found the columns {', '.join(names)}"
    lacks = nearest.lacks(names)
    raise rows.fail(
        problem,
        expected=f"one of {', '.join(FORMATS)}; nearest is {nearest.name}, which lacks {', '.join(lacks)}; "
        "columns={'annotator': 'worker'} renames",
    )
