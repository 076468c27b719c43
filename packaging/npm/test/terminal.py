"""Runs a command in a pseudo terminal: input is typed into it, output is what it shows."""

import os
import pty
import sys

sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
