"""MultiDialog: spoken English dialogues of twelve actors after TopicalChat.

Facts from the data card, the loading script and the listing of IVLLab/MultiDialog, and from multidialog.github.io:
8,733 dialogues, 187,859 utterances in five splits.

The sound of each utterance is distributed, the video only of whole conversations; no time stamps of the utterances are
published, and how SABER cut them is not known. So only utterances are read whose own video
`t_<uuid>_<utterance><letter>.mp4` lies somewhere in the folder, cut by whoever has the conversation's video; those for
which only the conversation's is there are counted. Unverified: the actors' genders (letters a to l), the licence (card
and script disagree), and where the archives put their files (sound is looked for at any depth).
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources._files import media_problem
from swift_saber.pipeline.sources.base import Source

_WHOLE = "video is of the whole conversation"
_SPLITS = {"train": "train", "valid_freq": "dev", "valid_rare": "dev", "test_freq": "test", "test_rare": "test"}
_UTTERANCE = re.compile(r"(t_[0-9a-f-]+)_(\d+)([a-l])")


class MultiDialog(Source):
    """The dataset's folder on Hugging Face, with videos; ids are "multidialog/<split>/t_<uuid>_<number><actor>"."""

    key = "multidialog"
    title = "MultiDialog"
    languages = ("en",)
    own_names = r"t_[0-9a-f-]{36}(_\d+[a-l])?"
    access = (
        "Sound and tables: Hugging Face IVLLab/MultiDialog (may ask for a token); video of whole conversations: the "
        "Google Drive folder that multidialog.github.io links to; the licence is stated in two ways."
    )
    layout = """
        metadata/<train|valid_freq|valid_rare|test_freq|test_rare>/*.jsonl
        data/<split>/.../t_<uuid>_<number><actor>.wav      (unpack <split>_chunks_*.tar.gz)
        anywhere: t_<uuid>_<number><actor>.mp4             (one for each utterance, cut from its conversation)
    """

    def read(self) -> Iterator[Clip]:
        """Yield the utterances in the order of the splits and their tables."""
        tables = [(split, path) for split in _SPLITS for path in sorted(self.folder.glob(f"metadata/{split}/*.jsonl"))]
        if not tables:
            raise self.wrong("metadata/<split>/*.jsonl")
        sounds, videos = self._named(AUDIO_SUFFIXES), self._named(VIDEO_SUFFIXES)
        if not sounds:
            for path in self.archives():
                self.skip_archive(path)
        done: set[str] = set()
        for split, table in tables:
            for where, row in self.objects(table):
                row = {key: "" if value is None else str(value).strip() for key, value in row.items()}
                name = Path(row.get("file_name", "")).stem
                match = _UTTERANCE.fullmatch(name)
                conversation, number, actor = match.groups() if match else ("", "", "")
                if name and name in done:
                    self.skip("row twice", where)
                elif not conversation:
                    self.skip("row without t_<uuid>_<number><actor>", where)
                elif row.get("conv_id") != conversation or row.get("utterance_id") != number:
                    self.skip("row and file name differ", where)
                elif name not in videos and conversation in videos:
                    problem = media_problem(videos[conversation])
                    self.skip(f"video of the conversation {problem}" if problem else _WHOLE, name)
                elif self.usable(videos.get(name), "video", name):
                    yield self.clip(
                        f"{split}/{name}",
                        videos[name],
                        audio=self.sound(sounds.get(name), name),
                        transcript=row.get("value"),
                        labels={"native_emotion": row.get("emotion"), "from": row.get("from")},
                        emotion=row.get("emotion"),
                        speaker=actor,
                        origin=conversation,
                        split=_SPLITS[split],
                    )
                done.add(name)
        for name in videos:
            if _UTTERANCE.fullmatch(name) and name not in done:
                self.skip("video without row", name)

    def _named(self, suffixes: Collection[str]) -> dict[str, Path]:
        """Sounds or videos by name, wherever they lie."""
        found: dict[str, Path] = {}
        for path in self.files(suffixes):
            if found.setdefault(path.stem, path) != path:
                self.note("several files of one name: the first is taken", path)
        return found
