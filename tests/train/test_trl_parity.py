"""With all votes trusted, the trainer equals TRL, for DPO to the last bit. These tests fail first if TRL changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tiny import QUIET, losses_of, make_model, make_rows, make_tokenizer, make_trainer, parameters_of  # noqa: E402
from torch.nn.functional import logsigmoid  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402

pytestmark = pytest.mark.slow

NOISY = {"use_cpu": True, "per_device_train_batch_size": 4, "beta": 0.3}
BELIEVED = {"objective": "weighted", "reliability_init": 1 - 1e-12, "reliability_update": "frozen"}
"""Every vote is right: w = 1 in fp32."""
OURS_ONLY = ("write_beliefs",)


def trl_trainer(folder: Path, rows: Any, eval_dataset: Any = None, **settings: Any) -> DPOTrainer:
    quiet = {name: value for name, value in QUIET.items() if name not in OURS_ONLY}
    return DPOTrainer(
        model=make_model(),
        ref_model=make_model(1),
        args=DPOConfig(output_dir=str(folder), **quiet | NOISY | settings),
        train_dataset=rows.remove_columns("annotator"),
        eval_dataset=eval_dataset,
        processing_class=make_tokenizer(),
    )


def our_trainer(folder: Path, rows: Any, **settings: Any) -> Any:
    # The fast step rounds elsewhere; test_fast_step.py compares it with this one.
    return make_trainer(folder, rows, ref_model=make_model(1), fast_step="off", **NOISY | settings)


def gradients(trainer: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, Any]]:
    """Loss and gradients of the first batch, and the batch."""
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    return loss.detach(), {n: p.grad for n, p in trainer.model.named_parameters()}, batch


DPO = [
    {"objective": "plain"},
    BELIEVED,
    BELIEVED | {"objective": "gibbs"},
    {"objective": "smoothed", "label_smoothing": 0.0},
]


@pytest.mark.parametrize("settings", DPO, ids=[s["objective"] for s in DPO])
def test_dpo_has_trls_loss_and_gradients_to_the_last_bit(settings: dict[str, Any], tmp_path: Path) -> None:
    rows = make_rows(8)
    (ours, our_gradients, _), (theirs, their_gradients, _) = (
        gradients(our_trainer(tmp_path, rows, **settings)),
        gradients(trl_trainer(tmp_path, rows, loss_type=["sigmoid"])),
    )
    assert torch.equal(ours, theirs)
    assert ours > 0
    for name, gradient in their_gradients.items():
        assert torch.equal(our_gradients[name], gradient), name
        assert gradient.abs().max() > 0


@pytest.mark.parametrize("settings", [{}, {"gradient_accumulation_steps": 2}, {"precompute_ref_log_probs": True}])
def test_whole_runs_of_dpo_are_trls_to_the_last_bit(settings: dict[str, Any], tmp_path: Path) -> None:
    """Two epochs with their shuffling, schedule and clipping: losses, parameters and metrics."""
    rows, held_out = make_rows(20), make_rows(6, seed=5).remove_columns("annotator")
    settings |= {"num_train_epochs": 2, "eval_strategy": "epoch"}
    ours = our_trainer(tmp_path, rows, objective="plain", eval_dataset=held_out, **settings)
    theirs = trl_trainer(tmp_path, rows, eval_dataset=held_out, **settings)
    ours.train()
    theirs.train()
    assert losses_of(ours) == losses_of(theirs)
    trained = parameters_of(ours.model)
    for name, value in parameters_of(theirs.model).items():
        assert torch.equal(trained[name], value), name
    unlike = ["runtime", "per_second"]
    if "gradient_accumulation_steps" in settings:
        # Of tokens TRL averages the micro-batches' means, however many tokens they have.
        unlike += ["entropy", "logits", "token_accuracy"]
    for here, there in zip(ours.state.log_history, theirs.state.log_history, strict=True):
        same = {name: value for name, value in there.items() if not any(word in name for word in unlike)}
        assert len(same) > 3
        assert {name: here[name] for name in same} == pytest.approx(same, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs", "exact"),
    [
        ({"preference_loss": "ipo", "objective": "plain"}, {"loss_type": ["ipo"]}, True),
        ({"preference_loss": "ipo", **BELIEVED}, {"loss_type": ["ipo"]}, True),
        ({"objective": "rdpo", "label_smoothing": 0.2}, {"loss_type": ["robust"], "label_smoothing": 0.2}, False),
    ],
)
def test_other_losses_of_trl(ours: dict[str, Any], theirs: dict[str, Any], exact: bool, tmp_path: Path) -> None:
    """IPO is averaged over tokens, as TRL does, not summed as in its authors' code; rDPO is called robust there."""
    rows = make_rows(8)
    (loss, found, _), (expected, known, _) = (
        gradients(our_trainer(tmp_path, rows, **ours)),
        gradients(trl_trainer(tmp_path, rows, **theirs)),
    )
    close = {"rtol": 0, "atol": 0} if exact else {"rtol": 1e-5, "atol": 1e-7}
    torch.testing.assert_close(loss, expected, **close)
    for name, gradient in known.items():
        torch.testing.assert_close(found[name], gradient, **close)


def by_hand(model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """(2B,) summed log-probabilities of the answers and their lengths, from all logits and a softmax."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    tokens, mask = batch["input_ids"][:, 1:], batch["completion_mask"][:, 1:]
    logp = torch.log_softmax(logits, -1).gather(2, tokens[..., None])[..., 0]
    return (logp * mask).sum(1), mask.sum(1)


@pytest.mark.parametrize("objective", ["plain", "weighted"])
@pytest.mark.parametrize("loss", ["simpo", "cpo"])
def test_losses_without_a_reference_are_those_of_trls_cpo_trainer(loss: str, objective: str, tmp_path: Path) -> None:
    """Its formulas by hand: simpo with cpo_alpha = 0, and sigmoid with cpo_alpha times the NLL, for one pair at a time."""
    beta, gamma, alpha = 1.5, 0.5, 0.7
    settings = {"objective": objective} if objective == "plain" else BELIEVED
    settings = settings | {"preference_loss": loss, "beta": beta}
    settings |= {"simpo_gamma": gamma} if loss == "simpo" else {"cpo_alpha": alpha}
    found, ours, batch = gradients(make_trainer(tmp_path, make_rows(4), per_device_train_batch_size=1, **settings))
    model = make_model()
    logp, length = by_hand(model, batch)
    if loss == "simpo":
        (chosen, rejected) = logp / length
        expected = -logsigmoid(beta * (chosen - rejected - gamma / beta))
    else:
        chosen, rejected = logp
        expected = -logsigmoid(beta * (chosen - rejected)) + alpha * -(chosen / length[0])
    expected.backward()
    torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-6)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-4, atol=1e-6)


def test_one_step_of_re_dpo_by_hand(tmp_path: Path) -> None:
    """w = sigmoid(s + logit(eta)) of who voted [RE-PO eq. 4], loss = w forward + (1 - w) reverse, from all logits."""
    rows = make_rows(8)
    trainer = our_trainer(tmp_path, rows, reliability_update="frozen")
    eta = {"ann0": 0.9, "ann1": 0.7, "ann2": 0.2}
    names = trainer.beliefs.votes.annotator_ids.to_pylist()
    trainer.beliefs.start_at(torch.tensor([eta[name] for name in names]).double().numpy())
    loss, found, batch = gradients(trainer)
    model, reference = make_model(), make_model(1)
    gain = by_hand(model, batch)[0] - by_hand(reference, batch)[0].detach()
    s = 0.3 * (gain[:4] - gain[4:])
    who = [rows[int(i)]["annotator"] for i in batch["votewise_row"]]
    w = torch.sigmoid(s.detach() + torch.logit(torch.tensor([eta[name] for name in who])))
    expected = -(w * logsigmoid(s) + (1 - w) * logsigmoid(-s)).mean()
    expected.backward()
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-5, atol=1e-6)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-4, atol=1e-6)
