"""How large the page of an evaluation is, and how long until it can be used.

    python tests/benchmarks/report_page.py --clips 2000 --repeat 5

Writes an evaluation of two models with records of about 2 KB in six dimensions, a third of them Chinese, makes the
page, and opens it in a headless Chromium, which must be installed. Prints the time to make the page, its size, and the
medians of: opening it until its first clip is shown, a key press until the next clip is shown, the first search (which
reads all texts), a later one, turning to the table, sorting it by a column of texts, and a jump to its end.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from swift_saber.report.page import write_page
from swift_saber.report.results import read_results
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record
from tests.report.browser import Browser
from tests.report.made import CHINESE, FIELDS, item, write_evaluation

_TIMED = "(() => {{ const begin = performance.now(); {}; return performance.now() - begin; }})()"
_SEARCH = "state.query = {!r}; refresh(); document.body.offsetHeight"


def evaluation(folder: Path, count: int, model: str) -> Path:
    """Write an evaluation of so many clips whose every text is three hundred characters or more."""
    items = []
    for number in range(count):
        base, times = (CHINESE, 30) if number % 3 == 0 else (FIELDS, 10)
        fields = {name: f"{number} {text * times}" for name, text in base.items()}
        reasons = {"judge's reason": "It names the smile, but not the eyes. " * 5}
        group = "inconsistent" if number % 4 == 0 else "consistent"
        response = render(Record(**fields))
        media = {"videos": [f"/clips/{number}.mp4"], "audios": [f"/clips/{number}.wav"]}
        one = item(f"clip{number}", fields, fields, group, response=response, details=reasons, **media)
        items.append(one)
    return write_evaluation(folder / model, items)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folders = [evaluation(Path(name), args.clips, model) for model in ("ours", "base")]
        for count in (1, 2):
            measure(Path(name) / "page.html", folders[:count], args.repeat)


def measure(page: Path, folders: list[Path], repeat: int) -> None:
    """Print the figures of one page."""
    begin = time.monotonic()
    counts = write_page(page, [result for folder in folders for result in read_results(folder)])
    made = time.monotonic() - begin
    opened, stepped, first, later, table, sort, jump = [], [], [], [], [], [], []
    for _ in range(repeat):
        with Browser() as browser:
            browser.look(1280)
            browser.open(page, "#view=clips")
            # The page is built by its last script, so it can be used when the document is.
            opened.append(browser.value("performance.getEntriesByType('navigation')[0].domInteractive"))
            assert browser.texts("#clip h2") == ["clip0"]
            for _ in range(20):
                stepped.append(browser.value(_TIMED.format("step(1); document.body.offsetHeight")))
            first.append(browser.value(_TIMED.format(_SEARCH.format("smile 77"))))
            later.append(browser.value(_TIMED.format(_SEARCH.format("kitchen"))))
            browser.value(_SEARCH.format(""))
            table.append(browser.value(_TIMED.format("turnTo('table'); document.body.offsetHeight")))
            sort.append(browser.value(_TIMED.format("sortBy('id'); document.body.offsetHeight")))
            jump.append(
                browser.value(_TIMED.format("by('grid').scrollTop = 1e9; drawTable(); document.body.offsetHeight"))
            )
    print(f"{counts['clips']} clips, {len(folders)} model(s): made in {made:.1f} s, {page.stat().st_size / 1e6:.1f} MB")
    figures = {"open": opened, "next clip": stepped, "first search": first, "later search": later}
    figures |= {"table": table, "sort": sort, "end of table": jump}
    for name, values in figures.items():
        print(f"  {name:<14} {statistics.median(values):7.0f} ms   worst {max(values):7.0f} ms")


if __name__ == "__main__":
    main()
