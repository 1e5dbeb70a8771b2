"""Preference losses and what noise makes of them: pure functions of log-probabilities, one value per pair.

A loss L(w > l) is a function of two ``ScoredAnswers``, the preferred ones and the others. Swapping its arguments gives the
reverse loss, and the two together the margin, the log-odds that the first answer is truly better [RE-PO eq. 2]:

    s = L(l > w) - L(w > l)

What noise makes of them is an objective: it sees only the two losses, the margin and how far the vote can be believed.
Nothing here reduces over pairs or keeps state; everything is differentiable with respect to the log-probabilities.
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
    """One answer to each of B prompts, as the policy and the reference model score them.

    Attributes:
        logp: (B,) log-probability of the answer under the policy, summed over its tokens.
        reference: (B,) the same under the reference model; zeros for losses without one.
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


PairLoss = Callable[[ScoredAnswers, ScoredAnswers], Tensor]
"""L(w > l): (preferred, others) -> (B,). A user's own loss is one of these."""


def dpo(preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float) -> Tensor:
    """-log sigmoid(beta (gain_w - gain_l)) [DPO eq. 7]."""
    return -logsigmoid(beta * (preferred.gain - others.gain))


def ipo(preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float) -> Tensor:
    """(h - 1 / (2 beta))^2, h the difference of gains per token [IPO eq. 17], averaged over tokens as TRL does."""
    return (_gap_per_token(preferred, others) - 1 / (2 * beta)) ** 2


def _gap_per_token(preferred: ScoredAnswers, others: ScoredAnswers) -> Tensor:
    return preferred.gain / preferred.length - others.gain / others.length


def simpo(preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float, gamma: float) -> Tensor:
    """-log sigmoid(beta (mean log pi(w) - mean log pi(l)) - gamma), without a reference [SimPO eq. 6]."""
    return -logsigmoid(beta * (preferred.mean_logp - others.mean_logp) - gamma)


def cpo(
    preferred: ScoredAnswers, others: ScoredAnswers, *, beta: float, alpha: float, per_token: bool = True
) -> Tensor:
    """-log sigmoid(beta (log pi(w) - log pi(l))) - alpha log pi(w), without a reference [CPO eq. 5].

    The likelihood of the preferred answer counts per token, as in TRL; summed over tokens (``per_token=False``), as in
    the paper, long answers saturate the margin at once.
    """
    likelihood = preferred.mean_logp if per_token else preferred.logp
    return -logsigmoid(beta * (preferred.logp - others.logp)) - alpha * likelihood


def margin(loss: PairLoss, chosen: ScoredAnswers, rejected: ScoredAnswers) -> Tensor:
    """(B,) log-odds that ``chosen`` is truly better: reverse loss minus forward loss [RE-PO eq. 2]."""
    return loss(rejected, chosen) - loss(chosen, rejected)


def dpo_margin(chosen: ScoredAnswers, rejected: ScoredAnswers, *, beta: float) -> Tensor:
    """(B,) beta (gain_chosen - gain_rejected): what ``margin`` gives for ``dpo``, to the last bit and everywhere."""
    return beta * (chosen.gain - rejected.gain)


def ipo_margin(chosen: ScoredAnswers, rejected: ScoredAnswers, *, beta: float) -> Tensor:
    """(B,) 2 h / beta: what ``margin`` gives for ``ipo``, but for the digits that two squares of 1 / (2 beta) swallow."""
    return 2 * _gap_per_token(chosen, rejected) / beta


@dataclass(frozen=True)
class PreferenceLoss:
    """A loss with what a trainer needs to know of it.

    Attributes:
        name: for messages and logs.
        loss: L(w > l).
        reference: whether it needs a reference model.
        squared: whether it is a squared error, which says nothing of the size of the noise (``weighted`` in
            ``trainer`` then fits a variance, see docs/losses/ipo.md).
        closed_margin: the margin in closed form, where there is a better one than the difference of two losses.
    """

    name: str
    loss: PairLoss
    reference: bool = True
    squared: bool = False
    closed_margin: PairLoss | None = None

    def __call__(self, chosen: ScoredAnswers, rejected: ScoredAnswers) -> Losses:
        """Both directions and the margin."""
        forward, reverse = self.loss(chosen, rejected), self.loss(rejected, chosen)
        s = self.closed_margin(chosen, rejected) if self.closed_margin else reverse - forward
        return Losses(forward, reverse, s)


class Losses(NamedTuple):
    """What an objective sees of B pairs: ``forward`` L(chosen > rejected), ``reverse`` L(rejected > chosen), ``margin``."""

    forward: Tensor
    reverse: Tensor
    margin: Tensor

    def swapped(self) -> Losses:
        """The same pairs with the two answers exchanged."""
        return Losses(self.reverse, self.forward, -self.margin)


def make_loss(name: str, *, beta: float, simpo_gamma: float, cpo_alpha: float, cpo_per_token: bool) -> PreferenceLoss:
    """One of the four losses with its parameters; KeyError for a name that is none of ``LOSSES``."""
    return {
        "dpo": PreferenceLoss("dpo", partial(dpo, beta=beta), closed_margin=partial(dpo_margin, beta=beta)),
        "ipo": PreferenceLoss(
            "ipo", partial(ipo, beta=beta), squared=True, closed_margin=partial(ipo_margin, beta=beta)
        ),
        "simpo": PreferenceLoss("simpo", partial(simpo, beta=beta, gamma=simpo_gamma), reference=False),
        "cpo": PreferenceLoss(
            "cpo", partial(cpo, beta=beta, alpha=cpo_alpha, per_token=cpo_per_token), reference=False
        ),
    }[name]


LOSSES = ("dpo", "ipo", "simpo", "cpo")


def plain(losses: Losses) -> Tensor:
    """(B,) the loss itself: every vote is believed."""
    return losses.forward


def smoothed(losses: Losses, *, noise: float) -> Tensor:
    """(B,) (1 - eps) forward + eps reverse: label smoothing with a known share of wrong votes [rDPO eq. 8, cDPO]."""
    return (1 - noise) * losses.forward + noise * losses.reverse


def gibbs(losses: Losses, weight: Tensor) -> Tensor:
    """(B,) -(w log sigmoid(s) + (1 - w) log sigmoid(-s)): cross-entropy of the margin with the confidence [RE-PO eq. 5].

    Written out, for then w = 1 gives the gradients of TRL's DPO to the last bit.
    """
    return -(weight * logsigmoid(losses.margin) + (1 - weight) * logsigmoid(-losses.margin))


def weighted(losses: Losses, weight: Tensor) -> Tensor:
    """(B,) w forward + (1 - w) reverse: the loss itself, expected over which answer is truly better."""
    return weight * losses.forward + (1 - weight) * losses.reverse


def rdpo(losses: Losses, *, noise: float) -> Tensor:
    """(B,) ((1 - eps) forward - eps reverse) / (1 - 2 eps): unbiased under a known share of wrong votes [rDPO eq. 9]."""
    return ((1 - noise) * losses.forward - noise * losses.reverse) / (1 - 2 * noise)


def holder(losses: Losses, *, gamma: float) -> Tensor:
    """(B,) -(1 + g) sigmoid(s)^g + g sigmoid(s)^(1 + g), whose gradient vanishes for s -> -infinity [Holder]."""
    log_p = logsigmoid(losses.margin)
    return -(1 + gamma) * torch.exp(gamma * log_p) + gamma * torch.exp((1 + gamma) * log_p)


OBJECTIVES = ("plain", "smoothed", "gibbs", "weighted", "rdpo", "holder")
BELIEVING = ("gibbs", "weighted")
"""Objectives that use a confidence per vote; the others treat all votes alike."""


def apply_objective(
    name: str, losses: Losses, *, weight: Tensor, share: Tensor | None, noise: float, holder_gamma: float
) -> Tensor:
    """(B,) an objective by its name.

    Args:
        name: one of ``OBJECTIVES``.
        losses: both directions and the margins of B pairs.
        weight: (B,) probability that the chosen answer is truly better, for ``BELIEVING``.
        share: (B,) share of the pair's votes that went to the chosen answer, for the others: each counts as it fell;
            None where all did.
        noise: assumed share of wrong votes, for ``smoothed`` and ``rdpo``.
        holder_gamma: exponent of ``holder``.
    """
    if name in BELIEVING:
        return {"gibbs": gibbs, "weighted": weighted}[name](losses, weight)
    blind: Callable[[Losses], Tensor] = {
        "plain": partial(plain),
        "smoothed": partial(smoothed, noise=noise),
        "rdpo": partial(rdpo, noise=noise),
        "holder": partial(holder, gamma=holder_gamma),
    }[name]
    here = blind(losses)
    if share is None:
        return here
    return share * here + (1 - share) * blind(losses.swapped())
