"""Annotators who err together in training: groups with their r as an audit finds them, and the evidence of their votes.

A group's votes on a pair add log L(+) - log L(-) to its log-odds (``votewise.inference.shared_error``), with r as the audit
found it and the reliabilities of the run. Of a group that copies (r = 1), each of n votes on a pair counts 1 / n: together
they are one vote. With r = 0 the votes are as of annotators who err alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.fit_settings import PriorChoice
from votewise.annotators.group_members import members_of
from votewise.annotators.groups import Groups, KnownGroups, groups_of
from votewise.arrays import Floats, Ints
from votewise.data.votes import Votes
from votewise.errors import BadInputError, NotIdentifiableError
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.observation import Evidence
from votewise.inference.shared_error import LARGEST_SHARE, block_log_odds


@dataclass(frozen=True, eq=False)
class AuditedGroups:
    """Groups of an audit, or as an audit of the votes would find them.

    Attributes:
        group_of: annotator -> its group.
        r: group -> its r, in [0, 1].
    """

    group_of: Mapping[str, str]
    r: Mapping[str, float]

    @classmethod
    def of(cls, folder: Path) -> AuditedGroups | None:
        """The groups of the audit in ``folder``; None without any. BadInputError where the summary does not go with them."""
        members = members_of(pq.read_table(folder / "annotators.parquet"))
        if not members:
            return None
        try:
            told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["groups"]
            r = {str(one["name"]): float(one["r"]) for one in told}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInputError(
                "does not say how much the groups err together",
                source=str(folder / "summary.json"),
                expected="the summary of the audit that wrote annotators.parquet",
            ) from error
        if missing := sorted(set(members.values()) - set(r)):
            raise BadInputError(
                f"knows no group '{missing[0]}'",
                source=str(folder / "summary.json"),
                expected="the summary of the audit that wrote annotators.parquet",
            )
        return cls(members, r)

    @classmethod
    def found_in(cls, votes: Votes, groups: Groups, prior: PriorChoice = "fit") -> AuditedGroups:
        """The groups with the r that an audit of these votes finds.

        Args:
            votes: the votes that are trained on.
            groups: as for ``estimate_reliability``, whose errors are raised.
            prior: prior of reliabilities.
        """
        found = estimate_reliability(votes, groups=groups, prior=prior, intervals=False)
        return cls(members_of(found.annotators), {one.name: one.r for one in found.groups})

    @property
    def alone(self) -> tuple[str, ...]:
        """Names of the groups in whose votes no shared error was found."""
        return tuple(name for name, r in self.r.items() if r == 0)

    def among(self, votes: Votes) -> ErringTogether | None:
        """What they are for these votes; None where no two of one group are left who err together."""
        erring = {who: name for who, name in self.group_of.items() if self.r[name] > 0}
        try:
            group, names = groups_of(votes, KnownGroups(erring))
        except BadInputError:  # no group of two annotators or more
            return None
        except NotIdentifiableError:  # margins tell what votes of one group alone do not
            own = [erring[str(name)] for name in votes.annotator_ids.to_pylist() if str(name) in erring]
            group = np.array([0 if str(who) in erring else -1 for who in votes.annotator_ids.to_pylist()], np.int32)
            names = (own[0],)
        return ErringTogether(KnownGroups(erring), group, np.array([self.r[name] for name in names]))


@dataclass(frozen=True, eq=False)
class ErringTogether:
    """Groups among the votes of a run.

    Attributes:
        known: the groups by name.
        group: (K,) code of each annotator's group, -1 for none.
        r: (G,) r of each group, above 0.
    """

    known: KnownGroups
    group: Ints
    r: Floats

    @property
    def annotators(self) -> int:
        """How many annotators are in groups."""
        return int((self.group >= 0).sum())

    @property
    def for_estimate(self) -> KnownGroups | None:
        """The groups for an estimate; None where all annotators are in one, which an estimate refuses."""
        return None if len(self.r) == 1 and (self.group == 0).all() else self.known

    @property
    def sharing(self) -> Ints:
        """(K,) the groups without those that copy, whose votes are counted less instead."""
        copying = np.flatnonzero(self.r > LARGEST_SHARE)
        return np.where(np.isin(self.group, copying), -1, self.group).astype(np.int32)

    def counted(self, evidence: Evidence) -> Evidence:
        """The votes, each of n votes of a group that copies on one pair counting 1 / n; the same where none copies."""
        of_vote = self.group[evidence.annotator]
        copies = np.flatnonzero((of_vote >= 0) & (np.append(self.r, 0.0)[of_vote] > LARGEST_SHARE))
        if len(copies) == 0:
            return evidence
        key = evidence.pair[copies].astype(np.int64) * len(self.r) + of_vote[copies]
        _, block, number = np.unique(key, return_inverse=True, return_counts=True)
        weight = np.ones(len(evidence.sign)) if evidence.weight is None else evidence.weight.copy()
        weight[copies] /= number[block]
        counted = Evidence.of(
            evidence.pair,
            evidence.annotator,
            evidence.sign,
            margin=evidence.margin,
            annotators=len(evidence.counts),
            weight=weight,
            judgement=evidence.judgement,
        )
        return counted

    def arranged(self, evidence: Evidence) -> GroupedVotes | None:
        """``evidence``, as ``counted``, by groups that share errors; None where no two votes on a pair do."""
        votes = GroupedVotes.of(evidence, self.sharing)
        return votes if len(votes.pair) else None

    def evidence_for(self, votes: GroupedVotes, log_odds: Floats, pairs: npt.NDArray[np.int64]) -> Floats:
        """(B,) log-odds that response_a of each pair is better according to its votes alone.

        Args:
            votes: from ``arranged``.
            log_odds: (K,) logit of each reliability.
            pairs: (B,) the pairs.
        """
        alone = np.asarray(votes.alone[pairs] @ log_odds)
        start, end = (np.searchsorted(votes.pair, pairs, side) for side in ("left", "right"))
        number = end - start
        owner = np.repeat(np.arange(len(pairs)), number)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(number) - number, number)
        worth = block_log_odds(votes, log_odds, self.r[: votes.groups], start[owner] + within)
        return alone + np.bincount(owner, worth, minlength=len(pairs))
