"""Point 7 of the contract: `votewise train --dry-run` counts the votes, pairs and people that a table holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

from containers import file as write
from containers import json_lines
from facts import true_facts
from flat_shapes import FLAT
from hypothesis import given
from kept_contract import Table, empty_folder, examples, tables
from nested_shapes import NESTED
from test_one_path import read_or_refused
from tiny import make_model, make_tokenizer

from shell import refused, shell
from votewise.data.votes import UNKNOWN

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing(_kwargs)?` is deprecated:FutureWarning"),
]

SHAPES = {name: shape for name, shape in (FLAT | NESTED).items() if not shape.joined}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_tokenizer(chat=True).save_pretrained(folder)
    make_model().save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def quiet() -> None:
    import datasets

    datasets.disable_progress_bars()


@pytest.mark.parametrize("name", SHAPES)
def test_a_dry_run_counts_the_votes_that_were_written(name: str, model: Path) -> None:
    shape = SHAPES[name]

    @examples(1)
    @given(tables(shape))
    def counted(drawn: Table) -> None:
        rows, expected = drawn
        truth = true_facts(expected)
        with empty_folder() as folder:
            path = write(folder, "votes.jsonl", json_lines(rows))
            if read_or_refused(shape, path) is None:
                return
            words = ["--output_dir", folder / "run", "--use_cpu", "--bf16", "false", "--report_to", "none"]
            ended = shell("train", "--votes", path, "--model_name_or_path", model, *words, "--dry-run")
            if all(better is None for _, _, _, better in truth):
                assert "prefer" in refused(ended) or "ties" in ended.err
                return
            assert ended.code == 0, ended
            said = " ".join(ended.out.split())
            found = re.search(r"Votes ([\d,]+) on ([\d,]+) pairs?(?:, ([\d,]+) of them ties)?", said)
            assert found, said
            ties = sum(number for (_, _, _, better), number in truth.items() if better is None)
            pairs = {fact[1:3] for fact in truth}
            assert [int(n or 0) for n in found.groups()] == [sum(truth.values()), len(pairs), ties]
            people = {fact[0] for fact in truth} - {UNKNOWN}
            unknown = any(fact[0] == UNKNOWN for fact in truth)
            told = ", and ".join([str(len(people))] * bool(people) + ["unknown people"] * unknown)
            assert re.search(f"Annotators {told} (Left out|Too long|Prompts)", said), said

    counted()
