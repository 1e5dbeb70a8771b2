"""Objectives: how a preference loss is protected against wrong votes. Pure functions, one value per pair.

An objective sees only the two losses, the margin and the confidence in the vote. Only ``batch_mean`` reduces over pairs;
nothing keeps state, and everything is differentiable with respect to the losses. Of bare margins: ``Losses.of_margins``.
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


def weighted(losses: Losses, weight: Tensor, trust: Tensor | float = 1.0) -> Tensor:
    """(B,) w forward + (1 - w) reverse: the expected loss, given how likely each answer is truly better.

    Its gradient is divided by the mean ``trust``, abs(2 eta - 1) over the votes of a run: at margins of 0 a step is as large
    as that of the plain loss, and rows of the first steps, when little is known of annotators, count as much as later ones.
    The value is not divided, so that it can be compared with that of other steps.
    """
    loss = weight * losses.forward + (1 - weight) * losses.reverse
    if isinstance(trust, float) and trust == 1:
        return loss
    return loss + (1 / trust - 1) * (loss - loss.detach())


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

    A likelihood that the loss keeps apart teaches the answer that w believes, in proportion to (2 w - 1)^2: an answer that
    is as likely to be the worse one teaches nothing. A heuristic; it is the loss's own term where w is 0 or 1.

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
    moved = -push * losses.margin
    if losses.likelihood is not None:
        chosen, rejected = losses.likelihood
        sure = (2 * weight - 1) ** 2
        moved = moved + sure * torch.where(weight > 0.5, chosen, rejected)
    return losses.forward.detach() + (moved - moved.detach())


def ropo(losses: Losses, *, alpha: float) -> Tensor:
    """(B,) 4 a / (1 + a)^2 (forward + a sigmoid(-s)), whose gradient never exceeds 1 for a >= 1 [ROPO].

    With q = sigmoid(-s) the gradient's size is 4 a q (1 + a (1 - q)) / (1 + a)^2. It is largest, 1, at q = (1 + a) / (2 a),
    and falls to 4 a / (1 + a)^2 where the margin contradicts the vote.
    """
    return 4 * alpha / (1 + alpha) ** 2 * (losses.forward + alpha * torch.sigmoid(-losses.margin))


def drdpo(losses: Losses, share: Tensor | None, *, beta: float) -> Tensor:
    """(B,) -b log(share exp(-forward / b) + (1 - share) exp(-reverse / b)), the votes of a pair in ``batch_mean`` [Dr. DPO].

    Args:
        losses: both directions and the margins of B pairs.
        share: (B,) share of the pair's votes for the chosen answer; None for all, which gives ``forward`` itself.
        beta: b, above 0.
    """
    if share is None:
        return losses.forward
    here, there = share.log() - losses.forward / beta, torch.log1p(-share) - losses.reverse / beta
    return -beta * torch.logaddexp(here, there)


def batch_mean(loss: Tensor, counted: Tensor | None = None, *, drdpo_beta: float | None = None) -> Tensor:
    """The mean over a batch, a scalar; with ``drdpo_beta`` b the soft minimum -b log mean exp(-loss / b) [Dr. DPO].

    The gradient of the soft minimum gives a pair the share exp(-loss / b) of the batch: pairs that fit badly count for
    little. For large b it is the plain mean.

    Args:
        loss: (B,) losses.
        counted: (B,) by which each row is multiplied; rows with 0 do not count. None for 1 each.
        drdpo_beta: b, above 0; None for the plain mean.
    """
    if drdpo_beta is None:
        return loss.mean() if counted is None else (counted * loss).sum() / (counted > 0).sum().clamp(min=1)
    counted = torch.ones_like(loss) if counted is None else counted
    kept = counted > 0
    if not bool(kept.any()):
        return (counted * loss).sum()
    loss, counted = loss[kept], counted[kept]
    total = counted.sum()
    least = -drdpo_beta * (torch.logsumexp(counted.log() - loss / drdpo_beta, 0) - total.log())
    return least * total / len(loss)  # as the plain mean: weights of rows are shares of a vote


OBJECTIVES = ("plain", "smoothed", "gibbs", "weighted", "rdpo", "holder", "ropo", "drdpo", "score")
CONFIDENCE_OBJECTIVES = ("gibbs", "weighted", "score")
"""Objectives that use the confidence in each vote; the others treat all votes alike."""
NOISE_OBJECTIVES = ("smoothed", "rdpo")
"""Objectives that assume a share of wrong votes."""
DPO_OBJECTIVES = ("rdpo", "holder", "ropo")
"""Objectives that are defined on DPO's margin only."""

ROPO_ALPHA, DRDPO_BETA = 14.0, 1.0
"""Defaults: the value that ROPO's authors train with, and that of the code of Dr. DPO's authors."""


def apply_objective(
    name: str,
    losses: Losses,
    *,
    weight: Tensor,
    share: Tensor | None,
    noise: float,
    holder_gamma: float,
    trust: Tensor | float = 1.0,
    inputs: ScoreInputs | None = None,
    ropo_alpha: float = ROPO_ALPHA,
    drdpo_beta: float = DRDPO_BETA,
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
        trust: by which the gradient of ``weighted`` is divided.
        inputs: what ``score`` needs.
        ropo_alpha: weight of the bounded part of ``ropo``.
        drdpo_beta: softness of ``drdpo``, which ``batch_mean`` must be given, too.
    """
    if name == "score":
        if inputs is None:
            raise TypeError("score needs its inputs")
        return score(losses, *inputs)
    if name == "weighted":
        return weighted(losses, weight, trust)
    if name == "gibbs":
        return gibbs(losses, weight)
    if name == "drdpo":
        return drdpo(losses, share, beta=drdpo_beta)
    of_vote: Callable[[Losses], Tensor] = {
        "plain": partial(plain),
        "smoothed": partial(smoothed, noise=noise),
        "rdpo": partial(rdpo, noise=noise),
        "holder": partial(holder, gamma=holder_gamma),
        "ropo": partial(ropo, alpha=ropo_alpha),
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
