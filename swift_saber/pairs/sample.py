"""Candidates: K sampled answers to each clip's question, from a model in this process or behind an address.

Reported by a secondary source, not read in the paper: K = 10 at temperature 0.8, from the SED-tuned model. Answers to
the question with one modality taken out ("withhold") are ours: they show what that modality alone makes a model say.

The output is a row log: a stopped run goes on where it was, and a clip is in it with all its candidates or not at all.
"""

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from swift_saber.endpoint import Endpoint
from swift_saber.errors import InputError, quoted
from swift_saber.pairs.answers import Outcome, from_endpoint, from_model
from swift_saber.pairs.questions import MODALITIES, read_questions
from swift_saber.plugin.saber_convert import sound_in_video
from swift_saber.plugin.saber_engine import set_media_environment
from swift_saber.row_log import RowLog
from swift_saber.rows import write_rows
from swift_saber.strict_json import dumps

# So many clips without an answer, and not one with, mean a wrong setting.
_GIVE_UP = 50
# K long answers in one reply take minutes, even from a quick server.
_REPLY_SECONDS = 900.0


def run_sample(
    questions: Path,
    output: Path,
    *,
    model: str,
    base_url: str | None = None,
    k: int = 10,
    temperature: float = 0.8,
    max_new_tokens: int = 4096,
    seed: int = 0,
    withhold: tuple[str, ...] = (),
    batch_size: int = 16,
    concurrency: int = 8,
) -> dict[str, int]:
    """Sample candidates as the command line asks for it: `sample`, from a folder or from an address.

    Args:
        model: a model folder, a LoRA checkpoint folder or a hub id; with base_url, the name that the server knows.
        base_url: an OpenAI-compatible address, or None to run the model in this process.
        batch_size: answers written at the same time in this process.
        concurrency: requests at the same time to an address.

    Returns, Raises: as sample.
    """
    if base_url is None:
        source: str | Endpoint = model
        batch = ("batch_size", batch_size)
    else:
        source = Endpoint(model, base_url, timeout=_REPLY_SECONDS)
        batch = ("concurrency", concurrency)
    if batch[1] < 1:
        raise InputError("sample", batch[0], f"is {batch[1]}", "give at least 1")
    options: dict[str, Any] = {"temperature": temperature, "max_new_tokens": max_new_tokens, "withhold": withhold}
    return sample(questions, output, source=source, k=k, seed=seed, batch=batch[1], **options)


def sample(
    questions: Path,
    output: Path,
    *,
    source: str | Endpoint,
    k: int = 10,
    temperature: float = 0.8,
    max_new_tokens: int = 4096,
    seed: int = 0,
    withhold: tuple[str, ...] = (),
    batch: int = 16,
) -> dict[str, int]:
    """Write K sampled answers for each clip and return what was done.

    Args:
        questions: JSONL of questions or SABER records, see questions.read_questions.
        output: JSONL, a line a clip: the question's fields, "candidates" [{"text", "cut"?, "withheld"?}] and
            "sampling" (the settings); "cut" is true where the answer came to max_new_tokens. Clips that are in it are
            skipped. Clips without an answer are listed with the reason in `<output>.failed.jsonl` and asked again by
            the next run.
        source: a model folder, a LoRA checkpoint folder or a hub id, run in this process; or an Endpoint.
        k: answers per question.
        temperature: above 0.
        max_new_tokens: the longest answer.
        seed: a model in this process repeats its answers for the same rows in the same batches; a server, if it can.
        withhold: "audios" and "videos": K further candidates each, to the question without that modality. Clips
            without it, or with nothing else, are not asked so.
        batch: answers written at the same time in this process, or requests at the same time to an Endpoint.

    Returns:
        clips: questions; already_there: of these, in the output before; sampled: added; failed: without an answer;
        short: added with fewer candidates than were asked for; candidates: added in all; cut: of these, cut at
        max_new_tokens.

    Raises:
        InputError: a setting, a question or a clip cannot be used; the output was sampled with other settings or from
            other questions; or not one of the first 50 clips, or of all, has an answer.
        EndpointDown: the server cannot answer; what is in the output stays.
    """
    _check(k, temperature, max_new_tokens, withhold)
    name = source if isinstance(source, str) else source.model
    settings = {"model": name, "k": k, "temperature": temperature, "max_new_tokens": max_new_tokens, "seed": seed}
    settings["withhold"] = list(withhold)
    if isinstance(source, str):
        set_media_environment(source)
        if withhold and sound_in_video():
            problem = "cannot be done with USE_AUDIO_IN_VIDEO: the sound comes with the video"
            raise InputError("sample", "withhold", problem, "leave one of the two out")
    with RowLog(output) as log:
        there = _sampled(log, settings)
        asked = read_questions(questions)
        _compare(asked, there, questions, output)
        todo = [question for question in asked if question["id"] not in there]
        counts = {"clips": len(asked), "already_there": len(asked) - len(todo)}
        counts |= dict.fromkeys(("sampled", "failed", "short", "candidates", "cut"), 0)
        if isinstance(source, str):
            outcomes = from_model(source, todo, settings, batch)
        else:
            outcomes = from_endpoint(source, todo, settings, batch)
        _write(log, outcomes, counts, settings)
        if not counts["already_there"] + counts["sampled"]:
            raise _hopeless(output, counts["failed"])
    return counts


def _hopeless(output: Path, failed: int) -> InputError:
    return InputError(
        str(output), "candidates", f"none for the {failed} clips asked about", f"the reasons are in {_failures(output)}"
    )


def _check(k: int, temperature: float, max_new_tokens: int, withhold: Sequence[str]) -> None:
    for field, value in (("k", k), ("max_new_tokens", max_new_tokens)):
        if value < 1:
            raise InputError("sample", field, f"is {value}", "give at least 1")
    if not 0 < temperature < float("inf"):
        raise InputError("sample", "temperature", f"is {temperature}", "give a number above 0: at 0 all are the same")
    if set(withhold) - set(MODALITIES) or len(set(withhold)) != len(withhold):
        raise InputError("sample", "withhold", f"is {', '.join(withhold)}", "name audios, videos or both, once each")


def _sampled(log: RowLog, settings: dict[str, Any]) -> dict[str, bytes]:
    """The digest of each question that is in the output, by id; all were sampled with these settings."""
    there = {}
    for row in log.read():
        before = row.get("sampling")
        if before != settings:
            before = before if isinstance(before, dict) else {}
            differing = [key for key in settings if before.get(key) != settings[key]] or ["sampling"]
            problem = ", ".join(f"{key} was {before.get(key)!r} and is {settings.get(key)!r}" for key in differing)
            remedy = "go on with the settings of the first run, or name another output"
            raise InputError(f"{log.path}: row {row['id']}", "sampling", problem, remedy)
        there[row["id"]] = _digest(row)
    return there


def _compare(asked: Sequence[dict[str, Any]], there: Mapping[str, bytes], questions: Path, output: Path) -> None:
    """See that what is in the output answers the questions of now."""
    for question in asked:
        name = question["id"]
        if there.get(name, b"") not in (b"", _digest(question)):
            problem = f"{quoted(name)} has another question or other media now than when {output} was written"
            raise InputError(str(questions), "id", problem, "name another output")
    if gone := there.keys() - {question["id"] for question in asked}:
        problem = f"{quoted(min(gone))} is not in {questions}"
        raise InputError(str(output), "id", problem, "remove its row here, or name another output")


def _digest(row: Mapping[str, Any]) -> bytes:
    """All that an answer depends on, in 16 bytes."""
    shown = dumps([row.get(key) for key in ("messages", *MODALITIES)])
    return hashlib.blake2b(shown.encode(), digest_size=16).digest()


def _failures(output: Path) -> Path:
    return output.with_name(output.name + ".failed.jsonl")


def _write(log: RowLog, outcomes: Iterator[Outcome], counts: dict[str, int], settings: dict[str, Any]) -> None:
    """Put outcomes into the output and the list of failures as they come, and count them."""
    failures = _failures(log.path)
    failures.unlink(missing_ok=True)
    failed: list[dict[str, Any]] = []
    try:
        with tqdm(total=counts["clips"], initial=counts["already_there"], desc="candidates", unit="clip") as bar:
            for question, answers in outcomes:
                if isinstance(answers, str):
                    tqdm.write(f"swift-saber: {question['id']}: no candidate: {answers}", file=sys.stderr)
                    failed.append({"id": question["id"], "reason": answers})
                    counts["failed"] += 1
                    if counts["failed"] == _GIVE_UP and not counts["already_there"] + counts["sampled"]:
                        raise _hopeless(log.path, counts["failed"])
                else:
                    candidates = [
                        {"text": text, **({"cut": True} if cut else {}), **({"withheld": withheld} if withheld else {})}
                        for withheld, said in answers
                        for text, cut in said
                    ]
                    log.append({**question, "candidates": candidates, "sampling": settings})
                    counts["sampled"] += 1
                    counts["short"] += len(candidates) < settings["k"] * len(answers)
                    counts["candidates"] += len(candidates)
                    counts["cut"] += sum("cut" in candidate for candidate in candidates)
                bar.update()
    finally:
        if failed:
            write_rows(failures, failed)
            print(f"swift-saber: {len(failed)} clips without a candidate: see {failures}", file=sys.stderr)
        if counts["short"]:
            said = f"{counts['short']} clips have fewer candidates than asked for (blank or missing answers)"
            print(f"swift-saber: {said}", file=sys.stderr)
        if counts["cut"]:
            said = f"{counts['cut']} of {counts['candidates']} candidates are cut: see --max-new-tokens"
            print(f"swift-saber: {said}", file=sys.stderr)
