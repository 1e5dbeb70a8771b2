"""Objectives: how a preference loss is protected against wrong votes. Pure functions, one value per pair.

An objective sees only the two losses, the margin and the confidence in the vote. Nothing here reduces over pairs or keeps
state; everything is differentiable with respect to the losses.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from votewise.train.losses import Losses, ScoredAnswers
from votewise.train.score_inputs import ScoreInputs


def plain(losses: Losses) -> Tensor:
    """(B,) the loss itself: every vote is trusted."""
    return losses.forward


def smoothed(losses: Losses, *, noise: float) -> Tensor:
    """(B,) (1 - eps) forward + eps reverse: label smoothing for a known share of wrong votes [rDPO eq. 8, cDPO]."""
    return (1 - noise) * losses.forward + noise * losses.reverse


def gibbs(losses: Losses, weight: Tensor) -> Tensor:
    """(B,) -(w log sigmoid(s) + (1 - w) log sigmoid(-s)): cross-entropy of the margin with the confidence [RE-PO eq. 5].

    Written in this form because w = 1 then gives the gradients of TRL's DPO to the last bit.
    """
    return -(weight * logsigmoid(losses.margin) + (1 - weight) * logsigmoid(-losses.margin))


def weighted(losses: Losses, weight: Tensor) -> Tensor:
    """(B,) w forward + (1 - w) reverse: the expected loss, given how likely each answer is truly better."""
    return weight * losses.forward + (1 - weight) * losses.reverse


def rdpo(losses: Losses, *, noise: float) -> Tensor:
    """(B,) ((1 - eps) forward - eps reverse) / (1 - 2 eps): unbiased under a known share of wrong votes [rDPO eq. 9]."""
    return ((1 - noise) * losses.forward - noise * losses.reverse) / (1 - 2 * noise)


def holder(losses: Losses, *, gamma: float) -> Tensor:
    """(B,) -(1 + g) sigmoid(s)^g + g sigmoid(s)^(1 + g), whose gradient vanishes for s -> -infinity [Holder]."""
    log_p = logsigmoid(losses.margin)
    return -(1 + gamma) * torch.exp(gamma * log_p) + gamma * torch.exp((1 + gamma) * log_p)


def score(
    losses: Losses, evidence: Tensor, temperature: Tensor | float, trust: Tensor | float, tilt: Tensor | float = 0.0
) -> Tensor:
    """(B,) the score of the likelihood of a pair's votes, at a temperature, per unit of trust.

    With e the log-odds that votes give, t the temperature and s the margin, the votes have the likelihood

        P = sigma(e) sigma(t s) + sigma(-e) sigma(-t s),        for one vote 1/2 + rho (sigma(t s) - 1/2), rho = 2 eta - 1

    and the gradient with respect to the margin is d log P / d s = t (w - sigma(t s)), w = sigma(e + t s). It never pushes
    against a vote that is right more often than wrong. It is divided by t, so that the temperature decides where the loss
    saturates and not how large a step is, and by the mean trust, so that a change of beliefs during a run does not make
    early rows count less than late ones. What is returned has this gradient and the value of the plain loss.

    Args:
        losses: both directions and the margins s of B pairs.
        evidence: (B,) log-odds of the votes that the chosen answer is better.
        temperature: t, above 0.
        trust: mean of abs(2 sigma(evidence) - 1) over the votes of the run, above 0.
        tilt: exponent d of the factor (2 sigma(o t s))^d with o the side that w believes: rows that are decided count for
            more. A heuristic, not a likelihood; 0 for none.
    """
    with torch.no_grad():
        tempered = temperature * losses.margin
        weight = torch.sigmoid(tempered + evidence)
        push = (weight - torch.sigmoid(tempered)) / trust
        believed = torch.where(weight > 0.5, tempered, -tempered)
        push = push * (2 * torch.sigmoid(believed)) ** tilt
    return losses.forward.detach() - push * (losses.margin - losses.margin.detach())


OBJECTIVES = ("plain", "smoothed", "gibbs", "weighted", "rdpo", "holder", "score")
CONFIDENCE_OBJECTIVES = ("gibbs", "weighted", "score")
"""Objectives that use the confidence in each vote; the others treat all votes alike."""
NOISE_OBJECTIVES = ("smoothed", "rdpo")
"""Objectives that assume a share of wrong votes."""


def apply_objective(
    name: str,
    losses: Losses,
    *,
    weight: Tensor,
    share: Tensor | None,
    noise: float,
    holder_gamma: float,
    inputs: ScoreInputs | None = None,
) -> Tensor:
    """(B,) the objective of this name.

    Args:
        name: one of ``OBJECTIVES``.
        losses: both directions and the margins of B pairs.
        weight: (B,) probability that the chosen answer is truly better; used by ``CONFIDENCE_OBJECTIVES``.
        share: (B,) share of the pair's votes for the chosen answer; the other objectives use it to count every vote.
            None where all votes are for the chosen answer.
        noise: assumed share of wrong votes, for ``smoothed`` and ``rdpo``.
        holder_gamma: exponent of ``holder``.
        inputs: what ``score`` needs.
    """
    if name == "score":
        if inputs is None:
            raise TypeError("score needs its inputs")
        return score(losses, *inputs)
    if name in CONFIDENCE_OBJECTIVES:
        return {"gibbs": gibbs, "weighted": weighted}[name](losses, weight)
    of_vote: Callable[[Losses], Tensor] = {
        "plain": partial(plain),
        "smoothed": partial(smoothed, noise=noise),
        "rdpo": partial(rdpo, noise=noise),
        "holder": partial(holder, gamma=holder_gamma),
    }[name]
    here = of_vote(losses)
    if share is None:
        return here
    return share * here + (1 - share) * of_vote(losses.swapped())


def better_answers(name: str, losses: Losses, *, weight: Tensor, share: Tensor | None) -> Tensor:
    """(B,) how far an objective takes each chosen answer for the better one; arguments as for ``apply_objective``."""
    if name in CONFIDENCE_OBJECTIVES:
        return weight
    return torch.ones_like(losses.margin) if share is None else share


def likelihood_loss(
    chosen: ScoredAnswers, rejected: ScoredAnswers, better: Tensor, counted: Tensor | None = None
) -> Tensor:
    """Negative log-likelihood per token of the answers that are probably better, a scalar [RPO eq. 3, as TRL's ``sft``].

    The mean is over all tokens of the batch, as in TRL: a long answer counts for more than a short one.

    Args:
        chosen: the chosen answers of B pairs.
        rejected: their rejected answers.
        better: (B,) weight of each chosen answer; its rejected one has the rest.
        counted: (B,) by which each row is multiplied; rows with 0 do not count. None for 1 each.
    """
    total = better * chosen.logp + (1 - better) * rejected.logp
    tokens = better * chosen.length + (1 - better) * rejected.length
    if counted is not None:
        total, tokens = counted * total, (counted > 0) * tokens
    return -total.sum() / tokens.sum().clamp(min=1)
