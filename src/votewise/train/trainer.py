"""RE-DPO, RE-IPO, RE-SimPO and RE-CPO as a TRL trainer.

A thin subclass of ``DPOTrainer``: TRL prepares, tokenizes, shards and steps; here are the loss of a batch, what is learnt
of the annotators after a step, and what is written when it is over.
"""

from __future__ import annotations

import copy
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from accelerate.logging import get_logger
from accelerate.utils import gather_object
from peft import PeftModel
from torch import Tensor
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import DPOTrainer
from trl.trainer.dpo_trainer import disable_gradient_checkpointing, use_adapter

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.results import ReliabilityResult
from votewise.defaults import INFORMED
from votewise.errors import BadInputError
from votewise.report.audit_files import write_audit
from votewise.train.audited import fixed_confidence
from votewise.train.beginning import EndOfEpoch, RowCollator, begin, needs_copy
from votewise.train.checkpoints import last_whole_checkpoint, read_beliefs, save_beliefs
from votewise.train.config import RobustPreferenceConfig
from votewise.train.losses import BELIEVING, Losses, ScoredAnswers, apply_objective
from votewise.train.metrics import RunningMeans
from votewise.train.precompute import with_reference
from votewise.train.scoring import FastStep, Scores, add_scoring, choose_step, score_answers, step_is_exact
from votewise.train.training_rows import ROW

logger = get_logger(__name__)


class RobustPreferenceTrainer(DPOTrainer):
    """Train a policy on votes of which many are wrong, and learn whose to believe on the way.

    Args:
        model: as for ``DPOTrainer``; a model instance without a path gets a copy of itself as its reference.
        args: a ``RobustPreferenceConfig``.
        train_dataset: a ``Votes`` with texts, or rows as ``DPOTrainer`` takes them, with who voted in
            ``args.annotator_column``.
        kwargs: everything else that ``DPOTrainer`` takes.

    Attributes:
        beliefs: what is believed of the votes so far, ``TrainingBeliefs``.
        rows: the rows trained on and the votes they stand for.

    Raises:
        BadInputError: data or settings that cannot be used.
        WorseThanChanceError: while training, where the crowd turns out to be worse than chance.
    """

    _tag_names = ("trl", "votewise", "robust-preference")

    def __init__(
        self,
        model: Any,
        ref_model: Any = None,
        args: RobustPreferenceConfig | None = None,
        train_dataset: Any = None,
        **kwargs: Any,
    ) -> None:
        args = RobustPreferenceConfig("robust-preference") if args is None else args
        if not isinstance(args, RobustPreferenceConfig):
            raise BadInputError("args", value=type(args).__name__, expected="a RobustPreferenceConfig")
        self.loss = args.loss()
        self.beliefs: Any
        self.rows, self.beliefs = begin(train_dataset, args)
        self._fixed = fixed_confidence(args, self.rows)
        self._how: FastStep | None = None
        self._checked = False
        # No reference model is built where its log-probabilities come with the data; nor are these computed if not needed.
        args.precompute_ref_log_probs = not self.loss.reference or bool(args.precompute_ref_log_probs)
        if ref_model is None and needs_copy(model, args, kwargs):
            ref_model = copy.deepcopy(model)
        self._running = {"train": RunningMeans(), "eval": RunningMeans()}
        self._step: list[tuple[Any, Tensor, Tensor]] = []
        self._estimate: ReliabilityResult | None = None
        dataset = train_dataset if self.rows is None else self.rows.dataset
        super().__init__(model, ref_model=ref_model, args=args, train_dataset=dataset, **kwargs)
        if not self.loss.reference:
            # Or TRL would refuse to evaluate on data that come after training, for want of a reference.
            self.precompute_ref_logps = False
        self._prepare_scoring()
        self.data_collator: Any = RowCollator(self.data_collator, args.annotator_column, stream=self.rows is None)
        self.add_callback(EndOfEpoch(self.beliefs))
        if self.rows is not None and self.rows.tied:
            logger.warning(f"{self.rows.tied:,} pairs on which nobody took a side were left out.")

    # Data

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        own = ROW if self.rows is not None else self.args.annotator_column
        if own is not None and own not in self._signature_columns:
            self._signature_columns.append(own)

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        return with_reference(self, dataset, name, batch_size) if self.loss.reference else dataset

    # One batch

    def _prepare_scoring(self) -> None:
        """Choose how answers are scored and teach it to the models, once; before the first of them is run."""
        if self._how is not None:
            return
        if self.args.packed_attention == "flex" and self.accelerator.device.type == "cpu":
            raise BadInputError("packed_attention=flex has no gradients on a CPU", expected="auto or segments")
        inner = [_innermost(self.accelerator.unwrap_model(m)) for m in (self.model, self.ref_model) if m is not None]
        self._how, why = choose_step(self.args.fast_step, self.model, auxiliary=self.aux_loss_enabled)
        if why:
            logger.warning(f"fast_step={self.args.fast_step} is not for this model: {why}. Going on with {self._how}.")
        if self._how != "off":
            for model in inner:
                kernels = {"attention": self.args.packed_attention, "projection": self.args.answer_projection}
                add_scoring(model, self._how, **kernels)

    def _check_step(self, model: Any, batch: dict[str, Any]) -> None:
        """Compare packed and padded rows on the first batch; on all ranks, for they must go on alike."""
        self._checked = True
        if self._how not in ("shared", "packed"):
            return
        with self.accelerator.autocast():  # rounding is judged by the numbers that the model computes with
            exact, difference = step_is_exact(model, batch, self._how)
        wrong = torch.tensor(0.0 if exact else 1.0, device=self.accelerator.device)
        if self.accelerator.reduce(wrong, reduction="sum") > 0:
            logger.warning(
                f"fast_step={self._how} changes log-probabilities by up to {difference:.2g} nats on the first batch: "
                "this model does not allow it. Going on with fast_step=answers."
            )
            self._how = "answers"

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """(B,) log-probabilities of the chosen and of the rejected answers under the reference model."""
        self._prepare_scoring()
        adapter: Any = nullcontext()
        if self.ref_model is None and isinstance(self.model, PeftModel):
            policy = self.accelerator.unwrap_model(self.model)
            adapter = use_adapter(policy, adapter_name="ref" if "ref" in policy.peft_config else None)
        checkpointing = disable_gradient_checkpointing(self.model, self.args.gradient_checkpointing_kwargs)
        with torch.no_grad(), checkpointing, adapter, self.accelerator.autocast():
            batch = {name: value for name, value in inputs.items() if name != ROW}
            if not self._checked:
                self._check_step(model, batch)
            chosen, rejected = score_answers(model, batch, self._how or "off").logp.chunk(2)
        return chosen, rejected

    def _is_logged(self) -> bool:
        """Whether the metrics of this batch will be seen: those per token are left out where they will not."""
        if not self.model.training or self.args.logging_strategy != "steps":
            return True
        step = self.state.global_step + 1
        return bool(step % max(int(self.state.logging_steps), 1) == 0 or (step == 1 and self.args.logging_first_step))

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        training = self.model.training
        row = inputs.get(ROW)
        # Numbers of rows, or of a stream the names of who voted; None of data that nobody voted on.
        who = row.tolist() if isinstance(row, Tensor) else row
        batch = {name: value for name, value in inputs.items() if name != ROW}
        if not self._checked:
            self._check_step(model, batch)
        scores = score_answers(
            model, batch, self._how or "off", statistics=self._is_logged(), router_logits=self.aux_loss_enabled
        )
        chosen, rejected = self._answers(scores, batch)
        losses = self.loss(chosen, rejected)
        if who is None:
            weight, loss = torch.ones_like(losses.margin), losses.forward
        else:
            weight, share = self._confidence(losses, who), None
            if self.rows is not None and self.rows.share is not None:
                share = self._on_device(self.rows.share[who], losses.margin)
            loss = apply_objective(
                self.args.objective,
                losses,
                weight=weight,
                share=share,
                noise=self.args.label_smoothing,
                holder_gamma=self.args.holder_gamma,
            )
            if training:
                residual = weight * losses.forward.detach() + (1 - weight) * losses.reverse.detach()
                self._step.append((who, losses.margin.detach(), residual))
        total = loss.mean()
        if self.aux_loss_enabled:
            total = total + self.router_aux_loss_coef * scores.auxiliary
        with torch.no_grad():
            self._measure("train" if training else "eval", batch, scores, chosen, rejected, weight)
            if return_outputs:
                return total, model(**{k: v for k, v in batch.items() if k in ("input_ids", "attention_mask")})
        return total

    def _answers(self, scores: Scores, batch: dict[str, Any]) -> tuple[ScoredAnswers, ScoredAnswers]:
        logp, length = scores.logp.chunk(2), scores.length.chunk(2)
        if not self.loss.reference:
            reference = (torch.zeros_like(logp[0]), torch.zeros_like(logp[1]))
        elif "ref_chosen_logps" in batch:
            reference = batch["ref_chosen_logps"], batch["ref_rejected_logps"]
        else:
            reference = self.compute_ref_log_probs(self.ref_model or self.model, batch)
        return ScoredAnswers(logp[0], reference[0], length[0]), ScoredAnswers(logp[1], reference[1], length[1])

    def _confidence(self, losses: Losses, who: list[Any]) -> Tensor:
        """(B,) probability that the chosen answer is truly better: sigmoid(margin + evidence of the votes) [RE-PO eq. 4].

        Margins that turned out to be surer than they are right (a temperature below 1) count for less; a temperature
        above 1 is not used here, for then a run believes itself. A squared loss is read as a Gaussian log-likelihood of
        unknown variance v, whose margin is (reverse - forward) / 2v.
        """
        if self._fixed is not None:
            return self._on_device(self._fixed[who], losses.margin)
        if self.rows is None:
            evidence = self.beliefs.evidence_for(who)
        else:
            evidence = self.rows.side[who] * self.beliefs.evidence_for(self.rows.pair[who])
        margin = losses.margin.detach()
        if self.loss.squared and self.args.objective == "weighted":
            variance = self.beliefs.variance
            margin = margin / (2 * (variance if variance is not None else 1 / (4 * self.args.beta**2)))
        elif self.args.reliability_margins == "first":
            margin = margin * min(self.beliefs.temperature, 1.0)
        return torch.sigmoid(margin + self._on_device(evidence, margin))

    @staticmethod
    def _on_device(values: Any, like: Tensor) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values), dtype=torch.float32).to(like.device, non_blocking=True)

    # One optimiser step

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """A micro-batch; after the last one of an optimiser step, what all of them told of the annotators."""
        loss: Tensor = super().training_step(*args, **kwargs)
        if self.accelerator.sync_gradients:
            self._absorb_step()
        return loss

    def _absorb_step(self) -> None:
        if not self._step:
            return
        who, margins, residuals = zip(*self._step, strict=True)
        self._step = []
        margin, residual = (torch.cat(values).double().cpu().numpy() for values in (margins, residuals))
        everybody = [(list(chain(*who)), margin, residual)]
        if self.accelerator.num_processes > 1:
            everybody = gather_object(everybody)
        names = list(chain(*(part[0] for part in everybody)))
        margin, residual = (np.concatenate([part[i] for part in everybody]) for i in (1, 2))
        squared = residual if self.loss.squared else None
        if self.rows is None:
            self.beliefs.absorb(names, margin, squared)
        else:
            self.beliefs.absorb(self.rows.pair[names], self.rows.side[names] * margin, squared)
        self._estimate = None

    # Metrics

    def _measure(
        self,
        mode: str,
        batch: dict[str, Any],
        scores: Scores,
        chosen: ScoredAnswers,
        rejected: ScoredAnswers,
        weight: Tensor,
    ) -> None:
        """TRL's metrics under TRL's names, and ours."""
        means = self._running[mode]
        if (tokens := scores.tokens) is not None:
            # Sums, so that an answer without tokens weighs nothing.
            first = (tokens.owner < len(weight)).double()
            means.add("entropy", tokens.entropy, torch.ones_like(first))
            means.add("logits/chosen", tokens.mean_logit, first)
            means.add("logits/rejected", tokens.mean_logit, 1 - first)
            means.add("mean_token_accuracy", tokens.likeliest, first)
        rewards = [self._reward(answers) for answers in (chosen, rejected)]
        means.add("rewards/chosen", rewards[0])
        means.add("rewards/rejected", rewards[1])
        means.add("rewards/accuracies", (rewards[0] > rewards[1]).float())
        means.add("rewards/margins", rewards[0] - rewards[1])
        means.add("logps/chosen", chosen.logp)
        means.add("logps/rejected", rejected.logp)
        if scores.auxiliary is not None:
            means.add("aux_loss", scores.auxiliary)
        if mode == "train":
            means.count("num_tokens", batch["attention_mask"].sum())
            if self.args.objective in BELIEVING:
                means.add("confidence/mean", weight)
                means.add("confidence/square", weight**2)
                means.add("confidence/flipped", (weight < 0.5).float())

    def _reward(self, answers: ScoredAnswers) -> Tensor:
        beta: float = self.args.beta
        if self.loss.reference:
            return beta * answers.gain
        return beta * (answers.mean_logp if self.loss.name == "simpo" else answers.logp)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log TRL's metrics and: mean and spread of confidence, flipped votes, reliabilities, temperature."""
        mode = "train" if self.model.training else "eval"
        found = self._running[mode].read(self.accelerator)
        if mode == "train" and "confidence/square" in found:
            square = found.pop("confidence/square")
            found["confidence/std"] = max(square - found["confidence/mean"] ** 2, 0.0) ** 0.5
            reliability = self.beliefs.reliability
            found["reliability/lowest"] = float(reliability.min())
            found["reliability/mean"] = float(reliability.mean())
            found["temperature"] = self.beliefs.temperature
            if self.beliefs.variance is not None:
                found["residual_variance"] = self.beliefs.variance
        if found:
            self._total_train_tokens += int(found.get("num_tokens", 0))
            found["num_tokens"] = self._total_train_tokens
        self._metrics[mode].clear()
        self._metrics[mode].update({name: [value] for name, value in found.items()})
        super().log(logs, start_time)

    # Checkpoints, and the end

    def train(self, resume_from_checkpoint: str | bool | None = None, **kwargs: Any) -> Any:
        """Train; with ``resume_from_checkpoint=True`` from the last checkpoint that was written whole.

        What was learnt of the annotators is written at the end, and when training is interrupted.
        """
        if resume_from_checkpoint is True:
            resume_from_checkpoint = last_whole_checkpoint(Path(self.args.output_dir))
        if resume_from_checkpoint:
            read_beliefs(Path(resume_from_checkpoint), self.beliefs)
        try:
            return super().train(resume_from_checkpoint=resume_from_checkpoint or None, **kwargs)
        finally:
            self._step = []
            if self.args.write_beliefs and self.is_world_process_zero() and self.beliefs.seen:
                self.write_beliefs(Path(self.args.output_dir))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        # Before the rest: the trainer's own state comes last and tells that a checkpoint is whole.
        if self.args.should_save:
            folder = Path(self._get_output_dir(trial=trial), f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}")
            save_beliefs(folder, self.beliefs)
        super()._save_checkpoint(model, trial)

    # What was found

    def estimate(self) -> ReliabilityResult:
        """Beliefs about annotators, votes and pairs from the first-seen margins and all votes, with intervals."""
        if self._estimate is None:
            settings = self.args.belief_settings()
            self._estimate = estimate_reliability(
                self.beliefs.votes,
                margins=np.nan_to_num(self.beliefs.first),
                prior=settings.prior,
                temperature=settings.temperature,
            )
        return self._estimate

    @property
    def reliability(self) -> pa.Table:
        """Who can be believed, one row per annotator.

        Columns ``annotator``, ``votes``, ``reliability``, ``low``, ``high``, ``trained_with`` (the reliability that training
        ended with), ``moved`` and ``flag``. Where ``moved`` is false the votes say nearly nothing of the annotator: the
        interval is the prior's, and the reliability is no finding.
        """
        result = self.estimate()
        table = result.annotators.select(["annotator", "votes", "reliability", "low", "high"])
        width = table["high"].to_numpy() - table["low"].to_numpy()
        told = width < INFORMED * result.prior_width
        table = table.append_column("trained_with", pa.array(self.beliefs.reliability))
        return table.append_column("moved", pa.array(told)).append_column("flag", result.annotators["flag"])

    @property
    def confidence(self) -> np.ndarray[Any, Any]:
        """(n,) probability that each vote agrees with the truth, NaN for ties."""
        return np.asarray(self.estimate().votes["confidence"].to_numpy())

    def write_beliefs(self, folder: Path) -> list[Path]:
        """Write ``annotators.parquet``, ``votes.parquet`` and the report of ``votewise audit`` into ``folder``."""
        return write_audit(folder, self.beliefs.votes, self.estimate(), title=f"Votes behind {folder.name}")


def _innermost(model: Any) -> Any:
    """The language model itself, without adapters."""
    return model.get_base_model() if isinstance(model, PeftModel) else model
