"""The check at the start of a run: a model is scored as the run would score it, and compared with the model as it came.

The model as it came is run on the same batch without any of our changes, one row at a time, and its log-probabilities are
taken from all of its logits. A way of scoring must give the same for every token. The fastest way that does is used; what
the others changed in the model is undone. If even TRL's way differs, nothing is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from votewise.errors import BadInputError
from votewise.train.answer_scores import add_scoring
from votewise.train.packed_attention import make_packable, windows_seen
from votewise.train.quantised import in_8_bits
from votewise.train.scoring import NOT_FOR_MODELS, FastStep, score_answers, score_tokens

EXACT = (1e-4, 1e-5)
"""Most that a token's log-probability may differ in fp32 and fp64: in nats, plus this share of it."""

ROUNDED = {torch.float16: 0.0125, torch.bfloat16: 0.1}
"""The same in half precision, in nats: of the root mean square over tokens, because a single token is rounded by more.

The 8 bits of bf16 leave steps of 0.06 nats at a logit of 16; fp16, and the tf32 that CUDA may use for fp32, have 3 more.
"""

AMPLIFIED = 0.05
"""Nats that some recurrences make of the rounding that another batch size brings. Up to here, ways that run on whole batches
are also compared with an ordinary call of a whole batch."""

PACKED = ("shared", "packed")

LADDER: dict[FastStep, tuple[FastStep, ...]] = {
    "shared": ("shared", "answers", "off"),
    "packed": ("packed", "answers", "off"),
    "answers": ("answers", "off"),
    "off": ("off",),
}
"""What is tried, in this order, for each way that is wanted."""


class Differs(NamedTuple):
    """A way of scoring that is not the model's own: why in a few words, and the largest difference of a token in nats."""

    how: FastStep
    why: str
    nats: float


class Prepared:
    """A model that a run scores answers with, and everything that the run changed in it.

    Attributes:
        model: the language model itself, without adapters or wrappers.
        how: the way of scoring; after ``settle`` the one that is used.
        checked: whether ``settle`` has chosen it.
    """

    def __init__(self, model: Any, how: FastStep, **kernels: Any) -> None:
        """Replace the model's ``forward``, which treats ordinary calls as before; attention is changed by ``settle``."""
        self.model, self.how, self.checked = model, how, False
        self._undo = [] if how == "off" else [add_scoring(model, "answers", **kernels)]

    def settle(
        self,
        model: Any,
        batch: dict[str, Any],
        agree: Callable[[bool], bool] = bool,
        *,
        router_logits: bool = False,
    ) -> list[Differs]:
        """Choose the fastest way that scores a batch as the model itself does, and undo what the others changed.

        Args:
            model: the model with its adapters and wrappers.
            batch: a batch of TRL's preference collator.
            agree: whether all processes say yes.
            router_logits: whether the run needs the auxiliary loss of a mixture of experts.

        Returns:
            The ways that were tried before and differ.

        Raises:
            BadInputError: the model's log-probabilities are not finite; TRL's way differs as well, or ends with an error.
        """
        differ: list[Differs] = []
        # Layers in 8 bits round by all the tokens that they get at once.
        expected = untouched_logps(model, batch, together=in_8_bits(self.model))
        if not agree(bool(expected.isfinite().all())):
            raise BadInputError(
                f"{type(self.model).__name__} gives log-probabilities that are not finite on the first batch",
                expected="weights without NaN, and a number format wide enough for them",
            )
        for how in LADDER[self.how]:
            if how in PACKED:
                self._undo.append(make_packable(self.model))
            elif how == "off":
                self.undo()
            found = self._try(model, batch, how, expected, router_logits)
            if how not in PACKED and not agree(found is None or found.nats > AMPLIFIED):
                together = untouched_logps(model, batch, together=True)
                found = found and difference(model, batch, how, together)
            if agree(found is None):
                self.how, self.checked = how, True
                return differ
            differ.append(found or Differs(how, "it differs in another process", 0.0))
            if how in PACKED:
                self._undo.pop()()
        raise BadInputError(
            f"{type(self.model).__name__} cannot be trained: scored as TRL scores it, {differ[-1].why}",
            expected="a causal language model that TRL's DPOTrainer scores rightly"
            + (", or router_aux_loss_coef=0" if router_logits else ""),
        )

    def _try(
        self, model: Any, batch: dict[str, Any], how: FastStep, expected: Tensor, router_logits: bool
    ) -> Differs | None:
        try:
            if router_logits:
                with torch.no_grad(), _evaluating(model):
                    score_answers(model, batch, how, router_logits=True)
            return difference(model, batch, how, expected, self.model.config)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            said = (str(error).strip().splitlines() or ["no message"])[0]
            return Differs(how, f"it ends with {type(error).__name__}: {said}", float("inf"))

    def use_unchecked(self) -> None:
        """Score in the way that is wanted, without comparing; for benchmarks of models that are known to be equal."""
        if self.how in PACKED:
            self._undo.append(make_packable(self.model))
        self.checked = True

    def undo(self) -> None:
        """Leave the model as it came."""
        while self._undo:
            self._undo.pop()()


@torch.no_grad()
def untouched_logps(model: Any, batch: dict[str, Any], *, together: bool = False) -> Tensor:
    """(N,) log-probabilities of the scored tokens, row by row or ``together``, from all logits of ordinary calls."""
    ids, mask = batch["input_ids"], batch["completion_mask"][:, 1:].bool()
    inputs = {name: value for name, value in batch.items() if name not in NOT_FOR_MODELS}
    # Inputs that are not one per row, such as the parts of images, cannot be taken apart.
    apart = not together and all(isinstance(value, Tensor) and len(value) == len(ids) for value in inputs.values())
    found = []
    with _evaluating(model):
        for part in [slice(i, i + 1) for i in range(len(ids))] if apart else [slice(None)]:
            some = {name: value[part] for name, value in inputs.items()} if apart else inputs
            # An adapter may put tokens of its own first.
            logits = model(**some, use_cache=False).logits[:, -ids.shape[1] : -1]
            scored, targets = (x.to(logits.device) for x in (mask[part], ids[part, 1:][mask[part]]))
            found.append(-torch.nn.functional.cross_entropy(logits[scored].float(), targets, reduction="none"))
    return torch.cat(found)


@torch.no_grad()
def difference(
    model: Any, batch: dict[str, Any], how: FastStep, expected: Tensor | None = None, config: Any = None
) -> Differs | None:
    """How a way of scoring differs from the model's own; None if by rounding only.

    Args:
        model: the model with its adapters and wrappers, prepared for the way.
        batch: a batch of TRL's preference collator.
        how: the way of scoring.
        expected: what ``untouched_logps`` returned before the model was prepared; None to find it out now.
        config: the model's configuration, to compare the windows of its layers with; None not to.
    """
    expected = untouched_logps(model, batch) if expected is None else expected
    with _evaluating(model), windows_seen() as windows:
        owner, found, _ = score_tokens(model, batch, how)
    number = _number_format(model, expected.device)
    close, nats = _compare(found[torch.argsort(owner, stable=True)].to(expected), expected, number)
    if how in PACKED:
        # Ordinary calls too, of a model whose attention now has another name: for evaluation, or by callbacks. Called in
        # any case, because the weights may be spread over processes.
        rows = len(batch["input_ids"])
        each = {name: value for name, value in batch.items() if isinstance(value, Tensor) and len(value) == rows}
        pair = {name: value[:: rows // 2] for name, value in each.items()}
        row = batch["completion_mask"][:, 1:].nonzero()[:, 0].to(expected.device)
        again = _compare(untouched_logps(model, pair), expected[row % (rows // 2) == 0], number)
        close, nats = close and again[0], max(nats, again[1])
        if close and config is not None and not _windows_are_told(config.get_text_config(), windows):
            return Differs(how, "its attention layers do not say how far they see", nats)
    if close:
        return None
    return Differs(how, f"a token's log-probability is up to {nats:.2g} nats from the model's own", nats)


def _compare(found: Tensor, expected: Tensor, number: torch.dtype) -> tuple[bool, float]:
    """Whether log-probabilities differ by rounding only, and the largest difference."""
    apart = (found - expected).abs().masked_fill(found.isnan() & expected.isnan(), 0.0)
    if not len(apart):
        return True, 0.0
    if number in ROUNDED:
        return bool((apart**2).mean().sqrt() <= ROUNDED[number]), float(apart.max())
    return bool((apart <= EXACT[0] + EXACT[1] * expected.abs()).all()), float(apart.max())


def _number_format(model: Any, device: torch.device) -> torch.dtype:
    """What the model computes in; fp16 stands for tf32, which rounds alike."""
    if torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    number: torch.dtype = next(model.parameters()).dtype
    tf32 = device.type == "cuda" and torch.backends.cuda.matmul.allow_tf32
    return torch.float16 if tf32 and number == torch.float32 else number


def _windows_are_told(config: Any, windows: list[int | None]) -> bool:
    """Whether as many attention layers were called with a window as the configuration says.

    In a batch of rows shorter than the window, a layer that forgot it would give the right log-probabilities.
    """
    kinds = getattr(config, "layer_types", None)
    if kinds:
        slides = [kind == "sliding_attention" for kind in kinds]
    elif getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
        slides = [True]
    else:
        return True
    with_window: int = sum(window is not None for window in windows)
    return bool(with_window * len(slides) == sum(slides) * len(windows))


@contextmanager
def _evaluating(model: Any) -> Generator[None]:
    """A model in evaluation mode; afterwards each of its parts is in the mode it was in."""
    was = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in was:
            part.training = training
