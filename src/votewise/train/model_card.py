"""What a model card states about a robust training run: loss, objective, beliefs, data, and the papers behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from votewise.errors import visible
from votewise.train.belief_page import data_facts, settings_of
from votewise.train.config import RobustPreferenceConfig
from votewise.train.data_counts import DataCounts
from votewise.train.objectives import CONFIDENCE_OBJECTIVES

TAGS = ("trl", "votewise", "robust-preference")


@dataclass(frozen=True)
class Paper:
    """A paper on arXiv: its ``id`` there, its ``key`` for BibTeX."""

    key: str
    title: str
    authors: str
    year: int
    id: str

    @property
    def bibtex(self) -> str:
        """Its entry for a bibliography."""
        return "\n".join(
            [
                f"@misc{{{self.key},",
                f"    title = {{{{{self.title}}}}},",
                f"    author = {{{self.authors}}},",
                f"    year = {self.year},",
                f"    eprint = {{{self.id}}},",
                "    archivePrefix = {arXiv},",
                "}",
            ]
        )

    @property
    def link(self) -> str:
        """A link in Markdown."""
        return f"[{self.title}](https://arxiv.org/abs/{self.id})"


REPO = Paper(
    "cao2025repo",
    "RE-PO: Robust Enhanced Policy Optimization as a General Framework for LLM Alignment",
    "Xiaoyang Cao and Zelai Xu and Mo Guang and Kaiwen Long and Michiel A. Bakker and Yu Wang and Chao Yu",
    2025,
    "2509.24159",
)

DPO = Paper(
    "rafailov2023direct",
    "Direct Preference Optimization: Your Language Model is Secretly a Reward Model",
    "Rafael Rafailov and Archit Sharma and Eric Mitchell and Stefano Ermon and Christopher D. Manning and Chelsea Finn",
    2023,
    "2305.18290",
)

LOSS_PAPERS = {
    "dpo": DPO,
    "dpo_norm": Paper(
        "lambert2024tulu",
        "Tulu 3: Pushing Frontiers in Open Language Model Post-Training",
        "Nathan Lambert and Jacob Morrison and Valentina Pyatkin and others",
        2024,
        "2411.15124",
    ),
    "ipo": Paper(
        "azar2023general",
        "A General Theoretical Paradigm to Understand Learning from Human Preferences",
        "Mohammad Gheshlaghi Azar and others",
        2023,
        "2310.12036",
    ),
    "simpo": Paper(
        "meng2024simpo",
        "SimPO: Simple Preference Optimization with a Reference-Free Reward",
        "Yu Meng and Mengzhou Xia and Danqi Chen",
        2024,
        "2405.14734",
    ),
    "cpo": Paper(
        "xu2024contrastive",
        "Contrastive Preference Optimization: Pushing the Boundaries of LLM Performance in Machine Translation",
        "Haoran Xu and others",
        2024,
        "2401.08417",
    ),
}

OBJECTIVE_PAPERS = {
    "rdpo": Paper(
        "chowdhury2024provably",
        "Provably Robust DPO: Aligning Language Models with Noisy Feedback",
        "Sayak Ray Chowdhury and Anush Kini and Nagarajan Natarajan",
        2024,
        "2403.00409",
    ),
    "holder": Paper(
        "fujisawa2025scalable",
        "Scalable Valuation of Human Feedback through Provably Robust Model Alignment",
        "Masahiro Fujisawa and Masaki Adachi and Michael A. Osborne",
        2025,
        "2505.17859",
    ),
    "ropo": Paper(
        "liang2024ropo",
        "ROPO: Robust Preference Optimization for Large Language Models",
        "Xize Liang and others",
        2024,
        "2404.04102",
    ),
    "drdpo": Paper(
        "wu2024towards",
        "Towards Robust Alignment of Language Models: Distributionally Robustifying Direct Preference Optimization",
        "Junkang Wu and others",
        2024,
        "2407.07880",
    ),
}
"""Papers of objectives that are not RE-PO's and have one of their own."""

SELECTIVE = Paper(
    "gao2025principled",
    "Principled Data Selection for Alignment: The Hidden Risks of Difficult Examples",
    "Chengqian Gao and others",
    2025,
    "2502.09650",
)

BEFORE_NAMES = {"rdpo": "r", "holder": "Hölder-", "ropo": "ROPO on ", "drdpo": "Dr. "}
"""What an objective with a paper of its own puts before the loss's name."""

NAMES = {"dpo": "DPO", "dpo_norm": "DPO per token", "ipo": "IPO", "simpo": "SimPO", "cpo": "CPO"}


@dataclass(frozen=True)
class TrainingMethod:
    """How a model was trained: its name, tags of its card, and papers, the first of which introduced it."""

    name: str
    tags: tuple[str, ...]
    papers: tuple[Paper, ...]


def method_of(args: RobustPreferenceConfig) -> TrainingMethod:
    """The method that these settings are; a loss of the user's own has no paper and no tag."""
    loss = args.loss().name
    robust = args.objective in CONFIDENCE_OBJECTIVES
    known = isinstance(args.preference_loss, str)
    name = NAMES[loss] if known else f"the loss {in_markdown(loss)}"
    papers = [REPO] if robust else [OBJECTIVE_PAPERS[args.objective]] if args.objective in OBJECTIVE_PAPERS else []
    papers += [LOSS_PAPERS[loss]] if known else []
    papers += [SELECTIVE] if args.keep_easiest < 1 else []
    tags = (*TAGS, *((loss.replace("_", "-"),) if known else ()))
    if robust:
        name = f"RE-{name}" if known else f"RE-PO on {name}"
    elif args.objective in BEFORE_NAMES:
        name = BEFORE_NAMES[args.objective] + (name if known else f"DPO on {name}")
    return TrainingMethod(name, tags, tuple(papers))


def card_section(args: RobustPreferenceConfig, beliefs: Any, counts: DataCounts) -> str:
    """The section in Markdown: settings, current beliefs, data, papers."""
    lines = ["### Preference loss and objective", ""]
    lines += _table(settings_of(args))
    lines += ["", "### Beliefs about annotators", ""]
    lines += _table(dict(_believed(beliefs)))
    lines += ["", "### Preference data", "", *_table(data_facts(counts))]
    lines += ["", "### Papers", "", *(f"- {paper.link}" for paper in method_of(args).papers)]
    return "\n".join(lines)


def _believed(beliefs: Any) -> Iterator[tuple[str, object]]:
    """Numbers only: the names of annotators belong to no card."""
    reliability = beliefs.reliability
    yield "annotators", len(reliability)
    yield "votes", round(float(beliefs.votes_of_each.sum()), 3)
    if len(reliability) and np.isfinite(beliefs.noise_rate):
        yield "estimated share of wrong votes", f"{beliefs.noise_rate:.1%}"
        low, middle, high = np.quantile(reliability, [0, 0.5, 1])
        yield "reliability", f"{low:.1%} to {high:.1%}, median {middle:.1%}"
    yield "temperature", f"{beliefs.temperature:.3g}"


def _table(facts: Mapping[str, object]) -> list[str]:
    rows = [f"| {in_markdown(name)} | {in_markdown(_said(value))} |" for name, value in facts.items()]
    return ["| | |", "|---|---|", *rows] if rows else ["Nothing yet."]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.15g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def in_markdown(text: str) -> str:
    """A text in one line of Markdown in which nothing acts: no markup, link, cell or HTML."""
    shown = visible(" ".join(text.split()))
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+!|~$" else "&amp;" if c == "&" else c for c in shown)
