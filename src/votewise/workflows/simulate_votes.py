"""Annotators of known reliability -> their votes, with the truth: ``votewise simulate annotators``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.data.reading import NONE_REJECTED, Rejected
from votewise.workflows.parsing import refuse_unread
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from votewise.data.votes import Votes
    from votewise.simulate.profiles import Profile
    from votewise.simulate.ranges import Range
    from votewise.simulate.true_pairs import TruePairs

PAIRS = 1000
"""Pairs that are made up by default."""


@dataclass(frozen=True, eq=False)
class VotesSimulation:
    """Simulated votes.

    Attributes:
        rows: the votes with their truth, the columns as in the file; None where they were written to ``out``.
        summary: ``votes``, how many are ``correct``, ``pairs``, per kind of annotator ``annotators``, ``votes`` and
            ``correct``, ``seed`` and ``file``.
        undecided: pairs of ``preferences`` that were left out because nothing says which response is better.
        without_texts: whether the pairs had texts that were left out.
        rejected: rows of ``preferences`` that were left out as unusable.
        files: what was written.
    """

    rows: pa.Table | None = field(repr=False)
    summary: dict[str, Any]
    undecided: int
    without_texts: bool
    rejected: Rejected = NONE_REJECTED
    files: tuple[Path, ...] = ()


def simulate_votes(
    preferences: Any = None,
    *,
    out: str | os.PathLike[str] | None = None,
    profile: str | os.PathLike[str] | Profile | None = None,
    reliability: Any = None,
    spammers: float | None = None,
    adversaries: float | None = None,
    position_biased: float | None = None,
    position_bias: float | None = None,
    tired: float | None = None,
    tired_from: float | None = None,
    noise: float | None = None,
    annotators: int | None = None,
    votes_per_annotator: Range | None = None,
    votes_per_pair: int | None = None,
    pairs: int | None = None,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    texts: bool | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> VotesSimulation:
    """Make votes by annotators of known reliability.

    A setting of the annotators that is None is the profile's.

    Args:
        preferences: pairs with a better response, whatever ``read_votes`` reads, or ``Votes``. What is chosen there (gold
            labels first, then most votes) is the truth here. None makes up pairs without texts.
        out: a .parquet, .jsonl or .csv file; None keeps the votes in memory.
        profile: a YAML or JSON file with settings of ``votewise.simulate.Profile``, or a profile.
        reliability: the probability that a vote is right: a number, a prior (``beta:5,2``), or one number for each
            annotator (``0.95,0.7,0.2``).
        spammers: share of annotators who toss a coin.
        adversaries: share of annotators who flip their answers.
        position_biased: share of annotators who mostly choose what is shown first.
        position_bias: how often these do so.
        tired: share of annotators who get tired, and toss a coin in the end.
        tired_from: share of their votes after which that begins.
        noise: share of all votes that are flipped in the end, 0 to 0.5.
        annotators: how many annotators; None for as many as the pairs need.
        votes_per_annotator: fewest and most votes of an annotator, or one number.
        votes_per_pair: votes on each pair.
        pairs: how many pairs to make up, or to take of ``preferences``; None for 1,000, or all of ``preferences``.
        format: format of ``preferences``; see ``read_votes``.
        columns: the format's name of a column -> the name it has in ``preferences``.
        label: what values of the label mean, ``{"left": "a"}``.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: says that votes without a name are all by this one person or model.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it beside that file.
        texts: whether rows carry prompts and responses; None for up to a million rows.
        seed: the seed; the same arguments give the same votes.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: settings that cannot be used or do not fit together, or a file that cannot be read or written.
    """
    from votewise.simulate.profiles import parse_reliability, read_profile
    from votewise.simulate.ranges import parse_range
    from votewise.simulate.streams import check_suffix
    from votewise.simulate.true_pairs import TruePairs
    from votewise.simulate.vote_files import votes_table, write_votes
    from votewise.simulate.votes import plan_votes
    from votewise.sources.reader import rejected_file
    from votewise.storage.files import written_at_last

    progress = progress or SILENT
    if out is not None:
        check_suffix(Path(out))
    number = None if votes_per_annotator is None else parse_range(votes_per_annotator, "votes_per_annotator")
    voters = read_profile(
        profile,
        reliability=parse_reliability(reliability),
        spammers=spammers,
        adversaries=adversaries,
        position_biased=position_biased,
        position_bias=position_bias,
        tired=tired,
        tired_from=tired_from,
        noise=noise,
        annotators=annotators,
        votes_per_annotator=number,
        votes_per_pair=votes_per_pair,
    )
    source: TruePairs | int | None = pairs
    told: dict[str, Any] = {"columns": columns, "label": label, "criterion": criterion, "split": split}
    told |= {"one_annotator": one_annotator, "on_error": on_error}
    rejected = NONE_REJECTED
    if preferences is None:
        refuse_unread("PREFERENCES", **told)
    kept = None if out is None or preferences is None or on_error != "skip" else rejected_file(Path(out))
    # A later refusal leaves no file of rejected rows behind.
    with written_at_last(kept) as aside:
        if preferences is not None:
            told |= {"format": format, "rejects": aside}
            votes = _read(preferences, progress, **told)
            if votes is not preferences and votes.reading is not None:
                rejected = Rejected(votes.reading.rejected, kept)
            source = TruePairs.of(votes).sample(pairs, seed)
        elif pairs is None and voters.annotators is None:
            source = PAIRS
        plan = plan_votes(voters, pairs=source, texts=texts, seed=seed)
        if out is None:
            rows, drawn = votes_table(plan)
        else:
            progress.stage(f"Writing {out}")
            step, total = progress.rows, plan.design.places
            rows, drawn = None, write_votes(Path(out), plan, progress=lambda done: step(done, total))
    summary = {**asdict(drawn), "seed": seed, "file": None if out is None else str(out)}
    without_texts = plan.pairs.ids is not None and plan.pairs.texts is None
    files = () if out is None else (Path(out),)
    return VotesSimulation(rows, summary, plan.pairs.undecided, without_texts, rejected, files)


def _read(preferences: Any, progress: Progress, **how: Any) -> Votes:
    from votewise.data.votes import Votes
    from votewise.sources import read_votes
    from votewise.sources.containers.naming import short_name

    if not isinstance(preferences, Votes):
        progress.stage(f"Reading {short_name(preferences)}")
        return read_votes(preferences, **how)
    return preferences
