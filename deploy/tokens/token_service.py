"""A sample token service for Python 3.8 or newer, without packages: POST /token with the channel as the body answers with a
token that lets the viewer enter it.

TOKEN_SECRET_FILE=/etc/hlsmesh/token-secret python3 token_service.py, with the same file as the tracker's --token-secret-file.
For a site with many viewers, call sign() from your own application instead: http.server is simple, and no more.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VALID_S = 600
MOST_BYTES = 4096

with open(os.environ.get("TOKEN_SECRET_FILE", "token-secret"), "rb") as file:
    SECRET = file.read().strip()
if len(SECRET) < 32:
    raise SystemExit("the secret needs 32 bytes or more")


def viewer_of(headers, channel):
    """The viewer who asks, or None if the channel is not for them. Replace it by your own: look at the session's cookie."""
    found = re.search(r"(?:^|; )viewer=([\w-]+)", headers.get("Cookie", ""))
    return found[1] if found and channel.startswith("https://cdn.example/") else None


def sign(claims):
    """A JWT signed with HS256 (RFC 7515 section 3.1)."""

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    def part(value):
        return encode(json.dumps(value, separators=(",", ":")).encode())

    text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    return (text + b"." + encode(hmac.new(SECRET, text, hashlib.sha256).digest())).decode()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if self.path != "/token" or not length.isdigit():
            return self.answer(404, "not found")
        if int(length) > MOST_BYTES:
            return self.answer(403, "not for you")
        channel = self.rfile.read(int(length)).decode("utf-8", "replace")
        viewer = viewer_of(self.headers, channel)
        if viewer is None:
            return self.answer(403, "not for you")
        claims = {"channel": channel, "sub": viewer, "exp": int(time.time()) + VALID_S}
        self.answer(200, sign(claims))

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8090"))), Handler)
    print(f"http://127.0.0.1:{server.server_port}/token", flush=True)
    server.serve_forever()
