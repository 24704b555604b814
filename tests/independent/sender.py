"""The sending half: heartbeats, notices and what must be refused; each with a look at the receipt that comes back."""

import copy
import datetime
import json
import pathlib
import uuid

from party import NS, VERIFICATION, compact
from receiver import ask
from tokens import SET, Key, Token, b64, digest, stream_id, unb64

GOLDEN = pathlib.Path(__file__).parents[2] / "webhooks" / "tests" / "golden" / "notified.json"


def wire_time(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def heartbeat(party, peer):
    claims = party.claims(peer, None, {"format": "opaque", "id": stream_id(party.issuer, peer.issuer)})
    head = {"seq": peer.sent[0], "payload_sha256": peer.sent[1]}
    body = {"head": head, "checkpoint": party.log.checkpoint()}
    return compact(claims | {"events": {VERIFICATION: body}})


def notice(party, peer, title):
    """A first notice: the published example with our own sequence, checkpoint, clock and title."""
    now, case = party.now(), str(uuid.uuid4())
    body = json.loads(GOLDEN.read_text(encoding="utf-8"))
    number, before = peer.sent
    body |= {"seq": number + 1, "prev": before, "checkpoint": party.log.checkpoint(), "title": title}
    body["clock"] = {"anchor": "aware_of_breach", "at": wire_time(now - 600), "hours": 48}
    body.pop("related_case", None)
    claims = party.claims(peer, case, {"format": "opaque", "id": case}) | {"toe": now}
    return compact(claims | {"events": {NS + "notified": body}})


def push(party, peer, token):
    """Sends it once. Gives the status, the refusal if there is one, and what the receipt says if it is good."""
    began = party.now()
    url = peer.card["receive"]["push"]
    status, headers, body = ask("POST", url, token.encode(), "application/secevent+jwt")
    receipt = headers.get("Security-Event-Receipt")
    answer = {"status": status, "refusal": json.loads(body) if body else None, "receipt": receipt}
    if receipt is not None:
        answer["proven"] = party.check_receipt(peer, receipt.encode(), token, began)
    return answer


def send(party, peer, payload):
    """Signs and sends a message, and counts it when it was taken."""
    token = party.set_key.token(SET, payload)
    party.log.append(token.encode())
    answer = push(party, peer, token)
    [body] = json.loads(payload)["events"].values()
    if "seq" in body and answer["status"] == 202:
        peer.sent = (body["seq"], digest(payload))
    return answer | {"token": token}


def spoilt(party, peer, how, payload):
    """A token that must be refused, for one reason."""
    said = json.loads(payload)
    good = party.set_key.token(SET, payload)
    head, body, signature = good.split(".")

    def changed(change):
        other = copy.deepcopy(said)
        change(other)
        return compact(other)

    def flipped(part):
        octets = bytearray(unb64(part))
        octets[-2] ^= 1
        return b64(bytes(octets))

    title = changed(lambda it: it["events"][NS + "notified"].update(title="Nothing happened"))
    ways = {
        "changed_body": lambda: f"{head}.{b64(title)}.{signature}",
        "changed_signature": lambda: f"{head}.{body}.{flipped(signature)}",
        "strangers_key": lambda: Key().token(SET, payload),
        "log_key": lambda: party.log_key.token(SET, payload),
        "other_audience": lambda: party.set_key.token(SET, changed(lambda it: it.update(aud="https://else.example"))),
        "other_issuer": lambda: party.set_key.token(SET, changed(lambda it: it.update(iss="https://else.example"))),
        "from_the_future": lambda: party.set_key.token(SET, changed(lambda it: it.update(iat=it["iat"] + 3_600))),
        "with_exp": lambda: party.set_key.token(SET, changed(lambda it: it.update(exp=it["iat"] + 60))),
        "unknown_event": lambda: party.set_key.token(
            SET, changed(lambda it: it.update(events={NS + "rumour": it["events"][NS + "notified"]}))
        ),
        "no_kind": lambda: party.set_key.token(
            SET, changed(lambda it: it["events"][NS + "notified"].pop("incident_kind"))
        ),
        "four_parts": lambda: f"{good}.{signature}",
    }
    return push(party, peer, ways[how]())


def repeated(party, peer, token):
    """The same octets again, and the same payload in other octets under the same id."""
    again = push(party, peer, token)
    payload = json.loads(Token(token.encode(), SET).payload)
    payload["toe"] = payload["toe"] - 1
    return again, push(party, peer, party.set_key.token(SET, compact(payload)))
