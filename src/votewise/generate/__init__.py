"""Prompts -> answers of one or two models, by transformers, vLLM or an OpenAI-compatible endpoint."""

from votewise.generate.prompts import Prompts, read_prompts
from votewise.generate.run import Generated, GenerateJob, generate_answers
from votewise.generate.settings import BACKENDS, BackendOptions, Sampling

__all__ = [
    "BACKENDS",
    "BackendOptions",
    "GenerateJob",
    "Generated",
    "Prompts",
    "Sampling",
    "generate_answers",
    "read_prompts",
]
