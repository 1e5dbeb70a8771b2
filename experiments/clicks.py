"""Users' clicks between two generators' answers, estimates from them, and the methods to train on them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from worlds import CLEAN, OURS, PLAIN, MadeUp, Method, Outcome

from votewise import NotIdentifiableError, estimate_attentiveness
from votewise.data.votes import Votes
from votewise.demo.facts import WORDINGS
from votewise.demo.tiny_model import is_right, pretrain, sampled_answers
from votewise.simulate import SimulatedUsers, SimulatedVotes, simulate_users
from votewise.users.select import Rule, select_users

SHARES = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Shares of the users to keep."""

KEEP = 0.8
"""The share that the paper keeps."""

JUDGED = 200
"""Number of judged comparisons that the win rate is estimated from."""

WEAK_TEXTS = 1 / 3
"""Share of the texts that the weak generator was trained on."""


@dataclass(frozen=True, eq=False)
class Clicks:
    """Clicks as votes: pairs are comparisons, annotators users.

    Attributes:
        cast: the votes with their truth; response_a is the stronger generator's answer.
        rho: (J,) true attentiveness.
        estimate: (J,) estimated attentiveness; NaN where it cannot be known.
        kept: share of users to keep -> (J,) whether each is kept by the estimate.
        mu: share of the comparisons in which the stronger generator's answer is better.
    """

    cast: SimulatedVotes
    rho: np.ndarray
    estimate: np.ndarray
    kept: dict[float, np.ndarray]
    mu: float


# Comparisons


def generators(here: MadeUp, seed: int, texts: int) -> dict[str, Any]:
    """The strong generator and its opponents: models after more and less training on clean labels, and a weak one."""
    size = len(here.truth)

    def trained(pairs: int) -> Any:
        part = slice(0, pairs)
        votes = replace(Votes.from_arrays(np.arange(pairs), np.zeros(pairs), here.truth[part]), texts=here.texts[part])
        cast = SimulatedVotes(votes, np.ones(1), here.truth[part], np.ones(pairs, bool))
        return here.train(cast, CLEAN).trainer.model

    strong = trained(size)
    weak = pretrain(here.world.facts, here.world.tokenizer, texts=max(1, round(WEAK_TEXTS * texts)), seed=seed + 1)
    return {
        "strong": strong,
        "itself": strong,
        "trained less": trained(max(1, size // 6)),
        "not trained": here.world.model,
        "weak": weak,
    }


def duel(here: MadeUp, strong: Any, other: Any, size: int, seed: int) -> tuple[pa.Table, np.ndarray]:
    """Texts of ``size`` comparisons that the truth decides, and (size,) +1 where the strong generator's answer is better."""
    facts, tokenizer, rng = here.world.facts, here.world.tokenizer, np.random.default_rng([seed, 5])
    voted = np.flatnonzero(facts.voted)
    found: list[tuple[str, str, str, int]] = []
    for attempt in range(200):
        entity, wording = rng.choice(voted, 2 * size), rng.integers(len(WORDINGS), size=2 * size)
        prompts = [facts.prompt(e, form) for e, form in zip(entity.tolist(), wording.tolist(), strict=True)]
        answers = [
            sampled_answers(m, tokenizer, prompts, seed=1000 * seed + 2 * attempt + i)
            for i, m in enumerate((strong, other))
        ]
        for e, prompt, a, b in zip(entity.tolist(), prompts, *answers, strict=True):
            better = int(is_right(a, facts.right[e])) - int(is_right(b, facts.right[e]))
            if better:
                found.append((prompt, f" {a}", f" {b}", better))
        if len(found) >= size:
            prompt, a, b, better = zip(*found[:size], strict=True)
            return pa.table({"prompt": prompt, "response_a": a, "response_b": b}), np.array(better, np.int8)
    raise ValueError("the two generators hardly ever differ")


# Clicks


def click(texts: pa.Table, better: np.ndarray, users: int, prior: str, seed: int) -> Clicks:
    """Users' clicks, each user on an equal number of comparisons of their own, and the estimates from them."""
    n = len(better)
    user, comparison = np.arange(n) * users // n, np.random.default_rng([seed, 6]).permutation(n)
    drawn = simulate_users(
        (better > 0).astype(float), users=users, prior=prior, assignment=(user, comparison), seed=seed
    )
    judged = np.random.default_rng([seed, 7]).choice(better, min(JUDGED, n), replace=False)
    estimate, kept = estimated(drawn, float((judged > 0).mean()), seed)
    names = [f"u{j + 1:03}" for j in range(users)]
    votes = Votes.from_arrays(
        drawn.comparison,
        drawn.user,
        np.where(drawn.for_a, 1, -1),
        annotator_ids=names,
        pair_ids=[f"c{i + 1:05}" for i in range(n)],
    )
    cast = SimulatedVotes(replace(votes, texts=texts), (1 + drawn.attentiveness) / 2, better, drawn.correct)
    return Clicks(cast, drawn.attentiveness, estimate, kept, float((better > 0).mean()))


def estimated(drawn: SimulatedUsers, win_rate: float, seed: int) -> tuple[np.ndarray, dict[float, np.ndarray]]:
    """(J,) attentiveness, and which users to keep; drawn at random for a win rate of 1/2, where nothing can be estimated."""
    counts, cell = drawn.counts()
    try:
        result = estimate_attentiveness(counts, win_rate=win_rate, standard_errors=False)
    except NotIdentifiableError:
        order = np.random.default_rng([seed, 8]).permutation(len(cell))
        return np.full(len(cell), np.nan), {share: order < share * len(cell) for share in SHARES}
    kept = {share: select_users(counts, result, Rule(keep=share))[cell] for share in SHARES}
    return result.cells["attentiveness"].to_numpy()[cell], kept


def only(cast: SimulatedVotes, kept: np.ndarray) -> SimulatedVotes:
    """The clicks of some users (J,)."""
    chosen = kept[cast.votes.annotator]
    pairs = cast.votes.pair[chosen]
    annotators, annotator = np.unique(cast.votes.annotator[chosen], return_inverse=True)
    assert cast.votes.texts is not None
    votes = Votes.from_arrays(
        np.arange(len(pairs)),
        annotator,
        cast.votes.sign[chosen],
        annotator_ids=cast.votes.annotator_ids.take(pa.array(annotators)),
    )
    votes = replace(votes, texts=cast.votes.texts.take(pa.array(pairs)))
    return SimulatedVotes(votes, cast.reliability[annotators], cast.truth[pairs], cast.correct[chosen])


def weighted(here: Any, clicks: Clicks, cast: SimulatedVotes) -> Any:
    """Train with reliabilities fixed at (1 + attentiveness) / 2; equal ones where attentiveness cannot be estimated."""
    attentiveness = np.where(np.isfinite(clicks.estimate), clicks.estimate, clicks.rho.mean())
    with tempfile.TemporaryDirectory() as folder:
        table = pa.table({"annotator": clicks.cast.votes.annotator_ids, "reliability": (1 + attentiveness) / 2})
        pq.write_table(table, Path(folder) / "annotators.parquet")
        return here.train(cast, Method("weighted", {"beliefs": folder, "reliability_update": "frozen"}))


def oracle(rho: np.ndarray, share: float = KEEP) -> np.ndarray:
    """(J,) the truly most attentive users."""
    return np.argsort(np.argsort(-rho, kind="stable"), kind="stable") < round(share * len(rho))


ARMS: dict[str, Callable[[Any, Clicks], Outcome]] = {
    "DPO": lambda here, c: here.train(c.cast, PLAIN),
    "DPO + filter": lambda here, c: here.train(only(c.cast, c.kept[KEEP]), PLAIN),
    "DPO + oracle filter": lambda here, c: here.train(only(c.cast, oracle(c.rho)), PLAIN),
    "weighted by attentiveness": lambda here, c: weighted(here, c, c.cast),
    "filter + weighted": lambda here, c: weighted(here, c, only(c.cast, c.kept[KEEP])),
    "votewise": lambda here, c: here.train(c.cast, OURS),
    "filter + votewise": lambda here, c: here.train(only(c.cast, c.kept[KEEP]), OURS),
    "clean labels": lambda here, c: here.train(c.cast, CLEAN),
}
"""Name of a method -> the function that trains, given where to train and the clicks."""
