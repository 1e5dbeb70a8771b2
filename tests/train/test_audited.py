"""An audit's posteriors as fixed weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch")

from tiny import as_chat, make_config, make_rows, make_trainer  # noqa: E402

from votewise.annotators.estimate import estimate_reliability  # noqa: E402
from votewise.errors import BadInputError  # noqa: E402
from votewise.report.audit_files import write_audit  # noqa: E402
from votewise.train.audited import audited_confidence  # noqa: E402
from votewise.train.training_rows import training_rows, votes_of_dataset  # noqa: E402


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    votes = votes_of_dataset(make_rows(16, votes_per_pair=3), annotator_column="annotator")
    write_audit(tmp_path / "audit", votes, estimate_reliability(votes), title=None)
    return tmp_path / "audit"


@pytest.mark.parametrize("one_row_per", ["pair", "vote"])
def test_weights_are_the_confidences_of_the_audit(audit: Path, tmp_path: Path, one_row_per: str) -> None:
    trainer = make_trainer(
        tmp_path / "run", make_rows(16, votes_per_pair=3), beliefs=str(audit), beliefs_use="fixed",
        one_row_per=one_row_per,
    )  # fmt: skip
    rows = trainer.rows
    pairs = pq.read_table(audit / "pairs.parquet").to_pylist()
    of = {(row["prompt"], row["response_a"], row["response_b"]): row["p_a"] for row in pairs}
    of |= {(p, b, a): 1 - value for (p, a, b), value in of.items()}
    expected = [of[row["prompt"], row["chosen"], row["rejected"]] for row in rows.dataset]
    seen: dict[int, float] = {}
    real = trainer._confidence

    def record(losses: object, who: list[int]) -> object:
        weight = real(losses, who)
        seen.update(zip(who, weight.tolist(), strict=True))
        return weight

    trainer._confidence = record
    before = trainer.beliefs.reliability.copy()
    trainer.train()
    assert [seen[i] for i in range(len(expected))] == pytest.approx(expected, abs=1e-6)
    assert len({round(value, 6) for value in expected}) > 2
    np.testing.assert_array_equal(trainer.beliefs.reliability, before)
    audited = pq.read_table(audit / "annotators.parquet").to_pydict()
    of_name = dict(zip(audited["annotator"], audited["reliability"], strict=True))
    assert before.tolist() == pytest.approx([of_name[name] for name in rows.votes.annotator_ids.to_pylist()])


def test_orientation_and_names_of_the_audit_do_not_matter(tmp_path: Path) -> None:
    texts = {"prompt": ["p", "q"], "response_a": ["x", "x"], "response_b": ["y", "z"]}
    pq.write_table(pa.table({"pair": ["1", "0"], "p_a": [0.9, 0.2], **texts}), tmp_path / "pairs.parquet")
    rows = make_rows(1).from_dict({"prompt": ["q", "p"], "chosen": ["x", "y"], "rejected": ["z", "x"]})
    assert audited_confidence(tmp_path, rows).tolist() == pytest.approx([0.2, 0.1])


def test_conversations_are_found(tmp_path: Path) -> None:
    votes = votes_of_dataset(as_chat(make_rows(8)), annotator_column="annotator")
    write_audit(tmp_path, votes, estimate_reliability(votes), title=None)
    rows = training_rows(votes, one_row_per="pair").dataset
    assert np.isfinite(audited_confidence(tmp_path, rows)).all()


def test_what_cannot_be_used(audit: Path, tmp_path: Path) -> None:
    rows = make_rows(1).from_dict({"prompt": ["q"], "chosen": ["x"], "rejected": ["z"]})
    with pytest.raises(BadInputError, match="1 of 1 pair is not in the audit, the first is row 1"):
        audited_confidence(audit, rows)
    with pytest.raises(BadInputError, match=r"pairs\.parquet is missing"):
        audited_confidence(tmp_path / "nowhere", rows)
    pq.write_table(pa.table({"p_a": [0.5]}), tmp_path / "pairs.parquet")
    with pytest.raises(BadInputError, match="has no p_a with the texts"):
        audited_confidence(tmp_path, rows)
    with pytest.raises(BadInputError, match="beliefs_use=fixed"):
        make_config(tmp_path, beliefs_use="fixed")
    stream = make_rows(4).to_iterable_dataset()
    with pytest.raises(BadInputError, match="start for a stream"):
        make_trainer(tmp_path, stream, beliefs=str(audit), beliefs_use="fixed", max_steps=1)
