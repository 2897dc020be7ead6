"""How long a reviewer waits for the next clip.

    python tests/benchmarks/review_page.py --clips 2000 --steps 100

Serves so many records of about 2 KB in six dimensions, a third of them Chinese, each with a video file of its own, and
opens the page in a headless Chromium, which must be installed. Prints the time until the first clip is shown, and the
median and the worst of: pressing "next" until the next clip's text is shown and its video can play (readyState of 2 or
more), after a second's look at each; accepting one until the next is there; pressing "next" the moment the clip before
is there; and a jump to a clip far away, which nothing has loaded ahead.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from swift_saber.data.rows import write_rows
from tests.media_faults import encode, frames, sound
from tests.report.browser import Browser
from tests.report.made import CHINESE, FIELDS
from tests.review.served import Served

# From a key until the clip is there: its text in the fields, and a video with a picture.
_TIMED = """new Promise((done) => {{
  const before = state.number, begin = performance.now();
  {};
  const look = () => {{
    const field = document.getElementById("field-video_desc"), video = document.querySelector("#clip video");
    const there = state.number !== before && by("clip").dataset.number === String(state.number) && field && field.value;
    if (there && video && video.readyState >= 2) done(performance.now() - begin);
    else setTimeout(look);
  }};
  look();
}})"""
_KEY = "document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: {!r}, bubbles: true }}))"


def write_records(folder: Path, count: int) -> Path:
    """Write records whose every text is three hundred characters or more, and their clips."""
    encode(folder / "clip.mp4", frames(50).repeat(8, axis=1).repeat(8, axis=2), sound(2))  # of 448 by 448 pixels
    rows = []
    for number in range(count):
        shutil.copy(folder / "clip.mp4", folder / f"{number}.mp4")
        base, times = (CHINESE, 30) if number % 3 == 0 else (FIELDS, 10)
        texts = {name: f"{number} {text * times}" for name, text in base.items()}
        audio = {name: texts.pop(name) for name in ("acoustic_feat", "speech_content")}
        about = {"id": f"clip{number}", "source": "made", "language": "en", "consistency": "consistent"}
        rows.append({**about, "videos": [str(folder / f"{number}.mp4")], "audio_desc": audio, **texts})
    write_rows(folder / "records.jsonl", rows)
    return folder / "records.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = write_records(Path(name), args.clips)
        size = (Path(name) / "0.mp4").stat().st_size
        begin = time.monotonic()
        with Served(path, "-o", Path(name) / "reviews", "--reviewer", "anna") as served, Browser() as browser:
            print(f"{args.clips} clips of {size:,} bytes, {path.stat().st_size / 1e6:.1f} MB of records")
            print(f"  served after   {time.monotonic() - begin:7.1f} s")
            browser.look(1280)
            begin = time.monotonic()
            browser.visit(served.page)
            browser.wait("document.querySelector('#clip video')?.readyState >= 2")
            print(f"  first clip     {1000 * (time.monotonic() - begin):7.0f} ms")
            measure(browser, args.steps)


def measure(browser: Browser, steps: int) -> None:
    """Print the figures."""
    for name, key, look in (("next", "j", 1.0), ("accept", "a", 1.0), ("next, at once", "j", 0.0)):
        found = []
        for _ in range(steps):
            time.sleep(look)
            found.append(browser.value(_TIMED.format(_KEY.format(key))))
        print(f"  {name:<14} {statistics.median(found):7.0f} ms   worst {max(found):7.0f} ms")
    count = browser.value("state.items.length")
    far = [browser.value(_TIMED.format(f"show({(997 * step) % count})")) for step in range(1, 21)]
    print(f"  far away       {statistics.median(far):7.0f} ms   worst {max(far):7.0f} ms")


if __name__ == "__main__":
    main()
