"""What preference training takes from the environment, and what `swift rlhf` refuses at start.

CA-DPO's two options, a pair as one row, and the reference's folder are environment variables since ms-swift hands a
trainer only the arguments that it knows; a recipe sets them in its ENV block. Only one row is on by default. The two
options are ours: no such term was found for CA-DPO.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from swift_saber.data.convert import sound_in_video
from swift_saber.errors import InputError, quoted

CA_DPO = "ca_dpo"
WEIGHT = "SABER_INCONSISTENT_WEIGHT"
MARGIN = "SABER_MARGIN_SCALE"
#: Which parts of a modality pair's answer are compared, and the weight of what should not move (saber_modality.py).
PARTS = "SABER_MODALITY_PARTS"
MODALITY_PARTS = ("evidence", "conclusion")
INVARIANCE = "SABER_INVARIANCE_WEIGHT"
JOINT = "SABER_JOINT_PAIRS"
#: Whether the loader makes modality pairs (saber_dataset.py).
MODALITY_PAIRS = "SABER_MODALITY_PAIRS"
#: The folder in which the reference's log-probabilities are kept (saber_reference.py).
REFERENCE = "SABER_REFERENCE_CACHE"


@dataclass(frozen=True)
class Options:
    """How a pair counts.

    Attributes:
        inconsistent_weight: w_i of a pair whose clip is inconsistent; a consistent one has 1.
        margin_scale: m_i is this times (score of the chosen answer - score of the rejected one).
        modality_parts: of a modality pair's answer, what is compared: "evidence", the line of the replaced sense;
            "conclusion", that and the conclusion; "" for all of it, as of any pair.
        invariance_weight: of the drift of what does not rest on the replaced sense.
    """

    inconsistent_weight: float = 1.0
    margin_scale: float = 0.0
    modality_parts: str = ""
    invariance_weight: float = 0.0

    @property
    def needs(self) -> dict[str, str]:
        """The columns that every pair must have, each with the option that asks for it."""
        needs = {}
        if self.inconsistent_weight != 1:
            needs["consistency"] = WEIGHT
        if self.margin_scale != 0:
            needs["scores"] = MARGIN
        return needs


def options(environment: Mapping[str, str] | None = None) -> Options:
    """Return the options that an environment holds: this process's where none is given.

    Raises:
        InputError: one of them is not a number, or out of range.
    """
    # Not as the default above: `datasets` puts a copy in the place of os.environ when it maps in processes.
    environment = os.environ if environment is None else environment
    weight, scale = _number(environment, WEIGHT, 1.0), _number(environment, MARGIN, 0.0)
    if weight <= 0:
        raise InputError("environment", WEIGHT, f"is {weight:g}", "use a number above 0 (1 is off)")
    if scale < 0:
        raise InputError("environment", MARGIN, f"is {scale:g}", "use a number of 0 (off) or more")
    said = environment.get(PARTS, "").strip().lower()
    if said not in ("", *MODALITY_PARTS):
        raise InputError("environment", PARTS, f"is {quoted(said)}", f"use {' or '.join(MODALITY_PARTS)}, or unset it")
    invariance = _number(environment, INVARIANCE, 0.0)
    if invariance < 0:
        raise InputError("environment", INVARIANCE, f"is {invariance:g}", "use a number of 0 (off) or more")
    if invariance and not said:
        remedy = f"set {PARTS}, or unset it"
        raise InputError("environment", INVARIANCE, "needs the parts of answers to be told apart", remedy)
    return Options(weight, scale, said, invariance)


def reference_folder(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the folder in which the reference's log-probabilities are kept; None where they are not.

    Raises:
        InputError: it is a file.
    """
    folder = (os.environ if environment is None else environment).get(REFERENCE, "").strip()
    if not folder:
        return None
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise InputError("environment", REFERENCE, f"is {quoted(folder)}, not a folder", "name one, or a new one")
    return os.path.abspath(folder)


def joint_pairs(environment: Mapping[str, str] | None = None) -> bool:
    """Whether an environment asks for a pair as one row (saber_joint.py), as it does where it says nothing.

    Raises:
        InputError: it says something else than true or false.
    """
    return _switch(environment, JOINT) not in ("false", "0")


def modality_pairs(environment: Mapping[str, str] | None = None) -> bool:
    """Whether an environment asks for pairs of one answer with a clip's own and with another clip's sound or picture.

    Raises:
        InputError: it says something else than true or false.
    """
    return _switch(environment, MODALITY_PAIRS) in ("true", "1")


def loss_types(args: Any) -> list[str]:
    """Return --loss_type as a list, whether it names one, several or none."""
    given = args.loss_type
    return [given] if isinstance(given, str) else list(given or [])


def check_arguments(args: Any) -> None:
    """Refuse arguments of `swift rlhf` that would train something other than what they seem to say.

    Args:
        args: ms-swift's RLHFArguments; arguments of other commands pass, but where rows would become modality pairs.

    Raises:
        InputError: names the argument, with what to do.
    """
    check_modality_pairs(args)
    if not hasattr(args, "rlhf_type"):
        return
    if reference_folder():
        _check_reference(args)
    found = options()
    joint_pairs()
    if args.rlhf_type != "dpo" or CA_DPO not in loss_types(args):
        looked_at = {**found.needs, **({"the parts of answers": PARTS} if found.modality_parts else {})}
        for column, name in looked_at.items():
            raise InputError(
                "environment", name, f"would be ignored: only ca_dpo looks at {column}", "add --loss_type ca_dpo"
            )
        return
    if found.modality_parts and sound_in_video():
        problem = "needs pairs of which the sound or the picture alone is another's, and with USE_AUDIO_IN_VIDEO "
        raise InputError("environment", PARTS, f"{problem}both come from one file", "unset one of the two")
    if args.sequence_parallel_size > 1:
        raise InputError(
            "arguments",
            "sequence_parallel_size",
            f"is {args.sequence_parallel_size}, which was not checked with ca_dpo",
            "use 1, or --loss_type sigmoid",
        )
    # A checkpoint that training goes on from is not what it began with: --resume_only_model puts it there.
    started_from = None if args.resume_from_checkpoint and args.resume_only_model else args.adapters
    if started_from and not args.ref_adapters and args.tuner_type != "full":
        raise InputError(
            "arguments",
            "ref_adapters",
            "is missing, so the reference would be the base model without the adapters that training starts from",
            f"add --ref_adapters {started_from[0]}",
        )


def check_modality_pairs(args: Any) -> None:
    """Refuse, with modality pairs on, a command that reads rows and does not train on pairs, and what they do not suit.

    Args:
        args: of any of ms-swift's commands.

    Raises:
        InputError: names the variable, with what to do.
    """
    if not modality_pairs() or not (getattr(args, "dataset", None) or getattr(args, "val_dataset", None)):
        return
    kept = getattr(args, "to_cached_dataset", False) and args.template_mode == "rlhf"
    if getattr(args, "rlhf_type", None) != "dpo" and not kept:
        problem = "makes preference pairs of rows, which `swift rlhf --rlhf_type dpo` alone trains on"
        raise InputError("environment", MODALITY_PAIRS, problem, "unset it here")
    if options().margin_scale:
        problem = f"makes pairs without scores, which {MARGIN} needs"
        raise InputError("environment", MODALITY_PAIRS, problem, "unset one of the two")
    if sound_in_video():
        problem = "replaces the sound or the picture alone, and with USE_AUDIO_IN_VIDEO both come from one file"
        raise InputError("environment", MODALITY_PAIRS, problem, "unset one of the two")


def _check_reference(args: Any) -> None:
    """Refuse what a reference's kept log-probabilities would not be those of."""
    full = args.tuner_type == "full"
    if args.rlhf_type != "dpo":
        raise InputError(
            "environment", REFERENCE, f"is for --rlhf_type dpo and would be ignored with {args.rlhf_type}", "unset it"
        )
    changes = "which changes the base model, and the base model is the reference"
    # (argument, values that are right, what is wrong with others)
    only: list[tuple[str, tuple[Any, ...], str]] = [
        ("tuner_type", ("full", "lora"), "which was not checked"),
        ("init_weights", (True, False, "gaussian"), changes),
        ("lora_bias", ("none",), changes),
        ("new_special_tokens", ([],), "which begin as random numbers in each run, in the reference too"),
        ("neftune_noise_alpha", (None, 0), "and the noise reaches the reference too"),
        ("sequence_parallel_size", (1,), "which was not checked"),
        *((name, ([],), "and full tuning begins without it") for name in ("adapters", "ref_adapters") if full),
        ("streaming", (False,) if full else (False, True), "and with full tuning all pairs are looked at beforehand"),
    ]
    for name, right, problem in only:
        if (value := getattr(args, name)) not in right:
            shown = " or ".join("none" if one == [] else str(one) for one in right)
            raise InputError("arguments", name, f"is {value}, {problem}", f"use {shown}, or unset {REFERENCE}")


def settings(args: Any) -> dict[str, float | str] | None:
    """Return what args.json remembers of a CA-DPO run, or None for any other."""
    if getattr(args, "rlhf_type", None) != "dpo" or CA_DPO not in loss_types(args):
        return None
    return asdict(options())


def _switch(environment: Mapping[str, str] | None, name: str) -> str:
    """What an environment says of a switch: true, 1, false, 0, or nothing."""
    said = (os.environ if environment is None else environment).get(name, "").strip().lower()
    if said not in ("", "true", "1", "false", "0"):
        raise InputError("environment", name, f"is {quoted(said)}", "use true or false, or unset it")
    return said


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise InputError("environment", name, f"is {quoted(text)}, not a number", "use e.g. 2.0") from error
    if not math.isfinite(value):
        raise InputError("environment", name, f"is {text}", "use a finite number")
    return value
