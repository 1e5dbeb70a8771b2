"""Who judges: names, servers, groups, prices, and files of judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from votewise.errors import BadInputError
from votewise.judge.judge_models import JudgeModel, choose_judges, parse_judge, read_judges
from votewise.judge.model_groups import group_of_model


@pytest.mark.parametrize(
    ("model", "group"),
    [
        ("gpt-4o-mini", "gpt"),
        ("openai/chatgpt-4o-latest", "gpt"),
        ("o3-mini", "gpt"),
        ("claude-sonnet-4-5", "claude"),
        ("us.anthropic.claude-3-haiku-20240307-v1:0", "claude"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen"),
        ("QwQ-32B", "qwen"),
        ("mistralai/Mixtral-8x7B", "mistral"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "deepseek"),
        ("/models/my-own-judge/", "my"),
        ("skywork", "skywork"),
        ("dolphin", "dolphin"),
        ("7b", "7b"),
    ],
)
def test_the_group_is_the_family_that_the_name_tells(model: str, group: str) -> None:
    assert group_of_model(model) == group


def test_judges_are_said_in_one_word() -> None:
    assert parse_judge("gpt-4o") == JudgeModel("gpt-4o", "gpt-4o", group="gpt")
    assert parse_judge("a=org/m@http://h:1/v1") == JudgeModel("a", "org/m", "http://h:1/v1")
    assert parse_judge("m@https://h/v1?x=1").base_url == "https://h/v1?x=1"
    assert parse_judge("claude@20240620").model == "claude@20240620"
    for wrong in ("", "a=", "http://h/v1", "=@http://h/v1"):
        with pytest.raises(BadInputError):
            parse_judge(wrong)


def test_secrets_in_addresses_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = parse_judge("m@https://me:secret@h/v1?key=secret")
    assert "secret" not in repr(judge) + str(judge.facts())
    # The server that is asked is the one that replies are kept for.
    monkeypatch.setenv("OPENAI_BASE_URL", "http://here:1/v1")
    assert parse_judge("m").where == "http://here:1/v1"
    assert parse_judge("./m", "transformers").where is None


def test_groups_by_pattern() -> None:
    found = choose_judges(["gpt-4o", "s=gpt-3.5", "claude-3"], group={"openai": "GPT-*"}, base_url="http://h/v1")
    assert [judge.group for judge in found] == ["openai", "openai", "claude"]
    assert all(judge.base_url == "http://h/v1" for judge in found)
    with pytest.raises(BadInputError, match="no judge of the group 'x'"):
        choose_judges(["gpt-4o"], group={"x": "claude*"})
    with pytest.raises(BadInputError, match="in two groups, got 'x and y'"):
        choose_judges(["gpt-4o"], group={"x": "gpt*", "y": "*4o"})
    with pytest.raises(BadInputError, match="two judges have one name"):
        choose_judges(["gpt-4o", "gpt-4o"])
    with pytest.raises(BadInputError, match="there is no judge"):
        choose_judges([])


FILE = """
[[judge]]
name = "strict"
model = "gpt-4o"
price_in = 2.5
price_out = 10
api_key_env = "SOME_KEY"

[[judge]]
model = "qwen"
base_url = "http://localhost:8000/v1"
group = "own"
"""


def test_a_file_of_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "judges.toml"
    path.write_text(FILE, encoding="utf-8")
    strict, qwen = read_judges(path)
    assert (strict.name, strict.group, strict.cost(1_000_000, 100_000)) == ("strict", "gpt", 3.5)
    assert (qwen.name, qwen.group, qwen.priced) == ("qwen", "own", False)
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(BadInputError, match="SOME_KEY is not set"):
        strict.key()
    monkeypatch.setenv("SOME_KEY", "secret")
    assert strict.key() == "secret"
    assert "secret" not in repr(strict) + str(strict.facts())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("judge = 1", "has no list of judges"),
        ("[[judge]]\nname = 'x'", "judge 1: has no model"),
        ("[[judge]]\nmodel = 'x'\nkey = 'abc'", "says 'key', which means nothing .*environment variable"),
        ("[[judge]]\nmodel = 'x'\nprice_in = '2'", "price_in is not a number"),
        ("[[judge]]\nmodel = 'x'\nprice_in = -2", "has no price like this"),
        ("[[judge]]\nmodel = 3", "model is not a text"),
        ("[[judge", "is not TOML"),
        ("[judge]\nmodel = 'x'", "has no list of judges"),
        ("[[judges]]\nmodel = 'x'", "has no list of judges"),
    ],
)
def test_what_a_file_of_judges_may_not_say(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "judges.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=problem):
        read_judges(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read: No such file"):
        read_judges(tmp_path / "none.toml")
