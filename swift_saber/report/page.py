"""The page: answers beside their clips, and scores, in one file that needs no network.

Style, script and data are inside; clips are reached by their relative paths. All that comes from data is in one script
element of JSON that nothing in it can end, and is shown as text alone; the page's own policy allows no other script.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from swift_saber.errors import InputError
from swift_saber.html import clip_address, policy, shared_script, shared_style
from swift_saber.media.playable import Kind
from swift_saber.report.clip import Clip, Result, Shown
from swift_saber.report.media import Media, voice_of, voice_scales
from swift_saber.report.results import against
from swift_saber.report.verdict import VERDICTS
from swift_saber.sed.layout import HEADINGS
from swift_saber.sed.record import DIMENSIONS
from swift_saber.text.files import must_be_file, write_text
from swift_saber.text.spreadsheet import FORMULA_BEGINNINGS
from swift_saber.text.strict_json import dumps

if TYPE_CHECKING:
    from swift_saber.sed.scale import Scale

#: The characters of one text that the page carries; a longer one is cut, and that is said.
LONGEST = 20_000
_BEGINS = b"<!doctype html>"
# What is known of a clip from any of its rows.
_KNOWN = ("group", "videos", "audios", "consistency", "cues", "truth", "label", "reference", "words", "seconds")
_VOICE = ("source", "speaker")  # of a clip, for the comparison of voices alone
_SCRIPTS = ("clip.js", "emotions.js", "scores.js", "table.js", "page.js")


def write_page(
    path: Path,
    results: Sequence[Result],
    references: Mapping[str, Clip] | None = None,
    media: Callable[[Sequence[Clip]], Mapping[tuple[str, Kind], Media]] | None = None,
    people: Mapping[str, dict[str, Any]] | None = None,
) -> dict[str, int]:
    """Write the page, whole or not at all.

    Args:
        path: the page; relative paths of clips start from its folder.
        results: one, or two of a kind to be seen side by side.
        references: as records.read_references returns.
        media: called with the clips, and with what else an answer is about, returns what media.make_media does; None
            where no clip is looked at.
        people: as people.read_people returns.

    Returns:
        {"clips", "references": clips with a reference record, "unused": reference records of no clip, "reviewed": clips
        of which people said something}.

    Raises:
        InputError: the results do not belong side by side, or no reference record or no review to any clip; or another
            file than a page would be written over.
    """
    _must_be_free(path)
    references = references or {}
    _check(results)
    results = [result if result.scores else against(result, references) for result in results]
    clips = _join(results, references)
    for clip in clips:
        clip.people = (people or {}).get(clip.id, {})
    counts = {
        "clips": len(clips),
        "references": sum(bool(clip.reference) for clip in clips),
        "unused": len(references.keys() - {clip.id for clip in clips}),
        "reviewed": sum(bool(clip.people) for clip in clips),
    }
    if references and counts["unused"] == len(references):
        problem = "none of them belongs to a clip of these results"
        raise InputError("report", "reference", problem, "name the rows that the questions were made of")
    if people and not counts["reviewed"]:
        problem = "none of them is of a clip of these results"
        raise InputError("report", "reviews", problem, "name the folder of reviews of these rows")
    looked_at = [
        *clips,
        *(Clip("", videos=each.videos, audios=each.audios) for of in results for each in of.shown.values()),
    ]
    write_text(path, render(results, clips, path.absolute().parent, media(looked_at) if media else {}))
    return counts


def render(
    results: Sequence[Result], clips: Sequence[Clip], folder: Path, media: Mapping[tuple[str, Kind], Media]
) -> str:
    """Return the page for a folder in which it is to lie."""
    here = files("swift_saber.report")
    scales = voice_scales(clips, media)
    style = here.joinpath("page.css").read_text(encoding="utf-8") + shared_style()
    script = "\n".join([shared_script(), *(here.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS)])
    data = {
        "dimensions": [[name, HEADINGS["en"][name], HEADINGS["zh"][name]] for name in DIMENSIONS],
        "verdicts": VERDICTS,
        "formulas": FORMULA_BEGINNINGS,
        "models": [{"name": result.name, "kind": result.kind, "scores": _cut(result.scores)} for result in results],
        "clips": [_clip(clip, results, folder, media, scales) for clip in clips],
    }
    page = Template(here.joinpath("page.html").read_text(encoding="utf-8"))
    return page.substitute(policy=policy(style, script), style=style, script=script, data=_harmless(dumps(data)))


def _harmless(text: str) -> str:
    """JSON that can stand inside a script element: the same value, without a character that HTML knows."""
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _must_be_free(path: Path) -> None:
    """What is written over is an earlier page, and not the rows that it is to be made of."""
    must_be_file(path)
    if not path.exists():
        return
    with path.open("rb") as file:
        begins = file.read(len(_BEGINS))
    if begins and begins.lower() != _BEGINS:
        raise InputError(str(path), "output", "is there already, and is no page", "name another file, e.g. report.html")


def _check(results: Sequence[Result]) -> None:
    if not 1 <= len(results) <= 2:
        raise InputError("report", "results", f"are {len(results)}", "give one, or two to see side by side")
    kinds = [result.scores.get("benchmark") if result.scores else result.kind for result in results]
    if kinds[0] != kinds[-1]:
        problem = f"are of two kinds: {kinds[0]} and {kinds[-1]}"
        raise InputError("report", "results", problem, "make a page of each")
    if len(results) == 2 and not results[0].shown.keys() & results[1].shown.keys():
        raise InputError("report", "results", "have no id in common", "make a page of each")


def _join(results: Sequence[Result], references: Mapping[str, Clip]) -> list[Clip]:
    """Return each clip once, with what any of the results and its reference say of it."""
    clips: dict[str, Clip] = {}
    for result in results:
        for name, found in result.clips.items():
            _fill(clips.setdefault(name, Clip(name)), found)
    for name, clip in clips.items():
        if name in references:
            _fill(clip, references[name])
    return list(clips.values())


def _fill(clip: Clip, other: Clip) -> None:
    """Take over what is known from elsewhere and not yet here."""
    for name in (*_KNOWN, *_VOICE):
        if getattr(clip, name) in (None, "", [], {}):
            setattr(clip, name, getattr(other, name))


def _clip(
    clip: Clip,
    results: Sequence[Result],
    folder: Path,
    media: Mapping[tuple[str, Kind], Media],
    scales: "Mapping[str, Scale]",
) -> dict[str, Any]:
    shown = [result.shown.get(clip.id) for result in results]
    answers = [_lean(_values(each) | _files(each, folder, media)) if each else None for each in shown]
    hidden = dict.fromkeys(("id", *_VOICE), "")
    voice = _voice(clip, shown, media, scales.get(clip.source))
    return {
        "id": clip.id,
        **_lean(_values(clip) | _files(clip, folder, media) | voice | hidden),
        "answers": answers,
    }


def _voice(
    clip: Clip, shown: Sequence[Shown | None], media: Mapping[tuple[str, Kind], Media], scale: "Scale | None"
) -> dict[str, Any]:
    """What was measured of a clip's voice, and what is claimed of it: by its reference, then by each answer."""
    made = media.get(voice_of(clip) or ("", "audio"))
    if made is None or made.voice is None:
        return {}
    if isinstance(made.voice, str):
        return {"voice": made.voice}
    from swift_saber.data.voice_track import voice_claims

    # What is about another sound is not held against this one.
    texts = [clip.reference, *({} if each is None or each.videos or each.audios else each.fields for each in shown)]
    claims = [
        voice_claims(text, made.voice, scale, clip.speaker or None) if (text := of.get("acoustic_feat")) else None
        for of in texts
    ]
    among = {"clips": scale.clips if scale else 0, "source": clip.source}
    return {"voice": {**made.voice, "claims": claims, "among": among}}


def _files(of: Clip | Shown, folder: Path, media: Mapping[tuple[str, Kind], Media]) -> dict[str, list[dict[str, Any]]]:
    kinds: tuple[tuple[str, Kind], ...] = (("videos", "video"), ("audios", "audio"))
    return {
        name: [
            _file(path, folder, media.get((path, kind)) if isinstance(path, str) else None)
            for path in getattr(of, name)
        ]
        for name, kind in kinds
    }


def _file(path: Any, folder: Path, made: Media | None) -> dict[str, Any]:
    """A clip's file as player.js takes it."""
    found = {"name": str(path), "address": clip_address(path, folder)}
    if made is None:
        return found
    beside = {name: clip_address(of, folder) for name in ("poster", "copy") if (of := getattr(made, name))}
    unplayed = {} if made.plays else {"form": made.form, "problem": made.problem, "plays": False}
    return found | beside | {name: of for name, of in unplayed.items() if of != ""}


def _values(of: Clip | Shown) -> dict[str, Any]:
    """Its attributes, not copied as asdict does it: of thousands of clips that is a third of the page's time."""
    return {each.name: getattr(of, each.name) for each in fields(of)}


def _lean(value: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing, and with long texts cut."""
    return {key: _cut(inner) for key, inner in value.items() if inner is not None and inner not in ("", [], {})}


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]} … [{len(value) - LONGEST:,} characters more]"
    if isinstance(value, dict):
        return {key: _cut(inner) for key, inner in value.items()}
    return [_cut(inner) for inner in value] if isinstance(value, list) else value
