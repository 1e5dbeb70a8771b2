"""The objective ``score``: its gradient is a likelihood's, its temperature is found by the run, and runs resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

from scipy.special import expit  # noqa: E402
from tiny import make_model, make_rows, make_trainer  # noqa: E402

from votewise.errors import BadInputError  # noqa: E402
from votewise.train.config import RobustPreferenceConfig  # noqa: E402
from votewise.train.losses import Losses, ScoredAnswers, make_loss  # noqa: E402
from votewise.train.objectives import score  # noqa: E402
from votewise.train.rate_filter import LOG_T, RHO, RateFilter  # noqa: E402
from votewise.train.score_inputs import automatic_temperature  # noqa: E402

MARGINS = torch.linspace(-6, 6, 25, dtype=torch.float64)


def push(evidence: Any, t: float, trust: float = 1.0, tilt: float = 0.0, margins: Any = MARGINS) -> Any:
    """Minus the objective's gradient with respect to the margins."""
    s = margins.clone().requires_grad_()
    losses = Losses(-torch.nn.functional.logsigmoid(s), -torch.nn.functional.logsigmoid(-s), s)
    score(losses, torch.as_tensor(evidence, dtype=torch.float64).expand_as(s), t, trust, tilt).sum().backward()
    return -s.grad


@pytest.mark.parametrize("t", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("e", [-1.5, 0.3, 2.0, 9.0])
def test_the_gradient_is_the_score_of_the_votes_likelihood(e: float, t: float) -> None:
    def log_p(s: Any) -> Any:
        return np.log(expit(e) * expit(t * s) + expit(-e) * expit(-t * s))

    s, h = MARGINS.numpy(), 1e-5
    by_hand = (log_p(s + h) - log_p(s - h)) / (2 * h)
    np.testing.assert_allclose(push(e, t, trust=0.4), by_hand / t / 0.4, rtol=1e-6, atol=1e-9)


def test_of_one_vote_it_is_the_mixture_of_dpo_and_chance() -> None:
    """P(vote | m) = 1/2 + rho (sigma(t m) - 1/2)."""
    eta, t = 0.8, 2.0
    p, rho = expit(t * MARGINS.numpy()), 2 * eta - 1
    expected = rho * p * (1 - p) / (0.5 + rho * (p - 0.5))
    np.testing.assert_allclose(push(np.log(eta / (1 - eta)), t), expected, rtol=1e-9)


@pytest.mark.parametrize("per_token", [True, False])
@pytest.mark.parametrize("e", [0.9, -0.7])
def test_of_cpo_it_is_the_score_of_the_ranking_and_the_likelihood_of_the_believed_answer(
    e: float, per_token: bool
) -> None:
    """By finite differences in the log-probability of either answer, with w as it is."""
    beta, alpha, t, trust = 0.3, 0.7, 1.4, 0.4
    loss = make_loss("cpo", beta=beta, simpo_gamma=1.0, cpo_alpha=alpha, cpo_per_token=per_token, apart=True)
    length = torch.tensor([[3.0, 8.0, 1.0], [5.0, 2.0, 1.0]], dtype=torch.float64)
    logp = torch.tensor([[-9.0, -20.0, -0.5], [-11.0, -3.0, -4.0]], dtype=torch.float64, requires_grad=True)
    answers = [ScoredAnswers(logp[i], torch.zeros(3), length[i]) for i in (0, 1)]
    losses = loss(*answers)
    value = score(losses, torch.full((3,), e, dtype=torch.float64), t, trust)
    torch.testing.assert_close(value, losses.forward)  # what is logged stays the loss
    value.sum().backward()
    here, h = logp.detach().numpy(), 1e-5
    w = expit(e + t * beta * (here[0] - here[1]))
    assert (w > 0.5).any()
    assert (w < 0.5).any()

    def log_p(at: Any) -> Any:
        s = t * beta * (at[0] - at[1])
        return np.log(expit(e) * expit(s) + expit(-e) * expit(-s)) / t / trust

    def likelihood(at: Any) -> Any:
        per = at / length.numpy() if per_token else at
        return alpha * (2 * w - 1) ** 2 * np.where(w > 0.5, per[0], per[1])

    for i in (0, 1):
        step = np.zeros((2, 1))
        step[i] = h
        by_hand = sum((f(here + step) - f(here - step)) / (2 * h) for f in (log_p, likelihood))
        np.testing.assert_allclose(-logp.grad[i], by_hand, rtol=1e-6, atol=1e-9)


def test_of_sure_votes_at_temperature_one_it_is_cpo_itself() -> None:
    """Value and gradient; and which answer is called chosen makes no difference."""
    named = {"beta": 0.3, "simpo_gamma": 1.0, "cpo_alpha": 0.7, "cpo_per_token": True}
    rng = np.random.default_rng(0)
    logp = torch.tensor(-rng.exponential(5, (2, 6)), requires_grad=True)
    length = torch.tensor(rng.integers(1, 9, (2, 6)).astype(float))
    answers = [ScoredAnswers(logp[i], torch.zeros(6), length[i]) for i in (0, 1)]
    (expected,) = torch.autograd.grad(make_loss("cpo", **named)(*answers).forward.sum(), logp)
    losses = make_loss("cpo", **named, apart=True)(*answers)
    sure = torch.full((6,), 60.0)
    for some, evidence in ((losses, sure), (losses.swapped(), -sure)):
        (found,) = torch.autograd.grad(score(some, evidence, 1.0, 1.0).sum(), logp, retain_graph=True)
        torch.testing.assert_close(found, expected)


def test_limits() -> None:
    p = expit(MARGINS.numpy())
    np.testing.assert_allclose(push(40.0, 1.0), 1 - p, atol=1e-12)  # sure votes: plain DPO
    e = 1e-6  # votes worth nothing, per unit of trust: the symmetric sigmoid loss
    np.testing.assert_allclose(push(e, 1.0, trust=np.tanh(e / 2)), 2 * p * (1 - p), rtol=1e-5)
    # Where nothing is decided, or at a low temperature, every trust gives the same step.
    for eta in (0.55, 0.7, 0.99):
        evidence = np.log(eta / (1 - eta))
        assert push(evidence, 3.0, 2 * eta - 1, margins=torch.zeros(1, dtype=torch.float64)) == pytest.approx(0.5)
        np.testing.assert_allclose(push(evidence, 1e-6, 2 * eta - 1), 0.5, rtol=1e-4)


def test_it_never_pushes_against_a_vote_that_is_right_more_often_than_wrong() -> None:
    for e in (0.01, 1.0, 5.0):
        assert (push(e, 2.0, tilt=3.0) > 0).all()
        assert (push(-e, 2.0, tilt=3.0) < 0).all()


def test_the_tilt_is_a_factor_of_decided_rows() -> None:
    e, t, d = 0.6, 1.5, 2.5
    w = expit(t * MARGINS.numpy() + e)
    believed = np.where(w > 0.5, 1, -1) * t * MARGINS.numpy()
    np.testing.assert_allclose(push(e, t, tilt=d), push(e, t).numpy() * (2 * expit(believed)) ** d, rtol=1e-9)


def test_the_automatic_temperature_does_not_depend_on_the_scale_of_margins() -> None:
    assert automatic_temperature(5.0, 2.0, 0) * 2.0 == pytest.approx(automatic_temperature(5.0, 0.02, 0) * 0.02)
    assert automatic_temperature(5.0, 2.0, 3) == pytest.approx(8 * automatic_temperature(5.0, 2.0, 0))
    assert automatic_temperature(5.0, 0.0, 0) == 1.0


# The filter


def first_seen(eta: float, seed: int, *, rows: int = 3000, sharp: float = 4.0) -> list[Any]:
    """Batches of margins of the voted side, which grow while a policy learns."""
    rng = np.random.default_rng(seed)
    batches = []
    for step in range(rows // 64):
        size = 0.02 + step / 40
        s = rng.standard_normal(64) * size
        truth = np.where(rng.random(64) < expit(sharp * s / size), 1, -1)
        batches.append(np.where(rng.random(64) < eta, 1, -1) * truth * s)
    return batches


@pytest.mark.parametrize(("eta", "bound"), [(0.6, 0.045), (0.7, 0.022), (0.8, 0.018), (0.9, 0.013), (1.0, 0.001)])
def test_the_filter_finds_the_share_of_right_votes(eta: float, bound: float) -> None:
    """The mean over ten simulated runs; by the spread of sixty others, each bound fails once in 10,000 times."""
    found = []
    for seed in range(10):
        beliefs = RateFilter()
        for margins in first_seen(eta, seed):
            beliefs.absorb(margins)
        found.append(float(beliefs.eta))
    assert np.mean(found) == pytest.approx(eta, abs=bound)


def test_one_step_is_bayes_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("votewise.train.rate_filter.WANDER", 0.0)
    margins = np.array([0.5, -0.2, 1.4])
    beliefs = RateFilter()
    before = np.exp(beliefs.weights)
    beliefs.absorb(margins)
    root = np.sqrt((margins**2).mean())
    p = 0.5 + RHO[:, None, None] * (expit(np.exp(LOG_T)[:, None] * margins / root) - 0.5)
    after = before * p.prod(-1)
    # The random step of log t has a width of its own on the grid, however small it is.
    np.testing.assert_allclose(np.exp(beliefs.weights), after / after.sum(), rtol=1e-6, atol=1e-12)
    assert beliefs.eta == pytest.approx(0.5 + 0.5 * float((after / after.sum()).sum(1) @ RHO))


def test_runs_side_by_side_are_runs_by_themselves() -> None:
    both, alone = RateFilter((2,)), [RateFilter(), RateFilter()]
    for one, other in zip(first_seen(0.7, 1), first_seen(0.9, 2), strict=True):
        both.absorb(np.stack([one, other]))
        alone[0].absorb(one)
        alone[1].absorb(other)
    np.testing.assert_allclose(both.eta, [float(a.eta) for a in alone])
    np.testing.assert_allclose(both.sharpness, [float(a.sharpness) for a in alone])
    np.testing.assert_allclose(both.root, [float(a.root) for a in alone])


def test_margins_of_nothing_teach_nothing() -> None:
    beliefs = RateFilter()
    prior = beliefs.weights.copy()
    beliefs.absorb(np.zeros(64))
    np.testing.assert_array_equal(beliefs.weights, prior)
    assert beliefs.root == 0


def test_without_a_reference_margins_are_worth_nothing_until_they_agree_with_the_votes() -> None:
    """Large from the start and of random signs, they leave eta where it was; the usual filter takes the votes for noise."""
    rng = np.random.default_rng(0)
    late, usual = RateFilter(reference=False), RateFilter()
    assert late.sharpness < 0.2 * usual.sharpness
    before = float(late.eta)
    for _ in range(5):
        margins = rng.normal(0, 8, 64)
        late.absorb(margins)
        usual.absorb(margins)
    assert late.eta == pytest.approx(before, abs=0.05)
    assert usual.eta < 0.6
    for margins in first_seen(0.9, 1):
        late.absorb(8 * margins)
    assert late.eta == pytest.approx(0.9, abs=0.05)


# In a run


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"preference_loss": "ipo"},
            "objective=score .expected preference_loss=dpo, dpo_norm or cpo, or objective=weighted",
        ),
        ({"reliability_margins": "current"}, "objective=score .expected reliability_margins=first"),
        (
            {"reliability_update": "frozen"},
            "loss_temperature=auto is found with the reliabilities, which are not learnt",
        ),
        ({"loss_temperature": "hot"}, "loss_temperature, got 'hot' .expected auto or a number above 0"),
        ({"loss_temperature": "-1"}, "loss_temperature, got '-1' .expected auto or a number above 0"),
        ({"score_tilt": -1.0}, "score_tilt, got -1.0 .expected at least 0"),
        ({"objective": "weighted", "loss_temperature": "2"}, "loss_temperature has no effect with objective=weighted"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=problem):
        RobustPreferenceConfig(str(tmp_path), **{"objective": "score"} | settings)


def trainer_of(folder: Path, rows: Any, **settings: Any) -> Any:
    reference = {} if settings.get("preference_loss") == "cpo" else {"ref_model": make_model(1)}
    return make_trainer(folder, rows, objective="score", **reference, **settings)


def weights_after(folder: Path, rows: Any, **settings: Any) -> Any:
    trainer = trainer_of(folder, rows, **settings)
    trainer.train()
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()]), trainer


@pytest.mark.parametrize("loss", ["dpo", "cpo"])
@pytest.mark.parametrize("reliability", [(0.8,), (0.9, 0.9, 0.3)], ids=["one annotator", "crowd"])
def test_an_interrupted_run_ends_with_the_same_bits(reliability: tuple[float, ...], loss: str, tmp_path: Path) -> None:
    rows = make_rows(48, reliability)
    settings = {
        "preference_loss": loss,
        "num_train_epochs": 2,
        "save_strategy": "steps",
        "save_steps": 5,
        "learning_rate": 5e-3,
    }
    whole, straight = weights_after(tmp_path / "whole", rows, **settings)
    again = trainer_of(tmp_path / "whole", rows, **settings)
    again.train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-5"))
    torch.testing.assert_close(
        torch.cat([p.detach().flatten() for p in again.model.parameters()]), whole, rtol=0, atol=0
    )
    np.testing.assert_array_equal(again.beliefs.filter.weights, straight.beliefs.filter.weights)
    assert again.beliefs.filter.root == straight.beliefs.filter.root > 0


@pytest.mark.parametrize("loss", ["dpo", "cpo"])
def test_one_annotators_reliability_is_the_filters(loss: str, tmp_path: Path) -> None:
    _, trainer = weights_after(tmp_path, make_rows(64, (0.8,)), learning_rate=5e-3, preference_loss=loss)
    assert trainer.beliefs.reliability[0] == pytest.approx(float(trainer.beliefs.filter.eta))
    assert trainer.beliefs.trust == pytest.approx(2 * trainer.beliefs.reliability[0] - 1)
    _, crowd = weights_after(tmp_path / "crowd", make_rows(64), learning_rate=5e-3)
    np.testing.assert_array_equal(crowd.beliefs.filter.weights, RateFilter().weights)
    seen = crowd.beliefs.first
    assert crowd.beliefs.filter.root == pytest.approx(np.sqrt((seen**2).mean()))


@pytest.mark.parametrize("loss", ["dpo", "cpo"])
def test_in_a_stream_the_filter_sees_every_row_once(loss: str, tmp_path: Path) -> None:
    settings = {"preference_loss": loss, "max_steps": 6, "learning_rate": 5e-3, "per_device_train_batch_size": 8}
    _, trainer = weights_after(tmp_path, make_rows(48, (0.8,)).to_iterable_dataset(), **settings)
    by_hand = RateFilter(reference=loss == "dpo")
    for margins in np.split(trainer.beliefs.first, 6):
        by_hand.absorb(margins)
    np.testing.assert_allclose(trainer.beliefs.filter.weights, by_hand.weights, atol=1e-9)
    assert trainer.beliefs.reliability[0] == pytest.approx(float(by_hand.eta))


@pytest.mark.parametrize("fast_step", ["packed", "answers", "off"])
def test_of_cpo_all_ways_to_score_answers_train_alike(fast_step: str, tmp_path: Path) -> None:
    """To rounding, which AdamW would blow up: SGD."""
    rows = make_rows(32)
    settings = {"preference_loss": "cpo", "learning_rate": 0.1, "optim": "sgd"}
    shared, _ = weights_after(tmp_path / "shared", rows, **settings)
    other, trainer = weights_after(tmp_path / fast_step, rows, fast_step=fast_step, **settings)
    before = torch.cat([p.detach().flatten() for p in make_model().parameters()])
    assert float((shared - before).norm()) > 0.01
    torch.testing.assert_close(other, shared, rtol=1e-3, atol=1e-4)
    assert trainer.beliefs.filter.root > 0


def test_a_temperature_that_is_given_is_taken(tmp_path: Path) -> None:
    """At temperature 1, without a tilt and with sure votes, it is plain DPO."""
    rows = make_rows(32, (1.0,))
    sure = {"reliability_init": 1 - 1e-9, "reliability_update": "frozen", "loss_temperature": "1", "score_tilt": 0.0}
    ours, _ = weights_after(tmp_path / "score", rows, learning_rate=5e-3, **sure)
    trainer = make_trainer(tmp_path / "plain", rows, ref_model=make_model(1), objective="plain", learning_rate=5e-3)
    trainer.train()
    plain = torch.cat([p.detach().flatten() for p in trainer.model.parameters()])
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-6)
