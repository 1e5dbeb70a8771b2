"""RE-DPO, RE-IPO, RE-SimPO and RE-CPO as a TRL trainer.

A thin subclass of ``DPOTrainer``, by way of ``trl_adapter``. TRL prepares the data, tokenizes, shards and steps. This class
adds the loss of a batch, learns about annotators after each step, and writes the beliefs at the end.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from accelerate.logging import get_logger
from datasets import IterableDataset
from peft import PeftModel
from torch import Tensor

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.results import ReliabilityResult
from votewise.annotators.saved import summarise
from votewise.errors import BadInputError, VotewiseError
from votewise.report.audit_files import write_audit
from votewise.storage.free_folders import TRAINING
from votewise.train.batch_votes import BatchVotes, StepPart, gather_step, reliability_table
from votewise.train.beginning import Beginning, EndOfEpoch, begin, needs_copy
from votewise.train.belief_page import write_page
from votewise.train.belief_reports import BeliefReports
from votewise.train.checked_scoring import CheckedScoring
from votewise.train.checkpoints import last_whole_checkpoint, place_in_stream, read_beliefs, save_beliefs
from votewise.train.config import RobustPreferenceConfig
from votewise.train.data_counts import DataCounts, count_data, lines_about, summary_of
from votewise.train.inspection import describe_left_out, missing_rows
from votewise.train.losses import Losses, ScoredAnswers
from votewise.train.metrics import RunningBins, RunningMeans, add_confidence, add_rewards, add_tokens, belief_metrics
from votewise.train.model_card import card_section, method_of
from votewise.train.objectives import (
    CONFIDENCE_OBJECTIVES,
    apply_objective,
    batch_mean,
    better_answers,
    likelihood_loss,
)
from votewise.train.precompute import with_reference
from votewise.train.repeated_prompts import without_repeated_prompt
from votewise.train.row_collator import RowCollator
from votewise.train.scoring import Scores
from votewise.train.seen_rows import refuse_pictures_in
from votewise.train.stream_counts import StreamCounts
from votewise.train.stream_passes import EndOfPass, reads_alike
from votewise.train.token_lengths import lengths_of
from votewise.train.training_rows import ROW
from votewise.train.trl_adapter import TrlTrainer
from votewise.train.trl_settings import refuse_dispatched_pairs, refuse_missing_kernels

logger = get_logger(__name__)


class RobustPreferenceTrainer(TrlTrainer):
    """Train a policy on noisy votes, estimating annotator reliability during training.

    Args:
        model: as for ``DPOTrainer``; a model object that was never saved gets a copy of itself as its reference.
        args: a ``RobustPreferenceConfig``.
        train_dataset: a ``Votes`` with texts, or rows as for ``DPOTrainer`` with the annotator in the column
            ``args.annotator_column``.
        kwargs: other arguments of ``DPOTrainer``.

    Attributes:
        beliefs: current beliefs about the votes, ``TrainingBeliefs``.
        rows: the rows that are trained on, with the votes they stand for; None for a stream.
        data_counts: what became of the data, in numbers, ``DataCounts``.

    Raises:
        BadInputError: data or settings that cannot be used.
        WorseThanChanceError: during training, if the votes as a whole turn out to be worse than chance.
    """

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
        if not isinstance(train_dataset, IterableDataset):
            refuse_dispatched_pairs(args)
        refuse_missing_kernels(args)
        self.loss = args.loss()
        if ref_model is not None and not self.loss.reference:
            raise BadInputError(
                f"ref_model has no effect: preference_loss={self.loss.name} has no reference model",
                expected="no ref_model",
            )
        self.beliefs: Any
        train_dataset = without_repeated_prompt(train_dataset, "train_dataset")
        kwargs["eval_dataset"] = without_repeated_prompt(kwargs.get("eval_dataset"), "eval_dataset")
        # A collator that the user gives may use any column.
        start = begin(
            train_dataset, args, carry=not args.remove_unused_columns or kwargs.get("data_collator") is not None
        )
        refuse_pictures_in(kwargs["eval_dataset"])
        self.rows, self.beliefs = start.rows, start.beliefs
        self._votes = BatchVotes(self.rows, self.beliefs, args, self.loss)
        self.scoring = CheckedScoring(args)
        # TRL keeps no reference model if this is set; ``with_reference_logps`` computes nothing for losses without one.
        args.precompute_ref_log_probs = not self.loss.reference or bool(args.precompute_ref_log_probs)
        if ref_model is None and needs_copy(model, args, kwargs):
            ref_model = copy.deepcopy(model)
        self._running = {"train": RunningMeans(), "eval": RunningMeans()}
        self._bins = RunningBins()
        self._step: list[StepPart] = []
        self._heard: list[Tensor] | None = None
        self._estimate: ReliabilityResult | None = None
        method = method_of(args)
        self.name_method(method.name, method.tags, [(p.title, p.id, p.bibtex) for p in method.papers])
        super().__init__(model, ref_model=ref_model, args=args, train_dataset=start.dataset, **kwargs)
        if not self.loss.reference:
            self.no_reference_logps()
        self._prepare_scoring()
        self.data_collator: Any = RowCollator(
            self.data_collator,
            self.scoring.wanted,
            dispatched=bool(self.accelerator.dispatch_batches),
            process=self.accelerator.process_index,
            max_length=self.args.max_length,
        )
        self.add_callback(EndOfEpoch(self.beliefs))
        self._reports = BeliefReports(self.beliefs, lambda: self.callback_handler.callbacks)
        self.add_callback(self._reports)
        if start.read is not None:
            self.add_callback(EndOfPass(self.accelerator, self._votes, start.read, lambda: self._step))
        self._told = self._count(start)

    # Data

    @property
    def data_counts(self) -> DataCounts:
        """What became of the rows and votes that were given; for a stream, of those that have arrived so far."""
        return self._told if self._votes.counts is None else self._votes.counts.now

    def _count(self, start: Beginning) -> DataCounts:
        """Count what became of the data, and say so in the log."""
        limit = self.args.max_length
        if start.rows is None:
            processes, workers = self.accelerator.num_processes, self.args.dataloader_num_workers
            self._votes.counts = StreamCounts(start, processes=processes, workers=workers)
            counts = self._votes.counts.now
        else:
            counts = count_data(start, lengths_of(self.train_dataset), limit)
            logger.info(summary_of(counts))
            gone = missing_rows(start.rows, self.train_dataset)
            problem = describe_left_out(start.rows, gone, limit)
            if problem is not None and counts.trained == 0:
                raise BadInputError(problem, expected="a larger max_length")
            if problem is not None:
                logger.warning(f"{problem}.")
        for line in lines_about(counts, limit):
            logger.warning(line)
        return counts

    def _tell_of_stream(self) -> None:
        """Say at the end what became of a stream's rows, which was unknown at the start."""
        if self._votes.counts is not None:
            counts = replace(self.data_counts, unused=())
            logger.info(summary_of(counts))
            for line in lines_about(counts, self.args.max_length):
                logger.warning(line)

    def own_columns(self) -> list[str]:
        """The number of the row, or in a stream its vote."""
        return [ROW]

    def with_reference_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        """A tokenized dataset with reference log-probabilities; as it is where the loss needs none."""
        return with_reference(self, dataset, name, batch_size) if self.loss.reference else dataset

    # One batch

    def _prepare_scoring(self) -> None:
        self.scoring.prepare(self.accelerator, self.model, self.ref_model, auxiliary=self.aux_loss_enabled)

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """(B,) log-probabilities of the chosen and of the rejected answers under the reference model."""
        self._prepare_scoring()
        adapter = self.ref_model is None and isinstance(self.model, PeftModel)
        with self.as_reference(self.accelerator.unwrap_model(self.model) if adapter else None):
            batch = {name: value for name, value in inputs.items() if name != ROW}
            chosen, rejected = self.scoring.score(model, batch).logp.chunk(2)
        return chosen, rejected

    def _is_logged(self) -> bool:
        """Whether the metrics of this batch are logged; metrics per token are skipped otherwise."""
        if not self.model.training or self.args.logging_strategy != "steps":
            return True
        step = self.state.global_step + 1
        return bool(step % max(int(self.state.logging_steps), 1) == 0 or (step == 1 and self.args.logging_first_step))

    def batch_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        """The robust loss of a batch; in training, what it says about the annotators is kept for the end of the step."""
        training = self.model.training
        row = inputs.get(ROW)
        # Numbers of rows, or their votes in a stream; None for data without votes. A tensor where batches are dispatched.
        who = row.tolist() if isinstance(row, Tensor) else row
        batch = {name: value for name, value in inputs.items() if name != ROW}
        scores = self.scoring.score(model, batch, statistics=self._is_logged(), router_logits=self.aux_loss_enabled)
        chosen, rejected = self._answers(scores, batch)
        losses = self.loss(chosen, rejected)
        if self._heard is not None and not training:
            self._heard.append(losses.forward.detach())
        if who is None:
            weight = better = torch.ones_like(losses.margin)
            loss = losses.forward
            counted = None
        else:
            counted = self._votes.weight(who, losses.margin)
            weight = self._confidence(losses, who)
            share = self._votes.share(who, losses.margin)
            better = better_answers(self.args.objective, losses, weight=weight, share=share)
            loss = apply_objective(
                self.args.objective,
                losses,
                weight=weight,
                share=share,
                noise=self.args.label_smoothing,
                holder_gamma=self.args.holder_gamma,
                trust=self._votes.trust,
                inputs=self._votes.score_inputs(who, losses.margin, epoch=self._epoch, done=self._done),
                ropo_alpha=self.args.ropo_alpha,
                drdpo_beta=self.args.drdpo_beta,
            )
            if training:
                residual = weight * losses.forward.detach() + (1 - weight) * losses.reverse.detach()
                self._step.append((who, losses.margin.detach(), residual))
        soft = who is not None and self.args.objective == "drdpo"
        total = batch_mean(loss, counted, drdpo_beta=self.args.drdpo_beta if soft else None)
        if self.args.sft_weight:
            likelihood = likelihood_loss(chosen, rejected, better, counted)
            total = total + self.args.sft_weight * likelihood
        if self.aux_loss_enabled:
            total = total + self.router_aux_loss_coef * scores.auxiliary
        with torch.no_grad():
            means = self._running["train" if training else "eval"]
            add_tokens(means, scores)
            add_rewards(means, self.loss, self.args.beta, chosen, rejected)
            if self.args.sft_weight:
                means.add("sft_loss", likelihood)
            if scores.auxiliary is not None:
                means.add("aux_loss", scores.auxiliary)
            if training:
                means.count("num_tokens", batch["attention_mask"].sum())
                if self.args.objective in CONFIDENCE_OBJECTIVES:
                    add_confidence(means, weight)
                    self._bins.add(weight)
            if return_outputs:
                return total, model(**{k: v for k, v in batch.items() if k in ("input_ids", "attention_mask")})
        return total

    @contextmanager
    def losses_heard(self) -> Iterator[list[Tensor]]:
        """A list to which evaluation adds the (B,) losses of each batch's votes, in this process."""
        self._heard = []
        try:
            yield self._heard
        finally:
            self._heard = None

    def _answers(self, scores: Scores, batch: dict[str, Any]) -> tuple[ScoredAnswers, ScoredAnswers]:
        logp, length = scores.logp.chunk(2), scores.length.chunk(2)
        if not self.loss.reference:
            reference = (torch.zeros_like(logp[0]), torch.zeros_like(logp[1]))
        elif "ref_chosen_logps" in batch:
            reference = batch["ref_chosen_logps"], batch["ref_rejected_logps"]
        else:
            reference = self.compute_ref_log_probs(self._reference(), batch)
        return ScoredAnswers(logp[0], reference[0], length[0]), ScoredAnswers(logp[1], reference[1], length[1])

    def _reference(self) -> Any:
        return self.model if self.ref_model is None else self.ref_model  # a compiled model has no truth value

    @property
    def _epoch(self) -> int:
        """Epochs that are complete."""
        return int((self.state.epoch or 0.0) + 1e-9)

    @property
    def _done(self) -> float:
        """Share of the run that is done after this step."""
        return float(min((self.state.global_step + 1) / max(self.state.max_steps, 1), 1.0))

    def _confidence(self, losses: Losses, who: list[Any]) -> Tensor:
        return self._votes.confidence(losses, who)

    # One optimiser step

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """Train on a micro-batch; after the last one of an optimiser step, learn about the annotators from all of them."""
        loss: Tensor = super().training_step(*args, **kwargs)
        if self.accelerator.sync_gradients:
            self._absorb_step()
        return loss

    def _absorb_step(self) -> None:
        seen, self._step, self._estimate = self._step, [], None
        if seen:
            who, margin, residual = gather_step(seen, processes=self.accelerator.num_processes)
            self._votes.count(who, alike=reads_alike(self.callback_handler.train_dataloader))
            self._votes.absorb(who, margin, residual)
        finite = any(bool(margin.isfinite().any()) for _, margin, _ in seen) if not self.beliefs.seen else True
        if not finite:  # rows of weight 0 alone are no reason to stop
            why = "they are not finite" if seen else f"the column {ROW} was lost on its way to the loss"
            raise VotewiseError(
                f"No margin of the first step reached the beliefs about annotators: {why}. In the first case check the "
                "learning rate and number format, in the second a data_collator of your own and the version of TRL."
            )

    # Metrics

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log TRL's metrics and those of votewise: confidence, flipped votes, reliabilities, temperature."""
        mode = "train" if self.model.training else "eval"
        found = self._running[mode].read(self.accelerator)
        if mode == "train" and "confidence/square" in found:
            found |= belief_metrics(found.pop("confidence/square"), found["confidence/mean"], self.beliefs)
            self._reports.confidence = self._bins.read(self.accelerator)
        self.replace_metrics(mode, found)
        super().log(logs, start_time)

    # Checkpoints, and the end

    def train(self, resume_from_checkpoint: str | bool | None = None, **kwargs: Any) -> Any:
        """Train; ``resume_from_checkpoint=True`` resumes from the last complete checkpoint.

        Beliefs about the annotators are written at the end, and also when training is interrupted.
        """
        if resume_from_checkpoint is True:
            resume_from_checkpoint = last_whole_checkpoint(Path(self.args.output_dir))
        if resume_from_checkpoint:
            read_beliefs(Path(resume_from_checkpoint), self.beliefs)
            self._votes.resume()
        try:
            return super().train(resume_from_checkpoint=resume_from_checkpoint or None, **kwargs)
        finally:
            self._step = []
            self._tell_of_stream()
            if self.args.write_beliefs and self.is_world_process_zero() and self.beliefs.seen:
                self.write_beliefs(Path(self.args.output_dir))
                write_page(self)

    def before_checkpoint(self, folder: Path) -> None:
        """Save the beliefs with the model."""
        save_beliefs(folder, self.beliefs)
        if self.args.write_beliefs and self.is_world_process_zero():
            write_page(self)

    def behind(self, checkpoint: Path) -> tuple[int, int] | None:
        """Where a run on a stream resumes; transformers knows it for other data."""
        return place_in_stream(checkpoint, self.args.gradient_accumulation_steps) if self.rows is None else None

    def card_section(self) -> str:
        """What the model card says about the run, in Markdown."""
        return card_section(self.args, self.beliefs, self.data_counts)

    # Results

    def confidence_so_far(self) -> np.ndarray[Any, Any]:
        """(n,) confidence in the chosen answer of each row seen so far, by current beliefs and first-seen margins."""
        return self._votes.confidence_so_far()

    def estimate(self) -> ReliabilityResult:
        """Estimate reliabilities from the first-seen margins and all votes: tables of annotators, votes and pairs.

        This runs EM once; the result is kept until the next training step.
        """
        if self._estimate is None:
            settings = self.args.belief_settings()
            self._estimate = estimate_reliability(
                self.beliefs.votes,
                margins=np.nan_to_num(self.beliefs.first),
                prior=settings.prior,
                temperature=settings.temperature,
                groups=None if self.beliefs.together is None else self.beliefs.together.for_estimate,
            )
        return self._estimate

    @property
    def reliability(self) -> pa.Table:
        """Which annotators to trust, from ``estimate``: one row per annotator.

        Columns ``annotator``, ``votes``, ``reliability``, ``low``, ``high``, ``trained_with`` (the reliability at the end of
        training), ``moved`` and ``flag``. Where ``moved`` is false, the votes say almost nothing about the annotator: the
        interval is almost as wide as the prior's, and the reliability is not a finding.
        """
        return reliability_table(self.estimate(), self.beliefs.reliability)

    @property
    def confidence(self) -> np.ndarray[Any, Any]:
        """(n,) probability that each vote agrees with the truth, from ``estimate``; NaN for ties."""
        return np.asarray(self.estimate().confidence.to_numpy())

    def write_beliefs(self, folder: Path) -> list[Path]:
        """Write what ``votewise audit`` writes into ``folder``: tables, summary and report."""
        votes, result = self.beliefs.votes, self.estimate()
        summary = summarise(votes, result) | {TRAINING: {"steps": self.state.global_step}}
        return write_audit(folder, votes, result, title=f"Votes behind {folder.name}", summary=summary)
