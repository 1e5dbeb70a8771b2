"""What a reader of beliefs about users should know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from votewise.arrays import Floats
from votewise.data.clicks import Counts
from votewise.errors import many
from votewise.inference.diagnostic import Diagnostic
from votewise.users.fit import UsersFit

FEW_USERS = 20
"""Users with comparisons below which the shape of the prior is hardly determined."""

HALF = 0.5


def diagnose(fit: UsersFit) -> tuple[Diagnostic, ...]:
    """What a reader of the numbers should know, worst first."""
    return tuple(sorted(_findings(fit), key=lambda item: ("error", "warning", "info").index(item.severity)))


def _findings(fit: UsersFit) -> Iterator[Diagnostic]:
    if not fit.run.converged:
        text = f"EM stopped after {many(fit.steps, 'step')}, before it reached its tolerance; raise max_iterations."
        yield Diagnostic("not-converged", "warning", text)
    n, _ = fit.data.totals
    users = np.asarray(fit.data.users)
    total = int(users @ n)
    if int(n.max()) > HALF * total and users.sum() > 1:
        share = n.max() / total
        text = f"One user made {share:.0%} of all comparisons. Check that it is a person and not a script."
        yield Diagnostic("one-user", "warning", text)
    informative = int(users[n > 0].sum())
    if informative < FEW_USERS:
        text = (
            f"Only {many(informative, 'user')} made comparisons, too few to see how attentiveness is spread over users; the "
            "estimates rest on the assumption that every attentiveness is equally likely."
        )
        yield Diagnostic("few-users", "warning", text)
    if informative < users.sum():
        idle = int(users.sum()) - informative
        text = (
            f"{many(idle, 'user')} made no comparisons except ties: the estimate is the prior, which all users share."
        )
        yield Diagnostic("no-comparisons", "info", text)
    if isinstance(fit.data, Counts):
        if fit.data.together is not None:
            yield _together(fit.data, total)
        yield from _reach_of_clicks(fit.data, fit.win_rates)


def _together(counts: Counts, total: int) -> Diagnostic:
    worth = float((counts.users * counts.worth) @ counts.comparisons.sum(axis=1))
    return Diagnostic(
        "judgements",
        "info",
        f"Clicks of one judgement err together (correlation {counts.correlation:.2f}): for attentiveness the {total:,} "
        f"clicks count for {worth:,.0f} independent ones.",
    )


def _reach_of_clicks(counts: Counts, mu: Floats) -> Iterator[Diagnostic]:
    """Whether the clicks lie within what the win rates allow, from nobody attentive to everybody."""
    users = np.asarray(counts.users)
    for domain, number, wins, rate in zip(
        counts.domains, users @ counts.comparisons, users @ counts.wins, mu, strict=True
    ):
        if number == 0:
            continue
        where = f" in domain '{domain}'" if domain else ""
        share, error = wins / number, 0.5 / np.sqrt(number)
        attention = (share - 0.5) / (rate - 0.5)
        slack = 4 * error / abs(rate - 0.5)
        if attention > 1 + slack:
            yield Diagnostic(
                "beyond-win-rate",
                "warning",
                f"{share:.1%} of the clicks{where} are for model A. Even if every user were fully attentive, a win rate of "
                f"{rate:.2f} would not allow that. The win rate is too close to 1/2, or users favour a model or a position.",
            )
        elif attention < -slack:
            yield Diagnostic(
                "against-win-rate",
                "warning",
                f"Only {share:.1%} of the clicks{where} are for model A although its win rate is {rate:.2f}: users click "
                "against the better model. Check which model is A and which answer the winner column names.",
            )
