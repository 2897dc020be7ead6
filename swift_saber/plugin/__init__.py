"""What ms-swift loads, and what that needs; the file to give to ms-swift is saber_plugin.py, beside this one.

Its neighbours are called saber_* too, since ms-swift puts this folder on sys.path: there each is a top-level name, and
an `options.py` or `dataset.py` would be imported for any other module of that name.
"""

from pathlib import Path

PLUGIN_FILE = Path(__file__).with_name("saber_plugin.py")
#: The process id of the command that started ms-swift, which ends when that has ended.
COMMAND = "SABER_COMMAND"
