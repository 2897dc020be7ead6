"""The SED templates: the stock ones plus the instruction for rows that have none, and a name for bad rows and pairs.

A video is heard as well where the row does not say that it is not. Everything else is encoded by the stock template,
token for token, so that the published weights see what they were trained on.
"""

import copy
import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from swift.template.templates.qwen import Qwen2_5OmniTemplate, Qwen3OmniTemplate

from swift_saber.data.rows import row_id
from swift_saber.data.turns import clip_of
from swift_saber.errors import InputError
from swift_saber.media.deadline import clip_seconds, within
from swift_saber.media.fault import picture_problem
from swift_saber.media.settings import legacy_timing, takes_sound
from swift_saber.media.sound import has_sound
from swift_saber.plugin import saber_joint, saber_modality, saber_once, saber_patches, saber_sound
from swift_saber.plugin.saber_bad_rows import BadRows
from swift_saber.plugin.saber_options import options
from swift_saber.plugin.saber_pairs import CODES, UNKNOWN
from swift_saber.plugin.saber_reference_cache import KEY, PAIRS, pair_key
from swift_saber.plugin.saber_under_way import EndedError, guarded
from swift_saber.sed.layout import INSTRUCTIONS
from swift_saber.text.language import Language, text_language

# What ms-swift replaces by a clip: a user turn of nothing else has no instruction.
_MEDIA_TAGS = re.compile(r"<(?:image|video|audio)>")
# How many frames a second the model was told of before ms-swift 4.6, whatever it was shown: what transformers takes
# where it is told nothing. Read in its preview with Qwen2.5-Omni, 4.52.4, 4.55.4, 4.57.1, 5.0.0 and 5.19.0 (Qwen3-Omni:
# in the last alone), and in releases of ms-swift from 3.3.0 to 4.5.2, which tell it nothing; 4.6.0 (October 2026) tells
# the rate of the sampled frames.
LEGACY_FPS = {"omni_v2_5": 2.0, "omni_v3": 1.0}


def fill_instruction(inputs: Any) -> None:
    """Write the SED instruction into a user turn that is blank but for media tags.

    Args:
        inputs: ms-swift's StdTemplateInputs, changed in place. The language is the row's `language` (zh or en);
            without one it is that of the answer, and without an answer Chinese, the released prompt's language.
    """
    users = [message for message in inputs.messages if message["role"] == "user"]
    if len(users) != 1 or not (inputs.videos or inputs.audios):
        return
    content = users[0]["content"]
    if not isinstance(content, str) or _MEDIA_TAGS.sub("", content).strip():
        return
    users[0]["content"] = content.strip() + INSTRUCTIONS[_language(inputs)]


def _language(inputs: Any) -> Language:
    given: Language | None = inputs.extra_kwargs.get("language")
    if given in INSTRUCTIONS:
        return given
    answer = next((m["content"] for m in inputs.messages if m["role"] == "assistant"), None)
    return (text_language(answer) if isinstance(answer, str) else None) or "zh"


class SEDMixin:
    """What SED adds to a stock ms-swift template. Stands before the stock class among the bases."""

    is_training: bool
    mode: str
    version: str
    processor: Any
    tokenizer: Any
    use_audio_in_video: bool
    _get_feat_extract_output_lengths: Callable[[int], int]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Before the rows, so that a wrong word ends the run and not each of them.
        self.legacy_timing, self.takes_sound = legacy_timing(os.environ), takes_sound(os.environ)
        clip_seconds()
        super().__init__(*args, **kwargs)
        # On the instance, so that it travels to dataloader workers however these are started.
        self.bad_rows = BadRows()
        # What each pair must have and the option that asks for it; None unless CADPOTrainer asks for the consistency,
        # since other trainers hand all that stands in a batch to the model.
        self.pair_needs: dict[str, str] | None = None
        # Whether a pair of one clip is one row, which CADPOTrainer alone takes apart again.
        self.joint_pairs = False
        # Whether a batch says which pairs it holds, for a trainer that keeps what the reference gives to each.
        self.keyed_pairs = False
        # Which parts of a modality pair's answer CADPOTrainer compares; with "" they are not told apart. Known before
        # there is a trainer, since rows may be encoded before.
        self.modality_parts = options().modality_parts

    def _preprocess_inputs(self, inputs: Any) -> None:
        fill_instruction(inputs)
        _check_pictures(inputs)
        super()._preprocess_inputs(inputs)  # type: ignore[misc]  # of the stock class

    def replace_tag(self, media_type: str, index: int, inputs: Any) -> Any:
        # Where stock puts samples and pixels in the place of paths.
        path = {"audio": inputs.audios, "video": inputs.videos}[media_type][index] if media_type != "image" else None
        found = super().replace_tag(media_type, index, inputs)  # type: ignore[misc]  # of the stock class
        if media_type == "video" and self.legacy_timing:
            fps = LEGACY_FPS[self.version]
            told = inputs.mm_processor_kwargs
            told["fps"] = fps if self.mode == "vllm" else [fps] * len(told["fps"])
        if media_type == "audio" or (media_type == "video" and self.use_audio_in_video):
            self._check_length(inputs.audios[index if media_type == "audio" else inputs.audio_idx - 1], path)
        return found

    def _check_length(self, sound: Any, path: Any) -> None:
        """Stop at a sound that stock would cut, or of which the model would get not one token.

        Args:
            sound: samples, with their rate where vLLM is given them, and with "video" where they are from one.
            path: where they are from, as far as that is known.
        """
        extractor = self.processor.feature_extractor
        samples, said = sound if isinstance(sound, tuple) else (sound, None)
        rate = extractor.sampling_rate if said in (None, "video") else said
        seconds = len(samples) / rate
        frames = math.ceil(len(samples) * extractor.sampling_rate / rate / extractor.hop_length)
        least = 0 if self._get_feat_extract_output_lengths(frames) > 0 else math.inf
        # Qwen3-Omni's encoder takes any length.
        most = extractor.n_samples / extractor.sampling_rate if self.version == "omni_v2_5" else math.inf
        saber_sound.check_length(seconds, least, most, path)

    def _encode(self, inputs: Any) -> Any:
        # In copies, since rows are encoded in several threads, and a checkpoint keeps the processor as it is. Not by
        # copy.copy, which would leave out what is not pickled.
        reading = type(self).__new__(type(self))
        vars(reading).update(vars(self))
        processor = copy.copy(self.processor)
        processor.feature_extractor = saber_sound.Unpadded(self.processor.feature_extractor)
        processor.video_processor = saber_patches.Patches(self.processor.video_processor)
        reading.processor = saber_once.Processor(processor)
        return super(SEDMixin, reading)._encode(inputs)  # type: ignore[misc]  # of the stock class

    def _data_collator_mm_data(self, batch: list[dict[str, Any]]) -> dict[str, Any]:
        collated: dict[str, Any] = super()._data_collator_mm_data(saber_sound.even(batch))  # type: ignore[misc]
        return collated

    def _rlhf_encode(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if inputs.rejected is not None:
            # A rejected side with turns of its own does not inherit it, and both are asked in one language.
            inputs.rejected.extra_kwargs["language"] = _language(inputs.chosen)
            if saber_once.same_media(inputs.chosen, inputs.rejected):
                with saber_once.once():
                    encoded = super()._rlhf_encode(inputs, *args, **kwargs)  # type: ignore[misc]
                return {**encoded, saber_joint.SAME_MEDIA: True}
        column = self._replaced(inputs) if self.modality_parts else None
        encoded = super()._rlhf_encode(inputs, *args, **kwargs)  # type: ignore[misc]  # of the stock class
        if column is not None:
            answer = inputs.chosen.messages[-1]["content"]
            conclusion = self.modality_parts == "conclusion"
            encoded.update(saber_modality.encoded(self.tokenizer, answer, encoded, column, conclusion=conclusion))
        return encoded

    def _replaced(self, inputs: Any) -> str | None:
        """Which media of a pair are another clip's, where that is all in which its sides differ."""
        sides = [vars(side) for side in (inputs.chosen, inputs.rejected) if side is not None]
        if len(sides) < 2 or inputs.chosen.messages != inputs.rejected.messages:
            return None
        return saber_modality.replaced(*sides)

    def _rlhf_data_collator(self, batch: list[dict[str, Any]], *args: Any, **kwargs: Any) -> dict[str, Any]:
        collated: dict[str, Any]
        if self.joint_pairs:
            collated = saber_joint.collate(self, batch, **kwargs)
            if any(row.get("margin") is not None for row in batch):
                collated["margin"] = torch.tensor([row.get("margin") or 0.0 for row in batch], dtype=torch.float)
        else:
            collated = super()._rlhf_data_collator(batch, *args, **kwargs)  # type: ignore[misc]
        if self.keyed_pairs:
            collated[PAIRS] = [(row[KEY], row["id"]) for row in batch]
        if self.pair_needs is not None:
            collated["consistency"] = torch.tensor([CODES.get(row.get("channel", ""), UNKNOWN) for row in batch])
            for row in batch:
                self._check_needs(row, self.pair_needs)
        return collated

    def _check_needs(self, row: dict[str, Any], needs: dict[str, str]) -> None:
        """Stop the run at a pair that an option cannot be applied to; ms-swift would take a missing margin for 0."""
        missing = {"consistency": row.get("channel") not in CODES, "scores": row.get("margin") is None}
        for column, option in needs.items():
            if missing[column]:
                raise InputError(
                    f"row {row['id']}", column, f"is missing, which {option} needs", f"add it, or unset {option}"
                )

    def encode(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.is_training:
            return self._encode_or_report(inputs, *args, **kwargs)
        row = _as_row(inputs)
        try:
            return guarded(row, lambda: self._encode_or_report(inputs, *args, **kwargs))
        except EndedError as error:
            self.bad_rows.report(row, error)
            raise

    def _encode_or_report(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            heard = self._heard(inputs) if isinstance(inputs, Mapping) else inputs
            if isinstance(heard, dict) and not self.is_training:
                heard.pop("channel", None)  # which the model would be given as an argument of `generate`
            encoded = super().encode(heard, *args, **kwargs)  # type: ignore[misc]  # of the stock class
            if self.mode == "rlhf":
                encoded["id"] = row_id(_as_row(inputs))
                if self.keyed_pairs:
                    encoded[KEY] = pair_key(encoded)
            return encoded
        except Exception as error:
            # Said here, since ms-swift's training dataset puts a random other row in its place.
            named = self.bad_rows.report(_as_row(inputs), error)
            if self.is_training:
                raise
            raise named from error  # at inference it ends the run

    def _heard(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row whose videos are heard by the sound inside them, on each side that does not say what is heard."""
        if not self.takes_sound or self.use_audio_in_video:
            return dict(row)
        found = {}
        for side in ("", "rejected_"):
            contents = [turn.get("content") for turn in row.get(f"{side}messages") or []]
            parts = [part for content in contents if isinstance(content, list) for part in content]
            in_turns = [clip for part in parts if (clip := clip_of(part))]
            videos = row.get(f"{side}videos") or [path for column, path in in_turns if column == "videos"]
            sounds = any(column == "audios" for column, _ in in_turns)
            if row.get(f"{side}audios") is None and videos and not sounds:
                # A list of pictures has no sound, and an address is not read here.
                files = [video for video in videos if isinstance(video, str) and os.path.isfile(video)]
                found[f"{side}audios"] = [path for path in files if within(clip_seconds(), has_sound, path)]
        return {**row, **found}


class SEDQwen2_5OmniTemplate(SEDMixin, Qwen2_5OmniTemplate):
    """SED for Qwen2.5-Omni, the architecture that the published settings fit."""


class SEDQwen3OmniTemplate(SEDMixin, Qwen3OmniTemplate):
    """SED for Qwen3-Omni. Not something the paper reports: it comes at no cost, since the stock class is a subclass."""


def _check_pictures(inputs: Any) -> None:
    """Stop at a picture that is larger than what is to be held in memory; those of a list stand for a video."""
    lists = [one for one in inputs.videos if isinstance(one, list)]
    for path in (*inputs.images, *(picture for pictures in lists for picture in pictures)):
        if isinstance(path, str) and os.path.exists(path) and (wrong := picture_problem(path)):
            raise InputError(path, "picture", *wrong)


def _as_row(inputs: Any) -> dict[str, Any]:
    """The columns that name a row and its media, from any of the three forms that ms-swift encodes."""
    if isinstance(inputs, Mapping):
        return dict(inputs)
    rejected = getattr(inputs, "rejected", None)
    media = {f"rejected_{key}": value for key, value in vars(rejected).items()} if rejected is not None else {}
    inputs = getattr(inputs, "chosen", inputs)
    return {**media, **getattr(inputs, "extra_kwargs", {}), **vars(inputs)}
