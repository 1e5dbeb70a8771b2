"""A trainer's current beliefs for people: the page ``beliefs.html`` and the facts that the model card states, too."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.logging import get_logger

from votewise.report.beliefs_page import TrainingView, write_beliefs_report
from votewise.train.config import RobustPreferenceConfig
from votewise.train.data_counts import DataCounts

logger = get_logger(__name__)

FILE = "beliefs.html"

LOGGED = {
    "noise_rate": "noise_rate",
    "effective": "confidence/effective",
    "lowest": "reliability/lowest",
    "temperature": "temperature",
}
"""What the page draws over steps -> its name in the log."""


def view_of(trainer: Any) -> TrainingView:
    """What a ``RobustPreferenceTrainer`` believes now; nothing is estimated anew."""
    beliefs, state = trainer.beliefs, trainer.state
    streamed = trainer.rows is None
    return TrainingView(
        step=(int(state.global_step), int(state.max_steps)),
        names=list(beliefs.names) if streamed else beliefs.votes.annotator_ids.to_pylist(),
        votes=beliefs.votes_of_each,
        reliability=beliefs.reliability,
        confidence=trainer.confidence_so_far(),
        temperature=float(beliefs.temperature),
        rows=None if streamed else len(trainer.rows.pair),
        history=history_of(state.log_history),
        facts={"version": version("votewise")} | settings_of(trainer.args) | data_facts(trainer.data_counts),
    )


def write_page(trainer: Any) -> None:
    """Write ``beliefs.html`` into the output's folder. If that fails, a warning says so and training continues."""
    folder = Path(trainer.args.output_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_beliefs_report(folder / FILE, view_of(trainer), title=f"Training of {folder.resolve().name}")
    except Exception as error:
        logger.warning(f"{FILE} was not written: {type(error).__name__}: {error}")


def history_of(log: list[dict[str, Any]]) -> list[dict[str, float]]:
    """The entries of a log that hold beliefs, under the page's names; what an entry lacks is NaN."""
    return [
        {"step": entry["step"]} | {name: float(entry.get(logged, np.nan)) for name, logged in LOGGED.items()}
        for entry in log
        if "noise_rate" in entry
    ]


def settings_of(args: RobustPreferenceConfig) -> dict[str, object]:
    """Loss, objective and how beliefs are learnt: those settings that act, under their names."""
    own = {"simpo": ("simpo_gamma",), "cpo": ("cpo_alpha", "cpo_per_token")}
    of_objective = {
        "smoothed": ("label_smoothing",),
        "rdpo": ("label_smoothing",),
        "holder": ("holder_gamma",),
        "score": ("loss_temperature", "score_tilt"),
        "ropo": ("ropo_alpha",),
        "drdpo": ("drdpo_beta",),
    }
    loss = args.loss().name
    names = ["beta", *own.get(loss, ()), *(["sft_weight"] if args.sft_weight else [])]
    found: dict[str, object] = {"preference_loss": loss}
    found |= {name: getattr(args, name) for name in names}
    found |= {"objective": args.objective}
    found |= {name: getattr(args, name) for name in of_objective.get(args.objective, ())}
    learnt = ("reliability_update", "reliability_margins", "reliability_prior", "one_row_per")
    return found | {name: getattr(args, name) for name in learnt}


def data_facts(counts: DataCounts) -> dict[str, object]:
    """What became of the data, without what is zero or unknown."""
    found: dict[str, int | None] = {
        "rows given": counts.rows,
        "votes that count": counts.votes,
        "rows trained on": counts.trained,
        "votes merged into another row": counts.merged,
        "rows left out, answers equal": counts.equal_answers,
        "rows left out, no vote": counts.skipped,
        "votes left out, repeated": counts.repeated,
        "votes left out, weight 0": counts.weightless,
        "pairs left out, ties only": counts.tied,
        "rows left out, not readable": counts.rejected,
        "rows left out, prompt too long": counts.too_long,
        "rows cut at max_length": counts.cut,
        "votes without a name": counts.unknown_people,
    }
    return {name: number for name, number in found.items() if number}
