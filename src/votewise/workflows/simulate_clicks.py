"""Users of known attentiveness -> their clicks, with the truth: ``votewise simulate users``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.data.reading import NONE_REJECTED, Rejected
from votewise.defaults import SIMULATED_ATTENTIVENESS, SIMULATED_COMPARISONS_PER_USER, SIMULATED_USERS
from votewise.errors import BadInputError
from votewise.workflows.parsing import refuse_unread
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from votewise.simulate.ranges import Range

MADE_UP = 20_000
"""Comparisons that are made up by default."""

WIN_RATE = 0.8
"""Share of them on which model A's answer is truly better, by default."""


@dataclass(frozen=True, eq=False)
class ClicksSimulation:
    """Simulated clicks.

    Attributes:
        rows: the clicks with their truth, the columns as in the file; None where they were written to ``out``.
        summary: ``clicks``, ``users``, how many clicks are ``attentive``, ``correct`` and ``for_a``, ``seed`` and ``file``.
        comparisons: how many comparisons users were shown.
        unscored: comparisons that were left out because they have no score.
        win_rate: share of the comparisons on which model A's answer is probably better.
        rejected: rows of ``comparisons`` that were left out as unusable.
        files: what was written.
    """

    rows: pa.Table | None = field(repr=False)
    summary: dict[str, Any]
    comparisons: int
    unscored: int
    win_rate: float
    rejected: Rejected = NONE_REJECTED
    files: tuple[Path, ...] = ()


def simulate_clicks(
    comparisons: Any = None,
    *,
    out: str | os.PathLike[str] | None = None,
    users: int = SIMULATED_USERS,
    prior: Any = SIMULATED_ATTENTIVENESS,
    comparisons_per_user: Range = SIMULATED_COMPARISONS_PER_USER,
    follow: Literal["sign", "sampled"] = "sign",
    probability: str | None = None,
    margin: str | None = None,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    temperature: float = 1.0,
    made_up: int | None = None,
    win_rate: float | None = None,
    texts: bool | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ClicksSimulation:
    """Make clicks of users who follow a scorer when they pay attention, and toss a coin when they do not.

    Args:
        comparisons: two models' answers to the same prompts and what a scorer thinks of them: a file, a table's URL or a
            table in memory. None makes up comparisons without texts.
        out: a .parquet, .jsonl or .csv file; None keeps the clicks in memory.
        users: how many users.
        prior: what their attentiveness is drawn from: whatever ``votewise.simulate.read_prior`` takes, or one number for
            each user.
        comparisons_per_user: fewest and most comparisons of a user, or one number.
        follow: what an attentive user clicks: ``sign``, the answer that is probably better, or ``sampled``, either answer
            with its probability.
        probability: column with P(response_a is better); None for ``probability``, if there is such a column.
        margin: column with its log-odds; None for ``margin``, else ``score_a`` less ``score_b``.
        columns: our name of a column -> the name it has in ``comparisons``: ``{"margin": "m", "model_a": "left"}``.
        split: which split of a data set to read.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it beside that file.
        temperature: factor on margins.
        made_up: how many comparisons to make up; None for 20,000.
        win_rate: share of the made-up comparisons on which model A's answer is truly better; None for 0.8.
        texts: whether rows carry prompts and answers; None for up to a million rows.
        seed: the seed; the same arguments give the same clicks.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: settings that cannot be used, or a file that cannot be read or written.
    """
    from votewise.simulate.click_files import clicks_table, write_clicks
    from votewise.simulate.comparisons import made_up_comparisons, read_comparisons
    from votewise.simulate.ranges import parse_range
    from votewise.simulate.streams import check_suffix
    from votewise.simulate.users import ClickOptions
    from votewise.sources.containers.naming import short_name
    from votewise.sources.reader import SourceReader, rejected_file

    progress = progress or SILENT
    if out is not None:
        check_suffix(Path(out))
    for name, value in (("made_up", made_up), ("win_rate", win_rate)):
        if comparisons is not None and value is not None:
            raise BadInputError("is only for comparisons that are made up", parameter=name, expected="no COMPARISONS")
    if comparisons is None:
        refuse_unread("COMPARISONS", columns=columns, split=split, on_error=on_error)
    reader, rejected = None, NONE_REJECTED
    per_user = parse_range(comparisons_per_user, "comparisons_per_user")
    options = ClickOptions(users, prior, per_user, follow, seed)
    if comparisons is None:
        scored = made_up_comparisons(
            MADE_UP if made_up is None else made_up, WIN_RATE if win_rate is None else win_rate
        )
    else:
        progress.stage(f"Reading {short_name(comparisons)}")
        reader = SourceReader(columns=columns, split=split, on_error=on_error)
        scored = read_comparisons(comparisons, reader, probability=probability, margin=margin, temperature=temperature)
    if out is None:
        rows, drawn = clicks_table(scored, options, texts=texts)
    else:
        progress.stage(f"Writing {out}")
        step = progress.rows
        rows, drawn = None, write_clicks(Path(out), scored, options, texts=texts, progress=lambda n: step(n, None))
    if reader is not None:  # only now that nothing is refused any more
        rejected = reader.write_rejected(None if out is None else rejected_file(Path(out)))
    summary = {**asdict(drawn), "seed": seed, "file": None if out is None else str(out)}
    probably = float((scored.probability >= 0.5).mean())
    files = () if out is None else (Path(out),)
    return ClicksSimulation(rows, summary, len(scored.probability), scored.unscored, probably, rejected, files)
