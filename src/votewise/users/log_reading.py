"""What a log of clicks was read as: the role of every column, what winners mean, what became of every row, first clicks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from votewise.data.first_votes import EXAMPLES
from votewise.data.reading import ColumnRole, Reading, ValueMeaning
from votewise.sources.databases.connections import engine_errors
from votewise.sources.meanings.label_words import NAMED, WINNERS, label_key, meant_by
from votewise.users.click_log import ClickLog
from votewise.users.click_meanings import CLASS
from votewise.users.counting import is_missing, kinds_of_rows
from votewise.users.log_options import DEFAULTS, LogOptions
from votewise.users.outcomes import RowKind, fault_of, side_of

NO_CLICKS = ("no vote", "on another question", "of other splits", "between two identical responses")
"""Rows that are left out because they are no clicks, by the words of ``ClickLog.skipped``; others are unusable."""

ROLES = {"a": "model_a", "b": "model_b"}

KINDS = {"string": "text", "float64": "double", "float32": "float", "boolean": "bool"}
"""Types of columns as the other readers call them."""


def reading_of(log: ClickLog, options: LogOptions, columns: Mapping[str, str]) -> Reading:
    """The reading of a log that is open.

    Args:
        log: the log, counted.
        options: how it was read.
        columns: what the user says about its columns.
    """
    with engine_errors(log.source):
        opened = log.rejected.opened
        rows = int(opened.rows.count().to_pyarrow().as_py()) + len(opened.broken)
        kept = int(log.rows_used.count().to_pyarrow().as_py())
        values = _values(log, options)
        first = _first(log)
    skipped = sum(log.skipped.get(reason, 0) for reason in NO_CLICKS)
    repeated = log.skipped.get("repeated", 0)
    neither = {meaning: sum(v.count for v in values if v.meaning == meaning) for meaning in ("both_bad", "both_good")}
    return Reading(
        source=log.source,
        format="clicks",
        read=rows,
        votes=rows - sum(log.skipped.get(reason, 0) for reason in NO_CLICKS[1:3]),
        kept=kept,
        rejected=sum(log.skipped.values()) - skipped - repeated,
        skipped=skipped,
        repeated=repeated,
        ties=log.counts.ties,
        swapped=log.swapped,
        both_bad=neither["both_bad"],
        both_good=neither["both_good"],
        notes=log.notes,
        columns=_roles(log, options),
        values=values,
        options=_options(log, options, columns, values),
        first=lambda: first,
    )


def _roles(log: ClickLog, options: LogOptions) -> tuple[ColumnRole, ...]:
    roles = {own: ROLES.get(what, what) for what, own in log.shown.items()} | dict(log.roles)
    if "pair" in log.own and "pair" not in (*roles, *options.set_aside):
        roles["pair"] = "pair"
        # Of several clicks on one pair the latest counts.
        roles |= {"time": "time"} if "time" in log.own and "time" not in (*roles, *options.set_aside) else {}
    schema = log.rejected.opened.rows.schema()
    return tuple(ColumnRole(name, roles.get(name), _kind(schema[name])) for name in log.own)


def _kind(kind: Any) -> str:
    name = str(kind).removeprefix("!")
    if kind.is_nested():
        return "list" if kind.is_array() else "object"
    return KINDS.get(name, name)


def _values(log: ClickLog, options: LogOptions) -> tuple[ValueMeaning, ...]:
    """What winners mean, the most frequent first: ``a`` is the model on the first side."""
    columns = {what: CLASS + what if CLASS + what in log.clicks.columns else own for what, own in log.shown.items()}
    found: Counter[tuple[str, str]] = Counter()
    named = log.clicks.filter(~is_missing(log.clicks[log.shown["user"]]))
    for kind in kinds_of_rows(named, columns, log.source):
        meaning = None if fault_of(kind, columns) is not None else _meaning(kind, options, log)
        if meaning is not None:
            model = str(kind.winner) in (str(kind.a), str(kind.b)) and label_key(str(kind.winner)) not in options.label
            found[NAMED if model else str(kind.winner), meaning] += kind.rows
    winner = log.shown["winner"]
    told = [ValueMeaning(winner, value, meaning, number) for (value, meaning), number in found.items()]
    return tuple(sorted(told, key=lambda item: (-item.count, item.value)))


def _meaning(kind: RowKind, options: LogOptions, log: ClickLog) -> str | None:
    said = meant_by(kind.winner, options.label, {})
    if said is not None:
        return said
    side = side_of(kind, log.shown["winner"], log.shown["a"], log.source)
    return meant_by(kind.winner, {}, WINNERS) if side == "tie" else side


def _first(log: ClickLog) -> list[dict[str, Any]]:
    """The first clicks in words."""
    opened, shown, outcomes = log.rejected.opened, log.shown, log.outcomes
    order = [name for name in (opened.file, opened.number) if name is not None]
    rows = log.rows_used.order_by(order) if order else log.rows_used
    asked = "prompt" if "prompt" in log.own and log.rows_used.schema()["prompt"].is_string() else None
    wanted = {"user": shown["user"], "a": shown["a"], "b": shown["b"], "won": log.columns["winner"]}
    wanted |= {"side": log.columns["a"]} | ({"prompt": asked} if asked else {})
    found = rows.limit(EXAMPLES).select(**{name: rows[own] for name, own in wanted.items()}).to_pyarrow().to_pylist()
    examples = []
    for row in found:
        first = row["won"] in outcomes.left or (
            row["won"] in (outcomes.a if str(row["side"]) == outcomes.models[0] else outcomes.b)
        )
        tie = row["won"] in outcomes.ties
        one, other = (str(row["a"]), str(row["b"])) if first or tie else (str(row["b"]), str(row["a"]))
        prompt = " ".join(str(row.get("prompt") or "").split())
        examples.append({"annotator": str(row["user"]), "prompt": prompt, "preferred": one, "other": other, "tie": tie})
    return examples


def _options(
    log: ClickLog, options: LogOptions, columns: Mapping[str, str], values: tuple[ValueMeaning, ...]
) -> dict[str, Any]:
    """What ``votewise read`` and ``votewise filter`` take to read the log as it was read."""
    named = {ROLES.get(what, what): own for what, own in log.shown.items()}
    told = {what: own for what, own in named.items() if own != DEFAULTS[what]} | dict(columns)
    told = {what: own for what, own in told.items() if what not in ("annotator", "label")}
    meant = {v.value: v.meaning for v in values if v.value != NAMED and WINNERS.get(label_key(v.value)) != v.meaning}
    written = {label_key(v.value): v.value for v in values}
    meant |= {written.get(key, key): meaning for key, meaning in options.label.items()}
    found = {"columns": told, "label": meant, "criterion": options.criterion, "split": options.split}
    return {name: value for name, value in found.items() if value} | (
        {"on_error": "skip"} if options.on_error == "skip" else {}
    )
