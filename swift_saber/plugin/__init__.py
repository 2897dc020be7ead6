"""The rooms that import ms-swift. The file to give to ms-swift is saber_plugin.py, beside this one."""

from pathlib import Path

PLUGIN_FILE = Path(__file__).with_name("saber_plugin.py")
