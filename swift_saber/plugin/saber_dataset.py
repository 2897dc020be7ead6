"""SABER data for ms-swift's `--dataset`: a JSONL at any path, a folder of records, or the registered names.

What is one of ours is decided by the first row: one with a SABER record, or one of media with plain messages or with
no question at all, is read here, with errors that name file:line; and so is a preference pair, whose file holds
nothing but pairs (saber_pairs.py). Any other dataset goes to ms-swift's own loader, after a look at its head for
SABER records in the wrong place, which would be lost there. `swift sft` given a file of pairs learns the chosen
answers and does not look at the rejected ones, as with ms-swift's own pairs.

With SABER_MODALITY_PAIRS, rows become modality pairs, and pairs have such beside them (saber_modality_rows.py).
"""

import os
from collections.abc import Callable, Generator, Iterator
from functools import partial, wraps
from itertools import islice
from pathlib import Path
from typing import Any

import av
import pyarrow as pa
from datasets import (
    ArrowBasedBuilder,
    Dataset,
    DatasetInfo,
    Features,
    IterableDataset,
    Json,
    List,
    SplitGenerator,
    Value,
)
from datasets.builder import Key
from datasets.exceptions import DatasetGenerationError
from datasets.packaged_modules.generator.generator import GeneratorConfig
from modelscope.hub.utils.utils import get_cache_dir
from swift.dataset import DatasetLoader, DatasetMeta, RowPreprocessor, register_dataset
from swift.dataset.dataset_syntax import DatasetSyntax
from swift.utils import get_logger, safe_ddp_context

from swift_saber.data.convert import (
    FORMAT_VERSION,
    answer_order,
    hears_videos,
    is_record,
    leading_rows,
    row_kind,
    sound_in_video,
    to_swift_row,
    training_row,
)
from swift_saber.data.folder import Join, is_record_folder, join_folder, joined_rows
from swift_saber.data.rows import media_root, must_be_regular, parse_row, read_lines, row_id
from swift_saber.data.turns import answer_of
from swift_saber.errors import InputError, sum_up
from swift_saber.media.deadline import clip_seconds, within
from swift_saber.media.sound import has_sound
from swift_saber.plugin.saber_columns import TYPES, Columns, further_columns, with_columns
from swift_saber.plugin.saber_modality_rows import ModalityPairs
from swift_saber.plugin.saber_options import MODALITY_PAIRS, modality_pairs, options
from swift_saber.plugin.saber_pairs import to_swift_pair
from swift_saber.recipe import names_a_file
from swift_saber.sed.layout import Order
from swift_saber.text.strict_json import dumps

logger = get_logger()
Row = dict[str, Any]
NAME = "saber"
HUB_ID = "zhaoxiaoxian/SABER-Dataset"
FEATURES = Features(
    {
        "id": Value("string"),
        "language": Value("string"),
        "channel": Value("string"),
        "messages": List(Json()),
        "videos": List(Value("string")),
        "audios": List(Value("string")),
    }
)
PAIR_FEATURES = Features(
    {
        **FEATURES,
        **{f"rejected_{name}": FEATURES[name] for name in ("messages", "videos", "audios")},
        "margin": Value("float64"),
    }
)
ROWS_PER_TABLE = 1000
#: Where rewards find the answer that a row has, which GRPO takes out of its messages; the name is ms-swift's.
SOLUTION = "solution"
# What a folder has to hold for the loader of `datasets` to find rows in it; of media alone it makes rows without text.
TABLE_SUFFIXES = {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".xml", ".tar", ".zip"}
TABLE_SUFFIXES |= {".gz", ".bz2", ".zst", ".lz4", ".xz", ".py", ".h5", ".hdf5"}
# Bad rows named one by one before the rest is only counted.
ERRORS_SHOWN = 20


class SaberPreprocessor(RowPreprocessor):
    """Turns rows of a hub or Arrow dataset with SABER's columns into messages."""

    def preprocess(self, row: dict[str, Any]) -> dict[str, Any]:
        # Arrow gives every row every column: an absent value comes as None.
        row = {key: value for key, value in row.items() if value is not None}
        try:
            converted = training_row(row, f"row {row_id(row)}", answer_order())
            return {
                **converted,
                SOLUTION: answer_of(converted["messages"]),
            }  # kept where ms-swift keeps further columns
        except InputError as error:
            # Unless --strict is given, ms-swift drops the row and stops saying so after ten.
            logger.error(f"swift-saber: not used: {error}")
            raise


class SaberLoader(DatasetLoader):
    """Reads SABER rows from disk; hub datasets come through ms-swift's loader."""

    def _load_dataset_path(self, dataset_path: str, dataset_meta: DatasetMeta) -> Dataset | IterableDataset:
        if self.columns:  # names of the user's own are ms-swift's to map
            self._no_modality_pairs(dataset_path)
            return super()._load_dataset_path(dataset_path, dataset_meta)
        kind = _first_kind(dataset_path)
        misplaced = _misplaced(dataset_path) if kind is None else None
        if misplaced is not None:
            raise misplaced
        path, pairs = os.path.abspath(dataset_path), kind == "pair"
        features = PAIR_FEATURES if pairs or modality_pairs() else FEATURES
        stamp = [_stamp(dataset_path)]
        further = further_columns(path, features, every=not self.remove_unused_columns, head=self.streaming)
        answered = kind in {"record", "messages"} and not self.remove_unused_columns and SOLUTION not in further
        return self._generate(path, stamp, further, pairs=pairs, solution=answered and _answers(path))

    def _load_repo_dataset(self, dataset_id: str, subset: Any, **kwargs: Any) -> Dataset | IterableDataset:
        if not (os.path.isdir(dataset_id) and is_record_folder(dataset_id)):
            self._no_modality_pairs(dataset_id)
            return super()._load_repo_dataset(dataset_id, subset, **kwargs)
        heard = _is_heard if hears_videos() else None
        join = join_folder(dataset_id, media_root() or dataset_id, need_audio=not sound_in_video(), has_sound=heard)
        for record, reason in join.unmatched.items():
            logger.warning(f"swift-saber: not used: {record}: {reason}")
        for media in join.unused:
            logger.warning(f"swift-saber: no record for: {media}")
        logger.info(
            f"swift-saber: {len(join.matched)} records with their clips, {len(join.unmatched)} records without, "
            f"{len(join.unused)} media files without a record"
        )
        stamp = [_stamp(record) for record, *_ in join.matched]
        return self._generate(join, stamp, solution=not self.remove_unused_columns)

    def _generate(
        self,
        source: str | Join,
        stamp: list[Any],
        further: Columns | None = None,
        *,
        pairs: bool = False,
        solution: bool,
    ) -> Dataset | IterableDataset:
        modality = modality_pairs()
        solution = solution and not modality
        features = PAIR_FEATURES if pairs or modality else FEATURES
        if features is PAIR_FEATURES:
            stamp = [*stamp, options().needs]
        # All that the result depends on is among the arguments, since their hash is the name of the cached table.
        arguments = {
            "source": source,
            "pairs": pairs,
            "modality": modality,
            "order": answer_order(),
            "further": further or {},
            "solution": solution,
            # A stream that is read in part would never come to the sum of its errors.
            "stop_at_first": self.streaming,
            # A string, since `datasets` takes a list here for shards and would read the file once per element.
            "stamp": repr([FORMAT_VERSION, *stamp, os.getcwd(), media_root(), sound_in_video(), hears_videos()]),
        }
        more = {**(further or {}), **({SOLUTION: "str"} if solution else {})}
        features = Features({**{name: TYPES[wanted] for name, wanted in more.items()}, **features})
        if self.streaming:
            return IterableDataset.from_generator(streamed_rows, features=features, gen_kwargs=arguments)
        cache = os.path.join(get_cache_dir(), "datasets")
        builder = RowTables(cache_dir=cache, generator=swift_rows, gen_kwargs=arguments, features=features)
        try:
            with safe_ddp_context(None, True):
                builder.download_and_prepare()
                if builder.info.description:  # of a table that was made before, too
                    logger.warning(f"swift-saber: {builder.info.description}")
                return builder.as_dataset(split="train")
        except DatasetGenerationError as error:
            if isinstance(error.__cause__, InputError):
                raise error.__cause__ from None
            raise

    def _no_modality_pairs(self, dataset: str) -> None:
        """Refuse what ms-swift's own loader reads, where modality pairs are asked for."""
        if modality_pairs():
            problem = "is read by ms-swift's own loader, which makes no modality pairs"
            raise InputError(dataset, "dataset", problem, f"save it as JSONL of our rows, or unset {MODALITY_PAIRS}")


class RowTables(ArrowBasedBuilder):
    """Writes generated rows to the cached Arrow table by the thousand; Dataset.from_generator encodes one by one."""

    BUILDER_CONFIG_CLASS = GeneratorConfig

    def _info(self) -> DatasetInfo:
        return DatasetInfo(features=self.config.features)

    def _split_generators(self, dl_manager: Any) -> list[SplitGenerator]:
        return [SplitGenerator(name="train", gen_kwargs=self.config.gen_kwargs)]

    def _generate_tables(self, **arguments: Any) -> Iterator[tuple[Key, pa.Table]]:
        rows, features = self._described(self.config.generator(**arguments)), self.config.features
        # A Json column is written as strings, which `datasets` reads as JSON.
        kinds = {name: _written_as(kind) for name, kind in features.items()}
        schema, turns = pa.schema(kinds), [name for name in features if name.endswith("messages")]
        for number, batch in enumerate(iter(lambda: list(islice(rows, ROWS_PER_TABLE)), [])):
            columns = {name: [row[name] for row in batch] for name in features}
            for name in turns:
                columns[name] = [[dumps(message) for message in messages] for messages in columns[name]]
            yield Key(0, number), pa.table(columns, schema=schema)

    def _described(self, rows: Generator[Row, None, str | None]) -> Iterator[Row]:
        """The rows; what there is to say of them in the end is kept beside the table."""
        self.info.description = (yield from rows) or ""


def _answers(path: str) -> bool:
    """Whether a row at the head of a file is a record, or messages that end with an answer."""
    return any(row_kind(row) == "record" or answer_of(row.get("messages")) for _, row in leading_rows(path))


def _is_heard(video: str) -> bool:
    """Whether a video has a sound; where that cannot be told, what encodes the row says why."""
    try:
        return within(clip_seconds(), has_sound, video)
    except (av.error.FFmpegError, OSError, ValueError):
        return True


def _stamp(path: str | Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def _written_as(kind: Any) -> pa.DataType:
    if isinstance(kind, List):
        return pa.list_(pa.string())
    return pa.string() if isinstance(kind, Json) else kind.pa_type


def swift_rows(
    source: str | Join,
    pairs: bool,
    modality: bool,
    order: Order,
    further: Columns,
    solution: bool,
    stop_at_first: bool,
    stamp: str,
) -> Generator[Row, None, str | None]:
    """Yield the ms-swift rows of a JSONL file, of one of preference pairs, or of a folder of records.

    With modality, a modality pair stands after a pair, and in the place of any other row. Bad rows are all found before
    the error is raised, unless asked otherwise.

    Returns:
        What there is to say of the rows, if anything.
    """
    needs = options()
    ours = partial(to_swift_pair, options=needs) if pairs else partial(training_row, order=order)
    convert = with_columns(ours, further)
    rows: Iterator[tuple[str, Callable[[], Row]]]
    if isinstance(source, Join):
        rows = joined_rows(source)
    else:
        rows = ((where, partial(parse_row, text, where)) for where, text in read_lines(source))
    others = None
    if modality:
        # Where a sound is inside a video it is looked for once, in those that a pair takes.
        unheard = ours if pairs else partial(to_swift_row, order=order)
        others = ModalityPairs(source, unheard, pairs=pairs, options=needs, is_heard=_is_heard)
    errors: list[InputError] = []
    total = wrong = 0
    for where, read in rows:
        total += 1
        try:
            given = read()
            row = convert(given, where)
            if pairs or others is None:
                yield {**row, SOLUTION: answer_of(row["messages"])} if solution else row
            if others and (pair := others.of(total - 1, row, given.get("consistency"), where)):
                yield pair
        except InputError as error:
            if stop_at_first:
                raise
            wrong += 1
            if len(errors) < ERRORS_SHOWN:
                errors.append(error)
    if wrong > 1:
        for found in errors:
            logger.error(f"swift-saber: {found}")
    if wrong:
        raise sum_up(errors, wrong, total, "the folder" if isinstance(source, Join) else source)
    return others.without() if others else None


def streamed_rows(**arguments: Any) -> Iterator[Row]:
    """Yield what swift_rows does, and say in the end what there is to say."""
    if said := (yield from swift_rows(**arguments)):
        logger.warning(f"swift-saber: {said}")


def _first_kind(path: str) -> str | None:
    """The kind of a JSONL file's first row; a file that cannot be read is one of ours, so that the error is."""
    if not path.lower().endswith(".jsonl"):
        return None
    try:
        where, text = next(read_lines(path))
        row = parse_row(text, where)
        # A question and its answer for ms-swift's own loader, though inference asks about the clip in our words.
        answered = row.get("input") and (row.get("solution") or row.get("text"))
        kind = row_kind(row)
        return None if kind == "question" and answered else kind
    except InputError:
        return "messages"


def _misplaced(path: str) -> InputError | None:
    """Why the SABER records at the head of a file that is not one of ours cannot be read from it; None without any."""
    line = next((line for line, row in leading_rows(path) if is_record(row)), None)
    if line is None:
        return None
    if not path.lower().endswith(".jsonl"):
        return InputError(path, "dataset", "holds SABER records", "write one record a line and name the file .jsonl")
    problem = "is a SABER record among rows of another format"
    return InputError(f"{path}:{line}", "row", problem, "give it a file of its own")


def _is_local_saber(dataset: str) -> bool:
    """Whether a dataset argument is a file or a folder that is read here."""
    if os.path.isdir(dataset):
        if is_record_folder(dataset):
            return True
        inside = next((path for path in sorted(Path(dataset).glob("*.jsonl")) if _first_kind(str(path))), None)
        if inside is not None:
            raise InputError(dataset, "dataset", "is a folder of JSONL files", f"name the files, e.g. {inside}")
        if not any(path.suffix.lower() in TABLE_SUFFIXES for path in Path(dataset).rglob("*")):
            remedy = "name a folder of records (JSON) with their clips, or a file of rows (JSONL)"
            raise InputError(dataset, "dataset", "is a folder without a record", remedy)
        return False
    return os.path.isfile(dataset) and (_first_kind(dataset) or _misplaced(dataset)) is not None


def register() -> None:
    """Register the dataset names, and have `--dataset PATH` recognise SABER data."""
    ours = DatasetMeta(
        ms_dataset_id=HUB_ID,
        hf_dataset_id=HUB_ID,
        dataset_name=NAME,
        preprocess_func=SaberPreprocessor(),
        loader=SaberLoader,
        tags=["multi-modal", "video", "audio", "emotion"],
    )
    register_dataset(ours, exist_ok=True)
    stock = DatasetSyntax.get_dataset_meta

    @wraps(stock)
    def get_dataset_meta(self: DatasetSyntax, use_hf: bool) -> DatasetMeta:
        looks_local = names_a_file(self.dataset)
        if looks_local and not os.path.exists(self.dataset):
            raise InputError(self.dataset, "dataset", "no such file or folder", "check the path")
        if looks_local and not os.path.isdir(self.dataset):
            must_be_regular(self.dataset)
        meta = stock(self, use_hf)
        known = meta.dataset_path or meta.ms_dataset_id or meta.hf_dataset_id
        if not known and _is_local_saber(self.dataset):
            return DatasetMeta(loader=SaberLoader)
        if modality_pairs():
            logger.warning(
                f"swift-saber: {self.dataset}: no modality pairs are made of it: ms-swift's own loader reads it"
            )
        return meta

    DatasetSyntax.get_dataset_meta = get_dataset_meta
