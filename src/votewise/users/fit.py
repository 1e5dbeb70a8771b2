"""EM for one family of attentiveness: prior and unknown win rates, from cells of equal users.

The parameters are one unconstrained vector: the family's own, then one per win rate that the data may move. While the nodes
and the win rates stand still, so does the likelihood of cells by nodes, and an EM step is two products with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from votewise.arrays import Floats
from votewise.data.clicks import Clicks, Counts
from votewise.inference.em import EMOptions, EMRun, run_em
from votewise.inference.priors import Grid
from votewise.users.families import Expected, Family, Nonparametric, TwoPoint, root
from votewise.users.known_win_rates import WinRates

GRID_SIZE = 160

ANCHOR_USERS = 1.0
"""A prior over the grid is held as if by this many users spread uniformly: one user makes no crowd of their own kind."""

LEAST_GAIN = 1e-4
"""Nats gained in a round of EM steps that are not worth another round."""

FIRST_STEPS = 30
"""EM steps that every start gets before the best one goes on alone."""

Progress = Callable[[str, int, float], None]
"""Called with (family, EM steps so far, movement of the last one)."""


@dataclass(frozen=True)
class FitOptions:
    """How EM is run; see ``estimate_attentiveness``."""

    tolerance: float = 1e-5
    max_iterations: int = 2000
    accelerate: bool = True
    progress: Progress | None = None


class UsersFit:
    """The maximum-likelihood fit of one family; everything about it follows from the vector ``z``."""

    def __init__(self, data: Counts | Clicks, family: Family, rates: WinRates, options: FitOptions) -> None:
        self.data, self.family, self.rates, self.options = data, family, rates, options
        self.grid = Grid.of_size(GRID_SIZE)
        self.users = np.asarray(data.users, np.float64)
        uniform = ANCHOR_USERS * np.exp(self.grid.log_mass(None))
        self._anchor = np.zeros(2) if isinstance(family, TwoPoint) else uniform
        self.steps = 0
        self._kept: tuple[bytes, Floats, Floats] | None = None
        self.run = self._run()
        self.z = self.run.x

    def _run(self) -> EMRun:
        """A few steps from every start, then the best of them to the end."""
        starts = [np.append(x, self._free_rates()) for x in self.family.starts(*self._moments(), self.grid)]
        if len(starts) > 1:
            first = [self._em(z, FIRST_STEPS) for z in starts]
            best = max(first, key=lambda run: run.history[-1])
            if best.converged:
                return best
            starts = [best.x]
        return self._em(starts[0], max(1, self.options.max_iterations))

    def _em(self, z: Floats, steps: int) -> EMRun:
        done, report = self.steps, self.options.progress
        run = run_em(
            self.step,
            z,
            EMOptions(
                tolerance=self.options.tolerance,
                max_iterations=steps,
                accelerate=self.options.accelerate,
                least_gain=LEAST_GAIN,
                on_iteration=None if report is None else lambda i, moved: report(self.family.name, done + i, moved),
            ),
            distance=self._distance,
            project=self._project,
        )
        self.steps += run.iterations
        return run

    def _project(self, z: Floats) -> Floats:
        x, rest = self.split(z)
        return np.append(self.family.project(x), rest)

    def _distance(self, z: Floats, other: Floats) -> float:
        """Largest movement; of masses rather than their logarithms where the prior is free."""
        if isinstance(self.family, Nonparametric):
            moved = np.abs(
                np.exp(self.family.log_mass(self.split(z)[0], self.grid))
                - np.exp(self.family.log_mass(self.split(other)[0], self.grid))
            )
            return float(np.append(moved, np.abs(self.mu(z) - self.mu(other))).max())
        return float(np.abs(z - other).max())

    def split(self, z: Floats) -> tuple[Floats, Floats]:
        """The family's part of ``z``, and that of the win rates."""
        free = int(self.rates.fitted.sum())
        return (z[:-free], z[-free:]) if free else (z, z[:0])

    @property
    def x(self) -> Floats:
        """The family's parameters."""
        return self.split(self.z)[0]

    def mu(self, z: Floats) -> Floats:
        """(D,) win rates."""
        rates = self.rates
        value = rates.value.astype(np.float64).copy()
        inside = expit(self.split(z)[1])
        value[rates.fitted] = rates.low[rates.fitted] + (rates.high - rates.low)[rates.fitted] * inside
        return value

    def _free_rates(self) -> Floats:
        rates, free = self.rates, self.rates.fitted
        share = (rates.value - rates.low)[free] / (rates.high - rates.low)[free]
        return np.asarray(logit(np.clip(share, 1e-6, 1 - 1e-6)), np.float64)

    def likelihood(self, nodes: Floats, mu: Floats) -> tuple[Floats, Floats]:
        """(C, S) likelihood of each cell at each node, divided by the largest of the row, and (C,) log of that."""
        key = nodes.tobytes() + mu.tobytes()
        if self._kept is None or self._kept[0] != key:
            log_likelihood = self.data.log_likelihood(nodes, mu - 0.5)
            top = log_likelihood.max(axis=1)
            self._kept = key, np.exp(log_likelihood - top[:, None]), top
        return self._kept[1], self._kept[2]

    def step(self, z: Floats) -> tuple[Floats, float]:
        """One E-step and M-step, and the log-posterior at ``z``."""
        x, _ = self.split(z)
        mu = self.mu(z)
        nodes, mass = self.family.nodes(x, self.grid), np.exp(self.family.log_mass(x, self.grid))
        likelihood, top = self.likelihood(nodes, mu)
        marginal = likelihood @ mass
        per_user = self.users / marginal
        expected = Expected(
            mass * (likelihood.T @ per_user) + self._anchor,
            lambda s, rho: self.data.score(rho, per_user * likelihood[:, s] * mass[s], mu - 0.5),
        )
        objective = float((self.users * (np.log(marginal) + top)).sum()) + self._log_prior(mu)
        if self._anchor.any():
            objective += self._held(x)
        new = self.family.fit(x, expected, self.grid)
        return np.append(new, self._next_rates(mu, nodes, likelihood, mass, per_user)), objective

    def _held(self, x: Floats) -> float:
        """Expected log-mass of the anchor's users, of whom nothing is known but that they lie somewhere."""
        return float(self._anchor @ self.family.log_mass(x, self.grid))

    def _log_prior(self, mu: Floats) -> float:
        free, rates = self.rates.fitted, self.rates
        return float((rates.a[free] * np.log(mu[free]) + rates.b[free] * np.log1p(-mu[free])).sum())

    def _next_rates(self, mu: Floats, nodes: Floats, likelihood: Floats, mass: Floats, per_user: Floats) -> Floats:
        """M-step of the win rates: the objective is concave in each [UAA app. D.3, with mu where eta is printed]."""
        found = []
        for d in np.flatnonzero(self.rates.fitted):
            assert isinstance(self.data, Counts)  # noqa: S101 - clicks have no win rates
            wins = mass * (likelihood.T @ (per_user * self.data.wins[:, d]))
            losses = mass * (likelihood.T @ (per_user * (self.data.comparisons - self.data.wins)[:, d]))
            a, b, low, high = (float(v[d]) for v in (self.rates.a, self.rates.b, self.rates.low, self.rates.high))

            def slope(m: float, wins: Floats = wins, losses: Floats = losses, a: float = a, b: float = b) -> float:
                lean = nodes * (m - 0.5)
                clicks = nodes * (wins / (0.5 + lean) - losses / np.maximum(0.5 - lean, 1e-12))
                return float(clicks.sum() + (a / m if a else 0.0) - (b / (1 - m) if b else 0.0))

            best = root(slope, low + 1e-9, high - 1e-9)
            found.append(logit(np.clip((best - low) / (high - low), 1e-6, 1 - 1e-6)))
        return np.array(found, np.float64)

    @property
    def nodes(self) -> Floats:
        """(S,) attentiveness at the nodes of the fitted prior."""
        return self.family.nodes(self.x, self.grid)

    @property
    def log_mass(self) -> Floats:
        """(S,) log mass of the fitted prior."""
        return self.family.log_mass(self.x, self.grid)

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood of the clicks; what holds the prior and what is believed of win rates are left out."""
        nodes, mass = self.nodes, np.exp(self.log_mass)
        likelihood, top = self.likelihood(nodes, self.mu(self.z))
        return float((self.users * (np.log(likelihood @ mass) + top)).sum())

    @property
    def n_parameters(self) -> int:
        """Parameters that the data chose."""
        return self.family.n_parameters(self.x) + int(self.rates.fitted.sum())

    @property
    def bic(self) -> float:
        """Bayesian information criterion, over the users with comparisons; lower is better."""
        informative = float(self.users[self.data.totals[0] > 0].sum())
        return self.n_parameters * float(np.log(max(informative, 1.0))) - 2 * self.log_likelihood

    def posterior(self, z: Floats | None = None) -> tuple[Floats, Floats]:
        """(S,) nodes and (C, S) posterior of each cell over them, at ``z`` or the fitted parameters."""
        z = self.z if z is None else z
        x, _ = self.split(z)
        nodes, mass = self.family.nodes(x, self.grid), np.exp(self.family.log_mass(x, self.grid))
        joint = self.likelihood(nodes, self.mu(z))[0] * mass
        return nodes, joint / joint.sum(axis=1, keepdims=True)

    def exceeds(self, threshold: float) -> Floats:
        """(C,) probability that a user of each cell has at least this attentiveness."""
        nodes, posterior = self.posterior()
        return np.asarray(posterior @ (nodes >= threshold))

    def _moments(self) -> tuple[float, float]:
        """Rough mean and variance of attentiveness: a random-effects model of the users' shares of clicks."""
        n, score, size = self._pulls()
        seen = size > 1e-9
        if not seen.any():
            return 0.5, 0.05
        own, users, weight = score[seen] / size[seen], self.users[seen], size[seen]
        mean = float((users * weight * own).sum() / (users * weight).sum())
        noise = np.maximum(1 - mean**2 * weight / n[seen], 0.05) / weight
        spread = float((users * weight * ((own - mean) ** 2 - noise)).sum() / (users * weight).sum())
        return float(np.clip(mean, 0.05, 0.95)), float(np.clip(spread, 0.002, 0.2))

    def _pulls(self) -> tuple[Floats, Floats, Floats]:
        """(C,) comparisons, sum of clicks times tilt, and sum of squared tilts; E[click * tilt] = rho tilt^2."""
        if isinstance(self.data, Clicks):
            tilt = self.data.tilt
            sums: Any = [np.bincount(self.data.user, v, minlength=self.data.n_users) for v in (tilt, tilt**2)]
            return self.data.totals[0].astype(np.float64), sums[0], sums[1]
        tilt = 2 * self.rates.value - 1
        n, w = self.data.comparisons, self.data.wins
        return n.sum(axis=1).astype(np.float64), (2 * w - n) @ tilt, n @ tilt**2
