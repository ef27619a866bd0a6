"""Mail: into a folder by default, into the log, or to a server."""

from __future__ import annotations

import logging
import os
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Protocol

log = logging.getLogger("marketplace.mail")

SERVER_SECONDS = 20


@dataclass(frozen=True)
class Mail:
    """One mail, as its reader sees it; ``number`` makes its id, so that a second sending is known as the same mail."""

    number: int
    recipient: str
    subject: str
    text: str
    off: str | None = None
    """The address with which its reader ends such mail, RFC 8058; none where it is always sent."""


class Mailer(Protocol):
    """Sends mail. Raises OSError if that did not work; it is tried again."""

    def send(self, mail: Mail) -> None:
        """Send one mail."""


class MailSettings(Protocol):
    """What this module reads of the settings."""

    @property
    def mail(self) -> str:
        """See `Settings`."""

    @property
    def mail_from(self) -> str:
        """See `Settings`."""

    @property
    def smtp_host(self) -> str:
        """See `Settings`."""

    @property
    def smtp_port(self) -> int:
        """See `Settings`."""

    @property
    def smtp_user(self) -> str:
        """See `Settings`."""

    @property
    def smtp_password(self) -> str:
        """See `Settings`."""

    @property
    def data_folder(self) -> Path:
        """See `Settings`."""


def mailer(settings: MailSettings) -> Mailer:
    """Return the mailer that the settings name."""
    if settings.mail == "smtp":
        return SmtpMailer(settings)
    if settings.mail == "log":
        return LogMailer()
    return FolderMailer(settings.data_folder / "mail", settings.mail_from)


def message(mail: Mail, sender: str) -> EmailMessage:
    """Return a mail as it goes over the wire."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, mail.recipient, mail.subject
    made["Date"] = formatdate(localtime=False)
    made["Message-ID"] = make_msgid(idstring=f"outbox-{mail.number}", domain=sender.partition("@")[2] or "localhost")
    if mail.off is not None:
        made["List-Unsubscribe"] = f"<{mail.off}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(mail.text)
    return made


class FolderMailer:
    """Writes each mail as a file, for a site without a mail server: the operator hands the links out."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder, self._sender = folder, sender

    def send(self, mail: Mail) -> None:
        """Write the mail; the same mail again overwrites itself."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{mail.number:06d}.eml"
        written = bytes(message(mail, self._sender))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(written)


class LogMailer:
    """Says in the log that there was a mail, without what it says: a link is a key."""

    def send(self, mail: Mail) -> None:
        """Log the mail."""
        log.info("mail %s: %r, not sent", mail.number, mail.subject)


class SmtpMailer:
    """Hands mail to a server."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def send(self, mail: Mail) -> None:
        """Send; STARTTLS where the server offers it."""
        chosen = self._settings
        with smtplib.SMTP(chosen.smtp_host, chosen.smtp_port, timeout=SERVER_SECONDS) as server:
            if server.has_extn("starttls") or (server.ehlo() and server.has_extn("starttls")):
                server.starttls()
                server.ehlo()
            if chosen.smtp_user:
                server.login(chosen.smtp_user, chosen.smtp_password)
            server.send_message(message(mail, chosen.mail_from))
