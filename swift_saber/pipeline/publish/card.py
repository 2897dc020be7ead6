"""The card of a published data set: README.md, with the head that `datasets` and hubs read."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import yaml

from swift_saber.pipeline.plan import STAGES, result_settings
from swift_saber.pipeline.publish.settings import Settings, hub_licence
from swift_saber.pipeline.result import card as run_card
from swift_saber.pipeline.result.survey import Survey
from swift_saber.pipeline.sources.base import readers
from swift_saber.text.markdown import cell
from swift_saber.text.strict_json import dumps

# What a text of a recipe may be shown under; numbers and true or false say nothing of a machine.
_TEXTS = frozenset({"engine", "language", "model", "reply_form"})
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_COLUMNS = """\
Each row is a clip with a SABER record (arXiv 2601.18321): `video_desc`, `facial_exp_desc` and `body_lang_desc` say what
is seen, `audio_desc` what is heard, `sentiment_analysis` which emotion follows from both. `consistency` is whether face
and voice say the same; `labels` are those of the source; `files` has the SHA-256, bytes and seconds of each of a clip's
files.
"""
_LIMITS = """\
- The texts were written by a model, but for what people corrected where it is said above, and hold its mistakes:
  things that are not there, things that are missed, and emotions read into a face or a voice. What was checked, by whom
  or what, and how often, stands above; nothing else was.
- They say how a clip looks and sounds to a reader. They do not say what the person felt, meant or is like.
- Acted and televised speech, two languages and few cultures are what most sources hold. Nothing here shows that a model
  trained on it works for others.
- Not for judging people: not in hiring, work, school, insurance, policing, at borders, in courts or in medicine; not
  for finding out who somebody is, and not to watch people who did not agree to it.
"""
#: How the clip of a row is reached, by the form.
_REACH = {
    "paths": '# its clip, a path in {folder}: row["videos"][0]',
    "webdataset": '# its clip, as bytes: row["mp4"]; what the row says: row["json"]',
    "parquet": '# its clip, as bytes: row["videos"][0]["bytes"]',
    "annotations": '# its clip: `swift-saber sources join`, below; known again by row["files"]',
}


class Config(NamedTuple):
    """A part of the data set: `files` by split, `columns` as datasets.Features, and a digest of all rows."""

    files: dict[str, str]
    columns: Any
    digest: str


@dataclass
class Published:
    """What was written.

    Attributes:
        folder: the name of the folder.
        form: of forms.FORMS.
        configs: by the name of each.
        rows: how many, by (split, source, whether the clip is there).
        counts: how many, by category ("language", "emotion", "consistency") and value.
        seconds: of all clips.
    """

    folder: str
    form: str
    configs: dict[str, Config]
    rows: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: float = 0.0


def card(
    said: Settings, made: Published, found: Survey | None, recipe: Mapping[str, Any], people: Mapping[str, Any] | None
) -> str:
    """Return the text of README.md.

    Args:
        said: the settings.
        made: what was written.
        found: of a run, as survey.survey returns it; None of records without a run. Its settings are taken from
            `recipe`, and no example of a path is shown.
        recipe: of the run.
        people: of records without a run, what people say, as result/card.people takes it; None where that is not known.
    """
    return "\n".join(_lines(said, made, found, recipe, people)) + "\n"


def _lines(
    said: Settings, made: Published, found: Survey | None, recipe: Mapping[str, Any], people: Mapping[str, Any] | None
) -> Iterator[str]:
    total = made.rows.total()
    yield f"---\n{yaml.safe_dump(_head(said, made), sort_keys=False, allow_unicode=True)}---\n"
    yield f"# {cell(said.name)}\n"
    length = f"{made.seconds / 3600:.2f} hours" if made.seconds >= 3600 else f"{made.seconds / 60:.1f} minutes"
    yield f"{total:,} clips, {length}, as SABER records.\n"
    yield _COLUMNS
    splits = sorted({split for split, _, _ in made.rows}, key=list(_splits(made)).index)
    by = [[split, sum(count for key, count in made.rows.items() if key[0] == split)] for split in splits]
    yield from run_card.table(("split", "clips"), by)
    yield from _load(made, splits)
    yield from _clips(said, made, recipe)
    if found is None:
        yield from _counted(made)
        if people is not None:
            yield from run_card.people(people)
    else:
        public = {**found.run, "recipe": public_recipe(recipe), "examples": {}, "usage": {}}
        yield from run_card.sections(replace(found, run=public))
    yield f"## Limits\n\n{_LIMITS}"
    conflicts = made.counts.get("consistency", Counter())["inconsistent"]
    yield f"In {conflicts:,} of {total:,} clips face and voice are labelled as saying different things.\n"
    yield f"## Licence\n\nOf the annotations; that of the clips is in the table above.\n\n{_shown(said.licence)}\n"
    yield f"## Contact\n\n{_shown(said.contact)}\n"
    if said.homepage:
        yield f"<{said.homepage}>\n"
    if said.citation:
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", said.citation)), default=0))
        yield f"## Citation\n\n{fence}\n{said.citation.strip()}\n{fence}\n"


def _shown(text: str) -> str:
    """A text of several lines, which are text."""
    return "\n".join(map(cell, text.strip().splitlines()))


def _head(said: Settings, made: Published) -> dict[str, Any]:
    from datasets.info import DatasetInfo, DatasetInfosDict
    from huggingface_hub import DatasetCardData

    told = DatasetCardData()
    infos = {name: DatasetInfo(features=part.columns, config_name=name) for name, part in made.configs.items()}
    DatasetInfosDict(infos).to_dataset_card_data(told)
    licence = hub_licence(said.licence)
    head: dict[str, Any] = {"license": licence}
    if licence == "other":
        head["license_name"] = said.licence.splitlines()[0]
    languages = sorted({"en", "zh"} & made.counts.get("language", Counter()).keys())
    return {
        **head,
        "pretty_name": said.name,
        **({"language": languages} if languages else {}),
        "task_categories": ["video-text-to-text"],
        "tags": ["emotion-recognition", "audio", "video", "saber"],
        "size_categories": [run_card.size(made.rows.total())],
        "configs": [
            {
                "config_name": name,
                **({"default": True} if len(made.configs) > 1 and name == next(iter(made.configs)) else {}),
                # `datasets` keeps what it has read under the folder's name and this, and would give the rows of another
                # folder of that name, or of this one as it was before.
                "description": f"sha256 {part.digest}",
                "data_files": [{"split": split, "path": path} for split, path in part.files.items()],
            }
            for name, part in made.configs.items()
        ],
        "dataset_info": told.to_dict()["dataset_info"],
    }


def _splits(made: Published) -> dict[str, None]:
    """All splits, in the order of the configs."""
    return {split: None for part in made.configs.values() for split in part.files}


def load_lines(made: Published) -> list[str]:
    """Return the lines of Python that load a published folder, from the folder that it lies in."""
    files = next(iter(made.configs.values())).files
    return [
        "from datasets import load_dataset",
        "",
        f'rows = load_dataset({dumps(f"./{made.folder}")}, split="{next(iter(files))}")',
        "row = rows[0]",
        'print(len(rows), (row.get("json") or row)["sentiment_analysis"])',
    ]


def _load(made: Published, splits: list[str]) -> Iterator[str]:
    reach = _REACH[made.form if any(here for _, _, here in made.rows) else "annotations"]
    code = [*load_lines(made), reach.replace("{folder}", made.folder)]
    yield "```python\n" + "\n".join(code) + "\n```\n"
    if len(made.configs) > 1:
        yield 'Rows whose clips are not given on are a part of their own: `load_dataset(..., "annotations")`.\n'


def _clips(said: Settings, made: Published, recipe: Mapping[str, Any]) -> Iterator[str]:
    yield "## The clips\n"
    sources = sorted({source for _, source, _ in made.rows})
    of = {
        source: tuple(
            sum(count for key, count in made.rows.items() if key[1:] == (source, here)) for here in (True, False)
        )
        for source in sources
    }
    yield from run_card.table(
        ("source", "with its clip", "annotations only", "licence of the clips"),
        [[source or "(none)", *of[source], said.media.get(source, "not given on")] for source in sources],
    )
    apart = [source for source in sources if of[source][1]]
    if not apart:
        return
    yield (
        "A clip that is not here is joined again by its id, and by its SHA-256 where names differ; the report of the "
        "join says which files are others than those annotated.\n"
    )
    names = source_keys(recipe)
    flags, named = [], []
    for source in apart:
        key = names.get(source, source)
        reader = readers().get(key)
        if reader is None or key == "generic":
            yield f"- {cell(source or '(none)')}: ask the contact below. Any folder of its clips can be joined."
            flags.append("--source generic=FOLDER --set generic.language=en")
            named.append(source)
        else:
            yield f"- {cell(source)}: {cell(reader.title)}. {cell(reader.access)}"
            flags.append(f"--source {key}=FOLDER")
    if len(named) == 1 and named[0]:  # so that ids are the same again; of several it would be true of one
        flags.append(f"--set {shlex.quote(f'generic.name={named[0]}')}")
    folder = shlex.quote(made.folder if not made.folder.startswith("-") else f"./{made.folder}")
    lines = " \\\n  ".join([f"swift-saber sources join {folder} -o rows.jsonl", *dict.fromkeys(flags)])
    yield f"\n```bash\n{lines}\n```\n"


def source_keys(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Return the key of the reader of each source, by the source's name in rows."""
    found = {}
    sources = recipe.get("sources")
    for one in sources if isinstance(sources, list) else ():
        for key, place in one.items() if isinstance(one, dict) else ():
            found[str(place.get("name", key)) if isinstance(place, dict) else str(key)] = str(key)
    return found


def _counted(made: Published) -> Iterator[str]:
    for category, counts in made.counts.items():
        if counts:
            yield f"## By {category}\n"
            yield from run_card.table((category, "clips"), counts.most_common())


def public_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a recipe others may read: the kinds of sources, and of the stages numbers, switches and models.

    Folders, addresses and the names of variables are left out, and so is every setting that is not known to be none of
    these. Of a model in a folder the last part of its path is its name.
    """
    sources = recipe.get("sources")
    kinds = sorted({str(key) for one in (sources if isinstance(sources, list) else ()) for key in one})
    stages = {name: public_settings(result_settings(recipe[name])) for name in STAGES if name in recipe}
    return {"sources": ", ".join(kinds), **{name: block for name, block in stages.items() if block}}


def public_settings(block: Any) -> Any:
    """Return what of a stage's settings others may read."""
    if not isinstance(block, Mapping):
        return {}
    found: dict[str, Any] = {}
    for key, value in block.items():
        if isinstance(value, Mapping):
            if inner := public_settings(value):
                found[key] = inner
        elif isinstance(value, bool | int | float):
            found[key] = value
        elif isinstance(value, str) and key in _TEXTS:
            found[key] = value if _HUB_NAME.fullmatch(value) else re.split(r"[\\/]", value.rstrip("\\/"))[-1]
    return found
