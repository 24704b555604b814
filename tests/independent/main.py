"""An independent party, written from webhooks/README.md with other libraries than the product's.

It prints its address, card and fingerprint as one line of JSON, then obeys commands, one line of JSON each, and answers each
with one line. It ends when its input does.
"""

import base64
import json
import sys
import threading

import sender
from party import Party
from receiver import fetch_manifest, listen, serve
from tokens import unb64


def obey(party, command):
    do = command["do"]
    if do == "pin":
        peer = party.pin(command["card"], command["digits"])
        fetch_manifest(party, peer)
        return {"manifest_version": peer.manifest["version"]}
    if do == "received":
        return {"received": party.received, "witnesses": party.witnesses}
    if do == "hook":
        party.hook_secrets, party.hook_key = command["secrets"], command.get("key")
        return {}
    if do == "hooks":
        return {"hooks": party.hooks}
    if do == "keys":
        peer = party.peers[command["peer"]]
        return {"webhook_keys": ["whpk_" + base64.b64encode(unb64(key["x"])).decode() for key in peer.listed("webhook")]}
    peer = party.peers[command["peer"]]
    if do == "heartbeat":
        return sender.send(party, peer, sender.heartbeat(party, peer))
    if do == "notify":
        return sender.send(party, peer, sender.notice(party, peer, command["title"]))
    if do == "spoil":
        return sender.spoilt(party, peer, command["how"], sender.notice(party, peer, "A spoilt notice"))
    if do == "repeat":
        again, conflict = sender.repeated(party, peer, command["token"])
        return {"again": again, "conflict": conflict}
    raise ValueError(f"no such command: {do}")


def say(value):
    print(json.dumps(value), flush=True)


def main():
    server = listen()
    issuer = f"http://127.0.0.1:{server.server_address[1]}"
    party = Party(issuer, "Independent Council")
    threading.Thread(target=serve, args=(party, server), daemon=True).start()
    say({"issuer": issuer, "card": party.card(), "fingerprint": party.fingerprint()})
    for line in sys.stdin:
        try:
            say(obey(party, json.loads(line)))
        except Exception as fault:  # noqa: BLE001 - the test reads what went wrong
            say({"fault": repr(fault)})


main()
