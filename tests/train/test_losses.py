"""The losses are those of docs and papers, their gradients are right, and nothing overflows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.special import expit, log_expit, logit  # noqa: E402
from torch.nn.functional import logsigmoid  # noqa: E402

from votewise.train.config_checks import SCORED  # noqa: E402
from votewise.train.losses import (  # noqa: E402
    LOSSES,
    Losses,
    PreferenceLoss,
    ScoredAnswers,
    balance,
    cpo,
    dpo,
    dpo_margin,
    make_loss,
    margin,
)
from votewise.train.objectives import (  # noqa: E402
    CONFIDENCE_OBJECTIVES,
    DPO_OBJECTIVES,
    OBJECTIVES,
    apply_objective,
    gibbs,
    holder,
    likelihood_loss,
    plain,
    rdpo,
    smoothed,
    weighted,
)
from votewise.train.score_inputs import ScoreInputs  # noqa: E402

B = 7
BETA, GAMMA, ALPHA = 0.3, 0.7, 0.4
NOISE = 0.2


def answers(seed: int, dtype: Any = torch.float64, grad: bool = False) -> ScoredAnswers:
    rng = np.random.default_rng(seed)
    logp, reference = (torch.tensor(-rng.uniform(1, 12, B), dtype=dtype, requires_grad=grad) for _ in range(2))
    return ScoredAnswers(logp, reference.detach(), torch.tensor(rng.integers(1, 9, B)))


def pair(dtype: Any = torch.float64, grad: bool = False) -> tuple[ScoredAnswers, ScoredAnswers]:
    return answers(1, dtype, grad), answers(2, dtype, grad)


def built(name: str, **settings: Any) -> PreferenceLoss:
    defaults = {"beta": BETA, "simpo_gamma": GAMMA, "cpo_alpha": ALPHA, "cpo_per_token": True}
    return make_loss(name, **defaults | settings)


def objective(name: str, losses: Losses, weight: Any, share: Any = None) -> Any:
    evidence = torch.logit(weight.clamp(0.01, 0.99)).to(losses.margin.dtype)
    inputs = ScoreInputs(evidence, temperature=0.7, trust=0.5, tilt=1.5) if name == "score" else None
    return apply_objective(name, losses, weight=weight, share=share, noise=NOISE, holder_gamma=2.0, inputs=inputs)


def combinations() -> list[tuple[str, str]]:
    """Every loss with every objective that the settings allow for it."""
    of = dict.fromkeys(DPO_OBJECTIVES, ("dpo",)) | {"score": SCORED}
    return [(loss, o) for loss in LOSSES for o in OBJECTIVES if loss in of.get(o, LOSSES)]


def table_rows() -> dict[str, tuple[Any, Any]]:
    """The table of method.md in NumPy: L(w > l) and s, written as in the table."""
    w, l = ({k: np.asarray(v) for k, v in x._asdict().items()} for x in pair())  # noqa: E741
    delta, delta_ref = w["logp"] - l["logp"], w["reference"] - l["reference"]
    mean_w, mean_l = w["logp"] / w["length"], l["logp"] / l["length"]
    h = (w["logp"] - w["reference"]) / w["length"] - (l["logp"] - l["reference"]) / l["length"]
    u = BETA * (mean_w - mean_l)
    return {
        "dpo": (-log_expit(BETA * (delta - delta_ref)), BETA * (delta - delta_ref)),
        "dpo_norm": (-log_expit(BETA * h), BETA * h),
        "ipo": ((h - 1 / (2 * BETA)) ** 2, 2 * h / BETA),
        "simpo": (-log_expit(u - GAMMA), log_expit(u - GAMMA) - log_expit(-u - GAMMA)),
        "cpo": (-log_expit(BETA * delta) - ALPHA * mean_w, BETA * delta + ALPHA * (mean_w - mean_l)),
    }


@pytest.mark.parametrize("name", LOSSES)
def test_every_row_of_the_table(name: str) -> None:
    found = built(name)(*pair())
    forward, s = table_rows()[name]
    np.testing.assert_allclose(found.forward, forward, rtol=1e-12)
    np.testing.assert_allclose(found.margin, s, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.reverse - found.forward, s, rtol=1e-9, atol=1e-12)


def test_cpo_with_the_sum_form() -> None:
    """With log pi(w) summed and alpha = 1, as in the paper, s = (1 + beta) delta."""
    chosen, rejected = pair()
    delta = chosen.logp - rejected.logp
    loss = partial(cpo, beta=BETA, alpha=1.0, per_token=False)
    np.testing.assert_allclose(loss(chosen, rejected), -logsigmoid(BETA * delta) - chosen.logp, rtol=1e-12)
    np.testing.assert_allclose(margin(loss, chosen, rejected), (1 + BETA) * delta, rtol=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_swapping_the_arguments_gives_the_reverse_loss(name: str) -> None:
    chosen, rejected = pair()
    here, there = built(name)(chosen, rejected), built(name)(rejected, chosen)
    for one, other in zip(here.swapped()[:3], there[:3], strict=True):
        assert torch.equal(one, other)
    assert torch.equal(here.reverse, built(name).loss(rejected, chosen))


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_per_pair(name: str) -> None:
    chosen, rejected = pair()
    for i in range(B):
        one = built(name)(*(ScoredAnswers(*(field[i : i + 1] for field in x)) for x in (chosen, rejected)))
        for alone, among in zip(one[:3], built(name)(chosen, rejected)[:3], strict=True):
            torch.testing.assert_close(alone, among[i : i + 1], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("name", ["simpo", "cpo"])
def test_losses_without_a_reference_do_not_look_at_it(name: str) -> None:
    chosen, rejected = pair()
    blind = [x._replace(reference=x.reference * float("nan")) for x in (chosen, rejected)]
    assert not built(name).reference
    for one, other in zip(built(name)(chosen, rejected)[:3], built(name)(*blind)[:3], strict=True):
        assert torch.equal(one, other)


def test_the_closed_margin_of_dpo_is_the_difference_of_its_losses() -> None:
    chosen, rejected = pair()
    difference = margin(partial(dpo, beta=BETA), chosen, rejected)
    np.testing.assert_allclose(dpo_margin(chosen, rejected, beta=BETA), difference, rtol=1e-12)


def test_small_margins_of_ipo_keep_their_digits() -> None:
    """At the papers' beta = 0.01 the two squares are 2,500 each: in fp32 their difference has an error of 1e-4."""
    gain = torch.tensor([1e-6, -1e-5, 1e-4])
    chosen, rejected = (
        ScoredAnswers(x, torch.zeros(3), torch.ones(3, dtype=torch.int64)) for x in (gain, torch.zeros(3))
    )
    torch.testing.assert_close(built("ipo", beta=0.01)(chosen, rejected).margin, 200 * gain)


def test_a_users_own_loss() -> None:
    """Hinge loss in three lines: both directions, margin and gradients follow from the function alone."""

    def hinge(preferred: ScoredAnswers, others: ScoredAnswers) -> Any:
        return torch.relu(1 - BETA * (preferred.gain - others.gain))

    chosen, rejected = pair(grad=True)
    found = PreferenceLoss("hinge", hinge)(chosen, rejected)
    s = BETA * (chosen.gain - rejected.gain)
    torch.testing.assert_close(found.forward, torch.relu(1 - s))
    torch.testing.assert_close(found.margin, torch.relu(1 + s) - torch.relu(1 - s))
    weighted(found, torch.full((B,), 0.25, dtype=torch.float64)).sum().backward()
    expected = 0.25 * -BETA * (s < 1) + 0.75 * BETA * (s > -1)
    torch.testing.assert_close(chosen.logp.grad, expected.to(torch.float64))


def test_an_unknown_name() -> None:
    with pytest.raises(KeyError):
        built("kto")


# Objectives


def test_the_likelihood_of_the_better_answers() -> None:
    """A mean over tokens: at weight 1 of the chosen answers alone, at 0 of the rejected ones."""
    chosen, rejected = pair()
    ones = torch.ones(B, dtype=torch.float64)
    of = [likelihood_loss(chosen, rejected, weight * ones) for weight in (1.0, 0.5, 0.0)]
    torch.testing.assert_close(of[0], -chosen.logp.sum() / chosen.length.sum())
    torch.testing.assert_close(of[2], -rejected.logp.sum() / rejected.length.sum())
    both = chosen.length.sum() + rejected.length.sum()
    torch.testing.assert_close(of[1], -(chosen.logp.sum() + rejected.logp.sum()) / both)
    counted = torch.tensor([2.0] + [0.0] * (B - 1), dtype=torch.float64)
    alone = -2 * chosen.logp[0] / chosen.length[0]
    torch.testing.assert_close(likelihood_loss(chosen, rejected, ones, counted), alone)
    empty = ScoredAnswers(torch.zeros(2), torch.zeros(2), torch.zeros(2))
    assert likelihood_loss(empty, empty, torch.ones(2)) == 0


def some_losses() -> Losses:
    return built("dpo")(*pair())


def test_objectives_are_what_they_say() -> None:
    losses = some_losses()
    forward, reverse, s = (np.asarray(x) for x in losses[:3])
    w = np.linspace(0.05, 0.95, B)
    weight = torch.tensor(w)
    g = 2.0
    expected = {
        "plain": forward,
        "smoothed": (1 - NOISE) * forward + NOISE * reverse,
        "gibbs": -(w * log_expit(s) + (1 - w) * log_expit(-s)),
        "weighted": w * forward + (1 - w) * reverse,
        "rdpo": ((1 - NOISE) * forward - NOISE * reverse) / (1 - 2 * NOISE),
        "holder": -(1 + g) * expit(s) ** g + g * expit(s) ** (1 + g),
        "ropo": 56 / 225 * (forward + 14 * expit(-s)),
        "drdpo": forward,
    }
    expected["score"] = forward  # its gradient is another one, see test_score
    assert set(expected) == set(OBJECTIVES)
    for name, value in expected.items():
        np.testing.assert_allclose(objective(name, losses, weight), value, rtol=1e-12, err_msg=name)


def test_without_noise_smoothed_and_rdpo_are_plain() -> None:
    losses = some_losses()
    assert torch.equal(smoothed(losses, noise=0.0), plain(losses))
    assert torch.equal(rdpo(losses, noise=0.0), plain(losses))


def test_rdpo_is_unbiased() -> None:
    """Its mean over votes flipped with probability eps is the loss on the right votes, whichever those are."""
    losses = some_losses()
    mean = (1 - NOISE) * rdpo(losses, noise=NOISE) + NOISE * rdpo(losses.swapped(), noise=NOISE)
    torch.testing.assert_close(mean, losses.forward, rtol=1e-12, atol=1e-12)


def test_holder_redescends() -> None:
    """Its gradient vanishes on both sides and is largest in between; for s to -infinity it ignores the vote."""
    s = torch.linspace(-40, 40, 801, dtype=torch.float64, requires_grad=True)
    (pull,) = torch.autograd.grad(holder(Losses(s, s, s), gamma=2.0).sum(), s)
    assert (pull <= 0).all()
    assert pull[0].abs() < 1e-12
    assert pull[-1].abs() < 1e-12
    assert pull.min() < -0.1
    assert -1 < s[pull.argmin()] < 1.5


@pytest.mark.parametrize("name", [o for o in OBJECTIVES if o not in (*CONFIDENCE_OBJECTIVES, "drdpo")])
def test_votes_on_one_pair_count_as_they_fell(name: str) -> None:
    """Three votes of four for the chosen answer: three times its loss and once that of the other, over four."""
    losses = some_losses()
    weight, share = torch.ones(B, dtype=torch.float64), torch.full((B,), 0.75, dtype=torch.float64)
    one, other = objective(name, losses, weight), objective(name, losses.swapped(), weight)
    torch.testing.assert_close(objective(name, losses, weight, share), 0.75 * one + 0.25 * other)


# Gradients


@pytest.mark.parametrize("name", ["gibbs", "weighted"])
def test_dpo_with_certain_votes_is_trls_dpo_to_the_last_bit(name: str) -> None:
    """Eta = 1, hence w = 1: loss and gradients of -logsigmoid(beta (delta - delta_ref)), in fp32."""
    ours, trls = pair(torch.float32, grad=True), pair(torch.float32, grad=True)
    loss = objective(name, built("dpo")(*ours), torch.ones(B))
    delta = (trls[0].logp - trls[0].reference) - (trls[1].logp - trls[1].reference)
    expected = -torch.nn.functional.logsigmoid(BETA * delta)
    loss.mean().backward()
    expected.mean().backward()
    assert torch.equal(loss, expected)
    for one, other in zip(ours, trls, strict=True):
        assert torch.equal(one.logp.grad, other.logp.grad)
        assert one.logp.grad.abs().max() > 0


@pytest.mark.parametrize("name", LOSSES)
def test_trust_divides_the_gradient_of_weighted_and_not_its_value(name: str) -> None:
    weight = torch.linspace(0.3, 0.9, B, dtype=torch.float64)
    ours, theirs = pair(grad=True), pair(grad=True)
    one, other = weighted(built(name)(*ours), weight, 0.4), weighted(built(name)(*theirs), weight)
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)
    one.sum().backward()
    other.sum().backward()
    for some, whole in zip(ours, theirs, strict=True):
        torch.testing.assert_close(0.4 * some.logp.grad, whole.logp.grad, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("eta", [0.55, 0.75, 0.99])
def test_per_unit_of_trust_weighted_starts_with_the_steps_of_plain(eta: float) -> None:
    """DPO at s = 0: (eta - 1/2) / (2 eta - 1) = 1/2, the slope of plain DPO."""
    s = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    found = weighted(Losses.of_margins(s), torch.full((3,), eta, dtype=torch.float64), 2 * eta - 1)
    (gradient,) = torch.autograd.grad(found.sum(), s)
    np.testing.assert_allclose(gradient, -0.5, rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_weighted_with_certain_votes_is_the_loss_itself(name: str) -> None:
    ours, theirs = pair(grad=True), pair(grad=True)
    objective("weighted", built(name)(*ours), torch.ones(B, dtype=torch.float64)).sum().backward()
    built(name).loss(*theirs).sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.logp.grad, other.logp.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("votes", [(0.9,), (0.3,), (0.9, -0.8, 0.6)])
def test_the_gradient_of_the_surrogate_is_that_of_the_marginal_likelihood(name: str, votes: tuple[float, ...]) -> None:
    """Gibbs at the current posterior, compared with log P(votes) summed over the truth; minus is a vote for rejected."""
    chosen, rejected = pair(grad=True)
    s = built(name)(chosen, rejected).margin
    for_chosen = for_rejected = 1.0
    for eta in votes:
        for_chosen *= eta if eta > 0 else 1 + eta
        for_rejected *= 1 - eta if eta > 0 else -eta
    marginal = torch.log(torch.sigmoid(s) * for_chosen + torch.sigmoid(-s) * for_rejected)
    expected = torch.autograd.grad(-marginal.sum(), (chosen.logp, rejected.logp), retain_graph=True)

    evidence = sum(np.sign(eta) * logit(abs(eta)) for eta in votes)
    weight = torch.sigmoid(s.detach() + evidence)
    found = torch.autograd.grad(
        gibbs(built(name)(chosen, rejected), weight).sum(), (chosen.logp, rejected.logp), retain_graph=True
    )
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("name", "goal"), [(name, goal) for name, goal in combinations() if goal != "score"])
def test_finite_differences(name: str, goal: str) -> None:
    """Losses are per pair, so one step moves all pairs at once."""
    logps = tuple(x.logp.clone().requires_grad_() for x in pair())
    weight, share = torch.linspace(0.1, 0.9, B, dtype=torch.float64), torch.full((B,), 0.8, dtype=torch.float64)

    def at(move: tuple[float, float]) -> Any:
        moved = [x._replace(logp=y + m) for x, y, m in zip(pair(), logps, move, strict=True)]
        return objective(goal, built(name)(*moved), weight, share)

    found = torch.autograd.grad(at((0.0, 0.0)).sum(), logps)
    step = 1e-5
    for gradient, move in zip(found, ((step, 0.0), (0.0, step)), strict=True):
        difference = (at(move) - at((-move[0], -move[1]))).detach() / (2 * step)
        torch.testing.assert_close(gradient, difference, rtol=1e-6, atol=1e-8)


# Numbers as they come


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize(("name", "goal"), combinations())
def test_precision(name: str, goal: str, dtype: Any, tolerance: float) -> None:
    """The same as in fp64, in the input's type, up to a few roundings of the largest intermediate number."""
    coarse = pair(dtype, grad=True)
    exact = tuple(x._replace(logp=x.logp.detach().double(), reference=x.reference.double()) for x in coarse)
    weight = torch.full((B,), 0.75)
    found = objective(goal, built(name)(*coarse), weight.to(dtype))
    assert found.dtype == dtype
    expected = objective(goal, built(name)(*exact), weight.double())
    size = max(float(x.abs().max()) for x in built(name)(*exact)[:3])
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=tolerance * size)
    found.sum().backward()
    assert all(x.logp.grad.dtype == dtype and bool(x.logp.grad.isfinite().all()) for x in coarse)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("name", "goal"), combinations())
def test_margins_of_ten_thousand_stay_finite(name: str, goal: str, dtype: Any) -> None:
    """One answer is almost certain and the other impossible, in both directions: |s| of 1e4 and more."""
    gap = 1e4 * BETA / 2 if name == "ipo" else 1e4 / BETA
    gain = torch.tensor([0.0, -gap, -gap], dtype=dtype)
    length = torch.ones(3, dtype=torch.int64)
    chosen = ScoredAnswers(gain.clone().requires_grad_(), torch.zeros(3, dtype=dtype), length)
    rejected = ScoredAnswers(gain.flip(0).clone().requires_grad_(), torch.zeros(3, dtype=dtype), length)
    losses = built(name)(chosen, rejected)
    assert losses.margin[0] > 9.9e3
    assert losses.margin[2] < -9.9e3
    weight = torch.sigmoid(losses.margin.detach() + logit(0.9))
    for w in (weight, torch.zeros_like(weight), torch.full_like(weight, 0.5)):
        loss = objective(goal, losses, w)
        assert loss.isfinite().all()
        for gradient in torch.autograd.grad(loss.sum(), (chosen.logp, rejected.logp), retain_graph=True):
            assert gradient.isfinite().all()


def test_balance_is_where_the_weighted_loss_stands_still() -> None:
    """In closed form, for any target margin; finite where one of the losses is nothing."""
    u = torch.linspace(-8, 8, 17, dtype=torch.float64, requires_grad=True)
    log_sigmoid = torch.nn.functional.logsigmoid
    for gamma in (0.0, 1.0, 2.5):
        losses = Losses(-log_sigmoid(u - gamma), -log_sigmoid(-u - gamma), u)
        found = balance(losses)
        torch.testing.assert_close(found, (log_sigmoid(gamma + u) - log_sigmoid(gamma - u)).detach())
        w = torch.sigmoid(found)
        (slope,) = torch.autograd.grad((w * losses.forward + (1 - w) * losses.reverse).sum(), u)
        torch.testing.assert_close(slope, torch.zeros_like(u), atol=1e-12, rtol=0)
        if gamma == 0:
            torch.testing.assert_close(found, u.detach())
    far = torch.tensor([-1e4, 1e4])
    assert balance(Losses(-log_sigmoid(far), -log_sigmoid(-far), far)).isfinite().all()
