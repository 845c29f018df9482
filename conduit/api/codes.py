"""The codes of requests that fail, and which of them a status has."""

from __future__ import annotations

from typing import Final

from conduit.errors import Code

MALFORMED = Code(
    "CND-2001",
    "a request that cannot be read",
    "The body is not the JSON the route takes, or a header contradicts another. Nothing was done. "
    "`conduit api schema` prints what each route takes.",
)
NOT_AUTHENTICATED = Code(
    "CND-2002",
    "no valid key",
    "The route needs a key and the request has none, or one that is unknown, expired or revoked. Send it as X-API-Key, "
    "or as `Authorization: Bearer KEY`.",
)
FORBIDDEN = Code(
    "CND-2003",
    "not permitted",
    "The caller is known but lacks the permission that is named, or a browser sent the request from another site. "
    "Nothing was done, and the attempt is in the audit trail.",
)
NOT_FOUND = Code(
    "CND-2004",
    "there is no such thing",
    "No route has this path, or nothing of this name is declared. `conduit api routes` lists the routes.",
)
INVALID = Code(
    "CND-2005",
    "an invalid field",
    "A field of the request has a value that conduit does not take. The message names the field and what it takes. "
    "Nothing was done.",
)
CONFLICT = Code(
    "CND-2006",
    "it conflicts with what is there",
    "The name is taken, or another change is in the way. Nothing was done. Look at what is there and decide again.",
)
OUTDATED = Code(
    "CND-2007",
    "the resource changed since it was read",
    "If-Match names a version that is not the present one, so somebody else has edited the manifest in the meantime. "
    "Read it again, and repeat the change on what you find.",
)
NEEDS_VERSION = Code(
    "CND-2008",
    "a change without If-Match",
    "Native routes change a resource only in the version the caller has seen. Read it and send its ETag as If-Match.",
)
TOO_LARGE = Code(
    "CND-2009",
    "a request that is too large",
    "A body may have 1 MiB, a head 16 KiB and 64 headers. Nothing was done.",
)
TOO_MANY = Code(
    "CND-2010",
    "too many requests",
    "One address may send only so many requests in a minute; `api:` in conduit.yaml says how many. Retry-After says "
    "when the next one is answered.",
)
WRONG_HOST = Code(
    "CND-2011",
    "a Host header that is not ours",
    "The API answers only under its own address and the names in `api.hosts`, so that a web page cannot reach it "
    "through a name of its own (DNS rebinding). Add the name there when it is right.",
)
UNAVAILABLE = Code(
    "CND-2012",
    "it cannot be done now",
    "A daemon, a disk or a part of conduit that the request needs does not answer. Nothing was done, or what was done "
    "is told. Try again when the cause in the message is gone.",
)
WRONG_METHOD = Code(
    "CND-2013",
    "the method is not served there",
    "The path exists, but not for this method. The Allow header lists those it takes.",
)

CODES: Final = {
    400: MALFORMED,
    401: NOT_AUTHENTICATED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: WRONG_METHOD,
    409: CONFLICT,
    412: OUTDATED,
    413: TOO_LARGE,
    415: MALFORMED,
    421: WRONG_HOST,
    422: INVALID,
    428: NEEDS_VERSION,
    429: TOO_MANY,
}
"""The code of each status that has no more telling one."""
