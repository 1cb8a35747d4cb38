"""Runs on the host: ends with 1 unless a unit runs for some seconds on end. Arguments: the unit, the seconds."""

import subprocess
import sys
import threading

SHOW = ["systemctl", "show", "--property=ActiveState,SubState,NRestarts", sys.argv[1] + ".service"]
for _second in range(int(sys.argv[2])):
    threading.Event().wait(1)
    said = subprocess.run(SHOW, capture_output=True, text=True, check=True).stdout
    if "ActiveState=active" not in said or "SubState=running" not in said:
        sys.exit("it does not keep running: " + " ".join(said.split()))
