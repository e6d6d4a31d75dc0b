"""A front that speaks TLS before a server that does not, and the authority that vouches for it."""

import contextlib
import socket
import ssl
import threading

import trustme


def _pump(source, target):
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class TlsFront:
    """Takes encrypted connections at `url`, and leads each to `port` of this host."""

    def __init__(self, port, directory):
        authority = trustme.CA()
        self.authority = directory / "authority.pem"
        authority.cert_pem.write_to_path(self.authority)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.connections = 0
        self._port = port
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._lead, args=self._listener.accept()[:1], daemon=True).start()

    def _lead(self, plain):
        with contextlib.suppress(OSError):
            encrypted = self._context.wrap_socket(plain, server_side=True)
            self.connections += 1
            behind = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=_pump, args=(behind, encrypted), daemon=True).start()
            _pump(encrypted, behind)

    def close(self):
        self._listener.close()
