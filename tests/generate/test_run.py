"""A whole run: files, comparisons, failures, and interruptions at any moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from scripted import Reply, Scripted, refused, said, scripted_server
from small import language_model, make_tokenizer

from shell import process
from votewise.errors import BadInputError
from votewise.generate import BackendOptions, GenerateJob, GenerateResult, Prompts, Sampling, generate_answers
from votewise.generate.with_transformers import LocalModel

N = 12
PROMPTS = Prompts.of([f"w{i}" for i in range(N)], "here")
DRAWN = Sampling(6, temperature=1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, `a` and `b`."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate("ab"):
        language_model(folder / name, seed=seed)
    return folder


@pytest.fixture
def models(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Relative paths, because what is drawn depends on a model's name, which must not change from run to run."""
    monkeypatch.chdir(folder)
    return ["a", "b"]


def local(models: list[str], out: Path, **settings: Any) -> GenerateJob:
    usual: dict[str, Any] = {"sampling": DRAWN, "options": BackendOptions(device="cpu", batch_size=4)}
    return GenerateJob(PROMPTS, models, out, **usual | settings)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_answers_of_one_model(models: list[str], tmp_path: Path) -> None:
    reports: list[tuple[Any, ...]] = []
    job = local(models[:1], tmp_path / "deep" / "answers.jsonl")
    result = generate_answers(job, progress=lambda *args: reports.append(args))
    rows = lines(job.out)
    assert [row["prompt"] for row in rows] == PROMPTS.prompts
    assert all(row["answer"] and row["error"] is None and row["model"] == models[0] for row in rows)
    assert result.tokens == sum(row["tokens"] for row in rows)
    assert (result.answered, result.failed, result.comparisons, result.resumed) == (
        {models[0]: N},
        {models[0]: 0},
        None,
        0,
    )
    assert [args[:3] for args in reports] == [(models[0], done, N) for done in (4, 8, 12)]
    assert reports[-1][3:] == (result.tokens, result.seconds)
    assert result.files == (job.out,)
    assert sorted(p.name for p in job.out.parent.iterdir()) == ["answers.jsonl"]


def test_two_models_are_compared(models: list[str], tmp_path: Path) -> None:
    job = local(models, tmp_path / "answers.jsonl")
    result = generate_answers(job)
    assert result.files == (job.out, tmp_path / "answers-comparisons.jsonl")
    answers = {(row["model"], row["prompt"]): row["answer"] for row in lines(job.out)}
    assert len(answers) == 2 * N
    both = [p for p in PROMPTS.prompts if all(answers[model, p] for model in models)]
    assert lines(result.files[1]) == [
        {"prompt": p, "model_a": models[0], "model_b": models[1]}
        | {f"response_{side}": answers[model, p] for side, model in zip("ab", models, strict=True)}
        for p in both
    ]
    tables = local(models, tmp_path / "answers.parquet", comparisons=tmp_path / "pairs.parquet")
    assert len(generate_answers(tables).comparisons) == len(both)
    assert pq.read_table(tables.out).to_pylist() == lines(job.out)
    assert pq.read_table(tmp_path / "pairs.parquet").to_pylist() == lines(result.files[1])


@pytest.mark.parametrize("batches", range(6))
def test_an_interrupted_run_ends_with_the_same_file(
    models: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    whole = local(models, tmp_path / "whole.jsonl")
    generate_answers(whole)
    job = local(models, tmp_path / "resumed.jsonl")
    usual, left = LocalModel._answer, [batches]

    def interrupted(self: LocalModel, prompts: list[Any]) -> Any:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return usual(self, prompts)

    monkeypatch.setattr(LocalModel, "_answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate_answers(job)
    assert not job.out.exists()
    journal = tmp_path / "resumed.jsonl.journal"
    if batches:
        # A run that was killed while it wrote leaves half a line.
        journal.write_bytes(journal.read_bytes()[:-7])
    left[0] = 6 - batches + 1
    result = generate_answers(job)
    assert result.resumed == max(4 * batches - 1, 0)
    assert job.out.read_bytes() == whole.out.read_bytes()
    assert result.files[1].read_bytes() == (tmp_path / "whole-comparisons.jsonl").read_bytes()
    assert not journal.exists()


def test_an_interrupted_run_with_other_settings_is_refused(models: list[str], tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    generate_until(out, models[:1])
    for change, said_so in (
        ({"sampling": Sampling(6, temperature=0.5)}, "temperature was 1.0 and is 0.5"),
        ({"options": BackendOptions(device="cpu", chat=False)}, "chat was True and is False"),
    ):
        with pytest.raises(BadInputError, match=said_so):
            generate_answers(local(models[:1], out, **change))
    fewer = Prompts.of(list(PROMPTS.prompts), "here", limit=3)
    with pytest.raises(BadInputError, match=r"prompts was '12 prompts .*' and is '3 prompts"):
        generate_answers(GenerateJob(fewer, models[:1], out, DRAWN))
    changed = local(models[:1], out, sampling=Sampling(6, temperature=0.5))
    assert generate_answers(changed, restart=True).resumed == 0
    # Another batch size gives other batches, but the same answers.
    again = tmp_path / "again.jsonl"
    generate_until(again, models[:1])
    assert generate_answers(local(models[:1], again, options=BackendOptions(device="cpu", batch_size=5))).resumed == 4
    whole = local(models[:1], tmp_path / "whole.jsonl")
    generate_answers(whole)
    assert again.read_bytes() == whole.out.read_bytes()


def generate_until(out: Path, models: list[str], batches: int = 1) -> None:
    """Interrupt a run after some batches."""

    def stop(model: str, done: int, *_: Any) -> None:
        if done == 4 * batches:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_answers(local(models, out), progress=stop)


@pytest.fixture
def server() -> Iterator[tuple[Scripted, list[Any]]]:
    """Answers `w3` with an error and others with their own text; before each answer it calls the functions in the list."""
    before_each: list[Any] = []

    def answer(request: dict[str, Any], before: int) -> Reply:
        for call in before_each:
            call()
        text = request["messages"][-1]["content"]
        return refused(400, "too rude") if text == "w3" else said(f"{request['model']} {text}")

    with scripted_server(answer) as found:
        yield found, before_each


def remote(url: str, out: Path, models: tuple[str, ...] = ("m",), **options: Any) -> GenerateJob:
    chosen = BackendOptions(base_url=url, concurrency=2, retries=0, **options)
    return GenerateJob(PROMPTS, models, out, Sampling(6), "endpoint", chosen)


def test_a_failed_prompt_is_not_an_answer(server: tuple[Scripted, list[Any]], tmp_path: Path) -> None:
    job = remote(server[0].url, tmp_path / "answers.jsonl", ("m", "n"))
    result = generate_answers(job)
    rows = {(row["model"], row["prompt"]): row for row in lines(job.out)}
    assert rows["m", "w4"]["answer"] == "m w4"
    assert [row["prompt"] for row in rows.values() if row["answer"] is None] == ["w3", "w3"]
    assert rows["n", "w3"]["error"] == "status 400: too rude"
    assert (result.answered, result.failed) == ({"m": N - 1, "n": N - 1}, {"m": 1, "n": 1})
    assert result.errors == {"status 400: too rude": 2}
    assert len(result.comparisons) == N - 1
    assert "w3" not in [row["prompt"] for row in lines(result.files[1])]


def test_prompts_that_always_fail_do_not_end_every_run(tmp_path: Path) -> None:
    bad = set(PROMPTS.prompts[:5])

    def answer(request: dict[str, Any], _: int) -> Reply:
        text = request["messages"][0]["content"]
        return refused(500, "crashed") if text in bad else said(f"m {text}")

    with scripted_server(answer) as server:
        chosen = BackendOptions(base_url=server.url, concurrency=1, retries=0)
        job = GenerateJob(PROMPTS, ("m",), tmp_path / "answers.jsonl", Sampling(6), "endpoint", chosen)
        for _ in range(2):  # a server is given up after three failures in a row, of which two are recorded
            with pytest.raises(BadInputError, match="status 500: crashed"):
                generate_answers(job)
        result = generate_answers(job)
    assert (result.answered, result.failed) == ({"m": N - 5}, {"m": 5})


@pytest.mark.slow
def test_a_killed_run_resumes(server: tuple[Scripted, list[Any]], tmp_path: Path) -> None:
    scripted, before_each = server
    prompts, out = tmp_path / "prompts.txt", tmp_path / "answers.jsonl"
    prompts.write_text("\n".join(PROMPTS.prompts))
    arguments = ["generate", prompts, "--model", "m", "--backend", "endpoint", "--base-url", scripted.url]
    arguments += ["--concurrency", "1", "--retries", "0", "--out", out]
    command = process(*arguments)
    started: list[subprocess.Popen[bytes]] = []
    ready = threading.Event()

    def kill_at_the_eighth() -> None:
        ready.wait(20)
        if len(scripted.requests) == 8:
            journal, end = tmp_path / "answers.jsonl.journal", time.monotonic() + 20
            # The seventh answer is written while the eighth prompt is sent.
            while journal.read_bytes().count(b"\n") < 8 and time.monotonic() < end:
                time.sleep(0.01)
            os.kill(started[0].pid, signal.SIGKILL)

    before_each.append(kill_at_the_eighth)
    started.append(subprocess.Popen(command))
    ready.set()
    assert started[0].wait(60) == -signal.SIGKILL
    assert not out.exists()
    before_each.clear()
    scripted.requests.clear()
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "6 answers from an interrupted run" in ended.stdout
    # The failed prompt is sent again, because the server may have caused the failure.
    asked = [request["messages"][0]["content"] for request in scripted.requests]
    assert asked == ["w7", "w8", "w9", "w10", "w11", "w3"]
    whole = remote(scripted.url, tmp_path / "whole.jsonl")
    generate_answers(whole)
    assert out.read_bytes() == whole.out.read_bytes()


def test_after_an_interruption_no_more_prompts_are_sent(server: tuple[Scripted, list[Any]], tmp_path: Path) -> None:
    scripted, before_each = server
    over = threading.Event()
    # Two requests are running when the first answer is read.
    before_each.append(lambda: over.wait(20) if len(scripted.requests) > 1 else None)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    job = remote(scripted.url, tmp_path / "a.jsonl")
    with pytest.raises(KeyboardInterrupt) as held:  # the traceback keeps every local variable of the run
        generate_answers(job, progress=interrupt)
    over.set()
    end = time.monotonic() + 20
    while any(thread.name.endswith("(_run)") for thread in threading.enumerate()) and time.monotonic() < end:
        time.sleep(0.01)
    assert held.traceback
    assert len(scripted.requests) <= 3


def test_a_run_without_any_answer_fails(server: tuple[Scripted, list[Any]], tmp_path: Path) -> None:
    only = Prompts.of(["w3"], "here")
    job = GenerateJob(
        only, ["m"], tmp_path / "a.jsonl", Sampling(6), "endpoint", BackendOptions(base_url=server[0].url)
    )
    with pytest.raises(BadInputError, match=r"no answer to 1 prompt: status 400: too rude"):
        generate_answers(job)
    assert lines(job.out)[0]["error"] == "status 400: too rude"


def test_the_request_has_all_settings(server: tuple[Scripted, list[Any]], tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]
    job = GenerateJob(
        Prompts.of([turns], "here"), ["m"], tmp_path / "a.jsonl", Sampling(7, 0.5, 0.9, 3), "endpoint",
        BackendOptions(base_url=server[0].url),
    )  # fmt: skip
    generate_answers(job)
    assert server[0].requests == [
        {"model": "m", "messages": turns, "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": 3}
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": []}, "^model: needs one model, or two different ones"),
        ({"models": ["m", "m"]}, "^model: needs one model, or two different ones, got 'm and m'"),
        ({"models": ["a", "b", "c"]}, "^model: "),
        ({"out": Path("a.csv")}, "a.csv: unknown kind of file"),
        ({"models": ["a", "b"], "comparisons": Path("c.txt")}, "c.txt: unknown kind of file"),
        ({"models": ["a", "b"], "comparisons": Path("a.jsonl")}, "^comparisons: is the file of answers"),
        ({"backend": "magic"}, "^backend: there is no such backend, got 'magic'"),
        ({"options": BackendOptions(base_url="http://x")}, "^base_url: is only used with the backend endpoint"),
    ],
)
def test_impossible_jobs_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        GenerateJob(**{"prompts": PROMPTS, "models": ["m"], "out": Path("a.jsonl")} | settings)


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_the_extra_it_is_named(tmp_path: Path, missing: str) -> None:
    (tmp_path / "p.txt").write_text("w1")
    block = f"import sys; sys.modules['{missing}'] = None"
    command = process("generate", "p.txt", "--model", "m", "--out", "a.jsonl", before=block)
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "pip install 'votewise[score]'" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_neither_trl_nor_datasets_is_needed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("w1\nw2")
    block = "import sys; sys.modules.update(dict.fromkeys(('trl', 'datasets', 'accelerate', 'peft', 'openai')))"
    words = ("generate", "p.txt", "--model", folder / "a", "--out", "a.jsonl", "--max-tokens", 3)
    subprocess.run(process(*words, before=block), cwd=tmp_path, check=True, capture_output=True)
    assert len(lines(tmp_path / "a.jsonl")) == 2


class FakeVllm:
    """A stand-in with the documented signatures of vLLM; it answers with the prompt's tokens in reverse order."""

    def __init__(self, model: str, *, dtype: str, seed: int) -> None:
        self.tokenizer = make_tokenizer(chat=False)
        self.llm_engine = types.SimpleNamespace(model_config=types.SimpleNamespace(max_model_len=5))
        self.asked: list[Any] = []

    def get_tokenizer(self) -> Any:
        return self.tokenizer

    def generate(self, prompts: list[Any], sampling_params: list[Any], *, use_tqdm: bool) -> list[Any]:
        SEEN.extend(sampling_params)
        outputs = []
        for prompt, parameters in zip(prompts, sampling_params, strict=True):
            ids = prompt["prompt_token_ids"][::-1][: parameters.max_tokens]
            text = self.tokenizer.decode(ids, skip_special_tokens=True)
            answer = types.SimpleNamespace(text=text, token_ids=ids, finish_reason="length")
            outputs.append(types.SimpleNamespace(outputs=[answer]))
        return outputs


SEEN: list[Any] = []


def test_vllm_is_called_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", types.SimpleNamespace(LLM=FakeVllm, SamplingParams=types.SimpleNamespace))
    SEEN.clear()
    prompts = Prompts.of(["w1 w2 w3", "w4 w5", "w1 w2 w3 w4 w5", "<eos>"], "here")
    job = GenerateJob(prompts, ["m"], tmp_path / "a.jsonl", Sampling(2, 0.5, 0.9, 7), "vllm")
    result: GenerateResult = generate_answers(job)
    rows = lines(job.out)
    assert [row["answer"] for row in rows] == ["w3 w2", "w5 w4", None, None]
    assert [row["tokens"] for row in rows] == [2, 2, None, 1]
    assert rows[2]["error"] == "a prompt that does not fit into the model's 5 tokens"
    assert rows[3]["error"] == "an empty answer (finish reason: length)"
    assert result.failed == {"m": 2}
    assert [(p.temperature, p.top_p, p.max_tokens) for p in SEEN] == [(0.5, 0.9, 2)] * 3
    assert len({p.seed for p in SEEN}) == 3


def test_without_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(BadInputError, match=r"^backend: vLLM is not installed"):
        generate_answers(GenerateJob(PROMPTS, ["m"], tmp_path / "a.jsonl", Sampling(2), "vllm"))
