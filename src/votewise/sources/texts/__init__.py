"""Prompts and responses: texts, conversations, and the parts that a prompt is made of."""
