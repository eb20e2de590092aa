#!/usr/bin/env python3
"""An HTTPS server for the demo and the tests: answers every request and logs it.

`https_server.py ADDRESS CERTIFICATE KEY [GREETING]` listens on a free port of ADDRESS and prints `listening on ADDRESS:PORT`.
"""

import http.server
import ssl
import sys

ADDRESS, CERTIFICATE, KEY = sys.argv[1:4]
GREETING = sys.argv[4] if len(sys.argv) > 4 else "hello from the outside world"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"{GREETING}: {self.command} {self.path} over {self.connection.version()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format, *arguments):
        print(f"{self.client_address[0]}:{self.client_address[1]} {format % arguments}", flush=True)


class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, client_address):
        # The handshake runs on the connection's own thread: a client that never speaks holds up nobody.
        try:
            super().finish_request(context.wrap_socket(request, server_side=True), client_address)
        except OSError as error:
            print(f"{client_address[0]}:{client_address[1]} {error}", flush=True)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server = Server((ADDRESS, 0), Handler)
print(f"listening on {ADDRESS}:{server.server_port}", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
