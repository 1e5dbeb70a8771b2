"""One pass over judgements that are read as orders: the E-step, and what the M-step and the intervals need of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from votewise.annotators.ordered_prompts import OrderedPrompts
from votewise.arrays import Floats, Ints
from votewise.inference.orders import NODES, OrderKind, order_noise

CELLS = 2_000_000
"""Judgements times orders times settings that are in memory at a time."""


@dataclass(frozen=True, eq=False)
class OrderLikelihood:
    """Log-likelihoods of the judgements of ``prompts`` under one kind of error.

    Attributes:
        prompts: the judgements.
        table: (G, H N, Q) by reliability, row and setting, in single precision: there are many, and each is a few nats.
        log_weight: (P, N, Q) log-probability of each order and setting before any judgement; (1, N, Q) if equal for all.
    """

    prompts: OrderedPrompts
    table: npt.NDArray[np.float32]
    log_weight: npt.NDArray[np.float32]

    @classmethod
    def of(cls, prompts: OrderedPrompts, kind: OrderKind, log_prior: Floats | None) -> OrderLikelihood:
        """The likelihoods under a kind of error, with log-probabilities (P, N) of orders before any vote, None for equal."""
        orders = prompts.orders
        noise = order_noise(orders.n, kind)
        each = [noise.log_likelihood(orders, orders.allowed(shape)) for shape in prompts.shapes]
        n = len(orders.place)
        before = np.full((1, n), -np.log(n)) if log_prior is None else log_prior
        table = np.ascontiguousarray(np.concatenate(each).transpose(2, 0, 1), dtype=np.float32)
        return cls(prompts, table, (before[:, :, None] + noise.log_weight).astype(np.float32))

    @cached_property
    def right_share(self) -> Floats:
        """(H, G) expected share of right comparisons in judgements of each shape."""
        orders = self.prompts.orders
        n, weight = len(orders.place), np.exp(self.log_weight[0], dtype=np.float64).sum(axis=0)
        signs, found = np.where(orders.right, 1, -1), []
        for h, shape in enumerate(self.prompts.shapes):
            agree = (1 + signs @ shape / np.abs(shape).sum()) / 2
            probability = np.exp(self.table[:, h * n : (h + 1) * n], dtype=np.float64) @ weight
            found.append(probability @ agree / probability.sum(axis=1))
        return np.array(found)


@dataclass(frozen=True, eq=False)
class OrderStep:
    """What a pass finds.

    Attributes:
        log_likelihood: of all judgements, at the current reliabilities.
        by_node: (K, G) expected log-likelihood of each annotator's judgements at each reliability; after the last pass, the
            log-likelihood given all other judgements.
        p_first: (P, m) probability that the first of every two answers is better.
        by_others: (J, m) the same according to everything but the judgement; empty before the last pass.
        scores: (2,) sums over judgements, in the last pass: of the squared slopes of their log-likelihoods, and of minus the
            curvatures. They are equal where the kind of error is right [Godambe].
    """

    log_likelihood: float
    by_node: Floats
    p_first: Floats
    by_others: Floats
    scores: Floats


def order_step(likelihood: OrderLikelihood, node: Ints, *, last: bool) -> OrderStep:
    """One pass at the annotators' nodes (K,); ``last`` for the one after which reliabilities no longer move."""
    prompts, (g, rows, q) = likelihood.prompts, likelihood.table.shape
    n, right = len(prompts.orders.place), prompts.orders.right.astype(np.float64)
    found = OrderStep(
        0.0,
        np.zeros((len(node), g)),
        np.empty(prompts.pair.shape),
        np.empty((len(prompts.annotator) if last else 0, right.shape[1])),
        np.zeros(2),
    )
    expected = np.zeros((0 if last else len(node), q, rows))
    total, most, p = 0.0, max(1, CELLS // (n * q)), 0
    stops = np.append(prompts.start[1:], len(prompts.annotator))
    while p < len(stops):
        begin = int(prompts.start[p])
        end = max(p + 1, int(np.searchsorted(stops, begin + most, side="right")))
        part, of = slice(begin, int(stops[end - 1])), prompts.prompt[begin : stops[end - 1]] - p
        own = likelihood.table[node[prompts.annotator[part]][:, None], prompts.rows[part]]
        before = likelihood.log_weight[p:end] if len(likelihood.log_weight) > 1 else likelihood.log_weight
        joint = np.add.reduceat(own, prompts.start[p:end] - begin, axis=0) + before
        posterior, log_size = _normalised(joint)
        total += float(log_size.sum())
        found.p_first[p:end] = posterior.sum(axis=2, dtype=np.float64) @ right
        if last:
            others = _normalised(joint[of] - own)[0]
            found.by_others[part] = others.sum(axis=2, dtype=np.float64) @ right
            _add_alone(found, others, likelihood, (part, node))
        else:
            _add_expected(expected, posterior[of], prompts, part)
        p = end
    by_node = found.by_node
    if not last:
        by_node = expected.reshape(len(node), -1) @ likelihood.table.transpose(0, 2, 1).reshape(g, -1).T
    return OrderStep(total, by_node, found.p_first, found.by_others, found.scores)


def _normalised(joint: Any) -> tuple[Any, Floats]:
    """Probabilities (.., N, Q) from their logs up to a constant, and (..) the log of their sum."""
    top = joint.max(axis=(1, 2), keepdims=True)
    found = np.exp(joint - top)
    size = found.sum(axis=(1, 2), keepdims=True)
    found /= size
    return found, (np.log(size) + top)[:, 0, 0].astype(np.float64)


def _add_expected(expected: Floats, posterior: Any, prompts: OrderedPrompts, part: slice) -> None:
    """Add to (K, Q, H N) how often each row is expected, from the posterior (J', N, Q) of each judgement's prompt."""
    k, q, rows = expected.shape
    key = (prompts.annotator[part][:, None].astype(np.int64) * rows + prompts.rows[part]).ravel()
    for i in range(q):
        expected[:, i] += np.bincount(key, posterior[:, :, i].ravel(), minlength=k * rows).reshape(k, rows)


def _add_alone(found: OrderStep, others: Any, likelihood: OrderLikelihood, at: tuple[slice, Ints]) -> None:
    """Add each judgement's log-likelihood, given (J', N, Q) the truth according to all others, and its scores."""
    (part, node), prompts, n = at, likelihood.prompts, others.shape[1]
    renamed = np.empty_like(others)
    np.put_along_axis(renamed, (prompts.rows[part] % n).astype(np.int64)[:, :, None], others, axis=1)
    for h in range(len(prompts.shapes)):
        chosen = np.flatnonzero(prompts.shape[part] == h)
        if len(chosen) == 0:
            continue
        of_shape = np.exp(likelihood.table[:, h * n : (h + 1) * n], dtype=np.float64).reshape(NODES, -1)
        alone = np.log(np.maximum(renamed[chosen].reshape(len(chosen), -1) @ of_shape.T, 1e-300))
        annotator = prompts.annotator[part][chosen]
        np.add.at(found.by_node, annotator, alone)
        here, each = np.clip(node[annotator], 2, NODES - 3), np.arange(len(chosen))
        up, middle, down = alone[each, here + 2], alone[each, here], alone[each, here - 2]
        found.scores[:] += np.square(up - down).sum() / 16, (2 * middle - up - down).sum() / 4
