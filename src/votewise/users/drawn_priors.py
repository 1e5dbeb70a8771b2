"""How uncertain a free prior is: the posteriors of users under priors fitted to reweighted users.

A prior without parameters has no standard errors. Its uncertainty shows when the users are weighted at random, as in the
Bayesian bootstrap [Rubin 1981], and the prior is fitted again. The fitted prior gathers at a few nodes, and gathers there
more the fewer users there are; so in these fits more users than usual are spread uniformly, in proportion to the root of
the number of users.
"""

from __future__ import annotations

import numpy as np

from votewise.arrays import Floats
from votewise.users.fit import UsersFit

DRAWS, STEPS = 20, 60
"""Priors drawn, and EM steps from the fitted prior to each of them. More of both change coverage by less than 0.01."""

ANCHOR_SHARE = 0.15
"""Users spread uniformly, over the root of the number of users."""

FLAT = 0.01
"""Share of the uniform distribution in what EM starts from: a node without mass would never get any."""

MOST_CELLS = 10_000
"""Cells of users beyond which the prior is as good as known, and is not drawn."""


def drawn_posterior(fit: UsersFit) -> Floats:
    """(C, S) posterior of each cell over the nodes of a free prior, averaged over draws of the prior.

    The draws have a fixed seed and do not depend on the order of the cells.
    """
    _, fitted = fit.posterior()
    if len(fitted) > MOST_CELLS:
        return fitted
    model, nodes = fit.model, fit.nodes
    likelihood = model.likelihoods.at(nodes, fit.win_rates)[0]
    uniform = np.exp(model.grid.log_mass(None))[:, None]
    total = float(model.users.sum())
    anchor = max(float(model.anchor.sum()), ANCHOR_SHARE * np.sqrt(total)) * uniform
    weight = np.empty((len(fitted), DRAWS))
    # Cells in an order of their own: by what is believed of their users.
    order = np.lexsort([model.users, np.round(fitted @ nodes**2, 9), np.round(fitted @ nodes, 9)])
    weight[order] = np.random.default_rng(0).gamma(np.repeat(model.users[order, None], DRAWS, axis=1))
    weight *= total / weight.sum(axis=0)
    mass = (1 - FLAT) * np.exp(fit.log_mass)[:, None] + FLAT * uniform
    for _ in range(STEPS):
        mass = mass * (likelihood.T @ (weight / (likelihood @ mass))) + anchor
        mass /= mass.sum(axis=0)
    posterior = likelihood * ((1 / (likelihood @ mass)) @ mass.T)
    return np.asarray(posterior / DRAWS)
