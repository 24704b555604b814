"""A mail server for the stories: SMTP as a library of others speaks it (aiosmtpd), with what can go wrong on command.

Says the port on its first line, then every mail it took as one line of JSON. Reads commands, one line of JSON each:
{"behave": "up" | "down" | "busy"}. What is refused depends on the recipient's mailbox:

    refused@…   550, for good
    later@…     451, the first time
"""

import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Post:
    """Decides on recipients and tells what came."""

    def __init__(self, options):
        self.options = options
        self.behaviour = "up"
        self.asked_later = set()

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        mailbox = address.split("@", 1)[0]
        if self.behaviour == "busy":
            return "452 4.3.1 Too little room, whisper: secret-of-the-server"
        if mailbox == "refused":
            return "550 5.1.1 Nobody of that name here, whisper: secret-of-the-server"
        if mailbox == "later" and address not in self.asked_later:
            self.asked_later.add(address)
            return "451 4.7.1 Come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Good"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        tell(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "headers": {name: str(value) for name, value in mail.items()},
                "text": mail.get_content(),
                "type": mail.get_content_type(),
                "tls": session.ssl is not None,
                "user": session.auth_data.decode() if session.auth_data else None,
                "raw": envelope.content.decode("latin-1"),
            }
        )
        return "250 2.0.0 Taken"


class Server(SMTP):
    """Hangs up on everybody while it is down."""

    def connection_made(self, transport):
        super().connection_made(transport)
        if self.event_handler.behaviour == "down":
            transport.abort()


def tell(what):
    print(json.dumps(what), flush=True)


def logs_in(options):
    def check(server, session, envelope, mechanism, data):
        if data.login.decode() == options["user"] and data.password.decode() == options["password"]:
            return AuthResult(success=True, auth_data=data.login)
        return AuthResult(success=False, handled=False)

    return check


async def obey(post):
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        post.behaviour = json.loads(line)["behave"]
        tell({"behaves": post.behaviour})


async def main():
    # Broken handshakes are what some stories are about.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
    options = json.loads(sys.argv[1])
    context = None
    if options["security"] != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["certificate"], options["key"])
    post = Post(options)
    more = {}
    if options["security"] == "starttls":
        more = {"tls_context": context, "require_starttls": True}
    if options["user"]:
        more |= {"authenticator": logs_in(options), "auth_required": True, "auth_require_tls": options["security"] == "starttls"}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Server(post, hostname="mail.example", enable_SMTPUTF8=False, **more),
        "127.0.0.1",
        0,
        ssl=context if options["security"] == "tls" else None,
    )
    tell({"port": server.sockets[0].getsockname()[1]})
    # Ends with whoever started it.
    await obey(post)


asyncio.run(main())
