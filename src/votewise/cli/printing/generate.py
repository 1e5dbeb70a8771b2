"""What ``votewise generate`` prints."""

from __future__ import annotations

from collections.abc import Mapping

from votewise.cli.printing.common import left_out, say, speed
from votewise.errors import many, visible
from votewise.generate.job import GenerateJob
from votewise.generate.results import GenerateResult

MOST_ERRORS = 3
"""How many different errors are shown."""


def print_plan(result: GenerateResult) -> None:
    """Print what would be done."""
    job, sampling = result.job, result.job.sampling
    drawn = "the likeliest tokens" if sampling.temperature == 0 else f"temperature {sampling.temperature:g}"
    drawn += f", top-p {sampling.top_p:g}" if sampling.temperature and sampling.top_p < 1 else ""
    say(describe_prompts(job))
    if text := left_out(job.prompts.rejected):
        say(text)
    say(
        f"{' and '.join(job.models)} by {job.backend}: {drawn}, at most {sampling.max_tokens:,} tokens, "
        f"seed {sampling.seed}"
    )
    say(f"Would be written: {', '.join(map(str, job.files))}")


def print_generated(result: GenerateResult) -> None:
    """Print how many answers each model gave, the errors, the speed, and where the files are."""
    say(describe_prompts(result.job))
    if text := left_out(result.job.prompts.rejected):
        say(text)
    for model, answered in result.answered.items():
        failed = result.failed[model]
        say(f"{model}: {many(answered, 'answer')}" + (f", {failed:,} failed" if failed else ""))
    print_errors(result.errors)
    if result.comparisons is not None:
        say(many(len(result.comparisons), "comparison"))
    if result.resumed:
        say(f"{many(result.resumed, 'answer')} from an interrupted run")
    say(speed(result.tokens, result.seconds))
    say(f"Written to {' and '.join(map(str, result.files))}")


def describe_prompts(job: GenerateJob) -> str:
    """Like ``3 prompts of 5 in prompts.txt (1 repeated, 1 empty)``."""
    prompts = job.prompts
    left_out = [(prompts.repeated, "repeated"), (prompts.empty, "empty")]
    notes = ", ".join(f"{number:,} {what}" for number, what in left_out if number)
    return f"{many(len(prompts), 'prompt')} of {prompts.read:,} in {prompts.source}" + (f" ({notes})" if notes else "")


def print_errors(errors: Mapping[str, int]) -> None:
    """Print the most frequent errors."""
    for error, number in list(errors.items())[:MOST_ERRORS]:
        say(f"  {number:,} x {visible(error)[:200]}")
    if len(errors) > MOST_ERRORS:
        say(f"  and {len(errors) - MOST_ERRORS:,} other errors")
