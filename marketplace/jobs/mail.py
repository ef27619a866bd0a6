"""Mail of the outbox: written in the reader's language and sent, each at least once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from marketplace.adapters.mail import Mail, Mailer
from marketplace.services import outbox

log = logging.getLogger("marketplace.mail")

Write = Callable[[str, str, Mapping[str, Any]], str]
"""Kind, language and values -> the text of a mail, its subject in the first line."""


def deliver(session: Session, mailer: Mailer, write: Write, *, now: datetime) -> int:
    """Send what waits and return how many were sent; one that cannot be written or sent does not stop the others."""
    sent = 0
    for waiting in outbox.waiting(session, now=now):
        try:
            written = write(waiting.kind, waiting.language, waiting.values)
            subject, _, text = written.strip().partition("\n")
            mailer.send(Mail(waiting.id, waiting.recipient, subject.strip(), text.strip() + "\n"))
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
