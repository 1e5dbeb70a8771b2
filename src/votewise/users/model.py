"""What EM fits to cells of equal users: a family of priors, and the win rates that the data may move.

The parameters are one unconstrained vector z: the family's own, then one per win rate that the data may move. The three
steps of EM are functions of the model and of z: ``e_step``, ``m_step`` and ``bound``. While the nodes and the win rates
stay the same, so does the likelihood of cells by nodes, and an EM step is two products with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from votewise.arrays import Floats
from votewise.data.clicks import Clicks, Counts
from votewise.inference.priors import Grid
from votewise.users.families import Family, TwoPoint
from votewise.users.families.family import Expected, root
from votewise.users.known_win_rates import WinRates

GRID_SIZE = 160

ANCHOR_USERS = 1.0
"""A prior over the grid is held as if by this many users spread uniformly: one user's clicks alone make no prior."""

EDGE = 1e-6
"""Distance of a win rate from the ends of its range, as a share of the range: its log-odds must be finite."""


class Likelihoods:
    """The likelihood of cells by nodes; the last one is kept, because EM asks for it again."""

    def __init__(self, data: Counts | Clicks) -> None:
        self._data = data
        self._last: dict[bytes, tuple[Floats, Floats]] = {}

    def at(self, nodes: Floats, mu: Floats) -> tuple[Floats, Floats]:
        """(C, S) likelihood of each cell at each node, divided by the largest of the row, and (C,) log of that."""
        key = nodes.tobytes() + mu.tobytes()
        if key not in self._last:
            log_likelihood = self._data.log_likelihood(nodes, mu - 0.5)
            top = log_likelihood.max(axis=1)
            self._last.clear()
            self._last[key] = np.exp(log_likelihood - top[:, None]), top
        return self._last[key]


@dataclass(frozen=True, eq=False)
class UsersModel:
    """Cells of users, a family of priors, and win rates.

    Attributes:
        data: the users' clicks, C cells.
        users: (C,) users in each cell.
        family: the family of priors.
        rates: the win rates, given or to be fitted.
        grid: nodes for families that have none of their own.
        anchor: (S,) users that hold the prior in place, at each node.
        likelihoods: the likelihood of the cells.
    """

    data: Counts | Clicks
    users: Floats
    family: Family
    rates: WinRates
    grid: Grid
    anchor: Floats
    likelihoods: Likelihoods

    @classmethod
    def of(cls, data: Counts | Clicks, family: Family, rates: WinRates) -> UsersModel:
        """The model of these clicks."""
        grid = Grid.of_size(GRID_SIZE)
        uniform = ANCHOR_USERS * np.exp(grid.log_mass(None))
        anchor = np.zeros(2) if isinstance(family, TwoPoint) else uniform
        return cls(data, np.asarray(data.users, np.float64), family, rates, grid, anchor, Likelihoods(data))

    def split(self, z: Floats) -> tuple[Floats, Floats]:
        """The family's part of ``z``, and that of the win rates."""
        free = int(self.rates.fitted.sum())
        return (z[:-free], z[-free:]) if free else (z, z[:0])

    def nodes(self, z: Floats) -> Floats:
        """(S,) attentiveness at the nodes of the prior."""
        return self.family.nodes(self.split(z)[0], self.grid)

    def log_mass(self, z: Floats) -> Floats:
        """(S,) log mass of the prior at its nodes."""
        return self.family.log_mass(self.split(z)[0], self.grid)

    def win_rates(self, z: Floats) -> Floats:
        """(D,) win rates."""
        rates = self.rates
        value = rates.value.astype(np.float64).copy()
        inside = expit(self.split(z)[1])
        value[rates.fitted] = rates.low[rates.fitted] + (rates.high - rates.low)[rates.fitted] * inside
        return value

    def start_rates(self) -> Floats:
        """The part of z that describes the win rates, at the values to start from."""
        rates, free = self.rates, self.rates.fitted
        share = (rates.value - rates.low)[free] / (rates.high - rates.low)[free]
        return np.asarray(logit(np.clip(share, EDGE, 1 - EDGE)), np.float64)

    def project(self, z: Floats) -> Floats:
        """An extrapolated ``z``, brought back to where the model is defined."""
        x, rest = self.split(z)
        return np.append(self.family.project(x), rest)


@dataclass(frozen=True, eq=False)
class Expectations:
    """What the E-step finds at z.

    Attributes:
        nodes, mass: (S,) the prior there.
        mu: (D,) the win rates there.
        likelihood, top: (C, S) and (C,), as ``Likelihoods.at`` gives them.
        marginal: (C,) likelihood of a user of each cell, over ``top``, with the attentiveness summed out.
        per_user: (C,) users of each cell over ``marginal``.
    """

    nodes: Floats
    mass: Floats
    mu: Floats
    likelihood: Floats
    top: Floats
    marginal: Floats
    per_user: Floats

    def at_nodes(self, weight: Floats) -> Floats:
        """(S,) sum over cells of ``weight`` (C,) times the posterior probability of each node, given ``per_user``."""
        return np.asarray(self.mass * np.einsum("cs,c->s", self.likelihood, weight))


def e_step(model: UsersModel, z: Floats) -> Expectations:
    """The posterior of every cell over the nodes, at ``z``."""
    mu, nodes, mass = model.win_rates(z), model.nodes(z), np.exp(model.log_mass(z))
    likelihood, top = model.likelihoods.at(nodes, mu)
    # Not with @: on a busy machine the threads of a BLAS wait for one another ten times as long as the product takes.
    marginal = np.einsum("cs,s->c", likelihood, mass)
    return Expectations(nodes, mass, mu, likelihood, top, marginal, model.users / marginal)


def m_step(model: UsersModel, z: Floats, found: Expectations) -> Floats:
    """The next z: the family fitted to the users expected at each node, and the win rates to their clicks."""
    expected = Expected(
        found.at_nodes(found.per_user) + model.anchor,
        lambda s, rho: model.data.score(rho, found.per_user * found.likelihood[:, s] * found.mass[s], found.mu - 0.5),
    )
    x = model.family.fit(model.split(z)[0], expected, model.grid)
    # At the nodes where the family has moved to: both at once from the old ones could make the objective fall, because
    # clicks depend on the product of attentiveness and win rate.
    return np.append(x, _next_rates(model, found, model.family.nodes(x, model.grid)))


def bound(model: UsersModel, z: Floats, found: Expectations) -> float:
    """The log-posterior at ``z``, which EM's lower bound touches after the E-step there; it never falls."""
    objective = float((model.users * (np.log(found.marginal) + found.top)).sum()) + _log_prior(model, found.mu)
    if model.anchor.any():
        # Of the anchor's users nothing is known except that they lie somewhere.
        objective += float(model.anchor @ model.log_mass(z))
    return objective


def em_step(model: UsersModel, z: Floats) -> tuple[Floats, float]:
    """One E-step and M-step, and the bound at ``z``: what ``run_em`` iterates."""
    found = e_step(model, z)
    return m_step(model, z, found), bound(model, z, found)


def _log_prior(model: UsersModel, mu: Floats) -> float:
    """Log-density of the win rates that the data may move, under what is known of them."""
    free, rates = model.rates.fitted, model.rates
    return float((rates.a[free] * np.log(mu[free]) + rates.b[free] * np.log1p(-mu[free])).sum())


def _next_rates(model: UsersModel, found: Expectations, nodes: Floats) -> Floats:
    """M-step of the win rates: the objective is concave in each [UAA app. D.3, with mu where eta is printed]."""
    if not isinstance(model.data, Counts):  # single clicks have no win rates
        return np.zeros(0)
    rates, new = model.rates, []
    users = found.per_user * model.data.worth
    for d in np.flatnonzero(rates.fitted):
        wins = found.at_nodes(users * model.data.wins[:, d])
        losses = found.at_nodes(users * (model.data.comparisons - model.data.wins)[:, d])
        a, b, low, high = (float(v[d]) for v in (rates.a, rates.b, rates.low, rates.high))

        def slope(m: float, wins: Floats = wins, losses: Floats = losses, a: float = a, b: float = b) -> float:
            lean = nodes * (m - 0.5)
            clicks = nodes * (wins / (0.5 + lean) - losses / np.maximum(0.5 - lean, 1e-12))
            return float(clicks.sum() + (a / m if a else 0.0) - (b / (1 - m) if b else 0.0))

        best = root(slope, low + 1e-9, high - 1e-9)
        new.append(logit(np.clip((best - low) / (high - low), EDGE, 1 - EDGE)))
    return np.array(new, np.float64)
