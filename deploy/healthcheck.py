"""Exit 0 when the web server of this container answers /healthz or /readyz with 200."""

from __future__ import annotations

import http.client
import os
import sys

path = sys.argv[1] if len(sys.argv) > 1 else "healthz"
# A request by address would be refused: the portal answers to its own names only.
host = os.environ.get("BUREAU_ALLOWED_HOSTS", "localhost").split(",")[0].strip()
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
try:
    connection.request("GET", f"/{path}", headers={"Host": host})
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"{path}: {error}")
sys.exit(0 if status == 200 else f"{path}: {status}")
