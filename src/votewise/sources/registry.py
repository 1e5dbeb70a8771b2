"""Every known format, in the order in which they are tried, and how the format of a source is recognised."""

from __future__ import annotations

from votewise.errors import BadInputError, ClicksWithoutTextsError
from votewise.sources.format import Format
from votewise.sources.meanings.better_and_worse import couple_in_doubt
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.guesses import WORDS, command, listed
from votewise.sources.meanings.inner_columns import inner_names
from votewise.sources.meanings.label_words import LABELS
from votewise.sources.meanings.losers import refuse_losers
from votewise.sources.meanings.other_names import take_other_names
from votewise.sources.meanings.result_columns import answer_columns
from votewise.sources.meanings.single_verdicts import refuse_other_exports, refuse_single_verdicts
from votewise.sources.meanings.vote_columns import label_like
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.shapes.alpacaeval import ALPACAEVAL
from votewise.sources.shapes.arena import ARENA, ARENA_100K, ARENA_140K, MT_BENCH
from votewise.sources.shapes.argilla import ARGILLA
from votewise.sources.shapes.bedrock import BEDROCK
from votewise.sources.shapes.chosen_lists import CHOSEN_LISTS
from votewise.sources.shapes.helpsteer import HELPSTEER
from votewise.sources.shapes.labelstudio import LABELSTUDIO
from votewise.sources.shapes.last_turns import NOVA_DPO, SWIFT
from votewise.sources.shapes.multipref import MULTIPREF
from votewise.sources.shapes.oasst import OASST
from votewise.sources.shapes.openai import OPENAI
from votewise.sources.shapes.openwebui import OPENWEBUI
from votewise.sources.shapes.pickapic import PICKAPIC
from votewise.sources.shapes.plain import CLICKS, PLAIN
from votewise.sources.shapes.prism import PRISM
from votewise.sources.shapes.prodigy import PRODIGY
from votewise.sources.shapes.ranked import RANKED, refuse_orders_in_doubt
from votewise.sources.shapes.ranked_columns import RANKED_COLUMNS
from votewise.sources.shapes.ranked_rows import RANKED_ROWS
from votewise.sources.shapes.several_votes import SEVERAL_VOTES
from votewise.sources.shapes.toloka import TOLOKA
from votewise.sources.shapes.trl import HH_RLHF, TRL, ULTRAFEEDBACK, ULTRAFEEDBACK_BINARIZED
from votewise.sources.shapes.two_answers import TWO_ANSWERS

_ALL = (
    PLAIN,
    CLICKS,
    ULTRAFEEDBACK,
    ULTRAFEEDBACK_BINARIZED,
    HH_RLHF,
    TRL,
    CHOSEN_LISTS,
    MULTIPREF,
    HELPSTEER,
    PRISM,
    ARENA,
    ARENA_100K,
    ARENA_140K,
    MT_BENCH,
    OPENWEBUI,
    ARGILLA,
    LABELSTUDIO,
    ALPACAEVAL,
    OPENAI,
    NOVA_DPO,
    BEDROCK,
    PICKAPIC,
    OASST,
    TOLOKA,
    PRODIGY,
    RANKED,
    RANKED_ROWS,
    RANKED_COLUMNS,
    SWIFT,
    TWO_ANSWERS,
    SEVERAL_VOTES,
)
MOST_PATHS = 50
FORMATS: dict[str, Format] = {f.name: f for f in _ALL}
KNOWN = {name for f in _ALL for any_of in f.needs for name in any_of if "*" not in name}
"""The names of all columns that some format needs."""


def choose(rows: Rows, name: str) -> Format:
    """Pick the format by name, or with ``auto`` the one that fits the columns; raises BadInputError if none does."""
    first = rows.beginning()
    if name != "auto":
        return _named(rows, name)
    chosen = _recognised(first)
    if first is not rows:
        now = {own: name for name, own in rows.renames.items()}
        rows.rename({now.get(own, own): new for new, own in first.renames.items() if rows.renames.get(new) != own})
        rows.notes += first.notes
    return chosen


def _named(rows: Rows, name: str) -> Format:
    names = rows.table.column_names
    if name not in FORMATS:
        raise BadInputError(
            "there is no such format", parameter="format", value=name, expected="auto, " + ", ".join(FORMATS)
        )
    lacks = FORMATS[name].lacks(names)
    if lacks and take_other_names(rows, KNOWN):
        lacks = FORMATS[name].lacks(rows.table.column_names)
    if lacks:
        problem = f"is not of format {name}: it lacks {', '.join(lacks)}"
        raise rows.fail(problem, expected=f"those columns; found: {', '.join(names)}")
    return FORMATS[name]


def _recognised(rows: Rows) -> Format:
    fit = [f for f in FORMATS.values() if f.recognise(rows)]
    if not fit and take_other_names(rows, KNOWN):
        fit = [f for f in FORMATS.values() if f.recognise(rows)]
    covered = {name for f in fit for name in f.over}
    fit = [f for f in fit if f.name not in covered]
    if len(fit) > 1:
        fit = [f for f in fit if not f.general] or fit
    if len(fit) > 1:
        problem = f"fits several formats: {', '.join(f.name for f in fit)}"
        raise rows.fail(problem, expected=f"one; choose it: --format {fit[0].name}")
    if fit:
        return fit[0]
    names = rows.table.column_names
    refuse_losers(rows)
    refuse_other_exports(rows)
    refuse_single_verdicts(rows)
    refuse_orders_in_doubt(rows)
    if set(CLICKS_ONLY) <= set(names):
        raise ClicksWithoutTextsError(
            "holds clicks without the texts of the answers",
            source=rows.source.name,
            expected=f"the columns response_a and response_b, or the command that needs no texts: "
            f"votewise filter {_path(rows.source.name)} --win-rate RATE",
        )
    nearest = min(
        (f for f in FORMATS.values() if f.needs != (("*",),)), key=lambda f: len(f.lacks(names)) / len(f.needs)
    )
    own = [name for name in rows.source.table.column_names if name not in rows.set_aside]
    couple = couple_in_doubt({plain_name(name): name for name in own})
    told = {"chosen": couple[0], "rejected": couple[1]} if couple is not None else _told(rows)
    example = command(_path(rows.source.name), [*own, *_inside(rows, own)], told)
    raise rows.fail(
        f"unknown format; found the columns {listed(own)}",
        expected=f"one of `votewise formats`; nearest is {nearest.name}, which lacks {', '.join(nearest.lacks(names))}; "
        f"say what the columns hold, for example: {example}{_several(rows)}",
    )


CLICKS_ONLY = ("user", "model_a", "model_b", "winner")
"""The columns of a log that ``votewise filter`` reads."""


def _told(rows: Rows) -> dict[str, str]:
    """What the user has said about columns, the two answers, and the label where one column holds nothing but labels."""
    couple = answer_columns(rows.head)
    if couple is not None and not {"response_a", "response_b"} & set(rows.renames):
        answers = dict(zip(("response_a", "response_b"), map(rows.source_column, couple), strict=True))
        return answers | _label_told(rows)
    return _label_told(rows)


def _label_told(rows: Rows) -> dict[str, str]:
    alone = label_like(samples(rows), LABELS | rows.labels, ())
    own = rows.source_column(alone[0]) if len(alone) == 1 else None
    return {"label": own, **rows.renames} if own is not None and own not in rows.renames.values() else rows.renames


def _inside(rows: Rows, names: list[str]) -> list[str]:
    """The paths of values inside of objects that may be labels or people, which options may name as well."""
    table = rows.source.table
    paths = [
        f"{name}.{key}" for name in names if not name.isdigit() for key in inner_names(table, name) if "." not in key
    ]
    return [path for path in paths if any(WORDS[role].search(plain_name(path)) for role in ("label", "annotator"))][
        :MOST_PATHS
    ]


def _several(rows: Rows) -> str:
    """What to say about several columns of labels that no name tells apart: they are of people, or of questions."""
    names = label_like(samples(rows), LABELS | rows.labels, ())
    if len(names) < 2 or answer_columns(rows.table) is None:
        return ""
    return (
        f"; the columns {listed(names)} hold labels: --format several-votes if each is a person's, "
        f"--columns label={rows.source_column(names[0])} if each answers a question"
    )


def _path(source: str) -> str:
    """The source as a word of a command; FILE for tables in memory."""
    return source if "." in source or "/" in source else "FILE"
