"""``votewise.train``: settings by the names of their flags train the same model as the command does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

os.environ["CI"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import yaml  # type: ignore[import-untyped]  # noqa: E402
from datasets import disable_progress_bars  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tiny import make_model, make_rows, make_tokenizer  # noqa: E402

import votewise  # noqa: E402
from shell import run  # noqa: E402
from votewise.errors import BadInputError, TrainingFailedError  # noqa: E402
from votewise.train.arguments import as_words, parse, take_apart  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing(_kwargs)?` is deprecated:FutureWarning")

Settings = dict[str, Any]
TRAINING: Settings = {
    "use_cpu": True, "bf16": False, "gradient_checkpointing": False, "per_device_train_batch_size": 4,
    "learning_rate": 1e-2, "max_length": 32, "max_steps": 2, "logging_steps": 1, "save_strategy": "no",
    "report_to": "none", "disable_tqdm": True, "dataloader_pin_memory": False,
}  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> None:
    disable_progress_bars()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A model and votes on disk."""
    folder = tmp_path_factory.mktemp("made")
    make_model().save_pretrained(folder / "model")
    make_tokenizer().save_pretrained(folder / "model")
    pq.write_table(make_rows(12, votes_per_pair=2).data.table, folder / "rows.parquet")
    return {"model_name_or_path": str(folder / "model"), "votes": folder / "rows.parquet", "votes_format": "trl"}


@pytest.mark.slow
def test_the_same_run_from_python_and_from_the_shell(made: Settings, tmp_path: Path) -> None:
    settings = TRAINING | made | {"max_steps": 1}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({name: str(v) if isinstance(v, Path) else v for name, v in settings.items()}))
    ended = run("train", "--config", recipe, "--max_steps", 2, "--output_dir", tmp_path / "shell")
    assert ended.code == 0, ended
    results = {
        "recipe": votewise.train(recipe, max_steps=2, output_dir=tmp_path / "recipe"),
        "settings": votewise.train(output_dir=tmp_path / "settings", **settings | {"max_steps": 2}),
        "flags": votewise.train(recipe, options=["--max_steps", "2", "--output_dir", str(tmp_path / "flags")]),
    }
    expected = load_file(tmp_path / "shell" / "model.safetensors")
    for name, result in results.items():
        found = load_file(result.output_dir / "model.safetensors")
        assert all(torch.equal(found[key], expected[key]) for key in expected), name
        assert result.output_dir == tmp_path / name
        assert result.trainer is not None
        assert result.trainer.state.global_step == 2
        assert result.reliability is not None
        assert result.reliability.equals(pq.read_table(tmp_path / "shell" / "annotators.parquet"))
        assert result.facts is None


def test_votes_in_memory(made: Settings, tmp_path: Path) -> None:
    votes = votewise.read_votes(made["votes"], format="trl")
    settings = TRAINING | {"model_name_or_path": made["model_name_or_path"], "write_beliefs": False}
    one = votewise.train(votes=votes, output_dir=tmp_path / "memory", **settings)
    two = votewise.train(output_dir=tmp_path / "file", **settings | made)
    found, expected = (load_file(result.output_dir / "model.safetensors") for result in (one, two))
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert one.reliability is None, "write_beliefs=False"
    with pytest.raises(BadInputError, match="votes in memory cannot be shared by 2 processes"):
        votewise.train(votes=votes, num_processes=2, output_dir=tmp_path / "two", **settings)
    with pytest.raises(BadInputError, match="votes and dataset_name are both given"):
        votewise.train(votes=votes, dataset_name="rows", output_dir=tmp_path / "two", **settings)


def test_unusable_votes_are_left_out_and_kept_beside_the_model(made: Settings, tmp_path: Path) -> None:
    rows = pq.read_table(made["votes"]).to_pylist()
    rows[2]["chosen"] = None
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "broken.parquet")
    settings = TRAINING | {"model_name_or_path": made["model_name_or_path"], "write_beliefs": False}
    settings |= {"votes": tmp_path / "broken.parquet", "output_dir": tmp_path / "run"}
    with pytest.raises(BadInputError, match="row 3, column 'chosen'"):
        votewise.train(dry_run=True, **settings)
    facts = votewise.train(on_error="skip", dry_run=True, **settings).facts
    assert facts is not None
    assert len(facts.rows.votes) == len(rows) - 1
    assert not (tmp_path / "run").exists()
    with pytest.raises(BadInputError, match="is not a checkpoint"):
        votewise.train(on_error="skip", resume_from_checkpoint="nowhere", **settings)
    assert not (tmp_path / "run").exists(), "a later refusal leaves no rejected rows behind"
    votewise.train(on_error="skip", **settings)
    (line,) = (tmp_path / "run" / "rejected.jsonl").read_text().splitlines()
    assert json.loads(line)["row"] == 3


def test_a_dry_run_returns_facts(made: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = votewise.train(output_dir=tmp_path / "run", dry_run=True, num_processes=2, **TRAINING | made)
    assert result.facts is not None
    assert (result.facts.processes, result.facts.steps.batch, len(result.facts.rows.pair)) == (2, 8, 12)
    assert (result.trainer, result.reliability) == (None, None)
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "run").exists()


def test_without_the_folder_it_is_that_of_transformers() -> None:
    from transformers import TrainingArguments

    assert take_apart([]).output_dir == TrainingArguments(use_cpu=True).output_dir


def test_settings_become_words() -> None:
    words = as_words(
        {"learning_rate": 5e-7, "use_peft": True, "bf16": False, "lora_target_modules": ["a", "b"], "beta": None,
         "model_init_kwargs": {"num_layers": 2}, "max_steps": -1, "multi_gpu": True, "use_fsdp": False, "gpu_ids": "0,1"}
    )  # fmt: skip
    flags = take_apart(words)
    assert flags.launch == ["--multi_gpu", "--gpu_ids", "0,1"]
    arguments = parse([*flags.training, "--output_dir", "run", "--use_cpu", "True"])
    training, model = arguments.training, arguments.model
    assert (training.learning_rate, training.bf16, training.max_steps, training.beta) == (5e-7, False, -1, 0.1)
    assert training.model_init_kwargs == {"num_layers": 2}
    assert (model.use_peft, model.lora_target_modules) == (True, ["a", "b"])


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(BadInputError, match=r"there is no setting --learning_rat \(expected --learning_rate\)"):
        votewise.train(learning_rat=1)


@pytest.mark.parametrize("explained", [True, False])
def test_the_command_ends_as_the_process_that_failed(explained: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **settings: object) -> None:
        raise TrainingFailedError("it failed", exit_code=3, explained=explained)

    monkeypatch.setattr("votewise.train.launch.run", fail)
    ended = run("train")
    assert ended.code == 3
    assert ended.err == ("" if explained else "votewise: it failed\n")


@pytest.mark.parametrize(
    "first",
    [
        "import votewise",
        "import votewise.train",
        "import votewise.train.processes",
        "from votewise import train",
        "from votewise.workflows.train import train",
        "import votewise.cli",
    ],
)
def test_the_package_is_the_workflow_too(first: str) -> None:
    code = f"""
{first}
import inspect, sys
import votewise
from votewise.workflows.train import train
from votewise.train.processes import sharded_here
assert inspect.signature(votewise.train) == inspect.signature(train)
assert votewise.train.processes.sharded_here is sharded_here
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_package_can_be_called_and_has_its_names() -> None:
    code = """
from votewise.train import RobustPreferenceTrainer
import votewise
assert votewise.train.RobustPreferenceTrainer is RobustPreferenceTrainer
try:
    votewise.train(learning_rat=1)
except votewise.BadInputError as error:
    assert "--learning_rat" in str(error), error
else:
    raise AssertionError("it was not called")
from votewise.train import RobustPreferenceConfig
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_help_loads_no_training_library() -> None:
    code = "import sys, votewise.cli\ntry:\n    votewise.cli.main(['train', '--help'])\nexcept SystemExit:\n    pass\n"
    code += "assert not {'torch', 'trl', 'numpy', 'pyarrow'} & set(sys.modules), sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
