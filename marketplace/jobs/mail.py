"""Mail of the outbox: written in the reader's language and sent, each at least once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from marketplace.adapters.mail import Mail, Mailer
from marketplace.services import outbox
from marketplace.services.outbox import Waiting

log = logging.getLogger("marketplace.mail")


@dataclass(frozen=True)
class Written:
    """The text of a mail, its subject in the first line; ``off`` is the address with which its reader ends such mail."""

    text: str
    off: str | None = None


Write = Callable[[Waiting], Written]
"""A mail that waits -> what it says."""


def deliver(session: Session, mailer: Mailer, write: Write, *, now: datetime) -> int:
    """Send what waits and return how many were sent; one that cannot be written or sent does not stop the others."""
    sent = 0
    for waiting in outbox.waiting(session, now=now):
        try:
            written = write(waiting)
            subject, _, text = written.text.strip().partition("\n")
            mailer.send(Mail(waiting.id, waiting.recipient, subject.strip(), text.strip() + "\n", written.off))
        except OSError as error:
            log.warning("mail %s could not be sent: %s", waiting.id, error)
            outbox.failed(session, waiting.id, str(error))
            continue
        except Exception as defect:
            session.rollback()
            log.exception("mail %s could not be written", waiting.id)
            outbox.failed(session, waiting.id, repr(defect))
            continue
        outbox.sent(session, waiting.id, now=now)
        sent += 1
    return sent
