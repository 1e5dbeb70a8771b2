"""ROPO and Dr. DPO: values and gradients are those of the papers, and so are the limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.special import expit, log_expit, logsumexp, softmax  # noqa: E402
from tiny import losses_of, make_rows, make_trainer  # noqa: E402
from torch.nn.functional import logsigmoid  # noqa: E402

from votewise.train.losses import Losses  # noqa: E402
from votewise.train.objectives import batch_mean, drdpo, holder, plain, ropo  # noqa: E402

ALPHAS = (0.5, 2.0, 6.0, 14.0, 30.0)
BETAS = (0.1, 1.0, 7.0)


def margins(n: int = 9, seed: int = 0) -> Any:
    return torch.tensor(np.random.default_rng(seed).normal(0, 3, n), requires_grad=True)


def difference(function: Any, s: Any, step: float = 1e-5) -> Any:
    """Central differences of a scalar function of margins."""
    moved = [torch.zeros_like(s).index_fill_(0, torch.tensor(i), step) for i in range(len(s))]
    return torch.stack([(function(s.detach() + m) - function(s.detach() - m)) / (2 * step) for m in moved])


def test_losses_of_margins_are_bradley_terrys() -> None:
    s = margins()
    losses = Losses.of_margins(s)
    np.testing.assert_allclose(losses.forward.detach(), -log_expit(s.detach().numpy()))
    swapped = zip(losses.swapped()[:3], Losses.of_margins(-s)[:3], strict=True)
    assert all(torch.equal(one, other) for one, other in swapped)


# ROPO


@pytest.mark.parametrize("alpha", ALPHAS)
def test_value_and_gradient_of_ropo(alpha: float) -> None:
    s = margins()
    x = s.detach().numpy()
    loss = ropo(Losses.of_margins(s), alpha=alpha)
    dpo_part, bounded_part = 4 * alpha / (1 + alpha) ** 2, 4 * alpha**2 / (1 + alpha) ** 2
    np.testing.assert_allclose(loss.detach(), -dpo_part * log_expit(x) + bounded_part * expit(-x), rtol=1e-12)
    (gradient,) = torch.autograd.grad(loss.sum(), s)
    weight = dpo_part * expit(-x) + bounded_part * expit(x) * expit(-x)
    np.testing.assert_allclose(gradient, -weight, rtol=1e-12)
    torch.testing.assert_close(
        gradient, difference(lambda y: ropo(Losses.of_margins(y), alpha=alpha).sum(), s), rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("alpha", [a for a in ALPHAS if a >= 1])
def test_the_largest_gradient_of_ropo_is_one(alpha: float) -> None:
    """It lies at sigmoid(-s) = (1 + a) / (2 a), where the margin mildly contradicts the vote."""
    q = (1 + alpha) / (2 * alpha)
    s = torch.tensor([*np.linspace(-30, 30, 601), np.log((1 - q) / q)], requires_grad=True)
    (pull,) = torch.autograd.grad(ropo(Losses.of_margins(s), alpha=alpha).sum(), s)
    assert pull.min() >= -1 - 1e-12
    assert pull[-1] == pytest.approx(-1)
    assert pull[0] == pytest.approx(-4 * alpha / (1 + alpha) ** 2)


def test_limits_of_ropo() -> None:
    """Alpha to 0, divided by its factor: DPO. Alpha to infinity: 4 sigmoid(-s)."""
    losses = Losses.of_margins(margins().detach())
    small = 1e-9
    torch.testing.assert_close(ropo(losses, alpha=small) / (4 * small), plain(losses), rtol=1e-6, atol=0)
    large = ropo(losses, alpha=1e9)
    torch.testing.assert_close(large, 4 * torch.sigmoid(-losses.margin), rtol=1e-6, atol=1e-7)


def test_ropo_lets_go_of_votes_that_the_margin_contradicts() -> None:
    """Its pull falls there, as that of Hölder-DPO; the pull of DPO rises."""
    s = torch.tensor([-2.0, -8.0], dtype=torch.float64, requires_grad=True)
    losses = Losses.of_margins(s)
    found = (ropo(losses, alpha=14.0), holder(losses, gamma=2.0), plain(losses))
    pulls = [torch.autograd.grad(loss.sum(), s, retain_graph=True)[0].abs() for loss in found]
    assert [bool(far < near) for near, far in pulls] == [True, True, False]


# Dr. DPO


@pytest.mark.parametrize("beta", BETAS)
def test_value_and_gradient_of_drdpo(beta: float) -> None:
    s = margins()
    loss = -log_expit(s.detach().numpy())
    found = batch_mean(Losses.of_margins(s).forward, drdpo_beta=beta)
    expected = -beta * np.log(np.mean(np.exp(-loss / beta)))
    assert found.item() == pytest.approx(expected, rel=1e-12)
    (gradient,) = torch.autograd.grad(found, s)
    share = softmax(-loss / beta)
    np.testing.assert_allclose(gradient, -share * expit(-s.detach().numpy()), rtol=1e-10)
    by_steps = difference(lambda y: batch_mean(Losses.of_margins(y).forward, drdpo_beta=beta), s)
    torch.testing.assert_close(gradient, by_steps, rtol=1e-6, atol=1e-9)


def test_limits_of_drdpo() -> None:
    """Beta to infinity: the plain mean. Beta to 0: the smallest loss of the batch."""
    loss = Losses.of_margins(margins().detach()).forward
    counted = torch.tensor([0.0, 2.0, 0.5, *[1.0] * 6], dtype=torch.float64)
    for row_weights in (None, counted):
        wide = batch_mean(loss, row_weights, drdpo_beta=1e7)
        torch.testing.assert_close(wide, batch_mean(loss, row_weights), rtol=1e-6, atol=0)
    assert batch_mean(loss, drdpo_beta=1e-4).item() == pytest.approx(loss.min().item(), abs=1e-3)
    assert batch_mean(loss, drdpo_beta=0.3) < batch_mean(loss, drdpo_beta=3.0) < loss.mean()


def test_rows_without_weight_do_not_count() -> None:
    loss = torch.tensor([0.1, float("inf"), 0.7], dtype=torch.float64)
    counted = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    found = batch_mean(loss, counted, drdpo_beta=1.0)
    assert found.item() == pytest.approx(-logsumexp([-0.1, -0.7]) + np.log(2))
    nothing = torch.zeros(2, requires_grad=True)
    batch_mean(nothing, torch.zeros(2), drdpo_beta=1.0).backward()
    assert torch.equal(nothing.grad, torch.zeros(2))


def test_large_losses_do_not_overflow() -> None:
    loss = torch.tensor([1e4, 2e4, 3e4], requires_grad=True)
    found = batch_mean(loss, drdpo_beta=0.1)
    assert found.item() == pytest.approx(1e4, rel=1e-4)
    found.backward()
    torch.testing.assert_close(loss.grad, torch.tensor([1.0, 0.0, 0.0]))


def test_the_votes_of_a_pair_count_as_rows_of_their_own() -> None:
    """A pair with three votes of four for the chosen answer is four rows, three of them forward."""
    losses = Losses.of_margins(margins(1).detach())
    of_pair = drdpo(losses, torch.tensor([0.75], dtype=torch.float64), beta=0.5)
    rows = torch.cat([losses.forward.repeat(3), losses.reverse])
    torch.testing.assert_close(of_pair[0], batch_mean(rows, drdpo_beta=0.5))
    unanimous = drdpo(losses, torch.ones(1, dtype=torch.float64), beta=0.5)
    torch.testing.assert_close(unanimous, losses.forward)


def test_the_batch_of_drdpo_is_one_micro_batch(tmp_path: Path) -> None:
    """With accumulation a step is the mean of its micro-batches' soft minima, not the soft minimum of all its rows."""
    trainer = make_trainer(
        tmp_path,
        make_rows(16),
        objective="drdpo",
        drdpo_beta=0.02,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        num_train_epochs=4,
    )
    margins_of: list[Any] = []
    absorb = trainer._votes.absorb

    def remember(who: Any, margin: Any, residual: Any) -> None:
        margins_of.append(np.asarray(margin))
        absorb(who, margin, residual)

    trainer._votes.absorb = remember
    trainer.train()
    last = (-logsigmoid(torch.tensor(margins_of[-1]))).split(4)
    of_parts = [batch_mean(part, drdpo_beta=0.02).item() for part in last]
    whole = batch_mean(torch.cat(last), drdpo_beta=0.02).item()
    assert losses_of(trainer)[-1] == pytest.approx(np.mean(of_parts), abs=2e-4)
    assert abs(whole - np.mean(of_parts)) > 2e-3
