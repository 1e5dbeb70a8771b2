"""Prompts and responses, as texts or as conversations, and the text and tokens that a model reads of them."""

from __future__ import annotations

from typing import Any

from votewise.errors import BadInputError

Message = dict[str, str]
Prompt = str | list[Message]
"""A text, or a conversation: messages with ``role`` and ``content``."""


def as_messages(prompt: Prompt, role: str = "user") -> list[Message]:
    """A text as a conversation of one message; a conversation unchanged."""
    return [{"role": role, "content": prompt}] if isinstance(prompt, str) else prompt


def has_template(tokenizer: Any, *, chat: bool) -> bool:
    """Whether texts are put into the tokenizer's chat template: it has one, and ``chat`` allows it."""
    return chat and bool(getattr(tokenizer, "chat_template", None))


def text_of(tokenizer: Any, prompt: Prompt, response: Prompt | None, *, chat: bool) -> str:
    """A prompt, or prompt and response, as the one text that a model reads.

    With a chat template they become a conversation, which ends where the answer starts if there is no response. Without
    a template the texts are joined, and a response ends with the end-of-text token, as in TRL's trainers.

    Raises:
        BadInputError: a conversation of several messages and no chat template.
    """
    if has_template(tokenizer, chat=chat):
        messages = as_messages(prompt) + (as_messages(response, "assistant") if response is not None else [])
        try:
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=response is None)
        except Exception as error:  # a template is a program: it may raise anything
            roles = ", ".join(message["role"] for message in messages)
            raise BadInputError(f"the chat template refuses a conversation of {roles}: {error}") from error
        return str(text)
    if response is None:
        return plain_text(prompt)
    text, end = plain_text(prompt) + plain_text(response), tokenizer.eos_token or ""
    return text if text.endswith(end) else text + end


def plain_text(prompt: Prompt) -> str:
    """A text, or the text of a conversation of one message; BadInputError for a longer one."""
    if isinstance(prompt, str):
        return prompt
    if len(prompt) != 1:
        raise BadInputError(
            f"a conversation of {len(prompt)} messages, and the tokenizer has no chat template",
            expected="a model with one, or prompts as texts",
        )
    return prompt[0]["content"]


def token_ids(tokenizer: Any, text: str, *, chat: bool) -> list[int]:
    """A text's tokens; special tokens are added unless a chat template has already written them."""
    ids: list[int] = tokenizer(text, add_special_tokens=not has_template(tokenizer, chat=chat))["input_ids"]
    return ids


def text_length(*texts: Prompt) -> int:
    """Bytes of texts or conversations: nearly proportional to their number of tokens."""
    return sum(
        len(text.encode()) if isinstance(text, str) else sum(len(m["content"].encode()) for m in text) for text in texts
    )
