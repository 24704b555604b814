"""Tokens, keys and checkpoints, by sections 1 to 3, 8 and 9 of webhooks/README.md."""

import base64
import hashlib
import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SET, MANIFEST, CARD = "secevent+jwt", "jwk-set+jwt", "party-card+jwt"
MAX_TOKEN = 65_536
FIELD = 2**255 - 19
# Under a key of small order one signature fits every message; these are all eight points.
SMALL_ORDER = {
    bytes.fromhex(point)
    for point in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
}


class Refused(Exception):
    """A message that is not taken: the word of the IANA list, and the protocol's own code."""

    def __init__(self, err, code):
        super().__init__(f"{err}/{code}")
        self.err, self.code = err, code


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text):
    """Strict: URL alphabet, no padding, no stray bits at the end."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError("not base64url")
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64(octets) != text:
        raise ValueError("not the one way to write it")
    return octets


def digest(octets):
    return b64(hashlib.sha256(octets).digest())


def strict_object(octets):
    """One JSON object, no member twice, at most 16 deep."""

    def members(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a member twice")
        return dict(pairs)

    def depth(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + max((depth(item) for item in inner), default=0) if isinstance(value, (dict, list)) else 0

    value = json.loads(octets.decode("utf-8"), object_pairs_hook=members)
    if not isinstance(value, dict) or depth(value) > 16:
        raise ValueError("not an object, or too deep")
    return value


def public_key(x):
    """A public key that may be used: canonical, and not of small order."""
    octets = unb64(x)
    if len(octets) != 32 or octets in SMALL_ORDER:
        raise ValueError("not an acceptable key")
    if int.from_bytes(octets, "little") & (2**255 - 1) >= FIELD:
        raise ValueError("not the one way to write the key")
    return Ed25519PublicKey.from_public_bytes(octets)


def thumbprint(x):
    return digest(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode())


def fingerprint(issuer, identity):
    """Eight groups of five digits, to be read aloud."""
    octets = hashlib.sha512(f"tocsin-pairing-v1\n{issuer}\n{identity}".encode()).digest()
    groups = (int.from_bytes(octets[5 * i : 5 * i + 5], "big") % 100_000 for i in range(8))
    return " ".join(f"{group:05}" for group in groups)


def stream_id(sender, receiver):
    return hashlib.sha256(f"{sender}\n{receiver}".encode()).digest()[:16].hex()


class Key:
    """A private key with its public name."""

    def __init__(self):
        self.private = Ed25519PrivateKey.generate()
        self.public_octets = self.private.public_key().public_bytes_raw()
        self.x = b64(self.public_octets)
        self.kid = thumbprint(self.x)

    def token(self, kind, payload):
        head = json.dumps({"alg": "EdDSA", "typ": kind, "kid": self.kid}, separators=(",", ":"))
        signed = f"{b64(head.encode())}.{b64(payload)}"
        return f"{signed}.{b64(self.private.sign(signed.encode()))}"


class Token:
    """A token that keeps the rules of form; nothing in it is believed before `verify`."""

    def __init__(self, octets, kind):
        try:
            parts = octets.decode("ascii").split(".")
            if len(octets) > MAX_TOKEN or len(parts) != 3 or not all(parts):
                raise ValueError("not three parts")
            head, self.payload, self.signature = (unb64(part) for part in parts)
        except ValueError as fault:
            raise Refused("invalid_request", "malformed_token") from fault
        self.octets, self.signed = octets, octets.rsplit(b".", 1)[0]
        try:
            header = strict_object(head)
        except ValueError as fault:
            raise Refused("invalid_request", "bad_header") from fault
        if header.get("alg") not in ("EdDSA", "Ed25519"):
            raise Refused("invalid_request", "bad_algorithm")
        if str(header.get("typ")).lower() != kind:
            raise Refused("invalid_request", "bad_type")
        self.kid = header.get("kid")
        if set(header) != {"alg", "typ", "kid"} or not re.fullmatch(r"[A-Za-z0-9_-]{43}", str(self.kid)):
            raise Refused("invalid_request", "bad_header")

    def object(self):
        return strict_object(self.payload)

    def verify(self, key):
        """Strict: the library refuses S beyond the group order; R of small order is refused here."""
        try:
            if len(self.signature) != 64 or self.signature[:32] in SMALL_ORDER:
                raise InvalidSignature
            key.verify(self.signature, self.signed)
        except InvalidSignature as fault:
            raise Refused("invalid_key", "bad_signature") from fault


class Log:
    """An append-only log with an RFC 6962 tree, signed as a C2SP note."""

    def __init__(self, issuer, key):
        self.origin, self.key, self.leaves = issuer.split("//")[1] + "/log", key, []

    def append(self, octets):
        self.leaves.append(hashlib.sha256(b"\0" + octets).digest())

    def checkpoint(self):
        text = f"{self.origin}\n{len(self.leaves)}\n{base64.b64encode(root(self.leaves)).decode()}\n"
        name = note_key(self.origin, self.key.public_octets)
        signature = base64.b64encode(name + self.key.private.sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {signature}\n"


def root(leaves):
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()


def note_key(origin, public_octets):
    return hashlib.sha256(origin.encode() + b"\n\1" + public_octets).digest()[:4]


def check_checkpoint(note, issuer, keys):
    """Size and root of a checkpoint that one of these log keys signed; `keys` are public octets."""
    origin = issuer.split("//")[1] + "/log"
    text, _, lines = note.partition("\n\n")
    text += "\n"
    stated, size, head = text.splitlines()
    if stated != origin:
        raise ValueError("another log")
    for line in lines.splitlines():
        dash, name, signature = line.split(" ")
        octets = base64.b64decode(signature, validate=True)
        for key in keys if (dash, name) == ("—", origin) else ():
            if octets[:4] == note_key(origin, key):
                Ed25519PublicKey.from_public_bytes(key).verify(octets[4:], text.encode())
                return int(size), base64.b64decode(head, validate=True)
    raise ValueError("no signature of this log")
