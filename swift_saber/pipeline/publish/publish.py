"""`swift-saber publish`: one thing after another, into a folder that is whole or not there.

The rows are read three times: for what they name, for the columns of their labels, and to be written.
"""

import hashlib
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swift_saber.data.rows import media_path, must_be_new, write_rows
from swift_saber.errors import InputError, quoted
from swift_saber.media.place import Problem
from swift_saber.pipeline.publish import settings as publish_settings
from swift_saber.pipeline.publish.card import Config, Published, card, source_keys
from swift_saber.pipeline.publish.clips import BESIDE, Files, look, paths_of
from swift_saber.pipeline.publish.forms import COLUMNS, FORMS, Form
from swift_saber.pipeline.publish.forms import field as column_field
from swift_saber.pipeline.publish.given import Given, Measured, find
from swift_saber.pipeline.publish.labels import Shape, joined, shape_of
from swift_saber.pipeline.publish.private import XMP, Watch, check, watch
from swift_saber.pipeline.publish.rows import Public, people_of, says_who
from swift_saber.pipeline.publish.settings import Settings
from swift_saber.pipeline.result.survey import survey
from swift_saber.pipeline.written import reviews_of
from swift_saber.review.agreement import figures
from swift_saber.review.log import latest_reviews, named_after, review_files
from swift_saber.sed.layout import reserved_markup
from swift_saber.sed.record import DIMENSIONS, Row
from swift_saber.text.emotions import common_emotion
from swift_saber.text.files import says_full, whole_folder, write_text
from swift_saber.text.markdown import cell
from swift_saber.text.strict_json import encoded

CARD = "README.md"
# (split, id, row, paths by column, what is known of these files or None where they are not published)
_Answer = tuple[str, str, Row, dict[str, list[str]], Files | None]
#: The configs of a card: rows with their clips, and rows of sources whose clips stay where they are.
WITH, WITHOUT = "default", "annotations"
# More folders of clips than these are looked for by those above them.
_MOST_FOLDERS = 50
_BARE = (
    "write it anew without that: ffmpeg -i IN -map 0:V? -map 0:a? -map_metadata -1 -map_chapters -1 -fflags +bitexact "
    "-c copy OUT"
)
# Tags of containers.
_PLACE = re.compile("location|gps|geo|xyz", re.IGNORECASE)
_MAKERS = frozenset({"artist", "album_artist", "performer", "composer", "director", "producer", "encoded_by", "owner"})
# Of disk beside the clips themselves: rows grow by what is said of their files.
_GROWTH = 3


@dataclass
class Outcome:
    """What became of the records.

    Attributes:
        made: what was written.
        refused: {"id", "source", "where", "reason", "remedy"} of each record that was not published.
        left_out: how many rows lost a column or a label, by its name.
        people: the names behind "person 1" and so on; they stay here.
        passed_over: files without records.
        report: where all of that stands.
    """

    made: Published
    refused: list[dict[str, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    people: dict[str, str] = field(default_factory=dict)
    passed_over: list[Path] = field(default_factory=list)
    report: Path = Path()

    def to_dict(self) -> dict[str, Any]:
        """Return the report, as one JSON object."""
        published: dict[str, int] = defaultdict(int)
        for (split, _, _), count in self.made.rows.items():
            published[split] += count
        return {
            "published": dict(published),
            "not published": self.refused,
            "left out": dict(self.left_out.most_common()),
            "people": self.people,
            "passed over": [str(path) for path in self.passed_over],
        }


@dataclass
class _Seen:
    """What a first reading of the rows shows.

    Attributes:
        rows: how many there are.
        sources: how many of each.
        folders: of clips and of the rows' files.
        size: bytes of the clips that are to be given on, and of the rows.
        fields: as forms.Form has them.
        people: names of those who gave labels, in the order in which they are met, and of those who reviewed.
    """

    rows: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    folders: set[Path] = field(default_factory=set)
    size: int = 0
    fields: set[str] = field(default_factory=set)
    people: dict[str, None] = field(default_factory=dict)


def publish(
    paths: Sequence[Path],
    output: Path,
    *,
    form: str = "paths",
    settings: Path | None = None,
    reviews: Path | None = None,
    shard_bytes: int = 500 << 20,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """Write a data set that others can load, and a report beside it that stays here.

    Args:
        paths: a run's folder, a folder of records, or JSONL files of records.
        output: a new folder.
        form: of forms.FORMS.
        settings: a YAML of settings.Settings; None for the block of the run's recipe.
        reviews: the folder of reviews of records without a run, for the card's figures; a run has its own.
        shard_bytes: that a shard has at most.
        workers: processes that look at clips.
        progress: is told (records done, records).

    Raises:
        InputError: the settings, the records or the disk will not do, something private was about to be published, or
            nothing is left to publish. The folder is not there then.
    """
    if output.exists():  # "." and "/" among them, of which no neighbour has a name
        raise InputError(str(output), "output", "exists already", "move it away, or name another folder")
    report = output.with_name(f"{output.name}.report.json")
    given = find(paths)
    if given.run and reviews:
        remedy = "leave it out: the card has the figures of the run's own stage `review`"
        raise InputError("publish", "--reviews", "is for records without a run", remedy)
    said = publish_settings.read(given.recipe, settings)
    must_be_new(report)
    licensed = said.media if form != "annotations" else {}
    seen = _first_look(given, licensed, form)
    seen.people.update(dict.fromkeys(_reviewers(reviews or reviews_of(given.recipe))))
    _check_sources(said, seen, given.recipe)
    places = [*paths, output.absolute().parent, Path.cwd(), *_topmost(seen.folders)]
    keeper = watch(places, given.recipe)
    _check_said(said, watch(places, given.recipe, said=True))
    with _room(output), whole_folder(output) as folder:
        _check_disk(folder, seen.size)
        labels = _labels(given, Public(keeper, seen.people))
        forms = _forms(folder, form, seen, licensed, labels, shard_bytes)
        outcome = Outcome(Published(output.name, form, {}), passed_over=given.passed_over, report=report)
        public = Public(keeper, seen.people)
        answers = _looked_at(given, licensed, keeper, outcome, workers)
        digest = _write(answers, forms, licensed, public, outcome.made, lambda done: progress(done, seen.rows))
        outcome.left_out, outcome.people = public.left_out, {alias: name for name, alias in public.people.items()}
        if not outcome.made.rows:
            first = outcome.refused[0]
            problem = f"none of {seen.rows} can be published (the first: {first['id']}: {first['reason']})"
            raise InputError(", ".join(map(str, paths)), "records", problem, first["remedy"])
        outcome.made.configs = _configs(outcome.made, forms, licensed, digest)
        found = survey(given.run) if given.run else None
        people = _people(given, seen.rows, reviews) if reviews else None
        write_text(folder / CARD, card(said, outcome.made, found, given.recipe, people))
        lines = [line for text in _texts(said) for line in text.splitlines()]
        # The head of the card folds and quotes what it says.
        words = [word for line in lines for word in line.split() if keeper.found(word)]
        check(folder, keeper, [*lines, *map(cell, lines), *words])
        write_rows(report, [outcome.to_dict()])
    return outcome


def _write(
    answers: Generator[_Answer, None, None],
    forms: Mapping[bool, Form],
    licensed: Mapping[str, str],
    public: Public,
    made: Published,
    progress: Callable[[int], None],
) -> str:
    """Write all rows, count them, and return a digest of what they say."""
    digest = hashlib.sha256()
    with ExitStack() as opened:
        for each in forms.values():
            opened.enter_context(each)
        opened.enter_context(closing(answers))
        for number, (split, name, row, media, files) in enumerate(answers, start=1):
            if files is not None:
                here = (row.source or "") in licensed
                shown = public.row(name, row, files)
                digest.update(encoded([split, here, shown]))
                forms[here].add(split, shown, media)
                _count(made, split, row, files, here)
            progress(number)
    return digest.hexdigest()


def _check_sources(said: Settings, seen: _Seen, recipe: Mapping[str, Any]) -> None:
    """See that the clips of sources that there are may be given on, so that a slip of the pen is not a source."""
    known = {*seen.sources, *source_keys(recipe)}  # a source may have lost all of its clips on the way
    for name in said.media:
        if name not in known:
            remedy = f"the sources are {', '.join(map(quoted, sorted(known)))}"
            raise InputError("recipe", f"publish.media.{name}", "is the source of no row", remedy)


def _people(given: Given, rows: int, folder: Path) -> dict[str, Any]:
    """What people say of records without a run, as they last reviewed them."""
    names = {name for _, _, name, _ in given.rows()}
    said = figures({name: of for name, of in latest_reviews(folder).items() if name in names})
    return {"total": rows, "figures": said} if said["items"]["decided"] else {}


def _reviewers(folder: str | Path | None) -> Iterator[str]:
    """The names of those whose reviews a folder has, where it is there, but those that are words for emotions."""
    names = map(named_after, review_files(Path(folder).expanduser()) if folder else ())
    yield from (name for name in names if common_emotion(name) is None)


def _first_look(given: Given, licensed: Mapping[str, str], form: str) -> _Seen:
    seen = _Seen()
    for path in given.splits.values():
        seen.folders.add(path.absolute().parent)
        seen.size += _GROWTH * path.stat().st_size
    for _, _, _, row in given.rows():
        seen.rows += 1
        seen.sources[row.source or ""] += 1
        seen.people.update(dict.fromkeys(people_of(row.labels)))
        for column in COLUMNS:
            for place, path in enumerate(getattr(row, column)):
                full = Path(media_path(path))
                seen.folders.add(full.parent)
                if (row.source or "") in licensed and full.is_file():
                    seen.size += full.stat().st_size
                    seen.fields.add(column_field(column, place, path))
    return seen


def _topmost(folders: set[Path]) -> set[Path]:
    """A few folders in which all of these lie."""
    while len(folders) > _MOST_FOLDERS:
        deepest = max(len(folder.parts) for folder in folders)
        folders = {folder.parent if len(folder.parts) == deepest else folder for folder in folders}
    return folders


@contextmanager
def _room(output: Path) -> Iterator[None]:
    """Say in one line that the disk ran full while something was written, of which nothing is left."""
    try:
        yield
    except OSError as error:
        if not says_full(error):
            raise
        problem = f"{error.strerror}; nothing is left of what was written"
        raise InputError(str(output.parent), "disk", problem, "make room, or name a folder on another disk") from error


def _check_disk(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        problem = f"has {free / 1e6:,.1f} MB free, and about {size / 1e6:,.1f} MB are to be written"
        raise InputError(str(folder.parent), "disk", problem, "make room, or name a folder on another disk")


def _check_said(said: Settings, keeper: Watch) -> None:
    for text in _texts(said):
        if what := keeper.found(text):
            raise InputError("recipe", "publish", f"{quoted(text)} holds {what}", "write it without that")


def _texts(said: Settings) -> list[str]:
    """All that the settings say, which is written to be published."""
    return [said.name, said.licence, said.contact, said.homepage, said.citation, *said.media.values()]


def _labels(given: Given, public: Public) -> Shape:
    """The shape of the labels of all rows as they are published."""
    shape: Shape = None
    for _, _, name, row in given.rows():
        shape = joined(shape, shape_of(public.row(name, row, {}).get("labels")))
    return shape


def _forms(
    folder: Path, form: str, seen: _Seen, licensed: Mapping[str, str], labels: Shape, shard: int
) -> dict[bool, Form]:
    """What writes rows with their clips (True) and without them (False)."""
    if not licensed:
        return {False: FORMS["annotations"](folder, True, labels, seen.fields, shard)}
    return {here: FORMS[form](folder, here, labels, seen.fields, shard) for here in (True, False)}


def _looked_at(
    given: Given, licensed: Mapping[str, str], keeper: Watch, outcome: Outcome, workers: int
) -> Generator[_Answer, None, None]:
    """(split, id, row, paths, files) of each record in its order; files is None where it was refused."""
    measured = given.measured()
    waiting: dict[str, dict[str, str]] = {}

    def clips() -> Iterator[tuple[Any, Any]]:
        for split, where, name, row in given.rows():
            known: Measured | None = measured.get(name)
            media: dict[str, list[str]] = {column: [] for column in COLUMNS}
            try:
                _check_texts(row, where)
                audios = row.audios if known is None or (row.source or "") in licensed else known.audios
                media = _media(row, audios, where, given.run)
            except InputError as error:
                waiting[name] = _refusal(name, row, where, f"{error.field}: {error.problem}", error.remedy)
                known = None
            yield (split, where, name, row, media), (media["videos"], media["audios"], known)

    with closing(look(clips(), workers, keeper.words)) as answers:
        for (split, where, name, row, media), answer in answers:
            if name in waiting:
                outcome.refused.append(waiting.pop(name))
                yield split, name, row, media, None
            elif isinstance(answer, Problem):
                outcome.refused.append(_refusal(name, row, where, answer.reason, answer.remedy))
                yield split, name, row, media, None
            elif (row.source or "") in licensed and (problem := _tells(answer[1], keeper)):
                outcome.refused.append(_refusal(name, row, where, problem, _BARE))
                yield split, name, row, media, None
            else:
                yield split, name, row, media, answer[0]


def _tells(texts: Sequence[str], keeper: Watch) -> str | None:
    """What a clip that would be given on says of this machine, or of where it was made."""
    for text in texts:
        if what := keeper.found(text):
            return f"the clip itself holds {what}, in what it says of itself"
        name, _, value = text.partition(": ")
        if _PLACE.search(name):
            return "the clip itself says where it was made"
        if says_who(name) or name.lower() in _MAKERS:
            return f"the clip itself says who made it ({name})"
        if name == BESIDE:
            return f"the clip holds something beside picture and sound: {value}"
        if value.startswith(XMP):
            return "the clip itself holds notes of the program that wrote it (XMP)"
    return None


def _media(row: Row, audios: Sequence[str], where: str, made_in: Path | None) -> dict[str, list[str]]:
    """The paths of a row's files.

    Args:
        audios: the row's; of a clip that stays where it is, those of its source, which others have too.
        made_in: the folder of the run, or None.
    """
    if not row.videos and not row.audios:
        raise InputError(where, "videos", "no clip is named", "add the clip's path")
    columns = (("videos", row.videos), ("audios", audios))
    return {column: paths_of(paths, where, column, made_in) for column, paths in columns}


def _check_texts(row: Row, where: str) -> None:
    for dimension in DIMENSIONS:
        if markup := reserved_markup(getattr(row.record, dimension)):
            problem = f"holds {markup}, which a model would read as a clip or a control token"
            raise InputError(where, dimension, problem, "write it in another way, e.g. without the angle brackets")


def _refusal(name: str, row: Row, where: str, reason: str, remedy: str) -> dict[str, str]:
    return {"id": name, "source": row.source or "", "where": where, "reason": reason, "remedy": remedy}


def _count(made: Published, split: str, row: Row, files: Files, here: bool) -> None:
    made.rows[split, row.source or "", here] += 1
    made.seconds += max((file["seconds"] or 0.0 for of in files.values() for file in of), default=0.0)
    emotion = row.labels.get("emotion")
    for category, value in (("language", row.language), ("consistency", row.consistency), ("emotion", emotion)):
        if isinstance(value, str):
            made.counts.setdefault(category, Counter())[value] += 1


def _configs(
    made: Published, forms: Mapping[bool, Form], licensed: Mapping[str, str], digest: str
) -> dict[str, Config]:
    """The parts of the data set."""
    found: dict[str, Config] = {}
    for here, name in ((True, WITH), (False, WITHOUT if licensed else WITH)):
        splits = list(dict.fromkeys(split for split, _, there in made.rows if there == here))
        if splits:
            found[name] = Config({split: forms[here].files(split) for split in splits}, forms[here].features(), digest)
    return found
