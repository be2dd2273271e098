"""A witness of the tests' own, written from the text of C2SP tlog-witness; it keeps what it cosigned in a dictionary.

Nothing of the product is imported. Proofs are checked by undoing the recursion of RFC 6962 section 2.1.2.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.naive_tree import split
from tests.support.note_verifier import verified


@dataclass
class NaiveWitness:
    """Where it is, its key, and what it knows. `answer`: what it answers whatever it is asked, to try a client."""

    name: str
    url: str = ""
    trusted: dict[str, str] = field(default_factory=dict)
    known: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    answer: tuple[int, dict[str, str], bytes] | None = None
    requests: list[bytes] = field(default_factory=list)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n\x04" + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([4]) + self.public).decode()}"

    def asked(self, body: bytes) -> tuple[int, str, bytes]:
        """Status, type and body of the answer."""
        try:
            head, checkpoint = body.split(b"\n\n", 1)
            first, *lines = head.decode("ascii").split("\n")
            word, digits = first.split(" ")
            assert word == "old"
            assert digits.isdecimal()
            assert str(int(digits)) == digits
            proof = [base64.b64decode(line, validate=True) for line in lines]
            assert len(proof) <= 63
            text = checkpoint.decode().rsplit("\n\n", 1)[0] + "\n"
            origin, size_line, root_line = text.split("\n")[:3]
            old, size, root = int(digits), int(size_line), base64.b64decode(root_line, validate=True)
        except (ValueError, AssertionError):
            return 400, "text/plain", b""
        if origin not in self.trusted:
            return 404, "text/plain", b""
        try:
            verified(checkpoint, self.trusted[origin])
        except InvalidSignature:
            return 403, "text/plain", b""
        if old > size:
            return 400, "text/plain", b""
        with self.lock:
            last, last_root = self.known.get(origin, (0, hashlib.sha256().digest()))
            if old != last:
                return 409, "text/x.tlog.size", b"%d\n" % last
            if old == size and root != last_root:
                return 409, "text/plain", b""
            if not self.proven(old, last_root, size, root, proof):
                return 422, "text/plain", b""
            self.known[origin] = size, root
        moment = int(time.time())
        made = self.key.sign(b"cosignature/v1\ntime %d\n%s" % (moment, text.encode()))
        encoded = base64.b64encode(self.key_id + moment.to_bytes(8) + made).decode()
        return 200, "text/plain", f"\u2014 {self.name} {encoded}\n".encode()

    def proven(self, old: int, old_root: bytes, size: int, root: bytes, proof: list[bytes]) -> bool:
        """Whether the proof is that of RFC 6962."""
        if old in {0, size}:
            return not proof
        left = list(proof)
        try:
            return self.undone(old, size, left, old_root) == (old_root, root) and not left
        except IndexError:
            return False

    def undone(self, m: int, n: int, proof: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
        """The roots of the first `m` and of all `n` leaves, taking hashes off the end of the proof."""
        if m == n:
            same = known if known is not None else proof.pop()
            return same, same
        k = split(n)
        if m <= k:
            right = proof.pop()
            old, new = self.undone(m, k, proof, known)
            return old, hashlib.sha256(b"\x01" + new + right).digest()
        left = proof.pop()
        old, new = self.undone(m - k, n - k, proof, None)
        return hashlib.sha256(b"\x01" + left + old).digest(), hashlib.sha256(b"\x01" + left + new).digest()


@contextmanager
def naive_witness(name: str = "witness.test/naive") -> Iterator[NaiveWitness]:
    """One that listens, on this machine."""
    witness = NaiveWitness(name)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            witness.requests.append(body)
            status, kind, told = witness.asked(body) if self.path == "/w/add-checkpoint" else (404, "", b"")
            headers = {"Content-Type": kind}
            if witness.answer is not None:
                status, headers, told = witness.answer
            self.send_response(status)
            for header in {**headers, "Content-Length": str(len(told))}.items():
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        witness.url = f"http://127.0.0.1:{server.server_port}/w"
        server.daemon_threads = True  # a client that was not closed holds its thread
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield witness
        server.shutdown()
        thread.join()
