"""How a run scores answers: chosen by its models, checked on the first batch of each, and what it fell back to."""

from __future__ import annotations

from typing import Any

import torch
from accelerate.logging import get_logger
from peft import PeftModel

from votewise.errors import BadInputError
from votewise.train.config import RobustPreferenceConfig
from votewise.train.fast_step import choose_step
from votewise.train.quantised import refuse_layers_without_gradients
from votewise.train.scoring import FastStep, Scores, score_answers
from votewise.train.step_check import Prepared

logger = get_logger(__name__)


class CheckedScoring:
    """Scores the batches of a run with its policy and with its reference model.

    Args:
        args: settings of the run.

    Attributes:
        wanted: the way that suits the kind of model, before any batch was tried.
        how: the way in which the policy is scored now; None before ``prepare``.
        prepared: the models by their ``id``, without adapters and wrappers.
        fallbacks: a way that was not asked for -> why it is used.
    """

    def __init__(self, args: RobustPreferenceConfig) -> None:
        self.args = args
        self.wanted: FastStep = "off"
        self.how: FastStep | None = None
        self.prepared: dict[int, Prepared] = {}
        self.fallbacks: dict[FastStep, str] = {}
        self._auxiliary = False

    def prepare(self, accelerator: Any, policy: Any, reference: Any, *, auxiliary: bool) -> None:
        """Choose how answers are scored and prepare the models for it, before any model runs; may be called again.

        Args:
            accelerator: of the run.
            policy: the model that is trained.
            reference: a reference model of its own, or None.
            auxiliary: whether the run needs the auxiliary loss of a mixture of experts.
        """
        args, self._accelerator, self._policy, self._auxiliary = self.args, accelerator, policy, auxiliary
        if self.how is None:
            refuse_layers_without_gradients(policy, accelerator.device)
            if args.packed_attention == "flex" and accelerator.device.type == "cpu":
                raise BadInputError("packed_attention=flex has no gradients on a CPU", expected="auto or segments")
            wanted: Any = args.fast_step  # one of FAST_STEPS, as the config has checked
            self.wanted, why = choose_step(wanted, policy, auxiliary=auxiliary, compiled=args.torch_compile)
            self.how = self.wanted
            if why:
                self._tell(self.how, args.fast_step, why)
        kernels = {"attention": args.packed_attention, "projection": args.answer_projection}
        models = [self._innermost(model) for model in (policy, reference) if model is not None]
        self.prepared = {id(m): self.prepared.get(id(m)) or Prepared(m, self.wanted, **kernels) for m in models}

    def score(
        self, model: Any, batch: dict[str, Any], *, statistics: bool = False, router_logits: bool = False
    ) -> Scores:
        """Score a batch; the first one of each model also decides how, the same way in all processes."""
        prepared = self.prepared[id(self._innermost(model))]
        if not prepared.checked:
            self._settle(prepared, model, batch)
        return score_answers(model, batch, prepared.how, statistics=statistics, router_logits=router_logits)

    def _settle(self, prepared: Prepared, model: Any, batch: dict[str, Any]) -> None:
        def agree(exact: bool) -> bool:
            wrong = torch.tensor(0.0 if exact else 1.0, device=self._accelerator.device)
            return bool(self._accelerator.reduce(wrong, reduction="sum") == 0)

        bare = getattr(model, "_orig_mod", model)  # not compiled for the check alone
        with self._accelerator.autocast():  # the tolerance depends on the number format that the model computes in
            differ = prepared.settle(bare, batch, agree, router_logits=self._auxiliary)
        if prepared.model is self._innermost(self._policy):
            self.how = prepared.how
        if differ and prepared.how not in self.fallbacks:
            self._tell(prepared.how, self.wanted, differ[0].why)

    def _tell(self, how: FastStep, instead_of: str, why: str) -> None:
        self.fallbacks[how] = why
        logger.warning(f"fast_step={instead_of} does not suit this model: {why}. Using {how} instead.")

    def _innermost(self, model: Any) -> Any:
        """The language model itself, without adapters and wrappers."""
        bare = self._accelerator.unwrap_model(model, keep_torch_compile=False)
        return bare.get_base_model() if isinstance(bare, PeftModel) else bare
