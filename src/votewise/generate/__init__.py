"""Prompts -> answers of one or two models, by transformers, vLLM or an OpenAI-compatible server.

``votewise.generate(...)`` runs all of it in one call: see ``votewise.workflows.generate``.
"""

from votewise.generate.job import GenerateJob
from votewise.generate.prompts import Prompts, read_prompts
from votewise.generate.results import GenerateResult
from votewise.generate.run import generate_answers
from votewise.generate.settings import BACKENDS, BackendOptions, Sampling

__all__ = [
    "BACKENDS",
    "BackendOptions",
    "GenerateJob",
    "GenerateResult",
    "Prompts",
    "Sampling",
    "generate_answers",
    "read_prompts",
]
