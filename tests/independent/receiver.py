"""The HTTP half: takes pushes, key manifests and webhooks, and answers as sections 6 and 12 of webhooks/README.md say."""

import json
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tokens import MANIFEST, Refused, Token
from webhook import check_webhook

MAX_BODY = 65_536


def ask(method, url, body=b"", media_type=None):
    """One request, straight to the address: no proxies, no redirects. Gives status, headers and body."""
    at = urlsplit(url)
    connection = HTTPConnection(at.hostname, at.port, timeout=30)
    try:
        headers = {"Accept": "application/json"} | ({"Content-Type": media_type} if media_type else {})
        connection.request(method, at.path, body=body or None, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read(MAX_BODY)
    finally:
        connection.close()


def fetch_manifest(party, peer):
    status, _, body = ask("GET", peer.card["serve"]["keys"])
    if status == 200:
        peer.take_manifest(body, party.now())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", media_type=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if media_type:
            self.send_header("Content-Type", media_type)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        party = self.server.party
        documents = {
            "/jwks.jwt": ("application/jwk-set+jwt", party.manifest),
            "/card.jwt": ("application/party-card+jwt", party.card),
        }
        if self.path == "/ssf/events":
            return self.answer(405, Allow="POST")
        if self.path not in documents:
            return self.answer(404)
        media_type, made = documents[self.path]
        return self.answer(200, made().encode(), media_type)

    def do_POST(self):
        length = self.headers.get("Content-Length")
        if length is None or not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(int(length))
        doors = {"/ssf/events": self.event, "/ssf/keys": self.keys, "/webhook": self.webhook}
        door = doors.get(self.path)
        return door(body) if door else self.answer(404)

    def event(self, body):
        media_type = self.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if self.headers.get("Content-Encoding") or media_type != "application/secevent+jwt":
            return self.answer(415)
        party = self.server.party
        try:
            receipt = party.take(body, lambda peer: fetch_manifest(party, peer))
        except Refused as refusal:
            return self.refuse(refusal)
        if receipt is None:
            return self.answer(202)
        return self.answer(202, Security_Event_Receipt=receipt)

    def keys(self, body):
        party = self.server.party
        try:
            said = Token(body, MANIFEST).object()
            peer = party.peers.get(said.get("iss"))
            if peer is None:
                raise Refused("invalid_issuer", "unknown_issuer")
            peer.take_manifest(body, party.now())
        except Refused as refusal:
            return self.refuse(refusal)
        return self.answer(204)

    def refuse(self, refusal):
        said = {"err": refusal.err, "description": "The message was not taken.", "code": refusal.code}
        return self.answer(400, json.dumps(said).encode(), "application/json", Content_Language="en")

    def webhook(self, body):
        party = self.server.party
        with party.lock:
            checked = check_webhook(party, body, self.headers)
            party.hooks.append(checked)
        return self.answer(200 if checked["taken"] else 401)


def serve(party, server):
    server.party = party
    server.serve_forever()


def listen():
    """A server on a free port of loopback."""
    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
