"""``python -m standin_server`` runs the program."""

import subprocess
import sys

from . import find_binary

sys.exit(subprocess.call([find_binary(), *sys.argv[1:]]))
