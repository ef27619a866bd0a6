"""Mail: into a folder, into the log, to a real server; and the outbox that sends each at least once."""

from __future__ import annotations

import email
import logging
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.adapters.mail import FolderMailer, LogMailer, Mail, SmtpMailer, mailer
from marketplace.jobs.mail import Written, deliver
from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import OutboxMail
from marketplace.services import outbox
from marketplace.services.outbox import Waiting
from tests.conftest import settings_for
from tests.factories import NOON

LETTER = Mail(7, "li@test.example", "重设密码", "请打开链接：http://127.0.0.1/x\n")


class Inbox(Message):
    """Keeps what a server received."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[email.message.Message] = []

    def handle_message(self, message: email.message.Message) -> None:
        self.received.append(message)


@pytest.fixture
def server() -> Iterator[tuple[Controller, Inbox]]:
    """A mail server on the loopback address."""
    inbox = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield controller, inbox
    controller.stop()


def test_a_folder_keeps_each_mail_as_a_file_that_only_the_owner_reads(tmp_path: Path) -> None:
    FolderMailer(tmp_path / "mail", "huiyong@test.example").send(LETTER)

    kept = tmp_path / "mail" / "000007.eml"
    read = email.message_from_bytes(kept.read_bytes(), policy=policy.default)
    assert (read["To"], read["Subject"]) == ("li@test.example", "重设密码")
    assert read.get_content() == LETTER.text
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_log_does_not_say_what_a_mail_says(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LogMailer().send(LETTER)

    assert "重设密码" in caplog.text
    assert "http" not in caplog.text


def test_a_mail_program_is_told_how_to_end_such_mail(tmp_path: Path) -> None:
    folder = FolderMailer(tmp_path, "huiyong@localhost")
    folder.send(replace(LETTER, off="http://127.0.0.1/mail/off/x"))
    folder.send(replace(LETTER, number=8))

    ended, never = (
        email.message_from_bytes((tmp_path / f"{number:06d}.eml").read_bytes(), policy=policy.default)
        for number in (7, 8)
    )
    assert ended["List-Unsubscribe"] == "<http://127.0.0.1/mail/off/x>"
    assert ended["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert never["List-Unsubscribe"] is None


def test_a_server_receives_chinese_whole(server: tuple[Controller, Inbox], tmp_path: Path) -> None:
    controller, inbox = server
    chosen = replace(settings_for("sqlite://", tmp_path), mail="smtp", smtp_host="127.0.0.1", smtp_port=controller.port)

    mailer(chosen).send(LETTER)

    assert isinstance(mailer(chosen), SmtpMailer)
    [received] = inbox.received
    read = email.message_from_bytes(received.as_bytes(), policy=policy.default)
    assert read["Subject"] == "重设密码"
    assert read.get_content().strip() == LETTER.text.strip()


def posted(session: Session) -> None:
    with transaction(session):
        outbox.post(session, "reset", "li@test.example", "en", {"token": "secret"}, now=NOON)


def written(mail: Waiting) -> Written:
    off = f"/off/{mail.person_id}" if mail.person_id is not None else None
    return Written(f"{mail.kind} in {mail.language}\n\n{mail.values}", off)


class Remembering:
    def __init__(self) -> None:
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> None:
        self.sent.append(mail)


class Broken:
    def send(self, mail: Mail) -> None:
        raise OSError("no route to host")


def test_the_outbox_sends_once_and_forgets_the_secret(session: Session) -> None:
    posted(session)
    post = Remembering()

    first, second = (deliver(session, post, written, now=NOON) for _ in range(2))

    assert (first, second) == (1, 0)
    assert post.sent == [Mail(1, "li@test.example", "reset in en", "{'token': 'secret'}\n")]
    assert session.execute(select(OutboxMail.sent_at, OutboxMail.values)).one() == (NOON, {})


def test_what_could_not_be_sent_is_tried_again(session: Session) -> None:
    posted(session)

    assert deliver(session, Broken(), written, now=NOON) == 0

    assert session.execute(select(OutboxMail.sent_at, OutboxMail.attempts, OutboxMail.last_error)).one() == (
        None,
        1,
        "no route to host",
    )
    assert deliver(session, Remembering(), written, now=NOON) == 0  # not at once
    assert deliver(session, Remembering(), written, now=NOON + timedelta(minutes=1)) == 1


def test_a_mail_outlasts_a_server_that_is_down_for_a_day(session: Session) -> None:
    posted(session)
    for minutes in range(0, 24 * 60, 10):
        deliver(session, Broken(), written, now=NOON + timedelta(minutes=minutes))

    assert deliver(session, Remembering(), written, now=NOON + timedelta(days=1)) == 1


def test_a_mail_that_cannot_be_written_does_not_stop_the_others(session: Session) -> None:
    for _ in range(2):
        posted(session)
    post = Remembering()

    def faulty(mail: Waiting) -> Written:
        if not post.sent and not faults:
            faults.append(mail.kind)
            raise KeyError("name")
        return written(mail)

    faults: list[str] = []

    assert deliver(session, post, faulty, now=NOON) == 1
    assert [mail.number for mail in post.sent] == [2]
    assert session.scalars(select(OutboxMail.attempts).order_by(OutboxMail.id)).all() == [1, 0]
