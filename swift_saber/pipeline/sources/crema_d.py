"""CREMA-D: 7,442 takes of twelve sentences by 91 actors, in six emotions.

Facts from CheyneyComputerScience/CREMA-D (README, what users reported there, its file list and tables), but for the
videos that exist as mp4: ihp-lab/AVERE reads such. The common emotion is the intended one, which is in the file name;
what raters saw and heard differs for a quarter of the takes and is kept beside it. There is no official split.
"""

import re
from collections.abc import Iterator

from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source

_EMOTIONS = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
_SENTENCES = {
    "DFA": "Don't forget a jacket",
    "IEO": "It's eleven o'clock",
    "IOM": "I'm on my way to the meeting",
    "ITH": "I think I have a doctor's appointment",
    "ITS": "I think I've seen this before",
    "IWL": "I would like a new alarm clock",
    "IWW": "I wonder what this is about",
    "MTI": "Maybe tomorrow it will be cold",
    "TAI": "The airplane is almost full",
    "TIE": "That is exactly what happened",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
_NAME = re.compile(rf"\d{{4}}_({'|'.join(_SENTENCES)})_({'|'.join(_EMOTIONS)})_(XX|LO|MD|HI)")
# By the README and the issues: too short and mute; broken; without a length; all takes of a sentence in one file.
_BAD = {"1076_MTI_NEU_XX", "1076_MTI_SAD_XX", "1064_TIE_SAD_XX", "1064_IEO_DIS_MD"}
# Pairs whose wav files are equal to the byte while the videos differ, so that one of each is of another take.
_SAME_SOUND = {
    *("1017_IWW_ANG_XX", "1017_IWW_FEA_XX"),
    *("1013_WSI_DIS_XX", "1013_WSI_SAD_XX"),
    *("1006_TIE_HAP_XX", "1006_TIE_NEU_XX"),
}
_NEW_NAMES = {"1040_ITH_SAD_X": "1040_ITH_SAD_XX"}
_VOTES = ("VoiceVote", "VoiceLevel", "FaceVote", "FaceLevel", "MultiModalVote", "MultiModalLevel")


class CremaD(Source):
    """The repository's working tree; ids are "crema-d/all/<file stem>".

    The sound is that of AudioWAV: 28 of the videos were mute until December 2020 (their mp3 still are).
    """

    key = "crema-d"
    title = "CREMA-D"
    languages = ("en",)
    own_names = r"\d{4}_[A-Z]{3}_[A-Z]{3}_(XX|LO|MD|HI)"
    access = "github.com/CheyneyComputerScience/CREMA-D (git clone with git-lfs); open, ODbL 1.0 and DbCL 1.0."
    layout = """
        VideoFlash/1001_DFA_ANG_XX.flv   (or converted to mp4, in any folder)
        AudioWAV/1001_DFA_ANG_XX.wav
        processedResults/summaryTable.csv
        (the media are in git-LFS: "git lfs pull" fetches them; the zip of the web page has none)
    """

    def read(self) -> Iterator[Clip]:
        """Yield the takes in the order of their names."""
        videos = self.by_stem(VIDEO_SUFFIXES, _NAME)
        if not videos:
            raise self.wrong("a video with a name like 1001_DFA_ANG_XX")
        sounds = self.by_stem((".wav",), _NAME, _NEW_NAMES)
        votes = self._votes()
        for name in sorted({*videos, *sounds, *votes}):
            if name in _BAD:
                self.skip("known to be broken", name)
            elif self.usable(videos.get(name), "video", name):
                actor, sentence, emotion, level = name.split("_")
                if name in _SAME_SOUND:
                    self.note("audio is that of another take: the video's own is taken", name)
                yield self.clip(
                    f"all/{name}",
                    videos[name],
                    audio=None if name in _SAME_SOUND else self.sound(sounds.get(name), name),
                    transcript=_SENTENCES[sentence],
                    labels={"intended": emotion, "level": level, "sentence": sentence, **votes.get(name, {})},
                    emotion=_EMOTIONS[emotion],
                    speaker=actor,
                )

    def _votes(self) -> dict[str, dict[str, str]]:
        """What raters perceived, by take: letters of emotions (ties joined by ":"), and levels."""
        table = self.folder / "processedResults" / "summaryTable.csv"
        if not table.is_file():
            self.note("table of votes missing", table)
            return {}
        return {
            row["FileName"]: {column: row[column] for column in _VOTES}
            for _, row in self.rows(table, ("FileName", *_VOTES))
        }
