"""Label Studio's JSON export of comparisons: pairwise, choices, taxonomies, rankers and ratings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from votewise.data.identity import ALSO
from votewise.errors import many
from votewise.sources.answer_lists.answer_orders import text_of
from votewise.sources.answer_lists.rankings import NOTE, Couples, by_places
from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.cells import is_text
from votewise.sources.format import Format
from votewise.sources.meanings.column_names import two_answers
from votewise.sources.meanings.label_words import NEUTRAL
from votewise.sources.nested import amount, entries, get, moment, named
from votewise.sources.option_words import label_option
from votewise.sources.rows import Rows
from votewise.sources.shapes.labelstudio_results import (
    VERDICTS,
    chosen_value,
    meaning_of_value,
    meanings_of,
    question_of,
    ranked,
    rated,
    results_of,
)
from votewise.sources.texts.messages import conversation
from votewise.sources.texts.prompt_objects import object_prompt
from votewise.sources.vote_texts import VoteTexts


@dataclass(frozen=True)
class Task:
    """What annotators saw: the ``prompt``, the ``answers`` by their names or ids, and ``seen``: the rest, as JSON."""

    prompt: Any
    answers: Mapping[str, Any]
    seen: str | None = None


def read_labelstudio(rows: Rows) -> Canonical:
    """Read every annotation as one vote about the first text (a, on the left) against the second one, or as one ranking.

    Cancelled annotations are skipped; one without any result is a tie. Of several questions the one asked for counts.
    Predictions are not annotations.
    """
    data, annotations = rows.values("data"), rows.values("annotations")

    def given() -> Iterator[tuple[int, list[Any]]]:
        return ((i, entries(rows, i, annotations[i], "annotations")) for i in rows.kept().tolist())

    # Every row is looked at before it is known whether there are annotations: all faults are noted.
    if not sum(len(found) for _, found in given()):
        raise rows.fail("holds no annotations; predictions are none", column="annotations", expected="people's results")
    question = question_of(rows, (annotation for _, found in given() for annotation in found))
    votes: list[dict[str, Any]] = []
    kept = VoteTexts(rows)
    fates: Counter[str] = Counter()
    for i, found in given():
        task = _task(rows, i, data[i])
        if task is None:
            continue
        for j, annotation in enumerate(found):
            if get(annotation, "was_cancelled"):
                fates["cancelled"] += 1
                continue
            where = f"annotations[{j}]"
            who = _who(rows, i, where, annotation)
            verdict = None if who is None else _verdict(rows, i, f"{where}.result", annotation, task, question)
            if who is None or verdict is None:
                continue
            meaning, couples = verdict
            fates[meaning] += 1
            if meaning == "nothing":
                rows.tell("annotations", "(no result)", "tie")
            fates["rankings"] += len(couples) > 1
            votes += _votes(i, f"{i}/{j}", who, task, couples, kept)
    kept.finish()
    rows.meanings.update({name: fates[name] for name in ("both_bad", "both_good", "skip") if fates[name]})
    notes = [f"Skipped: {many(fates['cancelled'], 'cancelled annotation')}."] if fates["cancelled"] else []
    notes += [NOTE] if fates["rankings"] else []
    if fates["nothing"]:
        notes.append(f"Read as ties: {many(fates['nothing'], 'annotation')} without a choice.")
    return from_votes(rows, votes, shown=True, skipped=fates["cancelled"] + fates["skip"], notes=notes)


def _votes(
    row: int, judgement: str, who: dict[str, Any], task: Task, couples: Couples, kept: VoteTexts
) -> list[dict[str, Any]]:
    votes = []
    names = list(task.answers)
    for better, worse, tie in couples:
        a, b = sorted((better, worse))
        vote = {"row": row, **who, "label": "tie" if tie else "a" if better == a else "b"}
        texts = {"response_a": task.answers[names[a]], "response_b": task.answers[names[b]], ALSO: task.seen}
        vote |= kept.keep({"prompt": task.prompt, **texts})
        votes.append(vote | {"judgement": judgement} if len(couples) > 1 else vote)
    return votes


def _task(rows: Rows, row: int, data: Any) -> Task | None:
    """Prompt and answers of a task; None where it is open what they are."""
    fields = {k: v for k, v in data.items() if v not in (None, [])} if isinstance(data, dict) else {}
    both = two_answers([name for name, value in fields.items() if is_text(value) or conversation(value) is not None])
    answers = {name: _answer(fields[name]) for name in both} if both else {}
    taken = tuple(both or ())
    if both is None:
        found = {name: items for name, value in fields.items() if (items := _items(value))}
        if len(found) != 1:
            expected = "two texts, such as response_a and response_b or text1 and text2, or a list of items to rank"
            rows.reject(row, "does not have two answers", column="data", value=data, expected=expected)
            return None
        taken, answers = (next(iter(found)),), next(iter(found.values()))
    told = object_prompt({name: value for name, value in fields.items() if name not in taken})
    prompt, seen = told.prompt, told.seen | {name: fields[name] for name in (*told.open, *told.shown)}
    if prompt is None and told.nested:
        problem = f"holds '{told.nested[0]}', and it is open whether that is the prompt"
        rows.reject(row, problem, column="data", value=data, expected="a text, or messages with role and content")
        return None
    texts = [name for name, value in fields.items() if name not in taken and is_text(value)]
    if prompt is None and len(texts) == 1:
        prompt = fields[texts[0]]
        seen.pop(texts[0], None)
    elif prompt is None and texts:
        expected = f"one called prompt; found {', '.join(texts)}"
        problem = "has several texts, and it is open which is the prompt"
        rows.reject(row, problem, column="data", value=data, expected=expected)
        return None
    return Task(prompt, answers, json.dumps(seen, sort_keys=True, ensure_ascii=False, default=str) if seen else None)


def _answer(value: Any) -> Any:
    return conversation(value) or value


def _items(value: Any) -> dict[str, Any] | None:
    """The answers of a list of items to rank, by their ids; None where a value is no such list."""
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(item, dict) for item in value):
        return None
    found: dict[str, Any] = {}
    for item in value:
        text = next((item[key] for key in ("body", "html") if is_text(item.get(key))), None) or text_of(item)
        text = text if text is not None else item.get("title")
        if item.get("id") is None or not is_text(text):
            return None
        found[str(item["id"])] = text
    return found


def _who(rows: Rows, row: int, where: str, annotation: Any) -> dict[str, Any] | None:
    """Annotator, time and seconds of an annotation; None where it names nobody."""
    who = get(annotation, "completed_by")
    annotator = named(get(who, "email")) or named(get(who, "id")) if isinstance(who, dict) else named(who)
    if annotator is None:
        rows.reject(
            row, "names no annotator", column=f"{where}.completed_by", value=who, expected="a user", whole=False
        )
        return None
    key = next((key for key in ("updated_at", "created_at") if get(annotation, key)), "created_at")
    fine, time = moment(rows, row, get(annotation, key), f"{where}.{key}")
    return {"annotator": annotator, "time": time, "seconds": amount(get(annotation, "lead_time"))} if fine else None


def _verdict(
    rows: Rows, row: int, where: str, annotation: Any, task: Task, question: str | None
) -> tuple[str, Couples] | None:
    """What an annotation says in a word, and its comparisons; None where it is not understood."""
    given = get(annotation, "result")
    if given is not None and not isinstance(given, list):
        rows.reject(row, "is not a list", column=where, value=given, expected="a list of results", whole=False)
        return None
    results = [r for r in results_of(annotation) if str(get(r, "from_name")) in (question, "None")]
    results = [r for r in results if get(r, "type") in VERDICTS]
    names = list(task.answers)
    if results and get(results[0], "type") == "ranker":
        return _ranking(rows, row, where, results, names)
    if not results:
        return _without_choice(rows, row, where, annotation, names, question)
    if len(names) > 2:
        rows.reject(row, "is no order of the answers", column=where, value=given, expected="a ranking", whole=False)
        return None
    meanings = meanings_of(rows, names)
    values = list(dict.fromkeys(str(chosen_value(result)) for result in results))
    found = {meaning_of_value(value, meanings) for value in values}
    if len(found) > 1:
        expected = "one answer to each question, or --criterion and one question"
        rows.reject(row, "says several things", column=where, value=values, expected=expected, whole=False)
        return None
    meaning = found.pop()
    if meaning is None:
        expected = f"left or right, an answer's name, or {label_option(values[0])} (b, tie, both_bad, skip)"
        expected += " to say what it means"
        rows.reject(row, "unknown label", column=where, value=values[0], expected=expected, whole=False)
        return None
    rows.tell(f"annotations ({get(results[0], 'from_name')})", values[0], meaning)
    return meaning, _couples(meaning)


def _couples(meaning: str) -> Couples:
    if meaning == "skip":
        return []
    return [(1, 0, False)] if meaning == "b" else [(0, 1, NEUTRAL.get(meaning) == "tie")]


def _without_choice(
    rows: Rows, row: int, where: str, annotation: Any, names: list[str], question: str | None
) -> tuple[str, Couples] | None:
    """An annotation without a choice: two ratings, or nothing, which is a tie of two answers."""
    ratings = [r for r in results_of(annotation) if get(r, "type") == "rating"]
    kinds = {str(get(r, "type")) for r in results_of(annotation)} - {"textarea", "number", "rating"}
    places = None if question is None or len(names) != 2 else rated(ratings, question, names)
    if places is not None:
        return "rated", by_places([-place for place in places])
    of_question = any(get(r, "type") in VERDICTS for r in results_of(annotation))
    # Where no annotation has a choice, numbers and remarks do not say that two answers are equal.
    silent = not ratings and not kinds and (question is not None or not results_of(annotation))
    if silent or (question is not None and of_question):
        return ("nothing", [(0, 1, True)]) if len(names) == 2 else ("skip", [])
    value = sorted(kinds | {str(get(r, "type")) for r in results_of(annotation)})
    expected = "results of type pairwise, choices, taxonomy or ranker, or a rating of each answer"
    rows.reject(row, "has no verdict", column=where, value=value, expected=expected, whole=False)
    return None


def _ranking(rows: Rows, row: int, where: str, results: list[Any], names: list[str]) -> tuple[str, Couples] | None:
    orders = [ranked(result) for result in results]
    order = orders[0] if len(orders) == 1 else None
    if order is None or not set(order) <= set(names) or len(set(order)) < len(order):
        value = [get(result, "value") for result in results]
        expected = "one list of the items' ids from the best to the worst"
        rows.reject(row, "is no order of the answers", column=where, value=value, expected=expected, whole=False)
        return None
    couples = by_places([order.index(name) if name in order else None for name in names])
    return ("ranked" if couples else "skip"), couples


LABELSTUDIO = Format(
    "labelstudio",
    "Label Studio's export of comparisons",
    (("data",), ("annotations",)),
    read_labelstudio,
    own_status=True,
    leaves_texts=True,
)
