"""A wire between a browser and a server that can be cut, or swallow what goes through it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Wire:
    """Passes connections to 127.0.0.1:`port` on; `url` is its own end."""

    def __init__(self, port: int):
        self.target, self.ends, self.dead = port, [], False
        self.door = self._open(0)
        self.port = self.door.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def _open(self, port: int) -> socket.socket:
        door = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._take, args=(door,), daemon=True).start()
        return door

    def _take(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = door.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self.target)) as far:
            self.ends += [near, far]
            back = threading.Thread(target=self._pass, args=(far, near), daemon=True)
            back.start()
            self._pass(near, far)
            back.join()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(2**16):
                if not self.dead:
                    other.sendall(data)
        self._break(one, other)

    @staticmethod
    def _break(*ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def swallow(self) -> None:
        """From now on nothing arrives, and nobody is told."""
        self.dead = True

    def cut(self) -> None:
        """Every connection breaks, and no new one is taken."""
        self._break(self.door, *self.ends)
        self.door.close()
        self.ends.clear()

    def mend(self) -> None:
        """New connections pass again."""
        self.dead = False
        self.door = self._open(self.port)
