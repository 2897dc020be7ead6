"""The options that name a model which judges: the same in every command that asks one."""

import argparse
from typing import Any

from swift_saber.errors import InputError

_BLOCK = "judge"
_SETTINGS = ("base_url", "key_env", "concurrency", "timeout", "reply_form")


def add_judge(parser: argparse.ArgumentParser, about: str, rules: tuple[str, ...] = (), about_rules: str = "") -> None:
    """Add the options to a parser.

    Args:
        about: what is said above them in --help.
        rules: by which --rules can judge in the place of a model; where there are any, one of both is needed.
        about_rules: what they are.
    """
    options = parser.add_argument_group("judge", about)
    choice = options.add_mutually_exclusive_group(required=bool(rules))
    choice.add_argument("--judge", metavar="MODEL", help="name of the model that judges, as its server knows it")
    if rules:
        choice.add_argument("--rules", choices=rules, help=f"in the place of a judge: {about_rules}")
    options.add_argument("--base-url", metavar="URL", help="its OpenAI-compatible address, .../v1")
    options.add_argument("--key-env", metavar="NAME", help="variable that holds its key (default OPENAI_API_KEY)")
    options.add_argument("--concurrency", type=int, help="requests at a time (default 8, ours)")
    options.add_argument("--timeout", type=float, help="seconds to wait for one reply (default 300, ours)")
    options.add_argument(
        "--reply-form",
        choices=("json_schema", "json_object", "none"),
        help="what the server is held to (default json_schema; some servers take only the others)",
    )


def judge_of(args: argparse.Namespace, command: str) -> Any:
    """Return the service.Service that the options name, or None where there is none.

    Args:
        args: of a parser with these options.
        command: names it in errors.

    Raises:
        InputError: an option is wrong, or given without --judge.
    """
    from swift_saber.models.service import Service

    given = {name: getattr(args, name) for name in _SETTINGS}
    given = {name: value for name, value in given.items() if value is not None}
    if args.judge is None:
        if given:
            raise InputError(command, _option(next(iter(given))), "is given without --judge", "name the judge's model")
        return None
    try:
        return Service.read({"model": args.judge, **given}, _BLOCK)
    except InputError as error:
        field = _option(error.field.removeprefix(f"{_BLOCK}."))
        raise InputError(command, field, error.problem, error.remedy) from error


def _option(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"
