"""A reward model as the judge: each answer gets a score, and the higher score wins.

By default who has the higher score is all that counts, a tie where both are equal. ``soft`` counts logistic(margin) instead,
which means a probability only where the reward model was trained, or calibrated, as a Bradley-Terry model.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from votewise import models
from votewise.contests import Contests, Text, Verdicts
from votewise.errors import BadInputError
from votewise.journal import content_key
from votewise.votes import Floats


def wanted(groups: Iterable[Contests]) -> dict[str, tuple[Text, Text]]:
    """Every (prompt, answer) that needs a score, once, by its key."""
    found: dict[str, tuple[Text, Text]] = {}
    for contests in groups:
        if contests.answers_a is None or contests.answers_b is None:
            raise BadInputError("there are no answers to judge", expected="columns response_a and response_b")
        for answers in (contests.answers_a, contests.answers_b):
            for prompt, answer in zip(contests.prompts, answers, strict=True):
                found.setdefault(content_key(prompt, answer), (prompt, answer))
    return found


def reward_verdicts(
    contests: Contests, scores: Mapping[str, float], problems: Mapping[str, str], *, model: str, soft: bool
) -> Verdicts:
    """Verdicts by score; a contest with an answer that could not be scored has none."""
    keys = [_keys(contests.prompts, answers) for answers in (contests.answers_a or (), contests.answers_b or ())]
    score_a, score_b = (np.array([scores.get(key, np.nan) for key in side], np.float64) for side in keys)
    return Verdicts(
        judge=f"reward model {model}",
        preference=preference(score_a - score_b, soft=soft),
        problems=[problems.get(a) or problems.get(b) for a, b in zip(*keys, strict=True)],
        score_a=score_a,
        score_b=score_b,
        settings={"reward_model": model, "soft": soft},
    )


def preference(margin: Floats, *, soft: bool) -> Floats:
    """(n,) logistic(margin) or, by default, 1, 1/2 or 0 by its sign; NaN stays NaN."""
    return np.asarray(expit(margin) if soft else (np.sign(margin) + 1) / 2)


def scores_by_model(groups: Sequence[Contests], verdicts: Sequence[Verdicts]) -> dict[str, Floats]:
    """Each model's scores, every answer once."""
    found: dict[str, dict[str, float]] = {}
    for contests, verdict in zip(groups, verdicts, strict=True):
        for model, answers, scores in (
            (contests.model_a, contests.answers_a, verdict.score_a),
            (contests.model_b, contests.answers_b, verdict.score_b),
        ):
            if answers is not None and scores is not None:
                found.setdefault(model, {}).update(zip(_keys(contests.prompts, answers), scores.tolist(), strict=True))
    return {model: np.array(list(scores.values()), np.float64) for model, scores in found.items()}


def _keys(prompts: Sequence[Text], answers: Sequence[Text]) -> list[str]:
    return [content_key(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]


def score_answers(
    model: str,
    items: Sequence[tuple[Text, Text]],
    *,
    batch_size: int = 16,
    device: str = "auto",
    dtype: str = "auto",
    done: Container[int] = (),
) -> Iterator[list[tuple[int, float | None, str | None, int]]]:
    """Scores of answers by a reward model, batch by batch.

    Args:
        model: folder, or name on the Hub, of a sequence classifier with one output.
        items: prompts and answers.
        batch_size: answers at a time, of about one length.
        device: where the model runs.
        dtype: its numbers.
        done: numbers of the items that need no score any more; a batch of which some do is scored anew.

    Yields:
        For each item of a batch its number, its score or None, why there is none, and its tokens.

    Raises:
        BadInputError: no such model, or one that is no reward model.
    """
    models.require_models("a reward model")
    batches = models.by_length([models.text_length(*item) for item in items], batch_size)
    batches = [batch for batch in batches if not all(i in done for i in batch)]
    if not batches:
        return
    tokenizer = models.load_tokenizer(model)
    network = models.load_model(model, kind="reward", device=device, dtype=dtype)
    limit = models.context_length(network)
    for batch in batches:
        rows = {
            i: models.token_ids(tokenizer, models.text_of(tokenizer, *items[i], chat=True), chat=True) for i in batch
        }
        fit = [i for i, row in rows.items() if row and (limit is None or len(row) <= limit)]
        with models.memory_in_one_line(len(fit)):
            scores = dict(zip(fit, _forward(network, tokenizer, [rows[i] for i in fit]), strict=True)) if fit else {}
        yield [(i, scores.get(i), _problem(scores.get(i), rows[i], limit), len(rows[i])) for i in batch]


def _forward(network: Any, tokenizer: Any, rows: list[list[int]]) -> list[float]:
    """One score for each row of tokens, padded on the right."""
    import torch

    width = max(map(len, rows))
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else network.config.pad_token_id
    if pad is None:
        return [_forward_one(network, row) for row in rows]
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    # The model looks for the last token that is no padding to read the score there.
    network.config.pad_token_id = pad
    with torch.inference_mode():
        logits = network(input_ids=ids.to(network.device), attention_mask=mask.to(network.device)).logits
    return [float(value) for value in logits[:, 0].float().cpu()]


def _forward_one(network: Any, row: list[int]) -> float:
    import torch

    with torch.inference_mode():
        return float(network(input_ids=torch.tensor([row], device=network.device)).logits[0, 0])


def _problem(score: float | None, row: list[int], limit: int | None) -> str | None:
    if score is None:
        return f"{len(row):,} tokens, more than the reward model's {limit:,}" if row else "no tokens"
    return None if np.isfinite(score) else f"the reward model's score is {score}"
