"""swift-saber COMMAND: a file a command group; arguments only, no logic.

Each file adds its commands with `command`. What a command needs is imported when it runs, so that --help is quick.
"""

import argparse
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swift_saber.models.service import Service

# models/form_choice.py's MEDIA, whose import would make --help slow.
_MEDIA = ("auto", "base64", "input_audio", "frames")
_REPLY_SECONDS = 900.0  # a server of one's own may run on a CPU


class Parser(argparse.ArgumentParser):
    """One that takes flags in full alone, and whose arguments may be added when it is used, by `fill`.

    So the help of other commands loads nothing of them.
    """

    about = ""  #: What is said of it in the list of commands.
    fill: Callable[[], None] | None = None
    #: Has subcommands that take the place of this command where its first word names one of them.
    aside: "Parser | None" = None

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **settings})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        fill, self.fill = self.fill, None
        if fill is not None:
            fill()
        if self.aside and args and args[0] in self.aside.parts():
            return self.aside.parse_known_args(args, namespace)
        known, others = super().parse_known_args(args, namespace)
        if wrong := next((text.partition("=")[0] for text in others if text.startswith("--")), None):
            names = [name for action in self._actions for name in action.option_strings]
            self.error(f"unrecognized arguments: {wrong}{_meant(wrong, names)}")
        return known, others

    def parts(self) -> set[str]:
        """Return the names of the subcommands."""
        return {name for action in self._actions for name in action.choices or () if isinstance(name, str)}

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += _meant(str(value), map(str, action.choices or ()))
            raise


def _meant(wrong: str, names: Iterable[str]) -> str:
    from swift_saber.models.flags import nearest

    meant = " or ".join(nearest(wrong, names))
    return f" (did you mean {meant}?)" if meant else ""


def command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], int | None] | None,
    help_text: str,
    example: str,
    *,
    resumable: bool = False,
) -> Parser:
    """Add one subcommand to a parser's, and return it for its arguments.

    Args:
        commands: the subcommands of a Parser.
        name: of the command.
        run: does it, and returns the exit status, None for 0; None for a group of commands.
        help_text: what is said of it in the list of commands, and in its own --help unless that gets a description.
        example: its arguments after `swift-saber`, at the end of its --help.
        resumable: whether it goes on where Ctrl-C, the usual way to stop a run of days, has stopped it.
    """
    parser: Parser = commands.add_parser(
        name,
        help=help_text,
        description=help_text.capitalize() + ".",
        epilog=f"example: swift-saber {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.about = help_text
    parser.set_defaults(run=run, resumable=resumable)
    return parser


def add_media(arguments: Any, default: str | None = "auto") -> None:
    """Add --media, the form in which clips go to a server, to a parser or a group of its arguments."""
    forms = "base64 (video_url, audio_url), input_audio (video_url, input_audio), frames (image_url, input_audio)"
    text = f"how clips go to a server: {forms}; default auto, the first of them that it takes"
    arguments.add_argument("--media", choices=_MEDIA, default=default, help=text)


def count(text: str) -> int:
    """The `type` of an argument that is an integer of at least 1."""
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text} is not an integer of at least 1")
    return int(text)


def service(args: argparse.Namespace, command: str, **settings: Any) -> "Service":
    """Return the server that --model, --base-url and --max-new-tokens of a command describe.

    Args:
        settings: others of a Service; those that are None keep their default.

    Raises:
        InputError: one of them is wrong, under the name of its option.
    """
    from swift_saber.errors import InputError
    from swift_saber.models.service import Service

    named = {"model": args.model, "base_url": args.base_url, "max_tokens": args.max_new_tokens}
    given = {name: value for name, value in settings.items() if value is not None}
    try:
        return Service.read({"timeout": _REPLY_SECONDS, **named, **given}, command)
    except InputError as error:
        name = error.field.removeprefix(f"{command}.").replace("_", "-")
        raise InputError(command, f"--{name}", error.problem, error.remedy) from error
