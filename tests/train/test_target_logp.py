"""Log-probabilities of targets that overwrite their logits."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from votewise.train.target_logp import target_logp  # noqa: E402


def make_logits(rows: int = 5, words: int = 7, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    logits = 4 * torch.randn(rows, words, generator=generator, dtype=dtype)
    return logits.requires_grad_(), torch.randint(words, (rows,), generator=generator)


def test_it_equals_the_cross_entropy_and_its_gradient() -> None:
    logits, targets = make_logits()
    weight = torch.linspace(-1, 2, len(targets), dtype=logits.dtype)
    expected = -torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    (of_expected,) = torch.autograd.grad((weight * expected).sum(), logits)
    found = target_logp(logits.clone(), targets)
    (of_found,) = torch.autograd.grad((weight * found).sum(), logits)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(of_found, of_expected)


def test_the_gradient_equals_finite_differences() -> None:
    logits, targets = make_logits()
    (found,) = torch.autograd.grad(target_logp(logits.clone(), targets).square().sum(), logits)
    width = 1e-5
    for place in torch.cartesian_prod(*(torch.arange(size) for size in logits.shape)):
        step = torch.zeros_like(logits).index_put((place[:1], place[1:]), torch.tensor(width, dtype=logits.dtype))
        with torch.no_grad():
            above, below = (target_logp(logits + sign * step, targets).square().sum() for sign in (1, -1))
        assert found[tuple(place)].item() == pytest.approx(((above - below) / (2 * width)).item(), abs=1e-6)


def test_words_that_are_masked_and_extreme_logits() -> None:
    logits = torch.tensor([[0.0, -torch.inf, 2.0], [3e4, -3e4, 0.0]], requires_grad=True)
    found = target_logp(logits.clone(), torch.tensor([2, 1]))
    torch.testing.assert_close(found.detach(), torch.tensor([-0.126928, -6e4]))
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    torch.testing.assert_close(gradient, torch.tensor([[-0.119203, 0.0, 0.119203], [-1.0, 1.0, 0.0]]))


def test_no_other_array_of_that_size_is_made() -> None:
    """The gradient lies where the logits were."""
    logits, targets = make_logits(dtype=torch.float32)
    mine = logits.clone()
    gradients: list[torch.Tensor] = []
    mine.register_hook(gradients.append)
    place = mine.data_ptr()
    torch.autograd.backward(target_logp(mine, targets).sum())
    assert gradients[0].data_ptr() == place


def test_without_gradients() -> None:
    logits, targets = make_logits()
    with torch.no_grad():
        found = target_logp(logits.clone(), targets)
    torch.testing.assert_close(found, logits.detach().log_softmax(1).gather(1, targets[:, None])[:, 0])


def test_an_operation_that_has_kept_the_logits_ends_with_an_error() -> None:
    logits, targets = make_logits()
    kept = torch.tanh(logits)
    found = target_logp(kept, targets)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.backward(found.sum())


def test_the_gradient_is_not_taken_twice() -> None:
    logits, targets = make_logits()
    found = target_logp(logits.clone(), targets).sum()
    torch.autograd.backward(found, retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.backward(found)


def test_a_target_out_of_range_is_an_error() -> None:
    logits, _ = make_logits(rows=1)
    with pytest.raises((IndexError, RuntimeError), match="out of"):
        target_logp(logits.clone(), torch.tensor([7]))


def test_other_kinds_of_tensors_are_left_as_they_are() -> None:
    class Kind(torch.Tensor):
        pass

    logits, targets = make_logits()
    other = logits.detach().clone().as_subclass(Kind)
    torch.testing.assert_close(
        target_logp(other, targets).as_subclass(torch.Tensor), target_logp(logits.detach().clone(), targets)
    )
    torch.testing.assert_close(other.as_subclass(torch.Tensor), logits.detach())
