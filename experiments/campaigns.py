"""How many votes does a campaign need, and are its labels right as often as it says?

`docs/collecting.md` says how pairs are given out. Here simulated annotators work a campaign to its end, under fixed
redundancy and under the rule with more and more of its parts: stopping, retiring, weighting, margins of a reward model
that is right on 75% of the pairs. What a rule saves is measured against the fixed redundancy that is right equally often.
Campaign number s has the same annotators and pairs under every rule.

The design of votewise expected, for 30 annotators: 6.84 votes a pair for 97% right under fixed redundancy; 4.02 with the
stop rule (41% saved), 44% saved with retiring, 63% with weighting, 66% with margins; 10 to 32% and over-claiming where pairs
differ in difficulty. It does not say how reliable the annotators were.

    python experiments/campaigns.py [--campaigns 10] [--pairs 1000]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter

import numpy as np
from harness import Page, each, parser

from votewise.arrays import Counted
from votewise.collect.assignment import AssignmentRule
from votewise.collect.audited_accuracy import AuditedAccuracy
from votewise.collect.campaign_simulation import CampaignWorld, SimulatedCampaign, simulate_campaign

STOP = AssignmentRule(weighted=False, retire_below=0)
RULES = {
    "stop at .95": STOP,
    "and retire below .62": replace(STOP, retire_below=0.62),
    "and weight by (2 eta - 1)^2": AssignmentRule(),
    "and margins, 75% right": AssignmentRule(),
}
MARGINS = "and margins, 75% right"
FIXED = (3, 5, 7, 9, 12)
WORLDS = {
    "Beta(6, 2)": CampaignWorld("beta:6,2"),
    "60% at .9, 40% at .55": CampaignWorld("two-point:0.4,0.55,0.9"),
    "Beta(6, 2), difficulty tau = 1": CampaignWorld("beta:6,2", difficulty=1.0),
}
DESIGN = dict(zip(RULES, ("41%", "44%", "63%", "66%"), strict=True))
EASY = tuple(WORLDS)[:2]
HARD = tuple(WORLDS)[2]
AUDITS = attrgetter("audited"), attrgetter("checked")


def one_campaign(task: tuple[str, str | int, int], pairs: int) -> SimulatedCampaign:
    """The campaign of a world, a rule (or a fixed number of votes) and a seed."""
    name, rule, seed = task
    world = replace(WORLDS[name], pairs=pairs, margins_right=0.75 if rule == MARGINS else None)
    if isinstance(rule, int):
        return simulate_campaign(replace(STOP, want=rule, fixed=True), world, seed=seed)
    return simulate_campaign(RULES[rule], world, seed=seed)


def fixed_votes_for(right: float, by_number: Sequence[float]) -> float:
    """Votes a pair that fixed redundancy needs to be right so often, between ``FIXED`` numbers of votes.

    The log of the error falls about linearly with the votes, so it is interpolated there, and continued at both ends.
    """
    errors, wanted = (np.log(np.maximum(1 - np.asarray(share), 1e-4)) for share in (by_number, right))
    place = int(np.clip(np.searchsorted(-errors, -wanted), 1, len(FIXED) - 1))
    low, high = FIXED[place - 1], FIXED[place]
    return float(low + (high - low) * (errors[place - 1] - wanted) / max(errors[place - 1] - errors[place], 1e-9))


def with_error(figure: Callable[[Counted], float], campaigns: int) -> tuple[float, float]:
    """A figure of campaigns, and its standard error by the jackknife; ``figure`` gets the numbers of those to use."""
    everything = np.arange(campaigns)
    without = np.array([figure(np.delete(everything, i)) for i in range(campaigns)])
    return figure(everything), float(np.sqrt((campaigns - 1) * without.var()))


def cell(value: float, error: float, digits: int = 1, scale: float = 100.0) -> str:
    return f"{scale * value:.{digits}f} ± {1.96 * scale * error:.{digits}f}"


def main() -> None:
    args = parser(__doc__, campaigns=10, pairs=1_000).parse_args()
    page = Page("Campaigns: votes a pair, and what labels claim", args)
    tasks = [(w, rule, s) for w in WORLDS for rule in (*FIXED, *RULES) for s in range(args.campaigns)]
    results = dict(zip(tasks, each(partial(one_campaign, pairs=args.pairs), tasks, args.workers), strict=True))

    def all_of(world: str, rule: str | int) -> list[SimulatedCampaign]:
        return [results[world, rule, s] for s in range(args.campaigns)]

    def mean(world: str, rule: str | int, name: str) -> Callable[[Counted], float]:
        values = np.array([getattr(one, name) for one in all_of(world, rule)])
        return lambda used: float(values[used].mean())

    def measure(world: str, rule: str | int, name: str, digits: int = 1, scale: float = 100.0) -> str:
        return cell(*with_error(mean(world, rule, name), args.campaigns), digits, scale)

    def needed(world: str, right: Callable[[Counted], float]) -> Callable[[Counted], float]:
        fixed = [mean(world, number, "right") for number in FIXED]
        return lambda used: fixed_votes_for(right(used), [one(used) for one in fixed])

    def saved(world: str, rule: str) -> tuple[float, float]:
        votes, same = mean(world, rule, "votes"), needed(world, mean(world, rule, "right"))
        return with_error(lambda used: 1 - votes(used) / same(used), args.campaigns)

    page.text(
        f"30 annotators, {args.pairs:,} pairs, at most {STOP.want} votes a pair; means over {args.campaigns} campaigns, ± "
        "1.96 standard errors between campaigns, in per cent except for votes. Saved: against the fixed redundancy that is "
        "right equally often, whose log-error is interpolated. Claimed: mean posterior of the labels. Audit votes are not "
        "counted."
    )
    saves: dict[tuple[str, str], tuple[float, float]] = {}
    target = {}
    for world in WORLDS:
        target[world] = with_error(needed(world, lambda used: 0.97), args.campaigns)
        rows = []
        for number in FIXED:
            rows.append([f"fixed, {number} votes", f"{number}", measure(world, number, "right")])
            rows[-1] += [measure(world, number, "claimed"), "", "", "", ""]
        for rule in RULES:
            saves[world, rule] = saved(world, rule)
            rows.append([rule, measure(world, rule, "votes", 2, 1), measure(world, rule, "right")])
            rows[-1] += [measure(world, rule, "claimed"), measure(world, rule, "contested")]
            rows[-1] += [measure(world, rule, "retired", 1, 1), cell(*saves[world, rule], 0)]
            rows[-1] += [DESIGN[rule] if world != HARD else "10 to 32%"]
        head = ["rule", "votes a pair", "right", "claimed", "contested", "retired", "saved", "design"]
        caption = f"**{world}.** Fixed redundancy is right on 97% with {cell(*target[world], 2, 1)} votes a pair."
        page.table(head, rows, caption)

    rows = []
    for world in WORLDS:
        found = [one for rule in RULES for one in all_of(world, rule)]
        rows += [_audit_row(world, "annotators", found, [one.audited for one in found])]
        rows += [_audit_row("", "the owner", found, [one.checked for one in found])]
    page.table(
        [
            "world",
            "audits by",
            "audits",
            "right",
            "claimed",
            "estimated",
            "mean width",
            "interval holds",
            "says too much",
        ],
        rows,
        f"**What audit votes find** about finished pairs, over the {len(RULES) * args.campaigns} campaigns of a world "
        "with a stop rule. Estimated: mean of the estimates ± 1.96 standard errors. Says too much: share of the campaigns "
        "in which the claim is above the interval.",
    )
    page.write(_finding(saves, target, results))


def _audit_row(world: str, by: str, found: list[SimulatedCampaign], audits: list[AuditedAccuracy]) -> list[str]:
    truth = np.array([one.finished_right for one in found])
    estimate = np.array([one.right for one in audits])
    error = (estimate - truth).std(ddof=1) / np.sqrt(len(truth))
    holds = np.mean([a.low <= right <= a.high for a, right in zip(audits, truth, strict=True)])
    return [
        world,
        by,
        f"{np.mean([a.audits for a in audits]):.0f}",
        f"{100 * truth.mean():.1f}",
        f"{100 * np.mean([a.claimed for a in audits]):.1f}",
        cell(float(estimate.mean()), float(error)),
        f"{100 * np.mean([a.high - a.low for a in audits]):.1f}",
        f"{100 * holds:.0f}%",
        f"{100 * np.mean([a.over_claims for a in audits]):.0f}%",
    ]


def _finding(
    saves: dict[tuple[str, str], tuple[float, float]],
    target: dict[str, tuple[float, float]],
    results: dict[tuple[str, str | int, int], SimulatedCampaign],
) -> str:
    def listed(world: str) -> str:
        return ", ".join(f"{100 * saves[world, rule][0]:.0f}%" for rule in RULES)

    hard = [one for (world, rule, _), one in results.items() if world == HARD and not isinstance(rule, int)]
    claimed, right = (100 * np.mean([getattr(one, name) for one in hard]) for name in ("claimed", "right"))
    annotators, owner = (100 * np.mean([one.right for one in map(get, hard)]) for get in AUDITS)
    return (
        "Claimed: 6.84 votes a pair for 97% right under fixed redundancy, of which stopping, retiring, weighting and "
        "margins save 41%, 44%, 63% and 66%, and 10 to 32% where pairs differ in difficulty. Here fixed redundancy needs "
        f"{target[EASY[0]][0]:.1f} and {target[EASY[1]][0]:.1f}, and they save {listed(EASY[0])} with annotators from "
        f"{EASY[0]}, {listed(EASY[1])} with {EASY[1]}. Where pairs differ in difficulty they save {listed(HARD)} and claim "
        f"{claimed:.1f}% where {right:.1f}% are right; audit votes of annotators say {annotators:.1f}%, an owner who looks "
        f"at the same pairs finds {owner:.1f}%."
    )


if __name__ == "__main__":
    main()
