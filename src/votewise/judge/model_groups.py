"""Which family of models a model belongs to, by its name: models of one family tend to make the same mistakes."""

from __future__ import annotations

import re

FAMILIES = {
    "gpt": "gpt", "chatgpt": "gpt", "claude": "claude", "gemini": "gemini", "gemma": "gemma", "llama": "llama",
    "codellama": "llama", "qwen": "qwen", "qwq": "qwen", "mistral": "mistral", "mixtral": "mistral",
    "ministral": "mistral", "magistral": "mistral", "deepseek": "deepseek", "command": "command", "grok": "grok",
    "phi": "phi", "glm": "glm", "kimi": "kimi", "olmo": "olmo", "yi": "yi", "nova": "nova", "prometheus": "prometheus",
}  # fmt: skip
"""The first of these words in a model's name -> its group."""

_WORDS = re.compile(rf"(?<![a-z])({'|'.join(sorted(FAMILIES, key=len, reverse=True))})(?![a-z])")
_REASONING = re.compile(r"o\d(-|$)")


def group_of_model(model: str) -> str:
    """The group of a model whose name is all that is known.

    A known family's name where the name has one, else the name's first word: models with an unknown name are not taken
    for relatives of others unless their names begin alike.

    >>> [group_of_model(m) for m in ("gpt-4o-mini", "o3-mini", "meta-llama/Llama-3.1-8B", "Qwen2.5-7B", "org/judge-v1")]
    ['gpt', 'gpt', 'llama', 'qwen', 'judge']
    """
    name = re.split(r"[/\\]", model.rstrip("/\\").lower())[-1]
    if _REASONING.match(name):
        return "gpt"
    found = _WORDS.search(name)
    if found:
        return FAMILIES[found[1]]
    return re.split(r"[-_.:\s\d]", name)[0] or name
