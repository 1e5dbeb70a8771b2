"""Replies of judges that run on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from votewise.judge.job import JudgeJob, JudgeQuestion
from votewise.judge.judge_models import JudgeModel
from votewise.language_models.completions import Completion
from votewise.language_models.local import require_models


def local_replies(
    job: JudgeJob, judge: JudgeModel, questions: Sequence[JudgeQuestion], *, temperature: float, seed: int
) -> Iterator[tuple[JudgeQuestion, Completion]]:
    """Answer questions batch by batch; needs the extra [score].

    Args:
        job: how judges are asked.
        judge: a model on this machine.
        questions: what to answer.
        temperature: of the sampling.
        seed: of the first repeat.
    """
    require_models("a judge on this machine")
    from votewise.generate.settings import BackendOptions, Sampling
    from votewise.generate.with_transformers import LocalModel

    o = job.options
    options = BackendOptions(batch_size=o.batch_size, device=o.device, dtype=o.dtype)
    model = LocalModel(judge.model, Sampling(o.max_tokens, temperature, seed=seed), options)
    for repeat in sorted({question.repeat for question in questions}):
        some = [question for question in questions if question.repeat == repeat]
        model.sampling = Sampling(o.max_tokens, temperature, seed=seed + repeat - 1)
        for batch in model.answers([job.conversation(question) for question in some], frozenset()):
            yield from ((some[number], completion) for number, completion in batch)
