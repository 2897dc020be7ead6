"""The README's picture: a clip of the demo's world whose face and voice conflict, and what the demo's models say of it.

    python tests/benchmarks/conflict_picture.py --demo runs/demo --to recipes/pictures

Writes conflict-light.png and conflict-dark.png. All in them is the demo's own: a frame and the sound of a held-out
clip, the lines that the model wrote after SED and after CA-DPO, and how sed/conclusion.py reads them. Needs a finished
demo (bash shell/demo.sh) and Chromium.
"""

import argparse
import base64
import html
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))
from swift_saber.data.rows import read_rows
from swift_saber.inference.files import record_of
from swift_saber.media.read import open_media
from swift_saber.sed.layout import HEADINGS
from swift_saber.sed.record import CONCLUSION, FACE, VOICE
from tests.report.browser import Browser

WIDTH, HEIGHT = 1200, 436
STAGES = {"sed": "after SED", "ca_dpo": "after CA-DPO"}
_FACES = {"smile": "a smile", "frown": "a frown"}
_BARS = 96
_STYLE = """
:root { --back: #fff; --text: #1c2330; --soft: #5b6577; --line: #dde1e8; --card: #f6f7f9; --seen: #ffe3a6;
  --heard: #cfe3ff; --clash: #a86a00; --bad: #b5482a; --good: #2f7d6d; }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e4e8ef; --soft: #98a2b3; --line: #323a47;
  --card: #161b22; --seen: #5e4a12; --heard: #1f4372; --clash: #f0b94a; --bad: #f0a07a; --good: #53b29c; } }
* { box-sizing: border-box; } h2, p, figure { margin: 0; }
body { margin: 0; padding: 20px; overflow: hidden; background: var(--back); color: var(--text);
  font: 22px/1.4 system-ui, "DejaVu Sans", sans-serif;
  display: grid; grid-template-columns: 280px 1fr 1fr; gap: 20px; align-items: start; }
h2 { display: flex; justify-content: space-between; font-size: 18px; font-weight: 600; color: var(--soft); }
img { width: 280px; height: 280px; border-radius: 10px; display: block; } svg { display: block; margin: 12px 0 6px; }
figcaption, .stage { color: var(--soft); font-size: 19px; }
.card { background: var(--card); border: 2px solid var(--line); border-radius: 12px;
  padding: 14px 20px; height: 396px; }
.conflict { border-color: var(--clash); } .stage { font-weight: 700; } .part { margin-top: 12px; }
.side { border-radius: 5px; padding: 0 10px; color: var(--text); }
.face { background: var(--seen); } .voice { background: var(--heard); }
.end { border-top: 2px solid var(--line); margin-top: 14px; padding-top: 12px; }
.read { display: flex; justify-content: space-between; align-items: center; margin-top: 10px; }
.emotion { font-size: 30px; font-weight: 700; } .wrong { color: var(--bad); } .right { color: var(--good); }
.chip { background: var(--clash); color: var(--back); border-radius: 16px; padding: 2px 16px; font-weight: 700; }
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, default=Path("runs/demo"))
    parser.add_argument("--clip", default="eval-conflict-00000")
    parser.add_argument("--to", type=Path, default=Path("recipes/pictures"))
    args = parser.parse_args()
    rows = {stage: _row(args.demo / stage / "answers.jsonl", args.clip) for stage in STAGES}
    truth = _row(args.demo / "eval.jsonl", args.clip)["labels"]
    args.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, Browser() as browser:
        page = Path(name) / "page.html"
        page.write_text(picture(rows, truth), encoding="utf-8")
        for dark in (False, True):
            browser.look(WIDTH, HEIGHT, dark=dark)
            browser.open(page)
            path = args.to / f"conflict-{'dark' if dark else 'light'}.png"
            browser.picture(path)
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _row(path: Path, name: str) -> dict[str, Any]:
    return next(row for _, row in read_rows(path) if row["id"] == name)


def picture(rows: dict[str, dict[str, Any]], truth: dict[str, Any]) -> str:
    """Return the page that is taken a picture of: the clip, and a card for each model's answer."""
    one = next(iter(rows.values()))
    cards = "".join(_card(STAGES[stage], record_of(row), truth["emotion"]) for stage, row in rows.items())
    media = f'<img src="{_frame(one["videos"][0])}">{_wave(one["audios"][0])}'
    caption = f"<figcaption>{_FACES[truth['face']]}, a {truth['voice']} voice</figcaption>"
    body = f"<figure>{media}{caption}</figure>{cards}"
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style>{body}'


def _card(title: str, record: dict[str, Any], truth: str) -> str:
    parts = [_part(dim, record["fields"][dim], side, record[side]) for dim, side in ((FACE, "face"), (VOICE, "voice"))]
    chip = '<span class="chip">conflict</span>' if record["conflict"] else ""
    kind = "right" if record["emotion"] == truth else "wrong"
    read = f'<p class="read"><span class="emotion {kind}">{record["emotion"]}</span>{chip}</p>'
    end = f'<div class="end">{_part(CONCLUSION, record["fields"][CONCLUSION])}{read}</div>'
    kinds = "card conflict" if record["conflict"] else "card"
    return f'<section class="{kinds}"><p class="stage">{title}</p>{"".join(parts)}{end}</section>'


def _part(dim: str, text: str, kind: str = "", valence: str | None = None) -> str:
    side = f'<span class="side {kind}">{valence or "–"}</span>' if kind else ""
    return f'<div class="part"><h2>{HEADINGS["en"][dim]}{side}</h2><p>{html.escape(text)}</p></div>'


def _frame(path: str) -> str:
    with open_media(path) as container:
        image = next(container.decode(video=0)).to_image()
    data = io.BytesIO()
    image.resize((280, 280), Image.Resampling.BICUBIC).save(data, "PNG")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def _wave(path: str) -> str:
    samples, _ = soundfile.read(path, always_2d=True)
    loud = np.array([np.abs(part).max() for part in np.array_split(samples[:, 0], _BARS)])
    high = 4 + 66 * loud / max(loud.max(), 1e-9)
    bars = "".join(
        f'<rect x="{280 * place / _BARS:.1f}" y="{(72 - height) / 2:.1f}" width="2" height="{height:.1f}"/>'
        for place, height in enumerate(high)
    )
    return f'<svg viewBox="0 0 280 72" width="280" fill="var(--soft)">{bars}</svg>'


if __name__ == "__main__":
    main()
