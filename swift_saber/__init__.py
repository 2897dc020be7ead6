"""SABER-LLM for ms-swift: evidence first, emotion last, and no smile that fools it."""

__version__ = "0.1.0"
