"""Simulated votes -> beliefs and a trained model, where the truth is known: ``votewise demo``."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    from votewise.annotators.results import ReliabilityResult
    from votewise.demo import DemoData
    from votewise.demo.story import Story

SIMULATED = "simulated_votes.parquet"
"""The file of the votes that are audited, with their truth."""


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the demo found, beside the truth.

    Attributes:
        reliability: beliefs about annotators, votes and pairs, as tables.
        story: the trained models and their answers; None if votes were only audited.
        data: the audited votes with their truth; None if models were trained.
        summary: everything about the audit that is not a table; None if models were trained.
        files: what was written, most interesting first; empty without ``out``.
    """

    reliability: ReliabilityResult = field(repr=False)
    story: Story | None = field(default=None, repr=False)
    data: DemoData | None = field(default=None, repr=False)
    summary: dict[str, Any] | None = field(default=None, repr=False)
    files: tuple[Path, ...] = ()


def demo(
    *,
    out: str | os.PathLike[str] | None = None,
    seed: int = 0,
    loss: Literal["dpo", "ipo", "simpo", "cpo"] = "dpo",
    worlds: int = 1,
    quick: bool = False,
    progress: Progress | None = None,
) -> DemoResult:
    """Run an end-to-end demo on simulated data: what wrong votes do to a language model, and what helps.

    Thirty annotators, some of them careless or hostile, vote on answers about a made-up world. A tiny language model is made
    and pre-trained, then trained on their votes in seven ways, each at three betas, and answers other questions. Without the
    libraries of ``votewise[train]``, or with ``quick``, votes are only audited.

    Args:
        out: folder for the report and tables; None writes nothing.
        seed: the random seed of everything.
        loss: the preference loss to train with.
        worlds: number of worlds to train in; each takes one to two minutes.
        quick: only audit the votes of 40 annotators on 600 questions, and train nothing.
        progress: told how far the work has come.

    Raises:
        BadInputError: no world, or a folder that cannot be written or holds something else.
    """
    from votewise.annotators.saved import FILES, SUMMARY_KEYS
    from votewise.storage.files import folder_to_write, make_folder
    from votewise.storage.free_folders import check_folder_is_free

    progress = progress or SILENT
    folder = folder_to_write(out)
    check_folder_is_free(folder, names=(*FILES, SIMULATED), summary_keys=SUMMARY_KEYS, command="demo")
    if quick or find_spec("trl") is None:
        return _audited(folder, seed, progress)
    progress.stage("Loading PyTorch")
    from votewise.demo.story import tell_story

    if folder is not None:
        make_folder(folder)
    story = tell_story(worlds=worlds, loss=loss, seed=seed, on_stage=progress.stage)
    files: list[Path] = []
    if folder is not None:
        progress.stage(f"Writing {folder}")
        files = story.trainer.write_beliefs(folder)
    return DemoResult(story.trainer.estimate(), story=story, files=tuple(files))


def _audited(folder: Path | None, seed: int, progress: Progress) -> DemoResult:
    """Simulate votes and audit them."""
    from datetime import UTC, datetime

    import pyarrow.parquet as pq

    from votewise.annotators.estimate import estimate_reliability
    from votewise.annotators.saved import summarise
    from votewise.demo import make_demo_data
    from votewise.report.audit_files import write_audit
    from votewise.sources import read_votes
    from votewise.storage.files import make_folder, written_whole

    progress.stage("Simulating votes")
    data = make_demo_data(seed=seed)
    source: Any = data.table
    if folder is not None:
        source = make_folder(folder) / SIMULATED
        with written_whole(source) as partial:
            pq.write_table(data.table, partial)
    progress.stage("Judging annotators")
    votes = read_votes(source)
    result = estimate_reliability(votes, progress=progress.step)
    summary = summarise(votes, result, seed=seed, created=datetime.now(UTC))
    files: list[Path] = []
    if folder is not None:
        progress.stage(f"Writing {folder}")
        title = "Simulated votes on checkable questions"
        files = [*write_audit(folder, votes, result, summary=summary, title=title), source]
    return DemoResult(result, data=data, summary=summary, files=tuple(files))
