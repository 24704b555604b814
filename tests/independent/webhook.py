"""Webhooks by Standard Webhooks 1.0: `v1` with its own library, `v1a` with another."""

import base64
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tokens import SET, Refused, Token

NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")


def by_v1(secret, body, headers):
    """What the published library makes of it."""
    only = " ".join(value for value in headers["webhook-signature"].split() if value.startswith("v1,"))
    try:
        Webhook(secret).verify(body, headers | {"webhook-signature": only})
    except (WebhookVerificationError, ValueError):
        return False
    return True


def by_v1a(key, body, headers):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_"), validate=True))
    for value in headers["webhook-signature"].split():
        version, _, signature = value.partition(",")
        if version == "v1a":
            try:
                public.verify(base64.b64decode(signature, validate=True), signed)
            except (InvalidSignature, ValueError):
                continue
            return True
    return False


def check_webhook(party, body, headers):
    """Both signatures, and that neither holds for anything changed."""
    given = {name: headers.get(name, "") for name in NAMES}
    later = given | {"webhook-timestamp": str(int(given["webhook-timestamp"] or 0) + 1)}
    renamed = given | {"webhook-id": given["webhook-id"] + "x"}
    wrong = "whsec_" + base64.b64encode(bytes(32)).decode()
    secrets, key = party.hook_secrets, party.hook_key
    v1 = [by_v1(secret, body, given) for secret in secrets]
    v1a = key is not None and by_v1a(key, body, given)
    forged = [
        by(secret, other, changed)
        for by, secret in [(by_v1, secret) for secret in secrets] + ([(by_v1a, key)] if key else [])
        for other, changed in ((body + b" ", given), (body, later), (body, renamed))
    ] + [by_v1(wrong, body, given)]
    return {
        "taken": any(v1) and (v1a or key is None), "v1": v1, "v1a": v1a, "forged": any(forged),
        "id": given["webhook-id"], "signatures": len(given["webhook-signature"].split()),
        "body": json.loads(body), "set": check_set(party, body),
    }  # fmt: skip


def check_set(party, body):
    """The message inside is the same that a node would get: its signature holds under the sender's published keys."""
    data = json.loads(body).get("data", {})
    if not isinstance(data, dict) or "set" not in data:
        return None
    try:
        token = Token(data["set"].encode(), SET)
        peer = party.peers[token.object()["iss"]]
        token.verify(peer.key_for_set(token.kid, party.now()))
    except (Refused, KeyError, ValueError) as fault:
        return {"verified": False, "why": repr(fault)}
    return {"verified": True, "claims": token.object()}
