"""A run is seen and stopped: by its button without JavaScript, in both languages, and by Ctrl-C on the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from marketplace.cli import rounds as command
from marketplace.domain.rounds import LEASE
from marketplace.jobs import rounds as job_of_rounds
from marketplace.jobs import work
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import Job
from marketplace.persistence.rounds import Round, RoundFile
from marketplace.services import jobs
from marketplace.services.rounds import ask_run
from marketplace.solver import engines
from marketplace.solver.problem import Allocation, Problem
from tests.factories import Make
from tests.integration.services.rounds_world import World, world

Browse = Callable[..., FlaskClient]
SCIPY = engines.engine("scipy")
STOP = {"zh_Hans_CN": "停止本次运行", "en": "Stop this run"}
STOPPED = {
    "zh_Hans_CN": "运行在完成之前被停止，没有结果。",
    "en": "The run was stopped before it had ended. It left no result.",
}
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def made(app_make: Make) -> World:
    return world(app_make)


def asked(made: World) -> tuple[int, int]:
    """A round whose run waits for a worker, and the job."""
    of = made.round()
    job_id = ask_run(made.make.session, made.administrator, of.id, now=datetime.now(UTC))
    return of.id, job_id


def held(app: Flask, job_id: int) -> jobs.Claimed:
    with app.extensions["marketplace"].sessions() as session:
        found = jobs.claim(session, job_id, now=datetime.now(UTC))
    assert found is not None
    return found


def told(app: Flask, by: jobs.Claimed, step: str, done: int, of: int) -> None:
    with app.extensions["marketplace"].sessions() as session:
        jobs.progress(session, by, done, of, None, step=step, now=datetime.now(UTC))


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_the_button_stops_a_run_that_waits_and_says_why_there_is_no_result(
    made: World, browse: Browse, language: str
) -> None:
    round_id, _ = asked(made)
    park = browse(made.make.person("park_administrator", park=made.park).id, language=language)
    url = f"/rounds/{round_id}"
    page = park.get(url).text
    assert f'action="{url}/stop"' in page
    assert STOP[language] in page

    answer = park.post(f"{url}/stop")

    assert (answer.status_code, answer.headers["Location"]) == (303, url)
    page = park.get(url).text
    assert STOPPED[language] in page
    assert f'action="{url}/stop"' not in page
    assert "data-progress" not in page
    assert park.post(f"{url}/stop").status_code == 409
    assert park.post(f"{url}/run").status_code == 303


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_each_step_is_said_with_its_share_and_a_stopped_run_is_said_to_be_so(
    app: Flask, made: World, browse: Browse, language: str
) -> None:
    round_id, job_id = asked(made)
    park = browse(made.make.person("park_administrator", park=made.park).id, language=language)
    url = f"/rounds/{round_id}"
    by = held(app, job_id)
    said = {
        "reading": ("正在读取供货量与可用产能", "Reading what is offered"),
        "joining": ("正在为每个挂牌逐一核对", "Joining each listing"),
        "solving": ("正在求解", "Solving: which tonnes"),
        "proving": ("正在证明", "Proving that no plan is better"),
        "explaining": ("正在说明每项中选", "Explaining each award"),
    }

    for place, (step, texts) in enumerate(said.items()):
        told(app, by, step, 1, 3)
        for page in (park.get(f"{url}/progress").text, park.get(url).text):
            assert texts[language == "en"] in page
            assert "33 %" in page
            assert 'max="100" value="33"' in page
            assert page.partition('class="stages"')[2].count('class="past"') >= place
        assert "data-done" not in park.get(f"{url}/progress").text
    told(app, by, "proving", 0, 0)
    assert "%" not in park.get(f"{url}/progress").text.partition("<progress")[0].rpartition("<p>")[2]
    assert park.post(f"{url}/stop").status_code == 303
    page = park.get(url).text
    assert {"zh_Hans_CN": "正在停止本次运行", "en": "The run is being stopped"}[language] in page
    assert f'action="{url}/stop"' not in page


def test_only_who_may_run_the_round_has_the_button(app: Flask, made: World, browse: Browse) -> None:
    round_id, job_id = asked(made)
    make = made.make
    others = {
        "auditor": make.person("auditor"),
        "plant": make.person("signatory", organization=made.plants[0]),
        "other park": make.person("park_administrator", park=make.park()),
    }

    met = {}
    for name, person in others.items():
        client = browse(person.id, language="en")
        page = client.get(f"/rounds/{round_id}").text
        met[name] = ("Stop this run" in page, client.post(f"/rounds/{round_id}/stop").status_code)

    assert met == {"auditor": (False, 404), "plant": (False, 404), "other park": (False, 404)}
    assert make.session.scalar(select(Job.cancelled_at).where(Job.id == job_id)) is None


def test_a_form_from_elsewhere_stops_nothing(app: Flask, made: World, browse: Browse) -> None:
    round_id, job_id = asked(made)
    park = browse(made.make.person("park_administrator", park=made.park).id)
    app.config["WTF_CSRF_ENABLED"] = True
    page = park.get(f"/rounds/{round_id}").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]

    without = park.post(f"/rounds/{round_id}/stop")
    cancelled = made.make.session.scalar(select(Job.cancelled_at).where(Job.id == job_id))
    within = park.post(f"/rounds/{round_id}/stop", data={"csrf_token": token})

    assert (without.status_code, cancelled) == (400, None)
    assert within.status_code == 303


def test_a_round_whose_worker_died_can_be_run_again_from_its_page(made: World, browse: Browse) -> None:
    of = made.round()
    session = made.make.session
    with transaction(session):
        session.execute(update(Round).values(solving_at=datetime.now(UTC) - 2 * LEASE, attempt=1))
    park = browse(made.make.person("park_administrator", park=made.park).id, language="en")

    page = park.get(f"/rounds/{of.id}").text

    assert "the worker has stopped" in page
    assert f'action="/rounds/{of.id}/run"' in page
    assert "data-progress" not in page
    assert "data-done" in park.get(f"/rounds/{of.id}/progress").text


def test_a_run_from_the_command_line_is_said_to_be_one(made: World, browse: Browse) -> None:
    of = made.round(solving_at=datetime.now(UTC), attempt=1)
    park = browse(made.make.person("park_administrator", park=made.park).id, language="en")

    page = park.get(f"/rounds/{of.id}").text

    assert "Being run from the command line" in page
    assert "Stop this run" not in page


def test_the_command_says_each_step_on_stderr_where_asked(app: Flask, made: World) -> None:
    of, other = made.round(), made.round(number=91)

    shown = app.test_cli_runner().invoke(args=["rounds", "run", str(of.id), "--progress"])
    silent = app.test_cli_runner().invoke(args=["rounds", "run", str(other.id)])

    assert (shown.exit_code, silent.exit_code) == (0, 0), shown.output
    steps = [line for line in shown.stderr.splitlines() if "%" not in line]
    assert steps == list(command.STEPS.values())
    assert "solving: 100 %" in shown.stderr
    assert "awards" in shown.stdout
    assert silent.stderr == ""


def interrupting(then: Callable[[], None]) -> Callable[..., engines.Engine]:
    """Make engines in the middle of which somebody presses Ctrl-C."""

    def solved(problem: Problem, /, *, progress: engines.Progress | None = None) -> Allocation:
        os.kill(os.getpid(), signal.SIGINT)
        then()
        while progress is not None:
            progress(1, 2)
        return SCIPY(problem)

    return lambda *_, **__: solved


def test_ctrl_c_gives_the_round_back(app: Flask, made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    of = made.round()
    monkeypatch.setattr(command, "engine", interrupting(lambda: None))

    stopped = app.test_cli_runner().invoke(args=["rounds", "run", str(of.id)])

    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr == STOPPED["en"] + "\n"
    session = made.make.session
    session.rollback()
    after = session.get_one(Round, of.id, populate_existing=True)
    assert (after.solving_at, after.solved_at, (after.failed_because or {})["text"]) == (None, None, STOPPED["en"])
    assert session.scalars(select(RoundFile.kind)).all() == ["input"]
    assert session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all() == ["round.run", "round.stopped"]
    monkeypatch.setattr(command, "engine", engines.engine)
    assert app.test_cli_runner().invoke(args=["rounds", "run", str(of.id)]).exit_code == 0


class _Left(BaseException):
    """Stands for the end of the process."""


def test_ctrl_c_gives_the_round_back_over_the_head_of_a_run_that_does_not_listen(
    app: Flask, made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = made.round()
    let_go = threading.Event()
    codes = []

    def leave(code: int) -> None:
        codes.append(code)
        raise _Left

    monkeypatch.setattr(command, "engine", interrupting(lambda: let_go.wait() and None))
    monkeypatch.setattr(command, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr("marketplace.cli.rounds.os._exit", leave)

    with pytest.raises(_Left):
        app.test_cli_runner().invoke(args=["rounds", "run", str(of.id)])

    session = made.make.session
    session.rollback()
    after = session.get_one(Round, of.id, populate_existing=True)
    assert (codes, after.solving_at, (after.failed_because or {})["text"]) == ([130], None, STOPPED["en"])
    let_go.set()
    for thread in threading.enumerate():
        if thread.name == f"run-{of.id}":
            thread.join()
    session.rollback()
    assert session.get_one(Round, of.id, populate_existing=True).solved_at is None
    assert session.scalar(select(func.count(RoundFile.id))) == 1


def test_the_setting_reaches_the_command_and_changes_no_figure(app: Flask, made: World) -> None:
    made.plant(kg_per_month=3_000_000)
    made.recycler(price=5000)
    first, second = made.round(), made.round(number=92)
    made.make.session.rollback()
    folder = app.extensions["marketplace"].settings.data_folder
    url = app.extensions["marketplace"].settings.database_url

    said = {}
    for round_id, solver in ((first.id, "core"), (second.id, "processes:2")):
        ran = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "rounds", "run", str(round_id), "--no-progress"],
            cwd=ROOT,
            env=os.environ | {"HUIYONG_DATA": str(folder), "HUIYONG_DATABASE_URL": url, "HUIYONG_SOLVER": solver},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        said[solver] = ran.stdout.partition(":")[2].splitlines()[0]

    assert said["core"] == said["processes:2"]


def test_the_setting_reaches_the_worker(app: Flask, made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, job_id = asked(made)
    parts = app.extensions["marketplace"]
    seen = []

    def engine(name: str, *, spread: object) -> engines.Engine:
        seen.append(type(spread).__name__)
        return SCIPY

    monkeypatch.setattr(job_of_rounds, "engine", engine)
    work.run(parts.sessions, held(app, job_id), work.Tools(parts.sealer, parts.spreads))

    assert seen == ["OneCore"]
