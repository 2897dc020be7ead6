"""Tokens that a model is given for a row, counted in what ms-swift's own template makes of it; loads no weights."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from swift_saber.models.checkpoint import loading
from swift_saber.plugin import PLUGIN_FILE

# Left out of the loss by ms-swift (and torch): every token but those of the answer.
_NOT_TRAINED = -100


class TokenCounter:
    """The template of a model, as `swift infer` and `swift sft` use it with the plugin.

    Args:
        model: a model folder, LoRA checkpoint folder or hub id. Of a hub id the small files are fetched, not the
            weights.

    Attributes:
        max_length: what the model itself can take, in tokens, or None if it does not say.

    Raises:
        InputError: neither a model nor a LoRA checkpoint; or its base model is not known or not there.
    """

    def __init__(self, model: str) -> None:
        flag, media_settings = loading(model)
        os.environ.update(media_settings)  # before ms-swift is imported, which reads them
        from swift.arguments import BaseArguments
        from swift.utils import parse_args

        arguments = [flag, model, "--custom_register_path", str(PLUGIN_FILE)]
        settings, _ = parse_args(BaseArguments, arguments)
        self._template = settings.get_template()
        self.max_length: int | None = self._template.max_length
        # A row that is too long is to be measured, not refused.
        self._template.max_length = None
        processor = self._template.processor
        self._video, self._audio = processor.tokenizer.convert_tokens_to_ids(
            [processor.video_token, processor.audio_token]
        )
        vision = processor.video_processor
        # A grid counts patches: of temporal_patch_size frames, and of patch_size x patch_size pixels.
        self._patch = (int(vision.temporal_patch_size), int(vision.patch_size))

    def count(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what each sequence of a row holds: one, or two for a preference pair.

        Args:
            row: as to_swift_row or to_swift_pair returns it.

        Returns:
            {"part", "videos", "video_tokens", "audio_tokens", "text_tokens", "answer_tokens", "total_tokens"} each.
            part: "question" (what inference is given), "training" (question and answer), "chosen" or "rejected".
            videos: {"frames", "height", "width"} of each video as the model sees it, in pixels.
            text_tokens: all that is neither video nor audio, markup included; answer_tokens are those among them that
            are trained on.

        Raises:
            InputError: the row cannot be encoded.
        """
        pair = row.get("rejected_messages") is not None
        answered = bool(row["messages"]) and row["messages"][-1]["role"] == "assistant"
        self._template.set_mode("rlhf" if pair else "train" if answered else "transformers")
        # ms-swift takes None for a value that was given.
        given = {key: value for key, value in row.items() if value is not None}
        try:
            encoded = self._template.encode(given)
        except Exception as error:  # whatever a reader, a decoder or the template raises
            raise self._template.bad_rows.report(given, error) from error
        if pair:
            return [self._sequence(encoded, side, f"{side}_") for side in ("chosen", "rejected")]
        return [self._sequence(encoded, "training" if answered else "question", "")]

    def _sequence(self, encoded: Mapping[str, Any], part: str, prefix: str) -> dict[str, Any]:
        tokens: Sequence[int] = encoded[f"{prefix}input_ids"]
        labels: Sequence[int] = encoded.get(f"{prefix}labels") or []
        grid = encoded.get(f"{prefix}video_grid_thw")
        frames, pixels = self._patch
        sizes = [] if grid is None else grid.tolist()
        video, audio = (list(tokens).count(token) for token in (self._video, self._audio))
        return {
            "part": part,
            "videos": [{"frames": t * frames, "height": h * pixels, "width": w * pixels} for t, h, w in sizes],
            "video_tokens": video,
            "audio_tokens": audio,
            "text_tokens": len(tokens) - video - audio,
            "answer_tokens": sum(label != _NOT_TRAINED for label in labels),
            "total_tokens": len(tokens),
        }
