"""One operation of REST: its handler together with all that OpenAPI says of it."""

import asyncio
from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_origin
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from hub.errors import Invalid, NotFound, Unreadable, plain
from hub.formats.parsing import TooDeep, parse_json
from hub.http.access import ACCESS, SAFE_METHODS, Proof, ProofKind, permit
from hub.http.audit import note_write, summary
from hub.http.body import read_body
from hub.http.idempotency import IDEMPOTENCY, Answer
from hub.http.middleware import Handler
from hub.http.rooms import CONFIG, FLEET
from hub.http.slots import SLOTS, send
from hub.model import Device, Principal, Right
from hub.people.rule import Decision, OfDevice, decide

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)

BASE = "/api/v1"
FAULTS_MAX = 20  # named in one answer


class Nothing(BaseModel):
    """No query, or no body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Security(Enum):
    """What an operation wants to be shown."""

    NONE = "none"
    OPERATOR = "operator"  # a token, or a browser's session
    DEVICE = "device"  # an API key


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One request, read and checked: who asks for what."""

    principal: Principal
    proof: Proof
    right: Right | None  # that the operation takes
    request: web.Request
    query: Q
    body: B

    @property
    def app(self) -> web.Application:
        """Where the rooms are, each under its key: see rooms.py."""
        return self.request.app

    @property
    def is_local(self) -> bool:
        """Whether the hub's owner asks, by its Unix socket. Names prove nothing: tokens choose theirs."""
        return self.proof.kind is ProofKind.LOCAL

    def device(self, right: Right | None = None) -> Device:
        """The device in the path. Raises as `look_up`."""
        return self.look_up(self.request.match_info["device_id"], right)

    def look_up(self, device_id: str, right: Right | None = None) -> Device:
        """A device to which the principal may do what the operation does, or what `right` says.

        Raises NotFound, also for one out of sight, and Forbidden.
        """
        devices = self.app[FLEET].devices
        is_read = self.request.method in SAFE_METHODS
        found = devices.known(device_id) if is_read else devices.known(device_id, sources=False)
        if not permit(self.principal, right or self._own_right(), found) or found is None:
            raise NotFound(f"there is no device {device_id!r}")
        return found

    def devices(self) -> list[Device]:
        """All devices, by id, to which the principal may do what the operation does."""
        return [device for device in self.app[FLEET].devices.all() if self.may(self._own_right(), device)]

    def may_see(self, device_id: str) -> bool:
        """Whether there is such a device in sight."""
        return self.may(Right.DEVICES_READ, self.app[FLEET].devices.known(device_id))

    def may(self, right: Right, device: OfDevice | None) -> bool:
        """Whether the principal may do this to the device."""
        return decide(self.principal, right, device) is Decision.ALLOW

    def _own_right(self) -> Right:
        if self.right is None:
            raise TypeError(f"{self.request.path} declares no right, and may not ask for devices")
        return self.right


@dataclass(frozen=True)
class Endpoint:
    """A row of the table in api.py. `answer` None is an answer without content, or not of JSON."""

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    security: Security
    right: Right | None = None  # None: for whoever has shown who they are
    query: type[BaseModel] = Nothing
    body: type[BaseModel] = Nothing
    answer: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    refusals: tuple[HTTPStatus, ...] = ()
    idempotent: bool = False  # whether it takes Idempotency-Key
    media: tuple[str, ...] = ()  # what a good answer may be, where that is not JSON
    body_media: tuple[str, ...] = ()  # what the body may be, where that is not JSON
    whole_hub: bool = False  # whether it concerns more than single devices
    step_up: bool = False  # whether people have to have proved a moment ago who they are
    or_answer: type[BaseModel] | None = None  # with 200, where there is something to say
    only_reads: bool = False  # whatever its method: there is nothing to be noted

    @property
    def takes_readings(self) -> bool:
        """Whether its body is what a format reads: see hub/formats."""
        return self.security is Security.DEVICE and self.method == "POST" and self.body is Nothing

    @property
    def needs_body(self) -> bool:
        """Whether nothing can be done without a body."""
        if self.body is Nothing:
            return bool(self.body_media) or self.takes_readings
        try:
            self.body.model_validate({})
        except ValidationError:
            return True
        return False


def operation(
    method: str,
    path: str,
    serve: Callable[[Call[Any, Any]], Awaitable[BaseModel | None]],
    *,
    tag: str,
    right: Right | None,
    or_right: Right | None = None,
    whole_hub: bool = False,
    query: type[BaseModel] = Nothing,
    body: type[BaseModel] = Nothing,
    answer: type[BaseModel] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    refusals: tuple[HTTPStatus, ...] = (),
    body_max_bytes: int = 0,
    is_dear: bool = False,
    step_up: bool = False,
    only_reads: bool = False,
    made: Callable[[Any], str | None] = lambda _answer: None,
) -> Endpoint:
    """An operation for people and their programs: `serve` gets a call by a principal with this right, or with
    `or_right`: then it looks which part is asked for.

    Its summary is the first line of the docstring of `serve`. A body may have `http.max_body_bytes`, or
    `body_max_bytes` where that is more. What `is_dear` takes one of the places that those who ask share,
    until its answer has left. `step_up` asks people for a proof of a moment ago. `made` says under which
    name what an answer tells of is found below `path`.
    """
    described = Endpoint(
        method,
        path,
        _unserved,
        (serve.__doc__ or "").partition("\n")[0],
        tag,
        Security.OPERATOR,
        right,
        query,
        body,
        answer,
        status,
        refusals,
        idempotent=method == "POST",
        whole_hub=whole_hub,
        step_up=step_up,
        only_reads=only_reads,
    )
    rights = [one for one in (right, or_right) if one is not None]
    handle = _handler(described, serve, rights, body_max_bytes, made)
    return replace(described, handler=_in_turn(handle) if is_dear else handle)


async def _unserved(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound  # until its handler is made


def _handler(
    described: Endpoint,
    serve: Callable[[Call[Any, Any]], Awaitable[BaseModel | None]],
    rights: Sequence[Right],
    body_max_bytes: int,
    made: Callable[[Any], str | None],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Reads the request of an operation, has it served, and writes the answer."""

    async def answer_once(call: Call[Any, Any]) -> Answer:
        found = await serve(call)
        is_new = described.status is HTTPStatus.CREATED
        name = made(found) if is_new else None
        if not described.only_reads:  # here, so that a request that comes again is noted once
            await note_write(call.request, call.principal, summary(call.body), name)
        location = _location(described.path, name) if is_new else None
        return Answer(described.status.value, _written(found), location)

    async def handle(request: web.Request) -> web.Response:
        proof, principal = await request.app[ACCESS].let_in(
            request, *rights, whole_hub=described.whole_hub, step_up=described.step_up
        )
        asked = read_query(request, described.query)
        raw = await read_body(request, max(request.app[CONFIG].http.max_body_bytes, body_max_bytes))
        read = _read_json(raw, described.body)
        call = Call(principal, proof, described.right, request, asked, read)
        if described.idempotent:
            found = await request.app[IDEMPOTENCY].once(request, proof, raw, lambda: answer_once(call))
        else:
            found = await answer_once(call)
        return _response(found)

    return handle


def streamed(
    method: str,
    path: str,
    serve: Callable[[Call[Any, Nothing]], Awaitable[web.StreamResponse | BaseModel]],
    *,
    tag: str,
    right: Right,
    whole_hub: bool = False,
    query: type[BaseModel],
    media: tuple[str, ...],
    answer: type[BaseModel] | None = None,
    body_media: tuple[str, ...] = (),
    refusals: tuple[HTTPStatus, ...] = (),
) -> Endpoint:
    """An operation whose answer is too long to be held: `serve` writes it, and reads the body if any. What
    it returns as `answer` is written here.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        proof, principal = await request.app[ACCESS].let_in(request, right, whole_hub=whole_hub)
        asked = read_query(request, query)
        try:
            found = await serve(Call(principal, proof, right, request, asked, Nothing()))
        except (ConnectionError, asyncio.CancelledError):
            await note_write(request, principal, "broke off")
            raise
        await note_write(request, principal)
        if isinstance(found, web.StreamResponse):
            return found
        return _response(Answer(HTTPStatus.OK.value, _written(found)))

    return Endpoint(
        method,
        path,
        handle,
        (serve.__doc__ or "").partition("\n")[0],
        tag,
        Security.OPERATOR,
        right,
        query,
        answer=answer,
        refusals=refusals,
        media=media,
        body_media=body_media,
        whole_hub=whole_hub,
    )


def _in_turn(handle: Callable[[web.Request], Awaitable[web.Response]]) -> Handler:
    """The handler, one of those that who asks may have at once; its answer is part of that."""

    async def handle_in_turn(request: web.Request) -> web.StreamResponse:
        proof, _ = await request.app[ACCESS].proven(request)
        async with request.app[SLOTS].answers.taken(proof):
            return await send(request, await handle(request))

    return handle_in_turn


def _written(found: BaseModel | None) -> bytes:
    return b"" if found is None else found.model_dump_json(by_alias=True).encode()


def _response(found: Answer) -> web.Response:
    content_type = "application/json" if found.body else None
    headers = {} if found.location is None else {"Location": found.location}
    return web.Response(
        status=found.status, body=found.body or None, content_type=content_type, headers=headers
    )


def _location(path: str, name: str | None) -> str:
    """Where the new thing is (RFC 9110, 10.2.2), relative to the path that was asked: a proxy may put more
    before that. What has no address of its own is found where it was made (15.3.2).
    """
    last = path.rpartition("/")[2]
    return last if name is None else f"{last}/{quote(name)}"


def _is_one_of_several(wanted: type[BaseModel]) -> bool:
    if not issubclass(wanted, RootModel):
        return False
    return get_origin(wanted.model_fields["root"].annotation) in (Union, UnionType)


async def read_json(request: web.Request, wanted: type[B]) -> B:
    """The body of a request of an operation without a principal. Raises Unreadable, Invalid, TooLarge."""
    return _read_json(await read_body(request, request.app[CONFIG].http.max_body_bytes), wanted)


def read_query(request: web.Request, wanted: type[Q]) -> Q:
    """Parameters by name; of one that takes several values, all. Raises Invalid."""
    values: dict[str, object] = {}
    for name in request.query:
        field = wanted.model_fields.get(name)
        several = field is not None and get_origin(field.annotation) is list
        values[name] = request.query.getall(name) if several else request.query[name]
    return _checked(wanted, values)


def _read_json(raw: bytes, wanted: type[B]) -> B:
    if wanted is Nothing:
        return wanted()  # a body that nobody asked for is not looked at
    try:
        parsed = parse_json(raw, constants=False) if raw.removeprefix(BOM_UTF8) else {}
    except TooDeep as error:
        raise Invalid(f"objects and arrays lie too deep in each other: {error}") from error
    except ValueError as error:
        raise Unreadable(f"the body is not JSON: {error}") from error
    return _checked(wanted, parsed)


_M = TypeVar("_M", bound=BaseModel)


def _checked(wanted: type[_M], values: object) -> _M:
    try:
        return wanted.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)[:FAULTS_MAX]
        # A model that is one of several puts the name of the one it tried first; no sender knows that name.
        skipped = 1 if _is_one_of_several(wanted) else 0
        paths = [".".join(str(part) for part in fault["loc"][skipped:]) for fault in faults]
        messages = [
            f"{path or 'the body'}: {plain(fault['msg'])}" for path, fault in zip(paths, faults, strict=True)
        ]
        raise Invalid("; ".join(messages), paths[0] or None) from error
