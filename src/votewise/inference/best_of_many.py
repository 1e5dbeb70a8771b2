"""How likely each of n answers is to be chosen as the best, for an annotator of a given reliability.

The ``KINDS`` of errors of ``votewise.inference.orders``, where all that is said is which answer comes first. Then all that
matters of the true order is the place of that answer, which is a closed form for any number of answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit, softmax

from votewise.arrays import Floats
from votewise.inference.orders import LEAST, OrderKind, hard_and_easy, nodes, qualities, roots, thetas


@dataclass(frozen=True, eq=False)
class ChoiceNoise:
    """One kind of error, for choices of the best of n answers.

    Attributes:
        probability: (n, Q, G) that the answer at each place of the true order is chosen, for each setting and reliability.
        log_weight: (Q,) log share of each setting among prompts.
    """

    probability: Floats
    log_weight: Floats

    @property
    def log_likelihood(self) -> Floats:
        """(n, Q, G) of a choice, by the place of the chosen answer."""
        return np.log(np.maximum(self.probability, LEAST))


@cache
def choice_noise(n: int, kind: OrderKind) -> ChoiceNoise:
    """How choices of the best of n answers go wrong in one of the ``KINDS``."""
    if kind == "whole":
        found, weight = _whole(n)[:, None], np.ones(1)
    elif kind == "alike":
        found, weight = _alike(n, np.ones(1), np.ones(1)), np.ones(1)
    elif kind == "half":
        found, weight = (_whole(n)[:, None] + _alike(n, np.ones(1), np.ones(1))) / 2, np.ones(1)
    elif kind == "prompts":
        factor, weight = hard_and_easy()
        found = _alike(n, factor, weight)
    else:
        found = _qualities(n)
        weight = np.full(found.shape[1], 1 / found.shape[1])
    return ChoiceNoise(found, np.log(weight))


def _whole(n: int) -> Floats:
    """(n, G) the best with probability 2 eta - 1 (below 1/2: the worst), else any."""
    eta = nodes()
    attentive = np.abs(2 * eta - 1)
    found = np.tile((1 - attentive) / n, (n, 1))
    found[0] += np.where(eta >= 0.5, attentive, 0.0)
    found[-1] += np.where(eta < 0.5, attentive, 0.0)
    return found


def _alike(n: int, factor: Floats, weight: Floats) -> Floats:
    """(n, Q, G) geometric in the place: choosing the answer at place c makes c - 1 comparisons wrong [Mallows].

    Args:
        n: how many answers.
        factor: (Q,) factors on theta.
        weight: (Q,) the share of prompts that have each.
    """
    theta = thetas()
    # The first of c answers is any of them as the first of all is, so wrong comparisons add up over c = 2 to n.
    wrong = np.zeros((len(theta), len(factor)))
    for c in range(2, n + 1):
        place = np.arange(c)
        wrong += np.einsum("c,tqc->tq", place, softmax(-theta[:, None, None] * factor[:, None] * place, axis=2))
    share = 1 - wrong @ weight / (n * (n - 1) / 2)
    found = np.interp(nodes(), share, theta)
    return np.asarray(softmax(-found * factor[:, None] * np.arange(n)[:, None, None], axis=0))


def _qualities(n: int) -> Floats:
    """(n, Q, G) proportional to exp(strength times quality) [Plackett-Luce]."""
    quality, root = qualities(n), roots()
    first, second = np.triu_indices(n, 1)
    gap = quality[:, first] - quality[:, second]
    share = [float(expit(x**3 * abs(x) * gap).mean()) for x in root]
    found = np.interp(nodes(), share, root)
    return np.asarray(softmax(found**3 * np.abs(found) * quality.T[:, :, None], axis=0))
