"""Who may sign in: mail addresses, names, passwords, and which roles go together."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from marketplace.domain.errors import Invalid

LEAST_PASSWORD: Final = 8
MOST_PASSWORD: Final = 128
MOST_NAME: Final = 60
MOST_EMAIL: Final = 254

ORGANIZATION_ROLES: Final = ("clerk", "signatory", "weigher")
PLATFORM_ROLES: Final = ("park_administrator", "operator", "auditor")
ALONE: Final = frozenset({"operator", "auditor"})
"""Roles whose holder has no other: who runs the site or examines it takes no part in it."""

_EMAIL: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")

_COMMON: Final = frozenset(
    [
        "12345678",
        "123456789",
        "1234567890",
        "123123123",
        "11111111",
        "00000000",
        "88888888",
        "66666666",
        "87654321",
        "password",
        "password1",
        "password123",
        "passw0rd",
        "p@ssw0rd",
        "qwertyui",
        "qwertyuiop",
        "qwerty123",
        "1qaz2wsx",
        "1q2w3e4r",
        "1q2w3e4r5t",
        "asdfghjk",
        "asdfghjkl",
        "zxcvbnm1",
        "abcd1234",
        "abc12345",
        "a1234567",
        "a12345678",
        "aa123456",
        "aa12345678",
        "admin123",
        "admin888",
        "administrator",
        "iloveyou",
        "woaini1314",
        "5201314520",
        "1314520520",
        "woaini520",
        "wang1234",
        "zhang123",
        "li123456",
        "qq123456",
        "woaiwojia",
        "changeme",
        "letmein1",
        "welcome1",
        "welcome123",
        "sunshine",
        "princess",
        "football",
        "baseball",
        "superman",
        "trustno1",
        "huiyong1",
        "huiyong123",
        "12341234",
        "11223344",
        "12121212",
        "abcdefgh",
        "abcdefg1",
        "147258369",
        "789456123",
        "987654321",
        "qazwsxedc",
        "1234qwer",
        "qwer1234",
        "asdf1234",
        "zaq12wsx",
    ]
)


def digest(token: str) -> str:
    """Return what is kept of a token: enough to know it again, not enough to use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def email_address(text: str, *, field: str | None = None) -> str:
    """Read a mail address as people type it, in lower case. Raises Invalid if it is none."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if len(plain) > MOST_EMAIL or not _EMAIL.fullmatch(plain) or ".." in plain:
        raise Invalid("This is not a mail address. It looks like name@company.example.", field=field)
    return plain


def one_line(text: str, *, most: int = MOST_NAME, field: str | None = None) -> str:
    """Read a name. Raises Invalid if it is empty, too long, or holds a character that cannot be seen."""
    plain = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    if not plain:
        raise Invalid("This is needed.", field=field)
    if len(plain) > most:
        raise Invalid("At most %(most)s characters.", field=field, most=most)
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp", "Cs"} for sign in plain):
        raise Invalid("This text holds characters that cannot be seen. Type it again.", field=field)
    return plain


def new_password(text: str, *, email: str, field: str | None = None) -> str:
    """Return a password that may be chosen. Raises Invalid if it is too short, too long, or the first one to be tried."""
    if len(text) < LEAST_PASSWORD:
        raise Invalid("A password has at least %(least)s characters.", field=field, least=LEAST_PASSWORD)
    if len(text) > MOST_PASSWORD:
        raise Invalid("A password has at most %(most)s characters.", field=field, most=MOST_PASSWORD)
    low = text.lower()
    if low in _COMMON or len(set(low)) < 3:
        raise Invalid("This password is among the first that anybody would try. Choose another.", field=field)
    if low in {email, email.partition("@")[0]}:
        raise Invalid("The password must not be the mail address.", field=field)
    return text


@dataclass(frozen=True)
class NewPerson:
    """Somebody who will sign in."""

    email: str
    name: str
    password: str

    def __post_init__(self) -> None:
        """Read the address and the name, and refuse a password that anybody would try."""
        object.__setattr__(self, "email", email_address(self.email, field="email"))
        object.__setattr__(self, "name", one_line(self.name, field="name"))
        new_password(self.password, email=self.email, field="password")


@dataclass(frozen=True)
class Invitation:
    """Who shall join an organization, and as what."""

    email: str
    role: str
    site_id: int | None = None

    def __post_init__(self) -> None:
        """Read the address; only weighers have a site, and must have one."""
        object.__setattr__(self, "email", email_address(self.email, field="email"))
        place_of_role(self.role, self.site_id)


def place_of_role(role: str, site_id: int | None) -> None:
    """Raise Invalid unless this is a role of an organization, and a weighbridge operator, and nobody else, has a site."""
    if role not in ORGANIZATION_ROLES:
        raise Invalid("Choose one of the roles.", field="role")
    if role == "weigher" and site_id is None:
        raise Invalid("A weighbridge operator belongs to one site. Choose it.", field="site_id")
    if role != "weigher" and site_id is not None:
        raise Invalid("Only a weighbridge operator belongs to one site.", field="site_id")


def goes_with(role: str, held: frozenset[str]) -> bool:
    """
    Return whether somebody who holds these roles may be given this one.

    Who oversees a park acts for no firm in it: a round that the own firm takes part in would be judged in the own cause.

    >>> goes_with("auditor", frozenset({"clerk"})), goes_with("clerk", frozenset({"signatory"}))
    (False, True)
    """
    together = held | {role}
    if len(together) == 1:
        return True
    return not together & ALONE and not ("park_administrator" in together and together & set(ORGANIZATION_ROLES))
