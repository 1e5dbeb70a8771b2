"""Whatever answers or scores a text: local models and endpoints."""
