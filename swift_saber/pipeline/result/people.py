"""What people say of a run's records: figures of the reviews that its stage `review` took, kept beside what it kept.

review/agreement.json is {"total": records that came to the stage, "figures": those of review/agreement.py, of these
records as they came}. It is written at the end of a run, since the reviews may be somewhere else later. Reviewers are
numbers in it, and what they wrote as reasons is not there.
"""

from pathlib import Path

from swift_saber.pipeline.result.survey import MANIFEST, PEOPLE, REVIEW, kept_rows, read_run
from swift_saber.pipeline.stages.review import Settings
from swift_saber.review.agreement import read_figures
from swift_saber.review.items import item_of
from swift_saber.review.log import latest_reviews, review_files
from swift_saber.settings import read_settings
from swift_saber.text.files import write_text
from swift_saber.text.strict_json import dumps


def write_people(run_folder: Path) -> None:
    """Write the figures of a run that has begun the stage; nothing where nobody has reviewed anything yet.

    Raises:
        InputError: a review, or a row of the run, cannot be read.
    """
    run = read_run(run_folder)
    stages = [MANIFEST, *run["stages"]]
    if REVIEW not in stages or not (run_folder / REVIEW).is_dir():
        return
    folder = Path(read_settings(Settings, run["recipe"].get(REVIEW) or {}, REVIEW).folder).expanduser()
    if not review_files(folder):
        return
    reviewed = latest_reviews(folder)
    total, records = 0, {}
    for where, row in kept_rows(run_folder, stages[stages.index(REVIEW) - 1]):
        total += 1
        if row["id"] in reviewed:
            records[row["id"]] = item_of(row, where).of
    figures = {name: of for name, of in read_figures(folder, records).items() if name != "reasons"}
    write_text(run_folder / PEOPLE, dumps({"total": total, "figures": figures}) + "\n")
