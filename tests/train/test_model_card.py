"""The model card of a robust training run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from huggingface_hub import ModelCard  # noqa: E402
from tiny import make_config, make_model, make_rows, make_trainer  # noqa: E402
from torch.nn.functional import relu  # noqa: E402

from votewise.train.losses import LOSSES  # noqa: E402
from votewise.train.model_card import LOSS_PAPERS, NAMES, in_markdown, method_of  # noqa: E402


def test_every_loss_has_a_name_and_a_paper() -> None:
    assert set(NAMES) == set(LOSS_PAPERS) == set(LOSSES)
    assert len({paper.id for paper in LOSS_PAPERS.values()}) == len(LOSSES)


def test_the_card_states_loss_objective_beliefs_data_and_papers(tmp_path: Path) -> None:
    rows = make_rows(32)
    secret = rows.map(lambda row: {"annotator": "mary.jones" if row["annotator"] == "ann0" else row["annotator"]})
    trainer = make_trainer(tmp_path, secret, ref_model=make_model(1), beta=0.3, sft_weight=0.2)
    trainer.train()
    trainer.create_model_card(model_name="a-model")
    card = ModelCard.load(tmp_path / "README.md")
    assert {"trl", "votewise", "robust-preference", "dpo"} <= set(card.data.tags)
    assert "trained with RE-DPO" in card.text
    assert "huggingface.co/papers/2509.24159" in card.text
    lines = card.text.splitlines()
    assert r"| preference\_loss | dpo |" in lines
    assert "| beta | 0.3 |" in lines
    assert r"| sft\_weight | 0.2 |" in lines
    assert "| objective | weighted |" in lines
    assert "| annotators | 3 |" in lines
    assert "| votes | 32 |" in lines
    beliefs = trainer.beliefs
    assert f"| estimated share of wrong votes | {beliefs.noise_rate:.1%} |" in lines
    low, high = beliefs.reliability.min(), beliefs.reliability.max()
    assert any(line.startswith(f"| reliability | {low:.1%} to {high:.1%}, median ") for line in lines)
    assert f"| temperature | {beliefs.temperature:.3g} |" in lines
    assert "| rows trained on | 32 |" in lines
    for paper in ("2509.24159", "2305.18290"):
        assert f"https://arxiv.org/abs/{paper}" in card.text
    assert "@misc{cao2025repo," in card.text
    assert "@misc{rafailov2023direct," in card.text
    assert "mary" not in card.text, "names of people belong to no card"
    headings = [line for line in lines if line.startswith("#")]
    assert headings.index("### Papers") < headings.index("### Framework versions")


def test_each_save_writes_it(tmp_path: Path) -> None:
    make_trainer(tmp_path, make_rows(16), save_strategy="steps", save_steps=1).train()
    text = (tmp_path / "README.md").read_text()
    assert text.count("### Beliefs about annotators") == 1


@pytest.mark.parametrize(
    ("settings", "name", "tag", "papers"),
    [
        ({}, "RE-DPO", "dpo", ["2509.24159", "2305.18290"]),
        ({"objective": "plain"}, "DPO", "dpo", ["2305.18290"]),
        ({"preference_loss": "simpo"}, "RE-SimPO", "simpo", ["2509.24159", "2405.14734"]),
        ({"preference_loss": "ipo"}, "RE-IPO", "ipo", ["2509.24159", "2310.12036"]),
        ({"objective": "rdpo", "label_smoothing": 0.2}, "rDPO", "dpo", ["2403.00409", "2305.18290"]),
        ({"objective": "holder"}, "Hölder-DPO", "dpo", ["2505.17859", "2305.18290"]),
        ({"objective": "ropo"}, "ROPO on DPO", "dpo", ["2404.04102", "2305.18290"]),
        ({"objective": "drdpo"}, "Dr. DPO", "dpo", ["2407.07880", "2305.18290"]),
        ({"objective": "drdpo", "preference_loss": "ipo"}, "Dr. IPO", "ipo", ["2407.07880", "2310.12036"]),
        ({"objective": "plain", "keep_easiest": 0.5}, "DPO", "dpo", ["2305.18290", "2502.09650"]),
        ({"preference_loss": "dpo_norm"}, "RE-DPO per token", "dpo-norm", ["2509.24159", "2411.15124"]),
    ],
)
def test_names_tags_and_papers(settings: Any, name: str, tag: str, papers: list[str], tmp_path: Path) -> None:
    method = method_of(make_config(tmp_path, **settings))
    assert method.name == name
    assert method.tags == ("trl", "votewise", "robust-preference", tag)
    assert [paper.id for paper in method.papers] == papers


def test_a_loss_of_ones_own_has_no_tag(tmp_path: Path) -> None:
    def _my_loss(preferred: Any, others: Any) -> Any:
        return relu(1 - (preferred.gain - others.gain))

    method = method_of(make_config(tmp_path, preference_loss=_my_loss))
    assert method.name == r"RE-PO on the loss \_my\_loss"
    assert method.tags == ("trl", "votewise", "robust-preference")


def test_texts_do_nothing_in_markdown() -> None:
    assert in_markdown("a|b") == r"a\|b"
    assert in_markdown("<img src=x> [l](u) *b* `c`") == r"\<img src=x\> \[l\]\(u\) \*b\* \`c\`"
    assert in_markdown("two\nlines & more") == "two lines &amp; more"
    assert "\x1b" not in in_markdown("\x1b[31mred")
