"""Candidates: K sampled answers to each clip's question, from a model on this machine or behind an address.

Reported by a secondary source, not read in the paper: K = 10 at temperature 0.8, from the SED-tuned model. Answers to
the question with one modality taken out ("withhold") are ours: they show what that modality alone makes a model say.

The output is a row log: a stopped run goes on where it was, and a clip is in it with all its candidates or not at all.
What came of an address so far stands in `<output>.replies.jsonl`, so that it is not paid for again.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

from tqdm import tqdm

from swift_saber.data.convert import sound_in_video
from swift_saber.data.log import RowLog
from swift_saber.data.questions import MODALITIES, digest, is_relative
from swift_saber.errors import InputError, quoted
from swift_saber.models.checkpoint import Instructions, completed, differences, how_to_go_on, identity, loading
from swift_saber.models.endpoint import Endpoint
from swift_saber.models.engine import arguments_for
from swift_saber.models.process import ModelProcess, places_of
from swift_saber.pairs.answers import Outcome, from_endpoint, from_model, replies_of
from swift_saber.pairs.failures import GIVE_UP, failed_clips, failures
from swift_saber.pairs.questions import read_questions
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.text.files import must_be_file

# What the rows of earlier versions do not say.
_LATER = ("weights", "media_settings")
# Answers written at the same time.
_BATCH = {"transformers": 16, "vllm": 256}


def sample(
    questions: Path,
    output: Path,
    *,
    source: str | Endpoint,
    k: int = 10,
    temperature: float = 0.8,
    max_new_tokens: int = 4096,
    seed: int = 0,
    withhold: Sequence[str] = (),
    batch_size: int | None = None,
    concurrency: int = 8,
    gpu: str | None = None,
    backend: str = "transformers",
) -> dict[str, int]:
    """Write K sampled answers for each clip and return what was done.

    Args:
        questions: JSONL of questions or SABER records, see questions.read_questions.
        output: JSONL, a line a clip: the question's fields, "candidates" [{"text", "cut"?, "withheld"?}] and
            "sampling" (the settings); "cut" is true where the answer came to max_new_tokens. Clips that are in it are
            skipped. What a model that runs here says stands in `<output>.log`. Clips without an answer are listed with
            the reason in `<output>.failed.jsonl` and asked again by the next run; not so where an address replied, and
            its replies hold no text: those are kept.
        source: a model folder, a LoRA checkpoint folder or a hub id, run here; or an Endpoint.
        k: answers per question.
        temperature: above 0.
        max_new_tokens: the longest answer.
        seed: a model that runs here repeats its answers for the same rows in the same batches, and with vllm for the
            same row; a server, if it can.
        withhold: "audios" and "videos": K further candidates each, to the question without that modality. Clips
            without it, or with nothing else, are not asked so.
        batch_size: answers written at the same time by a model that runs here; where memory runs out, fewer. By
            default 16, and 256 with vllm, which has two such batches in flight.
        concurrency: requests at the same time to an Endpoint.
        gpu: of a model that runs here: "0", or "0,1,2,3" for one on each; by default what this shell sees.
        backend: "transformers" or "vllm", of a model that runs here. Their random numbers are not the same.

    Returns:
        clips: questions; already_there: of these, in the output before; sampled: added; failed: without an answer;
        short: added with fewer candidates than were asked for; candidates: added in all; cut: of these, cut at
        max_new_tokens.

    Raises:
        InputError: a setting or a question cannot be used; the output was sampled with other settings, by
            another model or from other questions; or not one of the first 50 clips, or of all, has an answer.
        EndpointDown: the server cannot answer; what is in the output stays.
    """
    batch_size = _BATCH[backend] if batch_size is None else batch_size
    counts = {"k": k, "max_new_tokens": max_new_tokens, "batch_size": batch_size, "concurrency": concurrency}
    _check(counts, temperature, withhold)
    name = source if isinstance(source, str) else source.model
    settings = {"model": name, "k": k, "temperature": temperature, "max_new_tokens": max_new_tokens, "seed": seed}
    settings["withhold"] = list(withhold)
    if isinstance(source, str):
        flag, kept = loading(source)
        os.environ.update(kept)  # which tell below whether a clip's sound comes with its video
        same = identity(source, kept)
        same["media_settings"].pop("SABER_SOUND", None)  # what it leads to stands in each question
        settings |= same
        if backend != "transformers":
            settings["backend"] = backend  # its answers are not those of the other, which earlier versions do not name
        if withhold and sound_in_video():
            problem = "cannot be done with USE_AUDIO_IN_VIDEO: the sound comes with the video"
            raise InputError("sample", "withhold", problem, "leave one of the two out")
    said = output.with_name(output.name + ".log")
    must_be_file(said)
    with RowLog(output) as log:
        there = _sampled(log, settings)
        asked, unreadable = read_questions(questions)
        _compare(asked, there, questions, output)
        todo = [question for question in asked if question["id"] not in there]
        counts = {"clips": len(asked), "already_there": len(asked) - len(todo)}
        counts |= dict.fromkeys(("sampled", "failed", "short", "candidates", "cut"), 0)
        able = [question for question in todo if question["id"] not in unreadable]
        if isinstance(source, str):
            trained = Instructions(source)
            for question in able:
                trained.compare(question, question["id"])
            arguments = [flag, source, "--custom_register_path", str(PLUGIN_FILE), "--infer_backend", backend]
            arguments = arguments_for(source, [*arguments, "--max_new_tokens", str(max_new_tokens)], able)
            seen = [{}] if gpu is None else [{"CUDA_VISIBLE_DEVICES": place} for place in places_of(gpu)]
            processes = [ModelProcess(source, arguments, kept | one, said, batch_size) for one in seen]
            outcomes = from_model(processes, able, settings, batch_size, ahead=backend == "vllm")
        else:
            outcomes = from_endpoint(source, replies_of(output), there, able, settings, concurrency)
        with closing(outcomes):
            listed = ((question, unreadable[question["id"]]) for question in todo if question["id"] in unreadable)
            _write(log, chain(outcomes, listed), counts, settings)
        if not counts["already_there"] + counts["sampled"]:
            raise _hopeless(output, counts["failed"])
    return counts


def _hopeless(output: Path, failed: int) -> InputError:
    return InputError(
        str(output), "candidates", f"none for the {failed} clips asked about", f"the reasons are in {failures(output)}"
    )


def _check(counts: Mapping[str, int], temperature: float, withhold: Sequence[str]) -> None:
    for field, value in counts.items():
        if value < 1:
            raise InputError("sample", field, f"is {value}", "give at least 1")
    if not 0 < temperature < float("inf"):
        raise InputError("sample", "temperature", f"is {temperature}", "give a number above 0: at 0 all are the same")
    if set(withhold) - set(MODALITIES) or len(set(withhold)) != len(withhold):
        raise InputError("sample", "withhold", f"is {', '.join(withhold)}", "name audios, videos or both, once each")


def _sampled(log: RowLog, settings: dict[str, Any]) -> dict[str, bytes]:
    """The digest of each question that is in the output, by id; all were sampled with these settings."""
    there = {}
    unstamped = 0
    for row in log.read():
        before = row.get("sampling")
        before = before if isinstance(before, dict) else {}
        began = completed(before, settings, _LATER, relative=is_relative(row))
        unstamped += any(key in settings.keys() - before.keys() for key in _LATER)
        if changed := differences(began, settings):
            problem = ", ".join(f"{key} was {was!r} and is {now!r}" for key, (was, now) in changed.items())
            remedy = f"{how_to_go_on(changed) or 'go on with the settings of the first run, or '}name another output"
            raise InputError(f"{log.path}: row {row['id']}", "sampling", problem, remedy)
        there[row["id"]] = digest(row)
    if unstamped:
        said = f"{unstamped} clips do not say which weights and media settings they were sampled with: taken for these"
        print(f"swift-saber: {log.path}: {said}", file=sys.stderr)
    return there


def _compare(asked: Sequence[dict[str, Any]], there: Mapping[str, bytes], questions: Path, output: Path) -> None:
    """See that what is in the output answers the questions of now."""
    for question in asked:
        name = question["id"]
        if there.get(name, b"") not in (b"", digest(question)):
            if there[name] == digest({**question, "audios": []}):
                problem = f"{quoted(name)} was sampled in {output} without the sound inside its video"
                raise InputError(str(questions), "audios", problem, "set SABER_SOUND=given, or name another output")
            problem = f"{quoted(name)} has another question or other media now than when {output} was written"
            raise InputError(str(questions), "id", problem, "name another output")
    if gone := there.keys() - {question["id"] for question in asked}:
        problem = f"{quoted(min(gone))} is not in {questions}"
        raise InputError(str(output), "id", problem, "remove its row here, or name another output")


def _write(log: RowLog, outcomes: Iterator[Outcome], counts: dict[str, int], settings: dict[str, Any]) -> None:
    """Put outcomes into the output and the list of failures as they come, and count them."""
    listed = failed_clips(log.path, "without a candidate")
    bar = tqdm(total=counts["clips"], initial=counts["already_there"], desc="candidates", unit="clip")
    try:
        with listed as failed, bar:
            for question, answers in outcomes:
                if isinstance(answers, str):
                    tqdm.write(f"swift-saber: {question['id']}: no candidate: {answers}", file=sys.stderr)
                    failed.append({"id": question["id"], "reason": answers})
                    counts["failed"] += 1
                    if counts["failed"] == GIVE_UP and not counts["already_there"] + counts["sampled"]:
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
        if counts["short"]:
            said = f"{counts['short']} clips have fewer candidates than asked for (blank or missing answers)"
            print(f"swift-saber: {said}", file=sys.stderr)
        if counts["cut"]:
            said = f"{counts['cut']} of {counts['candidates']} candidates are cut: see --max-new-tokens"
            print(f"swift-saber: {said}", file=sys.stderr)
