"""A judge on a real OpenAI-compatible server: a tiny model whose replies have no verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
from contest_files import answers, write
from served import transformers_serve
from small import language_model

from votewise.errors import BadInputError
from votewise.evaluate.estimate import estimate_win_rate
from votewise.evaluate.inputs import read_two
from votewise.evaluate.judges import LanguageJudge
from votewise.evaluate.verdicts import judge_contests
from votewise.language_models.endpoint import Endpoint


@pytest.mark.slow
def test_replies_without_a_verdict_are_not_ties(tmp_path: Path) -> None:
    model = language_model(tmp_path / "model", chat=True, max_position_embeddings=2048)
    files = write(tmp_path / "a.jsonl", answers("new", 2)), write(tmp_path / "b.jsonl", answers("old", 2))
    contests, _ = read_two(*files, column=None)
    with transformers_serve(model, tmp_path / "server.log") as url:
        judge = LanguageJudge(Endpoint(str(model), url, retries=0), max_tokens=8)
        verdicts = judge_contests([contests], judge, tmp_path / "out").verdicts[0]
    assert verdicts.comments is not None
    assert all(text for pair in verdicts.comments for text in pair)
    assert all(problem is not None and problem.startswith("no verdict in the reply") for problem in verdicts.problems)
    with pytest.raises(BadInputError, match="gave no verdict on any of 2 contests"):
        estimate_win_rate(contests, verdicts)
