"""Label Studio's JSON export of comparisons: pairwise, choices and taxonomies."""

from __future__ import annotations

from collections import Counter
from typing import Any

from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.cells import is_text
from votewise.sources.format import Format
from votewise.sources.labels import LABELS, NEUTRAL, label_key
from votewise.sources.messages import conversation
from votewise.sources.nested import amount, entries, get, moment, named, two_answers
from votewise.sources.prompt_parts import PROMPT, SYSTEM, plain_name
from votewise.sources.rows import Rows

SIDES = {"left": "a", "right": "b"}
VERDICTS = ("pairwise", "choices", "taxonomy")
"""Kinds of results that may say which answer is better."""


def read_labelstudio(rows: Rows) -> Canonical:
    """Read every annotation as one vote about the first text (a, on the left) against the second one.

    Cancelled annotations are skipped; one without any result is a tie. Of several questions the one asked for counts.
    """
    data, annotations = rows.values("data"), rows.values("annotations")
    given = {i: entries(rows, i, annotations[i], "annotations") for i in rows.kept().tolist()}
    question = _question(rows, given)
    votes: list[dict[str, Any]] = []
    fates: Counter[str] = Counter()
    for i, found in given.items():
        texts, names = _texts(rows, i, data[i])
        if texts is None or names is None:
            continue
        for j, annotation in enumerate(found):
            if get(annotation, "was_cancelled"):
                fates["cancelled"] += 1
                continue
            vote = _vote(rows, i, f"annotations[{j}]", annotation, _meanings(rows, names), question)
            if vote is not None:
                meaning = vote.pop("meaning")
                fates[meaning] += 1
                if vote["label"] is not None:
                    votes.append({"row": i, **texts, **vote})
    rows.meanings.update({name: fates[name] for name in ("both_bad", "both_good", "skip") if fates[name]})
    notes = [f"{fates['cancelled']:,} cancelled annotations were skipped."] if fates["cancelled"] else []
    if fates["nothing"]:
        notes.append(f"{fates['nothing']:,} annotations without a choice were read as ties.")
    return from_votes(rows, votes, shown=True, skipped=fates["cancelled"] + fates["skip"], notes=notes)


def _question(rows: Rows, given: dict[int, list[Any]]) -> str | None:
    """The control whose results count, where annotations answer several; BadInputError unless one was asked for."""
    asked = dict.fromkeys(
        str(get(result, "from_name"))
        for found in given.values()
        for annotation in found
        for result in _results(annotation)
        if get(result, "type") in VERDICTS
    )
    if rows.criterion is not None:
        rows.criterion_used = True
        if rows.criterion not in asked:
            raise rows.fail(
                f"asks no question '{rows.criterion}'", expected=f"--criterion and one of: {', '.join(asked)}"
            )
        return rows.criterion
    if len(asked) > 1:
        raise rows.fail(
            f"annotations answer several questions: {', '.join(asked)}",
            expected=f"one of them: --criterion {next(iter(asked))}",
        )
    return next(iter(asked), None)


def _results(annotation: Any) -> list[Any]:
    results = get(annotation, "result")
    return results if isinstance(results, list) else []


def _texts(rows: Rows, row: int, data: Any) -> tuple[dict[str, Any] | None, tuple[str, str] | None]:
    """Prompt and answers of a task, and the names of the two answers."""
    fields = {k: v for k, v in data.items() if is_text(v)} if isinstance(data, dict) else {}
    both = two_answers(list(fields))
    if both is None:
        expected = "two texts, such as response_a and response_b or text1 and text2"
        rows.reject(row, "does not have two answers", column="data", value=data, expected=expected)
        return None, None
    talks = {name: found for name, value in data.items() if name not in fields and (found := conversation(value))}
    asked = {name: value for name, value in (fields | talks).items() if name not in both}
    free = {plain_name(name): name for name in asked}
    system = next((free[name] for name in SYSTEM if name in free), None)
    prompt = next((free[name] for name in (*PROMPT, "input", "context", "text", "messages") if name in free), None)
    if prompt is None and len(free) == 1:
        prompt = next(iter(asked))
    if prompt is None and free:
        expected = f"one called prompt; found {', '.join(asked)}"
        rows.reject(
            row, "has several texts, and it is open which is the prompt", column="data", value=data, expected=expected
        )
        return None, None
    texts: dict[str, Any] = {"response_a": fields[both[0]], "response_b": fields[both[1]]}
    if prompt is not None:
        texts["prompt"] = asked[prompt]
        if system is not None and is_text(asked[system]):
            before = [{"role": "system", "content": str(asked[system])}]
            told = asked[prompt]
            texts["prompt"] = [*before, *(told if isinstance(told, list) else [{"role": "user", "content": told}])]
    return texts, both


def _meanings(rows: Rows, names: tuple[str, str]) -> dict[str, str]:
    """What a chosen value means: what the user says, the answers' own names, then our words."""
    own = dict(zip((label_key(name) for name in names), "ab", strict=True))
    return LABELS | SIDES | own | rows.labels


def _vote(
    rows: Rows, row: int, where: str, annotation: Any, meanings: dict[str, str], question: str | None
) -> dict[str, Any] | None:
    who = get(annotation, "completed_by")
    annotator = named(get(who, "email")) or named(get(who, "id")) if isinstance(who, dict) else named(who)
    if annotator is None:
        rows.reject(
            row, "names no annotator", column=f"{where}.completed_by", value=who, expected="a user", whole=False
        )
        return None
    given = get(annotation, "result")
    if given is not None and not isinstance(given, list):
        expected = "a list of results"
        rows.reject(row, "is not a list", column=f"{where}.result", value=given, expected=expected, whole=False)
        return None
    meaning = _meaning(rows, row, f"{where}.result", annotation, meanings, question)
    if meaning is None:
        return None
    fine, time = moment(rows, row, get(annotation, "created_at"), f"{where}.created_at")
    seconds = amount(get(annotation, "lead_time"))
    label = {"nothing": "tie", "skip": None, **NEUTRAL}.get(meaning, meaning)
    vote = {"annotator": annotator, "label": label, "meaning": meaning, "time": time, "seconds": seconds}
    return vote if fine else None


def _meaning(
    rows: Rows, row: int, where: str, annotation: Any, meanings: dict[str, str], question: str | None
) -> str | None:
    """What an annotation says; ``nothing`` without any result, None where it is not understood."""
    results = [
        r for r in _results(annotation) if get(r, "type") in VERDICTS and str(get(r, "from_name")) in (question, "None")
    ]
    if not results:
        others = {str(get(r, "type")) for r in _results(annotation)} - {"textarea", "rating", "number", "None"}
        if others and not question:
            expected = "results of type pairwise or choices"
            rows.reject(row, "has no verdict", column=where, value=sorted(others), expected=expected, whole=False)
            return None
        return "nothing"
    value = get(results[0], "value")
    chosen = next((get(value, key) for key in ("selected", "choices", "taxonomy") if get(value, key) is not None), None)
    while isinstance(chosen, list) and len(chosen) == 1:
        chosen = chosen[0]
    meaning = meanings.get(label_key(chosen)) if isinstance(chosen, str) else None
    if meaning is None:
        expected = (
            f"left or right, an answer's name, or --label {chosen!r}=a (b, tie, both_bad, skip) to say what it means"
        )
        rows.reject(row, "unknown label", column=where, value=chosen, expected=expected, whole=False)
    return meaning


LABELSTUDIO = Format(
    "labelstudio",
    "Label Studio's export of comparisons",
    (("data",), ("annotations",)),
    read_labelstudio,
    own_status=True,
)
