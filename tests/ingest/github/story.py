"""A client, its server, its clock and what was seen, told as one story."""

import asyncio
import ssl

from scripted import NOON, TOKEN, Clock, Say, Scripted, Seen, Tokens

from forensics.ingest.github.answer import Server
from forensics.ingest.github.client import Client

RUN = "/repos/o/r/actions/runs/7"
LOGS = f"{RUN}/logs"
DOTCOM = Server("https://api.github.com", "github.com")


def limit(left, resets_in=600, **more):
    return {
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": str(int(NOON) + resets_in),
        "X-RateLimit-Resource": "core",
        **more,
    }


class Story:
    """A client, its server, its clock, and what was seen."""

    def __init__(self, script, *, credential=True, memory=None, environment=None, tls=None, server=None, **settings):
        self.clock, self.seen = Clock(), Seen()
        self.tokens = credential if isinstance(credential, Tokens) else Tokens() if credential else None
        self.script, self.tls, self.server_of = script, tls, server
        self.memory, self.environment, self.settings = memory, environment or {}, settings

    async def __aenter__(self):
        self.server = await Scripted(self.script, self.tls).__aenter__()
        at = self.server_of(self.server) if self.server_of else self.server.server
        policy = self.clock.policy(**self.settings)
        environment = self.environment(self.server) if callable(self.environment) else self.environment
        self.client = Client(at, self.tokens, policy, self.seen, self.memory, environment=environment)
        try:
            await self.client.__aenter__()
        except BaseException:
            await self.server.__aexit__()
            raise
        return self

    async def __aexit__(self, *_):
        await self.client.__aexit__(None, None, None)
        await self.server.__aexit__()

    @property
    def targets(self):
        return [request.target for request in self.server.requests]


def tell(script, act=None, **settings):
    """Run ``act`` (by default, get one run) against ``script``; the story, with what came of it as ``end``."""

    async def run():
        async with Story(script, **settings) as story:
            try:
                story.end = await (act(story) if act else story.client.get(RUN, kind="run"))
            except Exception as error:
                story.end = error
            return story

    story = asyncio.run(run())
    assert_no_secret(story)
    return story


def assert_no_secret(story):
    """Row 56, looked at in every test: no token in any record, wait or error, nor in what an error drags along."""
    texts = [repr(story.seen.records), repr(story.seen.waits)]
    error = story.end if isinstance(story.end, Exception) else None
    assert error is None or (error.__cause__ is None and error.__context__ is None)
    texts += [repr(error), repr(vars(error)) if error else ""]
    assert TOKEN not in "".join(texts)


def errors(story):
    return [record.error for record in story.seen.records]


async def twice(story):
    params = {"per_page": 100, "created": "2026-01-01..*"}
    await story.client.get(RUN, params, kind="run")
    return await story.client.get(RUN, params, kind="run")


async def all_pages(client, path, params=None, check=None):
    return [answer async for answer in client.pages(path, params or {}, kind="runs", check=check)]


def page(*ids, link=None):
    headers = {} if link is None else {"Link": link}
    return Say(body={"workflow_runs": [{"id": one} for one in ids]}, headers=headers)


def context_of(authority, *names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def tell_as_dotcom(authority, script, act=None, proxy=None):
    """As ``tell``, but the story's server is a proxy; it passes CONNECT on to one that is api.github.com by name."""

    async def run():
        with authority.cert_pem.tempfile() as pem:
            async with Scripted(script, context_of(authority, "api.github.com")) as there:
                story = Story(proxy or [Say(tunnel=there.port)], server=lambda _: DOTCOM)
                story.environment = lambda proxy: {
                    "SSL_CERT_FILE": pem,
                    "HTTPS_PROXY": f"http://me:s3cret@127.0.0.1:{proxy.port}",
                }
                async with story:
                    try:
                        story.end = await (act(story) if act else story.client.get(RUN, kind="run"))
                    except Exception as error:
                        story.end = error
                story.there = there
                return story

    story = asyncio.run(run())
    assert_no_secret(story)
    assert "s3cret" not in repr(story.seen.records) + repr(story.end)
    return story
