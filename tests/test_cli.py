"""The command `reql`: what it says when something is wrong, and how signals end it.

The real command runs in a process of its own and gets real signals, when its output says how far it
has come. Modules put before the real ones make it stay where a signal is to hit it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from rethinkdb import r
from rethinkdb.cli import COMMANDS, main
from rethinkdb.cli.running import module_of, told
from rethinkdb.embedded import Server

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 40

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")

STAYS = "import time\nprint('here', flush=True)\nwhile True: time.sleep(0.05)\n"

LISTENING = "Listening for client driver connections on "


@contextmanager
def started(
    *words: str, code: str | None = None, before: Path | None = None, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """Runs `reql` with these arguments, or a piece of Python.

    Args:
        words: the arguments.
        code: run this instead.
        before: modules in this directory hide others.
        stdout: as of `Popen`.
    """
    command = [sys.executable, *(("-m", "rethinkdb") if code is None else ("-c", code)), *words]
    path = os.pathsep.join([*([str(before)] if before else []), str(ROOT)])
    process = subprocess.Popen(
        command,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        cwd=before or ROOT,
        env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": ""},
        start_new_session=True,  # so that a signal to its group is not one to the tests
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit status and what was on stderr, of the command and of what it has started."""
    _, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, errors


def reached(process: subprocess.Popen[str], text: str) -> str:
    """Waits for a line that begins so; the rest of it."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(text):
            return line.removeprefix(text).strip()
    raise AssertionError(f"it never printed {text!r}: {process.communicate()}")


def to_process(process: subprocess.Popen[str], number: int) -> None:
    process.send_signal(number)


def to_group(process: subprocess.Popen[str], number: int) -> None:
    """As the terminal does on Ctrl-C."""
    os.killpg(process.pid, number)


# -- arguments, and what cannot be done


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nonsense"], 2, "reql: argument command: invalid choice: 'nonsense'"),
        (["rnu", "r.now()"], 2, "you mean"),
        (["serve", "--port", "99999"], 2, "99999 is no port: give a number from 0 to 65535"),
        (["serve", "--port", "-1"], 2, "reql serve: argument --port"),
        (["serve", "--port", "x"], 2, "x is no port"),
        (["serve", "--nonsense"], 2, "reql serve: unrecognized arguments: --nonsense (see reql se"),
        (["serve", "--prot", "3"], 2, "--prot 3. Did you mean --port? (see reql serve --help)"),
        (["demo", "nonsense"], 2, "nonsense"),
        (["serve", "--tls-key", "k"], 2, "reql serve: --tls-key needs --tls-cert"),
        (["serve", "--tls-cert", "missing.pem"], 1, "missing.pem: No such file or directory"),
        (["serve", "--tls-cert", "README.md"], 1, "README.md holds no certificate with its key"),
        (["serve", "--tls-cert", "README.md", "--tls-key", "missing"], 1, "missing: No such file"),
        (["serve", "--tls-cert", "."], 1, ".: Is a directory"),
        (["serve", "--host", "a..b"], 1, "cannot listen on a..b:28015"),
        (["serve", "--host", "192.0.2.1"], 1, "cannot listen on 192.0.2.1:28015 (Cannot assign"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@posix
def test_what_is_wrong_is_said_in_one_line(words: list[str], status: int, said: str) -> None:
    with started(*words) as process:
        exit_status, errors = ended(process)
    assert exit_status == status, errors
    assert errors.count("\n") == 1
    assert errors.startswith("reql")
    assert said in errors


def test_a_port_in_use() -> None:
    with Server() as server, started("serve", "--port", str(server.port)) as process:
        status, errors = ended(process)
    assert status == 1
    address = f"127.0.0.1:{server.port}"
    assert errors.startswith(f"reql serve: The embedded server cannot listen on {address} (")
    assert "Another program listens there. Choose another port; 0 takes a free one." in errors
    assert errors.count("\n") == errors.count(address) == 1


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    one, other = (authority.issue_cert("localhost") for _ in range(2))
    one.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    other.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    files = ["--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem")]
    with started("serve", "--port", "0", *files) as process:
        status, errors = ended(process)
    assert status == 1
    assert "are no certificate and its key, in PEM format" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("command", ["demo", "serve"])  # the others do without any
@pytest.mark.parametrize("missing", ["rich", "sortedcontainers"])
def test_a_missing_extra_is_named(command: str, missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nfrom rethinkdb.cli import main\n"
    asked = [command, *(["--port", "0"] if command == "serve" else [])]
    with started(code=f"{code}print('main', flush=True); sys.exit(main({asked}))") as process:
        if missing == "rich" and command == "serve":
            reached(process, LISTENING)  # it does without
            return
        status, errors = ended(process)
    assert status == 1
    extras = ",".join(module_of(command).EXTRAS)
    assert errors == (
        f"reql {command}: {missing} is not installed. "
        f"Install what this command needs: pip install 'rethinkdb-loops[{extras}]'\n"
    )


@pytest.mark.parametrize("name", ["Server", "Cluster"])
def test_a_program_is_told_of_the_missing_extra(name: str) -> None:
    code = (
        f"import sys; sys.modules['sortedcontainers'] = None; from rethinkdb.embedded import {name}"
    )
    with started(code=code) as process:
        status, errors = ended(process)
    assert status == 1
    assert errors.endswith(
        "ModuleNotFoundError: The embedded server needs sortedcontainers:"
        " pip install 'rethinkdb-loops[embedded]'.\n"
    )


@pytest.mark.parametrize("command", ["demo", "serve"])  # the others do without any
def test_help_needs_no_extra(command: str) -> None:
    code = (
        "import sys\nfor name in ('rich', 'sortedcontainers'): sys.modules[name] = None\n"
        f"from rethinkdb.cli import main; main(['{command}', '--help'])"
    )
    with started(code=code) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert output.startswith(f"usage: reql {command}")


def test_a_mistake_of_our_own_has_a_traceback() -> None:
    code = (
        "import sys; sys.modules['rethinkdb.embedded.server'] = None\n"
        "from rethinkdb.cli import main; main(['serve'])"
    )
    with started(code=code) as process:
        _, errors = ended(process)
    assert "Traceback" in errors
    assert "rethinkdb.embedded.server" in errors


def test_without_a_command_it_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    shown = capsys.readouterr().err
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["demo"], ["--version"]], ids="-".join)
@posix
def test_a_reader_that_has_read_enough_ends_it_quietly(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        with started(*words, stdout=writer) as process:
            status, errors = ended(process)
    finally:
        os.close(writer)
    assert (status, errors) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["demo"], ["--version"]], ids="-".join)
def test_output_that_cannot_be_written_is_an_error(words: list[str]) -> None:
    with open("/dev/full", "w") as full, started(*words, stdout=full.fileno()) as process:
        status, errors = ended(process)
    assert status == 1
    assert errors.count("\n") == 1
    assert "No space left on device" in errors


def test_the_conformance_suite_says_which_loops_there_are() -> None:
    with started(
        code="from rethinkdb.testing.conformance.__main__ import main; main(['x'])"
    ) as tried:
        status, errors = ended(tried)
    assert status == 2
    assert "there is no loop 'x'; choose from blocking, asyncio" in errors
    assert "Traceback" not in errors


def test_the_conformance_suite_says_what_to_install() -> None:
    code = """
import sys
sys.modules["trio"] = None
from rethinkdb.testing.conformance.__main__ import main
sys.exit(main(["trio"]))
"""
    with started(code=code) as tried:
        status, errors = ended(tried)
    assert status == 1
    assert errors == (
        "== trio\nThe loop type `trio` needs trio: pip install 'rethinkdb-loops[trio]'.\n"
    )


@pytest.mark.parametrize(
    ("exc", "text"),
    [
        (OSError(2, "No such file", "a.pem"), "a.pem: No such file"),
        (OSError(98, "Address in use"), "Address in use"),
        (OSError("one\n  two"), "one two"),
        (OSError(), "OSError"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_what_an_exception_says(exc: OSError, text: str) -> None:
    assert told(exc) == text


# -- signals

ENDING = {signal.SIGINT: 130, signal.SIGTERM: 143}
if hasattr(signal, "SIGHUP"):
    ENDING[signal.SIGHUP] = 129


def held_in(directory: Path, module: str) -> Path:
    """A module, or package, of this name that does not return from its import."""
    package = directory / module
    package.mkdir()
    (package / "__init__.py").write_text(STAYS)
    return directory


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize(
    ("command", "module"),
    [("serve", "sortedcontainers"), ("demo", "rich"), ("demo", "sortedcontainers")],
)
@posix
def test_a_signal_while_importing(
    tmp_path: Path, command: str, module: str, number: signal.Signals
) -> None:
    with started(command, before=held_in(tmp_path, module)) as process:
        reached(process, "here")
        process.send_signal(number)
        assert ended(process) == (ENDING[number], "")


@pytest.mark.parametrize("module", ["argparse", "threading"])
@posix
def test_ctrl_c_while_the_command_itself_is_imported(tmp_path: Path, module: str) -> None:
    with started("serve", before=held_in(tmp_path, module)) as process:
        reached(process, "here")
        process.send_signal(signal.SIGINT)
        assert ended(process) == (130, "")


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("send", [to_process, to_group])
@posix
def test_a_signal_ends_the_demo_and_its_programs(
    tmp_path: Path,
    number: signal.Signals,
    send: Callable[[subprocess.Popen[str], int], None],
) -> None:
    """A program that has stalled is what shows whether the end waits for it."""
    with started("demo", before=held_in(tmp_path, "tornado")) as process:
        reached(process, "$ python -m rethinkdb.cli.demos.tornado")
        reached(process, "here")
        send(process, number)
        # Also that nobody is left who holds stderr open.
        assert ended(process) == (ENDING[number], "")


@pytest.mark.parametrize("line", ["connect", "insert", "watch", "$ python"])
@posix
def test_ctrl_c_anywhere_in_the_demo(line: str) -> None:
    with started("demo") as process:
        reached(process, line)
        to_group(process, signal.SIGINT)
        assert ended(process) == (130, "")


@pytest.mark.parametrize("number", ENDING)
@posix
def test_a_signal_stops_the_server(number: signal.Signals) -> None:
    with started("serve", "--port", "0", "--password", "x") as process:
        host, _, port = reached(process, LISTENING).rpartition(":")
        with r.connect(host=host, port=port, password="x") as conn:
            assert r.expr(1).run(conn) == 1
            process.send_signal(number)
            assert ended(process) == (0, "")


@pytest.mark.parametrize("first", ENDING)
@pytest.mark.parametrize("second", ENDING)
@posix
def test_two_signals_close_together_stop_the_server(
    first: signal.Signals, second: signal.Signals
) -> None:
    with started("serve", "--port", "0") as process:
        reached(process, LISTENING)
        process.send_signal(first)
        process.send_signal(second)
        assert ended(process) == (0, "")


@posix
def test_a_storm_of_signals_stops_the_server() -> None:
    with started("serve", "--port", "0") as process:
        reached(process, LISTENING)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
        assert ended(process) == (0, "")


HELD_STOP = """
import time
from rethinkdb.cli import signals
signals._REPEATED_WITHIN = {seconds}
with signals.ended_by_signals(for_good=True), signals.Ending() as ending:
    print("waits", flush=True)
    ending.wait()
    print("stops", flush=True)
    time.sleep(1000)
"""


@posix
def test_a_stop_that_takes_too_long_is_ended_by_one_more_signal() -> None:
    with started(code=HELD_STOP.format(seconds=0)) as process:
        reached(process, "waits")
        process.send_signal(signal.SIGTERM)
        reached(process, "stops")
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (143, "")


@posix
def test_signals_just_before_a_wait_are_not_lost() -> None:
    """Such as come when the main thread is past the last look at signals, and waits already."""
    code = """
import os, signal, threading
from rethinkdb.cli import signals

class Event(threading.Event):
    def wait(self, timeout=None):
        signal.pthread_kill(other.ident, signal.SIGTERM)  # which leaves this thread asleep
        return super().wait(timeout)

reader, _ = os.pipe()
with signals.ended_by_signals(for_good=True), signals.Ending() as ending:
    other = threading.Thread(target=os.read, args=(reader, 1), daemon=True)
    other.start()
    ending._came.__class__ = Event
    ending.wait()
print("ended")
"""
    with started(code=code) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output, errors) == (0, "ended\n", "")


@posix
def test_nohup_is_respected() -> None:
    code = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from rethinkdb.cli import main
main(["serve", "--port", "0"])
"""
    with started(code=code) as process:
        reached(process, LISTENING)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (0, "")


STARTING = """
import signal, subprocess, sys
from rethinkdb.cli import signals

class Popen(subprocess.Popen):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        signal.raise_signal(signal.SIGTERM)  # when nobody has this process yet

subprocess.Popen = Popen
with signals.ended_by_signals(for_good=True):
    with signals.child([sys.executable, "-c", "import time; time.sleep(1000)"]) as process:
        process.wait()
"""


@posix
def test_a_process_that_is_just_starting_is_killed_too() -> None:
    with started(code=STARTING) as process:
        output, errors = process.communicate(timeout=PATIENCE)  # the process would hold these open
    assert (process.returncode, output, errors) == (143, "", "")


@posix
def test_handlers_are_those_of_the_program_again() -> None:
    before = {number: signal.getsignal(number) for number in ENDING}
    with pytest.raises(SystemExit):
        main(["--version"])
    assert {number: signal.getsignal(number) for number in ENDING} == before
