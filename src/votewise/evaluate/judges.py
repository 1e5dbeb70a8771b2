"""Who decides contests: a reward model, a language model on a server, or a column of the file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from votewise.defaults import BATCH_SIZE, CONCURRENCY, JUDGE_TOKENS, RETRIES, TIMEOUT
from votewise.errors import BadInputError
from votewise.language_models.endpoint import Endpoint


@dataclass(frozen=True)
class RewardJudge:
    """A reward model: a sequence classifier with one output.

    Attributes:
        model: folder of the model, or its name on the Hub.
        soft: count logistic(margin) instead of which answer has the higher score.
        batch_size: answers at a time.
        device: where the model runs.
        dtype: number format of the model.
    """

    model: str
    soft: bool = False
    batch_size: int = BATCH_SIZE
    device: str = "auto"
    dtype: str = "auto"


@dataclass(frozen=True)
class LanguageJudge:
    """A language model on an OpenAI-compatible server. It is asked twice about each contest, once in each order.

    Attributes:
        endpoint: the server and the model.
        temperature: of the judge's sampling; 0 for the most likely reply.
        max_tokens: length limit of a reply.
        seed: of the judge's sampling, for servers that use one.
    """

    endpoint: Endpoint
    temperature: float = 0.0
    max_tokens: int = JUDGE_TOKENS
    seed: int | None = 0


@dataclass(frozen=True)
class ColumnJudge:
    """A column of the file of comparisons; None for the first of ``preference``, ``winner`` and ``label`` that exists."""

    name: str | None = None


Judge = RewardJudge | LanguageJudge | ColumnJudge


@dataclass(frozen=True)
class JudgeOptions:
    """The options that choose a judge. At most one of ``reward_model``, ``llm_judge`` and ``column`` may be given.

    Attributes:
        reward_model: folder or name of a reward model.
        soft: see ``RewardJudge``.
        batch_size: answers that the reward model scores at a time.
        device: where the reward model runs.
        llm_judge: name of a language model on a server, or an ``Endpoint``, which knows its server.
        base_url: address of the server.
        max_tokens: length limit of the language model's reply.
        timeout: seconds until a request to the server counts as failed, from the connection to the last byte.
        retries: how often a failed request is tried again.
        concurrency: requests sent to the server at a time.
        column: the column with the verdicts.
    """

    reward_model: str | os.PathLike[str] | None = None
    soft: bool = False
    batch_size: int = BATCH_SIZE
    device: str = "auto"
    llm_judge: str | Endpoint | None = None
    base_url: str | None = None
    max_tokens: int = JUDGE_TOKENS
    timeout: float = TIMEOUT
    retries: int = RETRIES
    concurrency: int = CONCURRENCY
    column: str | None = None


_NAMES = {"reward_model": "a reward model", "llm_judge": "a language model", "column": "a column"}


def choose_judge(options: JudgeOptions) -> Judge:
    """The judge that the options name. If they name none, the verdicts come from a column of the file.

    Raises:
        BadInputError: several judges, or an option that does not apply to the chosen judge.
    """
    named = {"reward_model": options.reward_model, "llm_judge": options.llm_judge, "column": options.column}
    given = [name for name, value in named.items() if value is not None]
    if len(given) > 1:
        raise BadInputError(
            f"another judge is given, too: {_NAMES[given[0]]}", parameter=given[1], expected="one judge"
        )
    if options.soft and options.reward_model is None:
        raise BadInputError("applies only if a reward model is the judge", parameter="soft")
    if options.base_url is not None and not isinstance(options.llm_judge, str):
        raise BadInputError("applies only if the judge is a language model given by its name", parameter="base_url")
    if options.reward_model is not None:
        return RewardJudge(os.fspath(options.reward_model), options.soft, options.batch_size, options.device)
    if options.llm_judge is not None:
        endpoint = options.llm_judge
        if isinstance(endpoint, str):
            endpoint = Endpoint(
                endpoint,
                options.base_url,
                timeout=options.timeout,
                retries=options.retries,
                concurrency=options.concurrency,
            )
        return LanguageJudge(endpoint, max_tokens=options.max_tokens)
    return ColumnJudge(options.column)
