"""API keys as they are asked for and as they are told. Pure."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any, Final, TypedDict

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from conduit import grammar
from conduit.api.envelopes import instant
from conduit.identity.keys import LIFE, Made, Wish
from conduit.identity.numbers import number_of
from conduit.identity.permissions import LEVELS, permission
from conduit.providers.self_rows import ApiKey

CENTURY: Final = 36525 * 86400
MANY: Final = 100


def _named(value: Any) -> Any:
    """Take a list of deployments too: a key reaches those as far as its owner does."""
    return dict.fromkeys(value, LEVELS[-1]) if isinstance(value, list) and all(map(_is_text, value)) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _level(text: str) -> str:
    if text not in LEVELS:
        raise ValueError(f"use one of {', '.join(LEVELS)}")
    return text


Permission = Annotated[str, AfterValidator(permission)]
Deployment = Annotated[str, AfterValidator(grammar.name)]
Level = Annotated[str, AfterValidator(_level)]
Network = Annotated[str, AfterValidator(lambda text: str(ip_network(text)))]


class Order(BaseModel):
    """What a key is to be: `expires_in` in seconds, 0 for ever; `deployments` by name, perhaps with a level.

    `addresses` are the addresses and CIDR blocks it may come from.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(min_length=1, max_length=100)
    description: str = Field("", max_length=1000)
    role: str = Field("", max_length=63)
    permissions: tuple[Permission, ...] = Field((), max_length=MANY)
    deployments: Annotated[dict[Deployment, Level], BeforeValidator(_named)] = Field({}, max_length=MANY)
    addresses: tuple[Network, ...] = Field((), max_length=MANY)
    expires_in: int | None = Field(None, ge=0, le=CENTURY)
    user_id: int | None = None

    @property
    def wish(self) -> Wish:
        """What to make."""
        fields = {field: getattr(self, field) for field in Wish._fields if field != "life"}
        return Wish(**fields, life=LIFE if self.expires_in is None else self.expires_in or None)


class KeyView(TypedDict):
    """One key; `key_prefix` is how it begins."""

    id: int
    key_id: str
    user_id: int
    name: str
    description: str
    key_prefix: str
    role: str
    permissions: list[str]
    deployments: list[str]
    addresses: list[str]
    expires_at: str | None
    last_used_at: str | None
    last_used_ip: str
    is_active: bool
    created_at: str | None


class KeyShown(KeyView):
    """A key with its text, which is told once."""

    key: str


class KeyMade(KeyShown):
    """A key that was made, in both forms clients read."""

    api_key: KeyShown
    message: str


class KeyAnswer(TypedDict):
    """One key."""

    api_key: KeyView


class KeyList(TypedDict):
    """Keys, oldest first."""

    api_keys: list[KeyView]


def key_view(key: ApiKey) -> KeyView:
    """Return a key as clients of the documented API read it."""
    return {
        "id": number_of("key", key.id),
        "key_id": key.id,
        "user_id": number_of("user", key.user),
        "name": key.name,
        "description": key.description,
        "key_prefix": key.prefix,
        "role": key.role,
        "permissions": list(key.permissions),
        "deployments": sorted(key.deployments),
        "addresses": list(key.addresses),
        "expires_at": instant(key.expires_at),
        "last_used_at": instant(key.used_at),
        "last_used_ip": key.used_address,
        "is_active": key.active,
        "created_at": instant(key.created_at),
    }


def made_view(made: Made) -> KeyMade:
    """Return a key that was just made."""
    shown: KeyShown = {**key_view(made.key), "key": made.text}
    return {**shown, "api_key": shown, "message": "keep this key now: it is not shown again"}
