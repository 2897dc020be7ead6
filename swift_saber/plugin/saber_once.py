"""A pair's clips are read once: what was made of them for the chosen side is given to the rejected one again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

# What was made by a call, while it is kept. In a context, since rows are encoded in several threads.
_MADE: ContextVar[dict[Any, Any] | None] = ContextVar("saber_once", default=None)
_MEDIA = ("images", "videos", "audios")


def same_media(chosen: Any, rejected: Any) -> bool:
    """Whether two sides of a pair are shown the same files in the same way.

    Args:
        chosen, rejected: ms-swift's StdTemplateInputs.
    """
    told = ("chat_template_kwargs", "mm_processor_kwargs", "objects")
    names = [name for name in (*_MEDIA, *told) if hasattr(chosen, name)]
    media = [getattr(chosen, name) for name in _MEDIA]
    return all(map(_is_path, media)) and all(getattr(chosen, name) == getattr(rejected, name) for name in names)


def _is_path(media: Any) -> bool:
    return isinstance(media, str) or (isinstance(media, list) and all(map(_is_path, media)))


@contextmanager
def once() -> Iterator[None]:
    """Keep what `kept` functions return inside, for the same arguments."""
    token = _MADE.set({})
    try:
        yield
    finally:
        _MADE.reset(token)


def kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which inside `once` is called once for the same arguments, if JSON can hold them."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        made = _MADE.get()
        if made is None:
            return function(*args, **kwargs)
        try:
            key = function, json.dumps([args, kwargs])
        except (TypeError, ValueError):  # not a file's name
            return function(*args, **kwargs)
        if key not in made:
            made[key] = function(*args, **kwargs)
        return made[key]

    return call


class Processor:
    """Stands for a processor, which inside `once` is called once: the other side's clips are the same.

    Args:
        processor: of transformers.
    """

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)

    def __call__(self, **asked: Any) -> Any:
        made = _MADE.get()
        if made is None:
            return self._processor(**asked)
        if Processor not in made:
            made[Processor] = self._processor(**asked)
        return type(made[Processor])(dict(made[Processor]))  # the template takes entries out of it
