"""From clicks to attentiveness: recovery, likelihoods, intervals, single clicks, and what is refused or said."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.data.clicks import Clicks, Counts
from votewise.errors import BadInputError, NotIdentifiableError
from votewise.inference.priors import Beta
from votewise.users.estimate import estimate_attentiveness
from votewise.users.known_win_rates import Bounds, GoldSample

FAMILIES = ["two-point", "beta", "beta-mixture:2", "logistic-normal:2", "nonparametric"]


def simulated(
    seed: int = 0, users: int = 800, n: int = 100, mu: float = 0.8, kind: str = "beta"
) -> tuple[Counts, np.ndarray, np.ndarray]:
    """Counts, the cell of each user, and the users' true attentiveness."""
    rng = np.random.default_rng(seed)
    rho = np.where(rng.random(users) < 0.6, 0.4, 0.98) if kind == "two-point" else rng.beta(3, 5, users)
    counts, cell_of = Counts.of_users(np.full(users, n), rng.binomial(n, 0.5 + rho * (mu - 0.5)))
    return counts, cell_of, rho


def means(result: object) -> np.ndarray:
    return result.cells["attentiveness"].to_numpy()  # type: ignore[attr-defined]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("accelerate", [True, False])
def test_history_never_falls(family: str, accelerate: bool) -> None:
    counts, _, _ = simulated()
    result = estimate_attentiveness(counts, win_rate=0.8, prior=family, accelerate=accelerate, max_iterations=300)
    assert (np.diff(result.history) >= -1e-9 * np.abs(result.history[:-1])).all()


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_history_never_falls_with_an_unknown_win_rate(family: str) -> None:
    counts, _, _ = simulated()
    result = estimate_attentiveness(counts, win_rate=Beta(8, 2), prior=family, max_iterations=300)
    assert (np.diff(result.history) >= -1e-9 * np.abs(result.history[:-1])).all()


@pytest.mark.parametrize("mu", [0.8, 0.2])
@pytest.mark.parametrize(
    ("kind", "family", "truth", "error"),
    [
        # Bounds are five Cramer-Rao standard errors at 800 users of 200 comparisons: a false alarm in 1 of 10^6 seeds.
        ("two-point", "two-point", {"q": 0.6, "low": 0.4, "high": 0.98}, {"q": 0.09, "low": 0.027, "high": 0.028}),
        ("beta", "beta", {"c": 3.0, "d": 5.0}, {"c": 1.25, "d": 2.0}),
    ],
)
def test_parameters_are_recovered_on_either_side_of_a_half(
    mu: float, kind: str, family: str, truth: dict[str, float], error: dict[str, float]
) -> None:
    counts, _, _ = simulated(seed=1, n=200, mu=mu, kind=kind)
    result = estimate_attentiveness(counts, win_rate=mu, prior=family)
    assert result.converged
    for name, value in truth.items():
        assert abs(result.prior[name] - value) < error[name]


def test_standard_errors_are_the_cramer_rao_bound() -> None:
    """0.243 and 0.399 for Beta(3, 5), computed from the exact distribution (experiments/efficiency.py)."""
    counts, _, _ = simulated(seed=2, n=200)
    errors = estimate_attentiveness(counts, win_rate=0.8, prior="beta").parameters["standard_error"].to_pylist()
    assert errors == pytest.approx([0.243, 0.399], rel=0.2)


def test_a_mirrored_log_has_the_same_users() -> None:
    """Swapping the names of the models changes no user's attentiveness."""
    counts, _, _ = simulated(seed=3)
    mirrored = Counts(counts.comparisons, counts.comparisons - counts.wins, counts.users)
    one = estimate_attentiveness(counts, win_rate=0.8, prior="beta")
    other = estimate_attentiveness(mirrored, win_rate=0.2, prior="beta")
    np.testing.assert_allclose(means(one), means(other), atol=1e-6)


def test_a_users_posterior_is_bayes_rule() -> None:
    """One user's posterior mean under the fitted prior, by direct summation."""
    counts, _, _ = simulated(seed=4)
    result = estimate_attentiveness(counts, win_rate=0.8, prior="beta")
    x, mass = (result.density[name].to_numpy() for name in ("attentiveness", "mass"))
    n, w = counts.comparisons[7, 0], counts.wins[7, 0]
    posterior = mass * (0.5 + 0.3 * x) ** w * (0.5 - 0.3 * x) ** (n - w)
    assert means(result)[7] == pytest.approx(posterior @ x / posterior.sum(), rel=1e-9)
    above = posterior[x >= 0.6].sum() / posterior.sum()
    assert result.exceeds(0.6)[7] == pytest.approx(above, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "n"), [("beta", 200), ("two-point", 200), ("two-point", 50)])
def test_users_intervals_cover(kind: str, n: int) -> None:
    """40 draws of 800 users. Users of one draw share the parameters' errors (users of one atom all of them), so the
    standard error of the coverage is about 0.002 for the Beta and 0.025 for two points: four of them are allowed."""
    inside = []
    for seed in range(40):
        counts, cell_of, rho = simulated(seed=100 + seed, n=n, kind=kind)
        result = estimate_attentiveness(counts, win_rate=0.8, prior=kind)
        low, high = (result.cells[name].to_numpy()[cell_of] for name in ("low", "high"))
        inside.append(((low <= rho) & (rho <= high)).mean())
    slack = 0.1 if kind == "two-point" else 0.01
    assert 0.95 - slack <= np.mean(inside) <= 0.95 + slack


@pytest.mark.slow
def test_an_unknown_win_rate_ranks_users_as_a_known_one() -> None:
    """[UAA fig. 8]: prior Beta(8, 2), the attentive half found within 2 points of the run that knows the win rate."""
    for mu in (0.6, 0.7, 0.8, 0.9):
        counts, cell_of, rho = simulated(seed=5, n=200, mu=mu)
        attentive = rho >= np.median(rho)
        found = []
        for rate in (mu, Beta(8, 2)):
            score = means(estimate_attentiveness(counts, win_rate=rate, prior="beta"))[cell_of]
            found.append(attentive[np.argsort(-score, kind="stable")[:400]].mean())
        assert abs(found[0] - found[1]) <= 0.02


@pytest.mark.parametrize("rate", [GoldSample(160, 200), Beta(80, 20), Bounds(0.75, 0.85)])
def test_a_win_rate_may_be_uncertain(rate: object) -> None:
    counts, _, _ = simulated(seed=6, n=200)
    result = estimate_attentiveness(counts, win_rate=rate, prior="beta")  # type: ignore[arg-type]
    row = result.win_rates.to_pylist()[0]
    assert row["fitted"]
    assert 0.7 < row["win_rate"] < 0.9
    known = estimate_attentiveness(counts, win_rate=0.8, prior="beta")
    width = [(r.cells["high"].to_numpy() - r.cells["low"].to_numpy()).mean() for r in (known, result)]
    assert width[1] > width[0]


def test_a_free_prior_has_no_intervals_of_win_rates() -> None:
    """Its masses have no standard errors; null says so, where NaN would pass for a number."""
    counts, _, _ = simulated(seed=6)
    table = estimate_attentiveness(counts, win_rate=GoldSample(160, 200), prior="nonparametric").win_rates
    assert table["fitted"].to_pylist() == [True]
    assert [table[name].to_pylist() for name in ("low", "high", "standard_error")] == [[None]] * 3


def test_domains_share_attentiveness_but_not_the_win_rate() -> None:
    rng = np.random.default_rng(7)
    rho, mu = rng.beta(3, 5, 600), np.array([0.9, 0.25])
    n = np.full((600, 2), 60)
    counts, cell_of = Counts.of_users(n, rng.binomial(n, 0.5 + rho[:, None] * (mu - 0.5)), domains=("code", "prose"))
    rates = {"code": 0.9, "prose": 0.25}
    both = estimate_attentiveness(counts, win_rate=rates, prior="beta")
    one, _ = Counts.of_users(counts.comparisons[cell_of, 0], counts.wins[cell_of, 0])
    alone = estimate_attentiveness(one, win_rate=0.9, prior="beta")
    error = np.abs(means(both)[cell_of] - rho).mean()
    assert (
        error
        < np.abs(means(alone)[Counts.of_users(counts.comparisons[cell_of, 0], counts.wins[cell_of, 0])[1]] - rho).mean()
    )
    assert both.win_rates["domain"].to_pylist() == ["code", "prose"]
    free = estimate_attentiveness(counts, win_rate={"code": 0.9, "prose": Beta(2, 6)}, prior="beta")
    # Standard error about 0.01: attentiveness is pinned by the other domain.
    assert free.win_rates["win_rate"][1].as_py() == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("family", ["beta", "two-point", "nonparametric"])
def test_single_clicks_of_equal_probability_are_counts(family: str) -> None:
    rng = np.random.default_rng(8)
    users, n = 60, 40
    rho = rng.beta(3, 5, users)
    user = np.repeat(np.arange(users), n)
    for_a = rng.random(users * n) < 0.5 + rho[user] * 0.3
    order = rng.permutation(users * n)
    clicks = Clicks(user[order], np.full(users * n, 0.8), for_a[order])
    counts, cell_of = Counts.of_users(np.full(users, n), np.bincount(user, for_a))
    one = estimate_attentiveness(clicks, prior=family)
    other = estimate_attentiveness(counts, win_rate=0.8, prior=family)
    # A free prior is found to the last digit by neither: its likelihood is flat around the maximum.
    np.testing.assert_allclose(means(one), means(other)[cell_of], atol=1e-2 if family == "nonparametric" else 1e-4)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-3)


def test_probabilities_per_click_say_more_than_their_mean() -> None:
    rng = np.random.default_rng(9)
    users, n = 300, 60
    rho, user = rng.beta(3, 5, users), np.repeat(np.arange(users), n)
    p = rng.beta(0.5, 0.5, users * n)
    for_a = rng.random(users * n) < 0.5 + rho[user] * (p - 0.5)
    result = estimate_attentiveness(Clicks(user, p, for_a), prior="beta")
    assert np.corrcoef(means(result), rho)[0, 1] > 0.6
    assert len(result.win_rates) == 0


@pytest.mark.slow
def test_auto_takes_the_family_that_made_the_data() -> None:
    for kind in ("two-point", "beta"):
        counts, _, _ = simulated(seed=10, n=200, kind=kind)
        result = estimate_attentiveness(counts, win_rate=0.8)
        assert result.prior["family"] == kind
        assert result.choice is not None
        assert result.choice["family"].to_pylist() == FAMILIES
        assert result.choice["bic"].to_pylist().index(min(result.choice["bic"].to_pylist())) == FAMILIES.index(kind)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_doubling_the_users_changes_only_the_errors(family: str) -> None:
    counts, _, _ = simulated(seed=11)
    twice = Counts(counts.comparisons, counts.wins, 2 * counts.users)
    one, other = (estimate_attentiveness(c, win_rate=0.8, prior=family, max_iterations=500) for c in (counts, twice))
    # One user's worth of the uniform distribution holds the prior: 1 in 800 against 1 in 1,600.
    moved = np.abs(means(one) - means(other))
    assert moved @ counts.users / counts.n_users < (1e-4 if family == "two-point" else 2e-3)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("n", "w"),
    [
        ([50], [40]),
        ([100] * 30, [65] * 30),
        ([10] * 30, [10] * 30),
        ([10] * 30, [0] * 30),
        ([1] * 500, [1] * 400 + [0] * 100),
    ],
    ids=["one user", "all alike", "always A", "never A", "one click each"],
)
def test_odd_users_get_a_sound_answer(family: str, n: list[int], w: list[int]) -> None:
    counts, _ = Counts.of_users(n, w)
    result = estimate_attentiveness(counts, win_rate=0.8, prior=family, max_iterations=300)
    for name in ("attentiveness", "mode", "low", "high", "above"):
        values = result.cells[name].to_numpy()
        assert ((values >= 0) & (values <= 1)).all()
    assert (result.cells["low"].to_numpy() <= result.cells["attentiveness"].to_numpy() + 1e-9).all()
    assert (result.cells["attentiveness"].to_numpy() <= result.cells["high"].to_numpy() + 1e-9).all()


def codes(counts: Counts, rate: float = 0.8) -> list[str]:
    return [d.code for d in estimate_attentiveness(counts, win_rate=rate, prior="beta").diagnostics]


def test_what_a_reader_should_know_is_said() -> None:
    counts, _, _ = simulated(seed=12, users=200)
    assert codes(counts) == []
    assert "few-users" in codes(Counts.of_users([50, 40], [40, 30])[0])
    assert "one-user" in codes(Counts.of_users([5000] + [10] * 40, [3000] + [7] * 40)[0])
    assert "no-comparisons" in codes(Counts.of_users([0] + [10] * 40, [0] + [7] * 40)[0])
    assert "beyond-win-rate" in codes(Counts.of_users([100] * 40, [90] * 40)[0])
    assert "against-win-rate" in codes(Counts.of_users([100] * 40, [30] * 40)[0])


def test_judging_with_a_known_prior_is_bayes_rule_again() -> None:
    counts, _, _ = simulated(seed=13)
    result = estimate_attentiveness(counts, win_rate=0.8, prior="beta", standard_errors=False)
    table = result.beliefs(counts)
    for name in ("attentiveness", "low", "high"):
        np.testing.assert_allclose(table[name].to_numpy(), result.cells[name].to_numpy(), atol=1e-9)
    assert table["log_evidence"].to_numpy() @ counts.users == pytest.approx(result.log_likelihood, abs=1e-3)


def test_evidence_shows_that_a_user_changed() -> None:
    """Attentive, then asleep: two stretches of 200 comparisons are far more likely apart than together."""
    result = estimate_attentiveness(simulated(seed=14)[0], win_rate=0.8, prior="beta")
    evidence = result.beliefs(Counts.of_users([200, 200, 400, 200, 400], [158, 100, 258, 129, 258])[0])["log_evidence"]
    cells = Counts.of_users([200, 200, 400, 200, 400], [158, 100, 258, 129, 258])[1]
    early, late, both, steady, _ = evidence.to_numpy()[cells]
    assert early + late - both > 5
    assert 2 * steady - both < 0


def test_users_without_comparisons_get_the_prior() -> None:
    counts, cell_of = Counts.of_users([0] + [100] * 300, [0, *np.random.default_rng(0).binomial(100, 0.65, 300)])
    result = estimate_attentiveness(counts, win_rate=0.8, prior="beta")
    x, mass = (result.density[name].to_numpy() for name in ("attentiveness", "mass"))
    assert means(result)[cell_of[0]] == pytest.approx(x @ mass)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({}, NotIdentifiableError),
        ({"win_rate": 0.5}, NotIdentifiableError),
        ({"win_rate": 0.8, "prior": "gauss"}, BadInputError),
        ({"win_rate": 0.8, "threshold": 1.5}, BadInputError),
        ({"win_rate": 0.8, "level": 95}, BadInputError),
        ({"win_rate": 0.8, "max_iterations": 0}, BadInputError),
        ({"win_rate": {"x": 0.8}}, BadInputError),
    ],
)
def test_bad_settings_are_refused(settings: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        estimate_attentiveness(Counts.of_users([5, 5], [3, 4])[0], **settings)


def test_no_comparisons_at_all_are_refused() -> None:
    with pytest.raises(NotIdentifiableError, match="no comparisons"):
        estimate_attentiveness(Counts.of_users([0, 0], [0, 0])[0], win_rate=0.8)


@pytest.mark.parametrize(
    ("user", "p", "for_a"), [([], [], []), ([0], [1.5], [True]), ([-1], [0.5], [True]), ([0, 1], [0.5], [True])]
)
def test_bad_clicks_are_refused(user: list, p: list, for_a: list) -> None:
    with pytest.raises(BadInputError):
        Clicks(np.array(user, np.int64), np.array(p), np.array(for_a, bool))


def test_progress_is_reported() -> None:
    counts, _, _ = simulated()
    seen: list[str] = []
    estimate_attentiveness(counts, win_rate=0.8, prior="beta", progress=lambda family, step, moved: seen.append(family))
    assert set(seen) == {"beta"}
