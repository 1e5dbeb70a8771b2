"""Answers from a real OpenAI-compatible server: transformers' own, with a tiny model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import transformers_serve
from small import language_model

from votewise.errors import BadInputError
from votewise.generate import BackendOptions, GenerateJob, Prompts, Sampling, generate_answers
from votewise.language_models.endpoint import Endpoint

pytestmark = pytest.mark.slow
"""The server takes seconds to start."""

PROMPTS = Prompts.of([f"w{i} w{i + 7}" for i in range(9)], "here")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = language_model(tmp_path_factory.mktemp("served") / "model", chat=True)
    # Without it the server takes the likeliest token at any temperature.
    settings = folder / "generation_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "do_sample": True}))
    return str(folder)


@pytest.fixture(scope="module")
def url(model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with transformers_serve(Path(model), tmp_path_factory.mktemp("log") / "server.log") as found:
        yield found


def remote(url: str, model: str, out: Path, sampling: Sampling, concurrency: int = 3) -> GenerateJob:
    return GenerateJob(
        PROMPTS, [model], out, sampling, "endpoint", BackendOptions(base_url=url, concurrency=concurrency)
    )


def answers(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_server_gives_the_same_answers_as_the_local_model(url: str, model: str, tmp_path: Path) -> None:
    served = remote(url, model, tmp_path / "served.jsonl", Sampling(8))
    result = generate_answers(served)
    here = GenerateJob(PROMPTS, [model], tmp_path / "here.jsonl", Sampling(8), options=BackendOptions(device="cpu"))
    generate_answers(here)
    assert result.answered == {model: 9}
    assert [row["answer"] for row in answers(served.out)] == [row["answer"] for row in answers(here.out)]
    assert [row["tokens"] for row in answers(served.out)] == [row["tokens"] for row in answers(here.out)]


def test_an_interrupted_run_resumes(url: str, model: str, tmp_path: Path) -> None:
    def stop(_: str, done: int, *__: Any) -> None:
        if done == 4:
            raise KeyboardInterrupt

    job = remote(url, model, tmp_path / "a.jsonl", Sampling(8))
    with pytest.raises(KeyboardInterrupt):
        generate_answers(job, progress=stop)
    assert generate_answers(job).resumed == 4
    whole = remote(url, model, tmp_path / "whole.jsonl", Sampling(8))
    generate_answers(whole)
    assert job.out.read_bytes() == whole.out.read_bytes()


def test_seeds_are_used_one_request_at_a_time(url: str, model: str, tmp_path: Path) -> None:
    # Each request sets the seed of the whole server, so simultaneous requests share random numbers.
    jobs = [
        remote(url, model, tmp_path / f"{i}.jsonl", Sampling(8, temperature=1.0, seed=seed), concurrency=1)
        for i, seed in enumerate((3, 3, 4))
    ]
    for job in jobs:
        generate_answers(job)
    first, same, other = (answers(job.out) for job in jobs)
    assert first == same
    assert sum(a["answer"] == b["answer"] for a, b in zip(first, other, strict=True)) < 3


def test_a_model_that_the_server_does_not_have(url: str) -> None:
    with_another = Endpoint("another", url, timeout=20, retries=0)
    found = dict(with_another.complete([[{"role": "user", "content": "w1"}]], temperature=0, max_tokens=2))
    assert found[0].text is None
    assert "requested 'another'" in (found[0].error or "")


def test_an_address_without_a_server_stops_the_run(url: str, model: str) -> None:
    wrong = Endpoint(model, url.replace("/v1", "/v7"), timeout=20, retries=0)
    with pytest.raises(BadInputError, match="status 404"):
        list(wrong.complete([[{"role": "user", "content": "w1"}]], temperature=0, max_tokens=2))
