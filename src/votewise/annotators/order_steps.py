"""One pass over judgements that are read as orders: the E-step, and what the M-step and the intervals need of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from votewise.annotators.ordered_prompts import OrderedPrompts
from votewise.arrays import Floats, Ints
from votewise.inference.orders import NODES, Indices, OrderKind, order_noise

Cells = npt.NDArray[np.float32]
Single = npt.NDArray[np.float32]

CELLS = 1_000_000
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
    table: Cells
    log_weight: Cells

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

    def step(self, node: Ints, *, last: bool) -> OrderStep:
        """One pass at the annotators' nodes (K,); ``last`` for the one after which reliabilities no longer move."""
        return _last_step(self, node) if last else _step(self, node)


@dataclass(frozen=True, eq=False)
class OrderStep:
    """What a pass finds.

    Attributes:
        by_prompt: (P,) log-likelihood of each prompt's judgements, at the current reliabilities.
        by_node: (K, G) expected log-likelihood of each annotator's judgements at each reliability; after the last pass, the
            log-likelihood given all other judgements.
        p_first: (P, m) probability that the first of every two answers is better; empty before the last pass.
        by_others: (J, m) the same according to everything but the judgement; empty before the last pass.
        scores: (2,) sums over judgements, in the last pass: of the squared slopes of their log-likelihoods, and of minus the
            curvatures. They are equal where the kind of error is right [Godambe].
    """

    by_prompt: Floats
    by_node: Floats
    p_first: Floats
    by_others: Floats
    scores: Floats


@dataclass(frozen=True, eq=False)
class _Part:
    """P' prompts and their J' judgements.

    Attributes:
        prompts: which prompts; ``judgements`` which judgements, and ``of`` (J',) the prompt of each, from 0.
        own: (J', N, Q) log-likelihood of each judgement, times its weight beside the heaviest judgement of the prompt.
        before: (P', N, Q) log-probability of each order and setting before any judgement; (1, N, Q) if equal for all.
        joint: (P', N, Q) the same together with the judgements.
        weight: (J',) what each judgement counts for, and ``most`` (P',) the largest of a prompt; None where all are 1.
    """

    prompts: slice
    judgements: slice
    of: Indices
    own: Cells
    before: Cells
    joint: Cells
    weight: Single | None
    most: Single | None

    @property
    def others(self) -> Cells:
        """(J', N, Q) log-probability of each order and setting together with all judgements but one."""
        return np.asarray(self.joint[self.of] - self.own)

    def believed(self, joint: Cells, of: Indices | None = None) -> Cells:
        """Probabilities from ``joint``, whose rows are about the prompts ``of`` or about all, with weights as they are.

        What is believed of the answers depends on them. What reliabilities are estimated from depends on the weights of a
        prompt beside one another only: with less than one judgement for each, too little would be known of the truth, and
        reliabilities would come out too high.
        """
        if self.most is None:
            return _normalised(joint)[0]
        before = self.before if of is None or len(self.before) == 1 else self.before[of]
        most = self.most if of is None else self.most[of]
        return _normalised(before + most[:, None, None] * (joint - before))[0]


def _step(likelihood: OrderLikelihood, node: Ints) -> OrderStep:
    prompts, (g, _, q) = likelihood.prompts, likelihood.table.shape
    h, n = len(prompts.shapes), len(prompts.orders.place)
    expected, by_prompt = np.zeros((len(node) * h, n * q)), np.empty(len(prompts.start))
    for part in _parts(likelihood, node):
        posterior, by_prompt[part.prompts] = _normalised(part.joint)
        renamed = _renamed(posterior, part.of, prompts, part.judgements)
        shape = prompts.annotator[part.judgements].astype(np.int64) * h + prompts.shape[part.judgements]
        key, sums = added_up(shape, part.weight)
        expected[key] += sums @ renamed.reshape(len(renamed), -1)
    by_node = expected.reshape(len(node), -1) @ likelihood.table.reshape(g, -1).T
    none = np.empty((0, 0))
    return OrderStep(by_prompt, np.asarray(by_node), none, none, np.zeros(2))


def _last_step(likelihood: OrderLikelihood, node: Ints) -> OrderStep:
    prompts, right = likelihood.prompts, likelihood.prompts.orders.right.astype(np.float64)
    by_node, scores, by_prompt = np.zeros((len(node), NODES)), np.zeros(2), np.empty(len(prompts.start))
    p_first, by_others = np.empty(prompts.pair.shape), np.empty((len(prompts.annotator), right.shape[1]))
    for part in _parts(likelihood, node):
        by_prompt[part.prompts] = _normalised(part.joint)[1]
        p_first[part.prompts] = part.believed(part.joint).sum(axis=2, dtype=np.float64) @ right
        others = part.others
        by_others[part.judgements] = part.believed(others, part.of).sum(axis=2, dtype=np.float64) @ right
        alone = _alone(_normalised(others)[0], likelihood, part.judgements)
        annotator = prompts.annotator[part.judgements]
        if part.weight is not None:
            alone *= part.weight[:, None]
        key, sums = added_up(annotator, None)
        by_node[key] += sums @ alone
        scores += score_sums(alone, node[annotator])
    return OrderStep(by_prompt, by_node, p_first, by_others, scores)


def _parts(likelihood: OrderLikelihood, node: Ints) -> Iterator[_Part]:
    """Some prompts after the other, with as many judgements as fit into memory."""
    prompts, (_, rows, q) = likelihood.prompts, likelihood.table.shape
    # take() on one long axis is several times as fast as two lists of indices.
    flat, before = likelihood.table.reshape(-1, q), likelihood.log_weight
    stops, p = np.append(prompts.start[1:], len(prompts.annotator)), 0
    most = max(1, CELLS // (len(prompts.orders.place) * q))
    while p < len(stops):
        begin = int(prompts.start[p])
        end = max(p + 1, int(np.searchsorted(stops, begin + most, side="right")))
        part = slice(begin, int(stops[end - 1]))
        own = flat.take(node[prompts.annotator[part], None] * np.int64(rows) + prompts.rows[part], axis=0)
        start, number = prompts.start[p:end] - begin, stops[p:end] - prompts.start[p:end]
        of, weight, most_weight = prompts.prompt[part] - p, None, None
        if prompts.weight is not None:
            weight = prompts.weight[part].astype(np.float32)
            most_weight = np.maximum(np.maximum.reduceat(weight, start), np.float32(1e-30))
            own *= (weight / most_weight[of])[:, None, None]
        at_first = before[p:end] if len(before) > 1 else before
        joint = own[start] + at_first
        for i in range(1, int(number.max())):
            more = np.flatnonzero(number > i)
            joint[more if len(more) < len(joint) else slice(None)] += own[start[more] + i]
        yield _Part(slice(p, end), part, of, own, at_first, joint, weight, most_weight)
        p = end


def _normalised(joint: Cells) -> tuple[Cells, Floats]:
    """Probabilities (.., N, Q) from their logs up to a constant, and (..) the log of their sum."""
    top = joint.max(axis=(1, 2), keepdims=True)
    found = np.exp(joint - top)
    size = found.sum(axis=(1, 2), keepdims=True)
    found /= size
    return found, (np.log(size) + top)[:, 0, 0].astype(np.float64)


def _renamed(value: Cells, of: Indices, prompts: OrderedPrompts, part: slice) -> Cells:
    """(J', N, Q) the rows ``of`` (J',) the judgements of ``value`` (.., N, Q), with answers named as in their shapes."""
    n, q = value.shape[1:]
    at = of[:, None] * n + prompts.orders.inverse[prompts.name[part]]
    return np.asarray(value.reshape(-1, q).take(at, axis=0))


def score_sums(alone: Floats, node: Ints) -> tuple[float, float]:
    """``OrderStep.scores`` of judgements with log-likelihoods ``alone`` (J', G), at their annotators' nodes (J',)."""
    here, each = np.clip(node, 2, NODES - 3), np.arange(len(alone))
    up, middle, down = alone[each, here + 2], alone[each, here], alone[each, here - 2]
    return float(np.square(up - down).sum() / 16), float((2 * middle - up - down).sum() / 4)


def added_up(
    key: npt.NDArray[np.integer], weight: npt.NDArray[np.floating] | None
) -> tuple[npt.NDArray[np.integer], csr_matrix]:
    """The different keys, and the matrix (keys, J') that adds up the rows of each, times their weights."""
    found, place = np.unique(key, return_inverse=True)
    entries = (np.ones(len(key), np.float32) if weight is None else weight, (place.reshape(-1), np.arange(len(key))))
    return found, csr_matrix(entries, (len(found), len(key)))


def _alone(others: Cells, likelihood: OrderLikelihood, part: slice) -> Floats:
    """(J', G) log-likelihood of each judgement, given (J', N, Q) the truth according to all others."""
    prompts, n = likelihood.prompts, others.shape[1]
    renamed = _renamed(others, np.arange(len(others)), prompts, part).reshape(len(others), -1)
    alone = np.empty((len(others), NODES))
    for h in range(len(prompts.shapes)):
        chosen = np.flatnonzero(prompts.shape[part] == h)
        if len(chosen):
            of_shape = np.exp(likelihood.table[:, h * n : (h + 1) * n]).reshape(NODES, -1)
            alone[chosen] = np.log(np.maximum(renamed[chosen] @ of_shape.T, 1e-30))
    return alone
