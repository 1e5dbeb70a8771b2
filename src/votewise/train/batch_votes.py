"""The votes behind the rows of a batch: the confidence in each chosen answer, and learning from a step."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from accelerate.utils import gather_object
from scipy.special import expit
from torch import Tensor

from votewise.annotators.results import ReliabilityResult
from votewise.arrays import Floats
from votewise.defaults import INFORMED
from votewise.inference.observation import clipped_logit
from votewise.train.audited import fixed_confidence
from votewise.train.config import RobustPreferenceConfig
from votewise.train.config_checks import parse_loss_temperature
from votewise.train.losses import RANKING, Losses, PreferenceLoss, balance
from votewise.train.score_inputs import ScoreInputs, automatic_temperature
from votewise.train.stream_counts import StreamCounts
from votewise.train.streamed_beliefs import StreamedBeliefs
from votewise.train.streamed_rows import Reader
from votewise.train.training_beliefs import TrainingBeliefs
from votewise.train.training_rows import TrainingRows

StepPart = tuple[list[Any], Tensor, Tensor]
"""A micro-batch of B rows: which votes they stand for, (B,) margins and (B,) weighted losses."""


class BatchVotes:
    """Connects the rows of a batch with the beliefs about their votes.

    In all methods ``who`` says which votes a batch of B rows stands for: numbers of rows, or in a stream its votes.

    Args:
        rows: the rows that are trained on; None for a stream.
        beliefs: beliefs about their votes.
        args: settings of the run.
        loss: the preference loss.

    Attributes:
        counts: counts the rows of a stream; None for rows that are known beforehand.
    """

    def __init__(
        self,
        rows: TrainingRows | None,
        beliefs: TrainingBeliefs | StreamedBeliefs,
        args: RobustPreferenceConfig,
        loss: PreferenceLoss,
    ) -> None:
        self.rows, self.args, self.loss = rows, args, loss
        self.beliefs: Any = beliefs
        self.fixed = fixed_confidence(args, rows)
        self.counts: StreamCounts | None = None

    def confidence(self, losses: Losses, who: list[Any]) -> Tensor:
        """(B,) probability that the chosen answer is truly better: sigmoid(margin + evidence of the votes) [RE-PO eq. 4].

        Overconfident margins (a temperature below 1) count less. A temperature above 1 is not applied here, because the run
        would then reinforce its own beliefs. A squared loss is read as a Gaussian log-likelihood of unknown variance v,
        whose margin is (reverse - forward) / 2v.

        Without a reference overconfident margins count in full. A loss weighted by anything less sure than its own
        posterior moves decided rows back, which holds a policy near its reference; where there is none it drives both
        answers away. With one annotator, whom nobody contradicts, no row is moved against its vote: the margin is that at
        which the loss stands still.
        """
        if self.fixed is not None:
            return to_device(self.fixed[who], losses.margin)
        margin = losses.margin.detach()
        if self.loss.reference or self.args.temperature != "fit":
            margin = self._scaled(margin)
        elif self.beliefs.filtered:
            margin = balance(losses)
        return torch.sigmoid(margin + to_device(self._evidence(who), margin))

    @property
    def trust(self) -> float:
        """How far votes are trusted on average, by which the gradient of a ranking loss is divided.

        1 where beliefs do not change during the run, so that it does not matter, and for losses that are more than a
        ranking: the likelihood of answers is no less certain where votes are.
        """
        learnt = self.fixed is None and self.args.reliability_update != "frozen"
        return float(self.beliefs.trust) if learnt and self.loss.name in RANKING else 1.0

    def _evidence(self, who: list[Any]) -> Floats:
        """(B,) log-odds that the chosen answer is better by the votes alone."""
        if self.fixed is not None:
            return np.asarray(clipped_logit(self.fixed[who]))
        if self.rows is None:
            weight = np.array([vote.weight for vote in who])
            return np.asarray(self.beliefs.evidence_for([vote.annotator for vote in who], weight))
        return np.asarray(self.rows.side[who] * self.beliefs.evidence_for(self.rows.pair[who]))

    def score_inputs(self, who: list[Any], like: Tensor, *, epoch: int, done: float) -> ScoreInputs | None:
        """What the objective ``score`` needs; None for the others.

        Args:
            who: votes of the batch.
            like: (B,) margins, for the device.
            epoch: epochs that are complete.
            done: share of the run that is done, with this step.
        """
        if self.args.objective != "score":
            return None
        beliefs = self.beliefs
        temperature = parse_loss_temperature(self.args.loss_temperature)
        if temperature == "auto":
            temperature = automatic_temperature(beliefs.sharpness, float(beliefs.filter.root), epoch)
        tilt = self.args.score_tilt * (1 - beliefs.trust) * done
        return ScoreInputs(to_device(self._evidence(who), like), temperature, beliefs.trust, tilt)

    def confidence_so_far(self) -> Floats:
        """(n,) the same for every row seen so far, at the margins with which they were first seen."""
        first = self.beliefs.first
        if self.rows is None:
            worth = self.beliefs.weight * self.beliefs.log_odds[self.beliefs.annotator]
            return np.asarray(expit(self._scaled(first) + worth))
        seen = np.flatnonzero(np.isfinite(first[self.rows.pair]))
        if self.fixed is not None:
            return np.asarray(self.fixed[seen], np.float64)
        pair = self.rows.pair[seen]
        return np.asarray(expit(self.rows.side[seen] * (self._scaled(first[pair]) + self.beliefs.evidence_for(pair))))

    def _scaled(self, margin: Any) -> Any:
        """Margins as they count towards a confidence."""
        if self.loss.squared and self.args.objective == "weighted":
            assert self.args.beta is not None  # noqa: S101 - set by the config
            variance = self.beliefs.variance
            worth = 1 / (2 * (variance if variance is not None else 1 / (4 * self.args.beta**2)))
            # Residuals weighted by confidence shrink as confidence grows, and no other annotator contradicts it.
            return margin * (min(worth, self.beliefs.temperature) if self.beliefs.filtered else worth)
        if self.args.reliability_margins == "first":
            return margin * min(self.beliefs.temperature, 1.0)
        return margin

    def share(self, who: list[Any], like: Tensor) -> Tensor | None:
        """(B,) share of the votes on each pair for the chosen answer; None where all votes are for it."""
        if self.rows is None or self.rows.share is None:
            return None
        return to_device(self.rows.share[who], like)

    def weight(self, who: list[Any], like: Tensor) -> Tensor | None:
        """(B,) by which the loss of each row is multiplied, 0 for rows that do not count; None where all count once."""
        if self.rows is None:
            found = np.array([vote.weight for vote in who])
            return None if (found == 1).all() else to_device(found, like)
        return None if self.rows.weight is None else to_device(self.rows.weight[who], like)

    def resume(self) -> None:
        """Take over from the beliefs of a checkpoint how many rows a stream had given."""
        if self.counts is not None:
            self.counts.load(self.beliefs.counts)

    def count(self, who: list[Any], *, alike: bool = False, ended: Mapping[Reader, int] | None = None) -> None:
        """Count rows of a stream, from all ranks, as ``StreamCounts.add`` says."""
        if self.counts is not None:
            self.counts.add(who, alike=alike, ended=ended)
            self.beliefs.counts = self.counts.state()

    def absorb(self, who: list[Any], margin: Floats, residual: Floats) -> None:
        """Learn from an optimiser step: (B,) margins of the chosen answers and weighted losses, from all ranks."""
        squared = residual if self.loss.squared else None
        if self.rows is None:
            weight = np.array([vote.weight for vote in who])
            counts = np.flatnonzero(weight)
            if len(counts):
                names = [who[i].annotator for i in counts]
                squared = None if squared is None else squared[counts]
                self.beliefs.absorb(names, margin[counts], squared, weight[counts])
        else:
            self.beliefs.absorb(self.rows.pair[who], self.rows.side[who] * margin, squared)


def to_device(values: Any, like: Tensor) -> Tensor:
    """An array as a tensor in fp32 on the device of ``like``."""
    return torch.as_tensor(np.ascontiguousarray(values), dtype=torch.float32).to(like.device, non_blocking=True)


def gather_step(parts: list[StepPart], *, processes: int) -> tuple[list[Any], Floats, Floats]:
    """All micro-batches of an optimiser step, from all ranks: which votes, their margins and their weighted losses."""
    who, margins, residuals = zip(*parts, strict=True)
    margin, residual = (torch.cat(values).double().cpu().numpy() for values in (margins, residuals))
    ranks = [(list(chain(*who)), margin, residual)]
    if processes > 1:
        ranks = gather_object(ranks)
    margin, residual = (np.concatenate([rank[i] for rank in ranks]) for i in (1, 2))
    return list(chain(*(rank[0] for rank in ranks))), margin, residual


def reliability_table(result: ReliabilityResult, trained_with: Floats) -> pa.Table:
    """The estimated reliabilities beside those that training ended with; see the trainer's ``reliability``."""
    table = result.annotators.select(["annotator", "votes", "reliability", "low", "high"])
    width = table["high"].to_numpy() - table["low"].to_numpy()
    moved = width < INFORMED * result.prior_width
    table = table.append_column("trained_with", pa.array(trained_with))
    return table.append_column("moved", pa.array(moved)).append_column("flag", result.annotators["flag"])
