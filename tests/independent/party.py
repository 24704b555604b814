"""A party: its keys, its card, whom it is paired with, and what it has received and sent."""

import json
import threading
import time
import uuid

from tokens import CARD, MANIFEST, SET, Key, Log, Refused, Token, check_checkpoint, digest, fingerprint, public_key
from tokens import stream_id, thumbprint, unb64

NS = "urn:tocsin:breach:1:"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
SEQUENCED = {NS + word for word in ("notified", "updated", "withdrawn", "acknowledged", "message", "filed")}
RECEIPT = NS + "receipt"
SKEW = 300


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def require(holds, err="invalid_request", code="bad_claim"):
    if not holds:
        raise Refused(err, code)


class Peer:
    """Another party: the identity key that was compared, and its list of keys."""

    def __init__(self, card):
        self.issuer, self.card = card["iss"], card
        self.identity = public_key(card["identity_key"]["x"])
        self.identity_kid = thumbprint(card["identity_key"]["x"])
        self.manifest, self.manifest_octets = None, None
        self.head, self.held, self.seen_ids, self.seen_numbers = (0, None), {}, {}, {}
        self.sent, self.witnessed = (0, None), (0, None)

    def take_manifest(self, octets, now):
        """The rules of section 2; on any failure the old list stays."""
        token = Token(octets, MANIFEST)
        require(token.kid == self.identity_kid, "invalid_key", "unknown_key")
        token.verify(self.identity)
        said = token.object()
        require(said["iss"] == self.issuer and said["iat"] <= now + SKEW and 1 <= len(said["keys"]) <= 100)
        for key in said["keys"]:
            public_key(key["x"])
            require(key["kid"] == thumbprint(key["x"]) and "d" not in key)
            require((key["kty"], key["crv"], key["use"]) == ("OKP", "Ed25519", "sig") and key["alg"] in ("EdDSA", "Ed25519"))
            require(key["nbf"] < key["exp"] <= key["nbf"] + 400 * 86_400)
        if self.manifest is not None:
            if octets == self.manifest_octets:
                return
            require(said["version"] > self.manifest["version"])
            now_listed = {key["kid"]: key for key in said["keys"]}
            for old in self.manifest["keys"]:
                new = now_listed.get(old["kid"])
                require(new is not None and new["x"] == old["x"] and new["nbf"] == old["nbf"])
                require(new["exp"] <= old["exp"] and not ("revoked" in old and "revoked" not in new))
        self.manifest, self.manifest_octets = said, octets

    def listed(self, purpose):
        keys = self.manifest["keys"] if self.manifest else []
        return [key for key in keys if key.get("node_use", "set") == purpose]

    def key_for_set(self, kid, now):
        for key in self.listed("set"):
            if key["kid"] == kid:
                require("revoked" not in key, "invalid_key", "key_revoked")
                require(now >= key["nbf"] - SKEW, "invalid_key", "key_not_yet_valid")
                require(now <= key["exp"] + SKEW, "invalid_key", "key_expired")
                return public_key(key["x"])
        raise Refused("invalid_key", "unknown_key")

    def witness(self, note):
        """A checkpoint that contradicts an earlier one is proof against its maker. It never refuses a message."""
        size, root = check_checkpoint(note, self.issuer, [unb64(key["x"]) for key in self.listed("log")])
        known_size, known_root = self.witnessed
        if size < known_size or (size == known_size and root != known_root):
            raise ValueError("the log was rewritten")
        self.witnessed = (size, root)


class Party:
    """One party. Everything shared between threads is behind `lock`."""

    def __init__(self, issuer, name):
        self.issuer, self.name, self.lock = issuer, name, threading.RLock()
        self.identity, self.set_key, self.log_key = Key(), Key(), Key()
        self.log = Log(issuer, self.log_key)
        self.peers, self.received, self.witnesses, self.hooks = {}, [], [], []
        self.hook_secrets, self.hook_key = [], None
        self.log.append(self.manifest().encode())

    def now(self):
        return int(time.time())

    def fingerprint(self):
        return fingerprint(self.issuer, self.identity.kid)

    def card(self):
        said = {
            "iss": self.issuer, "iat": self.now(), "version": 1, "name": self.name,
            "identity_key": {"kty": "OKP", "crv": "Ed25519", "x": self.identity.x},
            "receive": {"push": f"{self.issuer}/ssf/events"}, "serve": {"keys": f"{self.issuer}/jwks.jwt"},
            "contacts": [{"role": "data_protection_officer", "phone": "+44 20 7946 0000"}],
        }  # fmt: skip
        return self.identity.token(CARD, compact(said))

    def manifest(self):
        from_now = self.now() - 3_600
        keys = [
            {"kty": "OKP", "crv": "Ed25519", "x": key.x, "kid": key.kid, "use": "sig", "alg": "EdDSA",
             "node_use": purpose, "iat": from_now, "nbf": from_now, "exp": from_now + 300 * 86_400}
            for key, purpose in ((self.set_key, "set"), (self.log_key, "log"))
        ]  # fmt: skip
        if not hasattr(self, "signed_manifest"):
            said = {"iss": self.issuer, "iat": self.now(), "version": 1, "keys": keys}
            self.signed_manifest = self.identity.token(MANIFEST, compact(said))
        return self.signed_manifest

    def pin(self, card, digits):
        """Takes a card whose fingerprint was given another way."""
        token = Token(card.encode(), CARD)
        said = token.object()
        token.verify(public_key(said["identity_key"]["x"]))
        require(token.kid == thumbprint(said["identity_key"]["x"]))
        if digits != fingerprint(said["iss"], token.kid):
            raise ValueError("not the digits of this card")
        peer = Peer(said)
        self.peers[peer.issuer] = peer
        return peer

    def judge(self, token, fetch):
        """Steps 6 to 13 and 15 of section 6. Gives the peer, the claims, the event's name and its body."""
        now = self.now()
        try:
            said = token.object()
        except ValueError as fault:
            raise Refused("invalid_issuer", "unknown_issuer") from fault
        peer = self.peers.get(said.get("iss"))
        require(peer is not None, "invalid_issuer", "unknown_issuer")
        if token.kid not in [key["kid"] for key in peer.listed("set")]:
            fetch(peer)
        token.verify(peer.key_for_set(token.kid, now))
        require(said.get("aud") in (self.issuer, [self.issuer]), "invalid_audience", "wrong_audience")
        require(not {"exp", "nbf", "sub"} & set(said))
        require(type(said.get("iat")) is int and said["iat"] >= 0)
        require(said["iat"] <= now + SKEW, code="issued_in_future")
        require(str(uuid.UUID(said["jti"])) == said["jti"])
        subject = said.get("sub_id", {})
        require(subject.get("format") == "opaque" and isinstance(said.get("events"), dict) and len(said["events"]) == 1)
        [(name, body)] = said["events"].items()
        if name == VERIFICATION:
            require("txn" not in said and subject.get("id") == stream_id(peer.issuer, self.issuer))
        else:
            require(said.get("txn") == subject.get("id"))
        return peer, said, name, body

    def take(self, octets, fetch):
        """Stores a message and gives its receipt; the same one for every repeat. `None` for a receipt."""
        token = Token(octets, SET)
        with self.lock:
            peer, said, name, body = self.judge(token, fetch)
            known = peer.seen_ids.get(said["jti"])
            if known is not None:
                require(known[0] == token.payload, code="jti_conflict")
                return known[1]
            require(name in SEQUENCED | {VERIFICATION, RECEIPT}, code="unknown_event")
            if name == RECEIPT:
                return None
            number = body.get("seq") if name in SEQUENCED else None
            if name in SEQUENCED:
                require(type(number) is int and number >= 1 and "prev" in body and "checkpoint" in body, code="bad_event")
                require(number not in peer.seen_numbers, code="seq_conflict")
            self.witness(peer, body)
            receipt = self.receipt(peer, token, said, number, body)
            peer.seen_ids[said["jti"]] = (token.payload, receipt)
            self.log.append(octets)
            self.log.append(receipt.encode())
            self.received.append({"token": octets.decode(), "event": name, "claims": said, "receipt": receipt})
            return receipt

    def witness(self, peer, body):
        try:
            peer.witness(body["checkpoint"])
            self.witnesses.append("good")
        except Exception as fault:  # noqa: BLE001 - whatever is wrong with it, the message is taken
            self.witnesses.append(f"bad: {fault!r}")

    def receipt(self, peer, token, said, number, body):
        chain = "ok"
        if number is not None:
            before = peer.seen_numbers.get(number - 1)
            if number > 1 and before is None:
                chain = "gap"
            elif before != body["prev"]:
                chain = "broken"
            peer.seen_numbers[number] = digest(token.payload)
            if number > peer.head[0]:
                peer.head = (number, digest(token.payload))
        of = {"iss": said["iss"], "jti": said["jti"]} | ({"seq": number} if number is not None else {})
        answer = {
            "of": of, "set_sha256": digest(token.octets), "status": "stored", "chain": chain,
            "head": {"seq": peer.head[0], "payload_sha256": peer.head[1]}, "checkpoint": self.log.checkpoint(),
        }  # fmt: skip
        missing = [n for n in range(1, peer.head[0]) if n not in peer.seen_numbers][:100]
        if missing:
            answer["missing"] = missing
        claims = self.claims(peer, said.get("txn"), said["sub_id"]) | {"toe": self.now() + 1}
        return self.set_key.token(SET, compact(claims | {"events": {RECEIPT: answer}}))

    def claims(self, peer, case, subject):
        claims = {"iss": self.issuer, "aud": peer.issuer, "iat": self.now(), "jti": str(uuid.uuid4())}
        if case is not None:
            claims["txn"] = case
        return claims | {"sub_id": subject}

    def check_receipt(self, peer, octets, sent, began):
        """The rules of section 7, for a message that was sent just now."""
        token = Token(octets, SET)
        token.verify(peer.key_for_set(token.kid, self.now()))
        said = token.object()
        [(name, body)] = said["events"].items()
        mine = Token(sent.encode(), SET).object()
        assert name == RECEIPT, "not a receipt"
        assert said["iss"] == peer.issuer and said["aud"] == self.issuer, "another's receipt"
        assert (body["of"]["iss"], body["of"]["jti"]) == (self.issuer, mine["jti"]), "for another message"
        assert body["set_sha256"] == digest(sent.encode()), "for other octets"
        assert body["status"] == "stored", "not stored"
        assert began - SKEW <= said["toe"] <= self.now() + SKEW, "an impossible moment"
        peer.witness(body["checkpoint"])
        return body
