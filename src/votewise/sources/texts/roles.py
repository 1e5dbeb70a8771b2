"""Who speaks in a conversation, in the words of chat templates."""

from __future__ import annotations

USERS = (
    "human", "prompter", "questioner", "benutzer", "nutzer", "usuario", "usuário", "utilisateur", "utente", "gebruiker",
    "пользователь", "человек", "用户", "用戶", "人类", "ユーザー", "사용자",
)  # fmt: skip
MODELS = (
    "gpt", "bot", "ai", "model", "chatbot", "chatgpt", "llm", "assistent", "asistente", "assistente", "ассистент",
    "助手", "助理", "アシスタント", "어시스턴트",
)  # fmt: skip
ROLES = {**dict.fromkeys(USERS, "user"), **dict.fromkeys(MODELS, "assistant")}
"""Roles in other words -> the roles that chat templates know."""
KNOWN = ("user", "assistant", "system", "tool", "developer", "function")


def role_of(role: str) -> str:
    """The role as chat templates know it; an unknown one stays as it is.

    >>> role_of("Human"), role_of("Assistant"), role_of("narrator")
    ('user', 'assistant', 'narrator')
    """
    plain = role.strip().casefold()
    return ROLES.get(plain, plain if plain in KNOWN else role)
