"""EM for one family of attentiveness, from several starts, and the fit that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from votewise.arrays import Floats
from votewise.data.clicks import Clicks, Counts
from votewise.inference.em import EMOptions, EMRun, run_em
from votewise.users.families import Family, Nonparametric
from votewise.users.known_win_rates import WinRates
from votewise.users.model import UsersModel, em_step
from votewise.users.start import rough_moments

LEAST_GAIN = 1e-4
"""Nats gained in a round of EM steps that are not worth another round."""

FIRST_STEPS = 30
"""EM steps that every start gets before only the best one continues."""

FitProgress = Callable[[str, int, float], None]
"""Called with (family, EM steps so far, movement of the last one)."""


@dataclass(frozen=True)
class FitOptions:
    """How EM is run; see ``estimate_attentiveness``."""

    tolerance: float = 1e-5
    max_iterations: int = 2000
    accelerate: bool = True
    progress: FitProgress | None = None


@dataclass(frozen=True, eq=False)
class UsersFit:
    """The maximum-likelihood fit of one family.

    Attributes:
        model: what was fitted.
        run: the EM run that was kept.
        steps: EM steps done, over all starts.
    """

    model: UsersModel
    run: EMRun
    steps: int

    @property
    def z(self) -> Floats:
        """The fitted vector of the model."""
        return self.run.x

    @property
    def x(self) -> Floats:
        """The family's parameters."""
        return self.model.split(self.z)[0]

    @property
    def family(self) -> Family:
        """The family that was fitted."""
        return self.model.family

    @property
    def data(self) -> Counts | Clicks:
        """The clicks that it was fitted to."""
        return self.model.data

    @property
    def win_rates(self) -> Floats:
        """(D,) win rates, given or fitted."""
        return self.model.win_rates(self.z)

    @property
    def nodes(self) -> Floats:
        """(S,) attentiveness at the nodes of the fitted prior."""
        return self.model.nodes(self.z)

    @property
    def log_mass(self) -> Floats:
        """(S,) log mass of the fitted prior."""
        return self.model.log_mass(self.z)

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood of the clicks; the anchor's users and what is known of win rates are left out."""
        nodes, mass = self.nodes, np.exp(self.log_mass)
        likelihood, top = self.model.likelihoods.at(nodes, self.win_rates)
        return float((self.model.users * (np.log(likelihood @ mass) + top)).sum())

    @property
    def n_parameters(self) -> int:
        """Parameters that the data chose."""
        return self.family.n_parameters(self.x) + int(self.model.rates.fitted.sum())

    @property
    def bic(self) -> float:
        """Bayesian information criterion, over the users with comparisons; lower is better."""
        informative = float(self.model.users[self.data.totals[0] > 0].sum())
        return self.n_parameters * float(np.log(max(informative, 1.0))) - 2 * self.log_likelihood

    def posterior(self, z: Floats | None = None) -> tuple[Floats, Floats]:
        """(S,) nodes and (C, S) posterior of each cell over them, at ``z`` or the fitted parameters."""
        z = self.z if z is None else z
        nodes, mass = self.model.nodes(z), np.exp(self.model.log_mass(z))
        joint = self.model.likelihoods.at(nodes, self.model.win_rates(z))[0] * mass
        return nodes, joint / joint.sum(axis=1, keepdims=True)

    def exceeds(self, threshold: float) -> Floats:
        """(C,) probability that a user of each cell has at least this attentiveness."""
        nodes, posterior = self.posterior()
        return np.asarray(posterior @ (nodes >= threshold))


def fit_users(data: Counts | Clicks, family: Family, rates: WinRates, options: FitOptions | None = None) -> UsersFit:
    """Fit a family to clicks: a few EM steps from every start, then the best of them until it has converged."""
    model, options = UsersModel.of(data, family, rates), options or FitOptions()
    starts = [np.append(x, model.start_rates()) for x in family.starts(*rough_moments(model), model.grid)]
    steps = 0
    if len(starts) > 1:
        first = []
        for z in starts:
            first.append(_run(model, z, FIRST_STEPS, options, done=steps))
            steps += first[-1].iterations
        best = max(first, key=lambda run: run.history[-1])
        if best.converged:
            return UsersFit(model, best, steps)
        starts = [best.x]
    run = _run(model, starts[0], max(1, options.max_iterations), options, done=steps)
    return UsersFit(model, run, steps + run.iterations)


def _run(model: UsersModel, z: Floats, most: int, options: FitOptions, *, done: int) -> EMRun:
    """At most ``most`` EM steps from ``z``, after ``done`` ones from elsewhere."""
    report = options.progress
    return run_em(
        partial(em_step, model),
        z,
        EMOptions(
            tolerance=options.tolerance,
            max_iterations=most,
            accelerate=options.accelerate,
            least_gain=LEAST_GAIN,
            on_iteration=None if report is None else lambda i, moved: report(model.family.name, done + i, moved),
        ),
        distance=partial(_distance, model),
        project=model.project,
    )


def _distance(model: UsersModel, z: Floats, other: Floats) -> float:
    """Largest movement; of masses rather than their logarithms where the prior is free."""
    if isinstance(model.family, Nonparametric):
        moved = np.abs(np.exp(model.log_mass(z)) - np.exp(model.log_mass(other)))
        return float(np.append(moved, np.abs(model.win_rates(z) - model.win_rates(other))).max())
    return float(np.abs(z - other).max())
