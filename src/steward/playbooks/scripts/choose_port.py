"""Runs on the host: prints the port of a release, choosing one that nothing listens on where it has none.

Arguments: the file that remembers it, the first and the last port of the range. Ports that other releases
of this machine remember are left to them.
"""

import pathlib
import socket
import sys

remembered = pathlib.Path(sys.argv[1])
if remembered.exists():
    print("kept", remembered.read_text().strip())
    sys.exit(0)
taken = {path.read_text().strip() for path in remembered.parent.parent.parent.glob("*/env/*.port")}
for port in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            continue
    if str(port) not in taken:
        remembered.write_text(str(port))
        print("chosen", port)
        sys.exit(0)
sys.exit("no port of the range is free")
