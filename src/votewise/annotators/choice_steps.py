"""One pass over choices of the best of many answers: as ``order_steps``, without a list of all orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from votewise.annotators.choice_prompts import ChoicePrompts, Named
from votewise.annotators.judged_prompts import pair_numbers
from votewise.annotators.order_steps import CELLS, OrderStep, added_up, score_sums
from votewise.arrays import Floats, Ints
from votewise.inference.best_of_many import choice_noise
from votewise.inference.orders import NODES, Indices, OrderKind
from votewise.inference.placements import Paths, Placed, placed

LEAST = 1e-300


@dataclass(frozen=True, eq=False)
class ChoiceLikelihood:
    """Log-likelihoods of the choices of ``prompts`` under one kind of error.

    Attributes:
        prompts: the judgements.
        table: (G, n, Q) by reliability and place of the chosen answer.
        log_weight: (Q,) log-probability of each setting.
        score: (P, n) scores of which orders are made before any vote; None for equally likely orders.
    """

    prompts: ChoicePrompts
    table: Floats
    log_weight: Floats
    score: Floats | None

    @classmethod
    def of(cls, prompts: ChoicePrompts, kind: OrderKind, score: Floats | None) -> ChoiceLikelihood:
        """The likelihoods under a kind of error."""
        noise = choice_noise(prompts.n, kind)
        table = np.ascontiguousarray(noise.log_likelihood.transpose(2, 0, 1))
        return cls(prompts, table, noise.log_weight, score)

    @cached_property
    def right_share(self) -> Floats:
        """(1, G) expected share of right comparisons: of a choice at place c from 0, n - 1 - c of n - 1."""
        n = self.prompts.n
        found = np.exp(self.table) @ np.exp(self.log_weight) @ np.arange(n - 1, -1, -1) / (n - 1)
        return np.asarray(found[None])

    def step(self, node: Ints, *, last: bool) -> OrderStep:
        """One pass at the annotators' nodes (K,); ``last`` for the one after which reliabilities no longer move."""
        return self._last_step(node) if last else self._step(node)

    def _step(self, node: Ints) -> OrderStep:
        prompts = self.prompts
        expected, by_prompt = np.zeros((len(node), self.prompts.n * len(self.log_weight))), np.empty(len(prompts.start))
        for part in self._parts():
            found = self._placed(part, self._own(part, node), above=False)
            by_prompt[part.prompts] = found.log_sum
            at = found.at.transpose(2, 0, 1, 3)[part.of, part.slot]
            key, sums = added_up(prompts.annotator[part.judgements], self._weight(part))
            expected[key] += sums @ at.reshape(len(at), -1)
        by_node = expected @ self.table.reshape(NODES, -1).T
        none = np.empty((0, 0))
        return OrderStep(by_prompt, np.asarray(by_node), none, none, np.zeros(2))

    def _last_step(self, node: Ints) -> OrderStep:
        prompts = self.prompts
        by_node, scores, by_prompt = np.zeros((len(node), NODES)), np.zeros(2), np.empty(len(prompts.start))
        p_first = np.empty((len(prompts.start), prompts.pair.shape[1]))
        by_others = np.full((len(prompts.annotator), p_first.shape[1]), 0.5)
        likelihood = np.exp(self.table).reshape(NODES, -1).T
        for part in self._parts():
            own, weight = self._own(part, node), self._weight(part)
            found = self._placed(part, own, above=weight is None)
            by_prompt[part.prompts] = found.log_sum
            others = _without(found.at.transpose(2, 0, 1, 3)[part.of, part.slot], own)
            others /= others.sum(axis=(1, 2), keepdims=True)
            alone = np.log(np.maximum(others.reshape(len(others), -1) @ likelihood, LEAST))
            if weight is not None:
                # Beliefs about answers depend on the weights as they are: see order_steps.
                alone *= weight[:, None]
                own = self.table[node[prompts.annotator[part.judgements]]] * weight[:, None, None]
                found = self._placed(part, own, above=True)
            annotator = prompts.annotator[part.judgements]
            key, sums = added_up(annotator, None)
            by_node[key] += sums @ alone
            scores += score_sums(alone, node[annotator])
            p_first[part.prompts] = _all_two(part, found)
            _fill_by_others(by_others, part, prompts, found, own)
        return OrderStep(by_prompt, by_node, p_first, by_others, scores)

    def _parts(self) -> Iterator[Named]:
        n, q = self.prompts.n, len(self.log_weight)
        for named in self.prompts.named() if self.score is None else self.prompts.all_named():
            steps = Paths.of(n, named.answers.shape[1]).steps
            yield from named.parts(max(1, CELLS // (steps * q)))

    def _weight(self, part: Named) -> Floats | None:
        weight = self.prompts.weight
        return None if weight is None else weight[part.judgements]

    def _own(self, part: Named, node: Ints) -> Floats:
        """(J', n, Q) log-likelihood of each judgement, times its weight beside the heaviest of the prompt."""
        own = self.table[node[self.prompts.annotator[part.judgements]]]
        weight = self._weight(part)
        if weight is None:
            return own
        most = np.full(len(part.prompts), 1e-30)
        np.maximum.at(most, part.of, weight)
        return np.asarray(own * (weight / most[part.of])[:, None, None])

    def _placed(self, part: Named, own: Floats, *, above: bool) -> Placed:
        (p, d), (n, q) = part.answers.shape, own.shape[1:]
        value = np.zeros((p * d, n, q))
        cell, first = np.unique(part.of * d + part.slot, return_index=True)
        value[cell] = np.add.reduceat(own, first)
        score = None if self.score is None else self.score[part.prompts].T
        by_place = np.ascontiguousarray(value.reshape(p, d, n, q).transpose(1, 2, 0, 3))
        return placed(Paths.of(n, d), by_place, self.log_weight, score, above=above)


def _without(found: Floats, own: Floats) -> Floats:
    """(J', .., n, Q) what is ``found`` with all judgements, up to a factor for each judgement, without its ``own``."""
    log = np.log(np.maximum(found, LEAST))
    log -= own.reshape(len(own), *(1,) * (found.ndim - own.ndim), *own.shape[1:])
    return np.asarray(np.exp(log - log.max(axis=tuple(range(1, log.ndim)), keepdims=True)))


def _all_two(part: Named, found: Placed) -> Floats:
    """(P', m) probability that the first of every two answers is better."""
    (p, d), n = part.answers.shape, found.at.shape[1]
    better, rows = np.full((p, n, n), 0.5), np.arange(p)
    above = found.above.sum(axis=(2, 4)).transpose(2, 0, 1)
    column = _columns(part, n)
    for i in range(d):
        one = part.answers[:, i]
        value = np.take_along_axis(above[:, i], column, axis=1)
        better[rows, one], better[rows, :, one] = value, 1 - value
    first, second = np.triu_indices(n, 1)
    return better[:, first, second]


def _columns(part: Named, n: int) -> Indices:
    """(P', n) where ``Placed.above`` says whether something is above each answer."""
    p, d = part.answers.shape
    column = np.full((p, n), d)
    column[np.arange(p)[:, None], part.answers] = np.arange(d)
    return column


def _fill_by_others(by_others: Floats, part: Named, prompts: ChoicePrompts, found: Placed, own: Floats) -> None:
    """Write what all others say about the two answers of each vote; about other pairs nothing is asked."""
    n = prompts.n
    at = found.at.transpose(2, 0, 1, 3)[part.of, part.slot][:, None]
    both = np.concatenate([at, found.above.transpose(3, 0, 1, 2, 4)[part.of, part.slot]], axis=1)
    value = _without(both, own).sum(axis=(2, 3))
    share = np.take_along_axis(value[:, 1:] / value[:, :1], _columns(part, n)[part.of], axis=1)
    chosen, every = prompts.chosen[part.judgements][:, None], np.arange(n)
    other = np.broadcast_to(every, share.shape) != chosen
    row = np.broadcast_to(part.judgements[:, None], share.shape)[other]
    by_others[row, pair_numbers(n)[chosen, every][other]] = np.where(chosen < every, share, 1 - share)[other]
