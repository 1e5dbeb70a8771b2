"""Human evaluation jobs of Amazon Bedrock and SageMaker: a row per prompt, with the comparisons of all workers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from votewise.errors import many
from votewise.sources.answer_lists.rankings import NOTE
from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.cells import is_text
from votewise.sources.format import Format
from votewise.sources.nested import amount, entries, get, moment, named
from votewise.sources.option_words import criterion_option
from votewise.sources.rows import Rows
from votewise.sources.shapes.bedrock_results import CHOICE, RANK, RESULT, SCALE, comparisons, couples_of, listed_in
from votewise.sources.texts.messages import conversation
from votewise.sources.vote_texts import VoteTexts

RECORD, RESPONSES = "inputRecord", "modelResponses"
ANSWERS = f"{RESULT}.humanAnswers"


def read_bedrock(rows: Rows) -> Canonical:
    """Read a worker's comparison by one metric as one vote; ratings and thumbs are about one answer each."""
    results, records, responses = (rows.values(name) for name in (RESULT, RECORD, RESPONSES))
    for name, role in ((RESULT, "votes"), (RECORD, "prompt"), (RESPONSES, "answers")):
        rows.use(name, role)
    metric = _metric(rows, results)
    votes: list[dict[str, Any]] = []
    kept = VoteTexts(rows)
    fates: Counter[str] = Counter()
    for i, (result, record, given) in enumerate(zip(results, records, responses, strict=True)):
        models = _models(rows, i, result, given)
        prompt = _prompt(rows, i, get(record, "prompt"))
        if not rows.ok[i]:
            continue
        for j, answer in enumerate(entries(rows, i, get(result, "humanAnswers"), ANSWERS)):
            where = f"{ANSWERS}[{j}]"
            who = _who(rows, i, where, answer)
            for kind, entry in comparisons(answer):
                couples = None if who is None or named(get(entry, "metricName")) != metric else couples_of(
                    rows, i, f"{where}.{kind}", kind, entry, list(models)
                )  # fmt: skip
                if who is None or couples is None:
                    continue
                fates["skipped"] += not couples
                fates["rankings"] += len(couples) > 1
                for better, worse, tie in couples:
                    a, b = sorted((better, worse))
                    (name_a, text_a), (name_b, text_b) = (list(models.values())[at] for at in (a, b))
                    vote = {"row": i, **who, "label": "tie" if tie else "a" if better == a else "b"}
                    vote |= {"model_a": name_a, "model_b": name_b, "domain": named(get(record, "category"))}
                    vote |= {"judgement": f"{i}/{j}"} if len(couples) > 1 else {}
                    votes.append(vote | kept.keep({"prompt": prompt, "response_a": text_a, "response_b": text_b}))
    kept.finish()
    notes = [f"Votes are the workers' comparisons by the metric '{metric}'."]
    notes += [NOTE] if fates["rankings"] else []
    notes += [f"Skipped: {many(fates['skipped'], 'comparison')} without a result."] if fates["skipped"] else []
    return from_votes(rows, votes, shown=False, skipped=fates["skipped"], notes=notes)


def _metric(rows: Rows, results: Any) -> str | None:
    """The metric by which votes are read.

    Raises:
        BadInputError: there are several and none was asked for, or the one asked for is not there, or nothing is compared.
    """
    answers = (answer for result in results for answer in listed_in(get(result, "humanAnswers")))
    names = dict.fromkeys(named(get(entry, "metricName")) for answer in answers for _, entry in comparisons(answer))
    if not names:
        raise rows.fail(
            "holds single verdicts on one answer each (ratings, thumbs), which are not comparisons",
            column=RESULT,
            expected=f"results by {CHOICE}, {RANK} or {SCALE}",
        )
    shown = ", ".join(map(str, names))
    if rows.criterion is not None:
        rows.criterion_used = True
        if rows.criterion not in names:
            raise rows.fail(f"has no metric '{rows.criterion}'", expected=f"--criterion and one of: {shown}")
        return rows.criterion
    if len(names) > 1:
        raise rows.fail(
            f"workers compare by several metrics: {shown}",
            column=RESULT,
            expected=f"one of them: {criterion_option(str(next(iter(names))))}",
        )
    return next(iter(names))


def _models(rows: Rows, row: int, result: Any, given: Any) -> dict[str, tuple[str, Any]]:
    """The name and the answer of each model, by the id under which workers saw it."""
    texts: dict[str, Any] = {}
    for entry in entries(rows, row, given, RESPONSES):
        name, text = named(get(entry, "modelIdentifier")), _text(get(entry, "response"))
        text = _text(get(entry, "text")) if text is None else text
        if name is None or text is None or name in texts:
            expected = "a modelIdentifier, once, and a response"
            rows.reject(row, "is not a model's answer", column=RESPONSES, value=entry, expected=expected)
            return {}
        texts[name] = text
    ids = get(result, "modelResponseIdMap")
    found = {str(key): str(name) for key, name in ids.items() if name is not None} if isinstance(ids, dict) else {}
    if not found or not set(found.values()) <= set(texts):
        expected = f"for each id the modelIdentifier of one of the {RESPONSES}"
        rows.reject(
            row,
            "does not say which model is which",
            column=f"{RESULT}.modelResponseIdMap",
            value=ids,
            expected=expected,
        )
        return {}
    return {key: (name, texts[name]) for key, name in found.items()}


def _text(value: Any) -> Any:
    """A text, or the text of an object."""
    found = get(value, "text") if isinstance(value, dict) else value
    return found if is_text(found) else None


def _prompt(rows: Rows, row: int, value: Any) -> Any:
    text = _text(value)
    found = conversation(value) if text is None else text
    if found is None:
        rows.reject(row, "is not a prompt", column=f"{RECORD}.prompt", value=value, expected="a text or messages")
    return found


def _who(rows: Rows, row: int, where: str, answer: Any) -> dict[str, Any] | None:
    """Worker, time and seconds; None where nobody is named."""
    who = named(get(answer, "workerId"))
    if who is None:
        value = get(answer, "workerId")
        rows.reject(row, "names no worker", column=f"{where}.workerId", value=value, expected="a name", whole=False)
        return None
    fine, time = moment(rows, row, get(answer, "submissionTime"), f"{where}.submissionTime")
    return {"annotator": who, "time": time, "seconds": amount(get(answer, "timeSpentInSeconds"))} if fine else None


BEDROCK = Format(
    "bedrock",
    "human evaluation jobs of Amazon Bedrock and SageMaker",
    ((RESULT,), (RECORD,), (RESPONSES,)),
    read_bedrock,
    leaves_texts=True,
)
