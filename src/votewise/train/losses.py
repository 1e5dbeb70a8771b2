"""Preference losses: pure functions of log-probabilities, one value per pair.

A loss L(w > l) is a function of two ``ScoredAnswers``, the preferred ones and the others. Swapping its arguments gives the
reverse loss, and the two together give the margin, the log-odds that the first answer is truly better [RE-PO eq. 2]:

    s = L(l > w) - L(w > l)

Nothing here reduces over pairs or keeps state; everything is differentiable with respect to the log-probabilities. How a
loss is protected against wrong votes: ``objectives``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


class ScoredAnswers(NamedTuple):
    """One answer to each of B prompts, scored by the policy and by the reference model.

    Attributes:
        logp: (B,) log-probability of the answer under the policy, summed over its tokens.
        reference: (B,) the same under the reference model; zeros for losses that need none.
        length: (B,) scored tokens, at least 1.
    """

    logp: Tensor
    reference: Tensor
    length: Tensor

    @property
    def gain(self) -> Tensor:
        """(B,) log-ratio of policy to reference."""
        return self.logp - self.reference

    @property
    def mean_logp(self) -> Tensor:
        """(B,) log-probability per token."""
        return self.logp / self.length


TINY = 1e-30
"""A loss below this counts as this, so that its logarithm is finite."""

PairLoss = Callable[[ScoredAnswers, ScoredAnswers], Tensor]
"""L(w > l): (preferred, others) -> (B,). A custom loss has this type."""


def dpo(preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float) -> Tensor:
    """-log sigmoid(beta (gain_w - gain_l)) [DPO eq. 7]."""
    return -logsigmoid(beta * (preferred.gain - others.gain))


def dpo_norm(preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float) -> Tensor:
    """-log sigmoid(beta h), h the difference of gains per token: length-normalised DPO [Tulu 3 eq. 6]; TRL: sigmoid_norm."""
    return -logsigmoid(beta * _gap_per_token(preferred, others))


def ipo(preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float) -> Tensor:
    """(h - 1 / (2 beta))^2, h the difference of gains per token [IPO eq. 17], averaged over tokens as TRL does."""
    return (_gap_per_token(preferred, others) - 1 / (2 * beta)) ** 2


def _gap_per_token(preferred: ScoredAnswers, others: ScoredAnswers) -> Tensor:
    return preferred.gain / preferred.length - others.gain / others.length


def simpo(preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float, gamma: float) -> Tensor:
    """-log sigmoid(beta (mean log pi(w) - mean log pi(l)) - gamma), without a reference model [SimPO eq. 6]."""
    return -logsigmoid(beta * (preferred.mean_logp - others.mean_logp) - gamma)


def cpo(
    preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float, alpha: float, per_token: bool = True
) -> Tensor:
    """-log sigmoid(beta (log pi(w) - log pi(l))) - alpha log pi(w), without a reference model [CPO eq. 5].

    The log-likelihood of the preferred answer is averaged over its tokens, as in TRL. With the sum (``per_token=False``),
    as in the paper, long answers saturate the margin at once.
    """
    ranking = -logsigmoid(cpo_ranking(preferred, others, beta=beta))
    return ranking + cpo_likelihood(preferred, alpha=alpha, per_token=per_token)


def cpo_ranking(preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float) -> Tensor:
    """(B,) beta (log pi(w) - log pi(l)): the margin of CPO's ranking alone."""
    return beta * (preferred.logp - others.logp)


def cpo_likelihood(preferred: ScoredAnswers, *, alpha: float, per_token: bool = True) -> Tensor:
    """(B,) -alpha log pi(w), per token or as a sum: what CPO adds to its ranking."""
    return -alpha * (preferred.mean_logp if per_token else preferred.logp)


def margin(loss: PairLoss, chosen: ScoredAnswers, rejected: ScoredAnswers) -> Tensor:
    """(B,) log-odds that ``chosen`` is truly better: reverse loss minus forward loss [RE-PO eq. 2]."""
    return loss(rejected, chosen) - loss(chosen, rejected)


def balance(losses: Losses) -> Tensor:
    """(B,) the log-odds of w at which w forward + (1 - w) reverse stands still, for a loss -log sigmoid(u - gamma).

    That is log sigmoid(gamma + u) - log sigmoid(gamma - u): the margin for gamma = 0, and for a target margin gamma > 0
    smaller in size. A pair whose confidence is that of the margin would be moved further apart, whichever side it is on.
    """
    forward, reverse = (-torch.expm1(-x.detach()).clamp(max=-TINY) for x in (losses.forward, losses.reverse))
    return reverse.log() - forward.log()


def dpo_margin(chosen: ScoredAnswers, rejected: ScoredAnswers, *, beta: float) -> Tensor:
    """(B,) beta (gain_chosen - gain_rejected): the value of ``margin`` for ``dpo``, without its rounding error."""
    return beta * (chosen.gain - rejected.gain)


def dpo_norm_margin(chosen: ScoredAnswers, rejected: ScoredAnswers, *, beta: float) -> Tensor:
    """(B,) beta h: the value of ``margin`` for ``dpo_norm``, without its rounding error."""
    return beta * _gap_per_token(chosen, rejected)


def ipo_margin(chosen: ScoredAnswers, rejected: ScoredAnswers, *, beta: float) -> Tensor:
    """(B,) 2 h / beta: the value of ``margin`` for ``ipo``, without the rounding error of two large squares."""
    return 2 * _gap_per_token(chosen, rejected) / beta


@dataclass(frozen=True)
class PreferenceLoss:
    """A loss and what a trainer needs to know about it.

    Attributes:
        name: for messages and logs.
        loss: L(w > l).
        reference: whether it needs a reference model.
        squared: whether it is a squared error, which does not say how large the noise is; the objective ``weighted``
            then fits a variance, see docs/losses/ipo.md.
        closed_margin: the margin in closed form, where that is more exact than the difference of two losses.
        likelihood: what the loss adds to a ranking, as a function of the preferred answer, where the margin is that of the
            ranking alone; None where nothing is kept apart.
    """

    name: str
    loss: PairLoss
    reference: bool = True
    squared: bool = False
    closed_margin: PairLoss | None = None
    likelihood: Callable[[ScoredAnswers], Tensor] | None = None

    def __call__(self, chosen: ScoredAnswers, rejected: ScoredAnswers) -> Losses:
        """Both directions and the margin."""
        forward, reverse = self.loss(chosen, rejected), self.loss(rejected, chosen)
        s = self.closed_margin(chosen, rejected) if self.closed_margin else reverse - forward
        apart = None if self.likelihood is None else (self.likelihood(chosen), self.likelihood(rejected))
        return Losses(forward, reverse, s, apart)


RANKING = ("dpo", "dpo_norm", "ipo", "simpo")
"""Losses that depend on the difference of two answers alone."""


class Losses(NamedTuple):
    """Of B pairs: ``forward`` L(chosen > rejected), ``reverse`` L(rejected > chosen) and the ``margin``.

    ``likelihood``: the part of both that is kept apart from the margin, ``PreferenceLoss.likelihood``.
    """

    forward: Tensor
    reverse: Tensor
    margin: Tensor
    likelihood: tuple[Tensor, Tensor] | None = None

    @classmethod
    def of_margins(cls, margin: Tensor) -> Losses:
        """Bradley-Terry's losses at margins (B,), which are those of DPO: -log sigmoid(s) and -log sigmoid(-s)."""
        return cls(-logsigmoid(margin), -logsigmoid(-margin), margin)

    def swapped(self) -> Losses:
        """The same pairs with the two answers exchanged."""
        apart = None if self.likelihood is None else self.likelihood[::-1]
        return Losses(self.reverse, self.forward, -self.margin, apart)


def make_loss(
    name: str, *, beta: float, simpo_gamma: float, cpo_alpha: float, cpo_per_token: bool, apart: bool = False
) -> PreferenceLoss:
    """One of the losses with its parameters; KeyError for a name that is not in ``LOSSES``.

    ``apart``: whether cpo's margin is that of its ranking, and its likelihood is kept apart, as ``objectives.score`` needs.
    """
    likelihood = partial(cpo_likelihood, alpha=cpo_alpha, per_token=cpo_per_token)
    return {
        "dpo": PreferenceLoss("dpo", partial(dpo, beta=beta), closed_margin=partial(dpo_margin, beta=beta)),
        "dpo_norm": PreferenceLoss(
            "dpo_norm", partial(dpo_norm, beta=beta), closed_margin=partial(dpo_norm_margin, beta=beta)
        ),
        "ipo": PreferenceLoss(
            "ipo", partial(ipo, beta=beta), squared=True, closed_margin=partial(ipo_margin, beta=beta)
        ),
        "simpo": PreferenceLoss("simpo", partial(simpo, beta=beta, gamma=simpo_gamma), reference=False),
        "cpo": PreferenceLoss(
            "cpo",
            partial(cpo, beta=beta, alpha=cpo_alpha, per_token=cpo_per_token),
            reference=False,
            closed_margin=partial(cpo_ranking, beta=beta) if apart else None,
            likelihood=likelihood if apart else None,
        ),
    }[name]


LOSSES = ("dpo", "ipo", "simpo", "cpo", "dpo_norm")
