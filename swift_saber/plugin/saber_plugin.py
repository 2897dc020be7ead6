"""The file for `swift ... --custom_register_path` (or `--external_plugins`): importing it registers SABER.

    swift sft --custom_register_path swift_saber/plugin/saber_plugin.py --model ... --dataset saber.jsonl

`swift-saber plugin-path` prints where the installed copy is. After the import ms-swift reads SABER rows as a
dataset, fills in the released instruction where a row has none, and names every row that it could not encode.
ms-swift executes this file under a name of its own, maybe more than once and in every dataloader worker, so the
work is done in a normal module that Python imports once.
"""

import sys
from pathlib import Path

try:
    import swift_saber  # noqa: F401
except ModuleNotFoundError:  # a clone that was not installed into this environment
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from swift_saber.plugin import saber_register

saber_register.register()
