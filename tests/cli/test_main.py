"""Exit codes, messages and hints; never a traceback."""

from __future__ import annotations

import ast
import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from string import Formatter

import pytest
from botocore import exceptions as botocore_errors
from botocore.exceptions import BotoCoreError, ClientError

import stockctl.cli
from stockctl.aws.errors import translated
from stockctl.cli.main import run
from stockctl.domain.errors import ExitCode
from stockctl.terminal.environment import Environment
from tests.cli.conftest import Done, Stockctl


def plain(*words: str, **variables: str) -> Done:
    environment = Environment(io.StringIO(), io.StringIO(), io.StringIO(), variables)
    code = run(list(words), environment)
    assert isinstance(environment.stdout, io.StringIO)
    assert isinstance(environment.stderr, io.StringIO)
    return Done(code, environment.stdout.getvalue(), environment.stderr.getvalue())


@pytest.mark.usefixtures("stockctl")
def test_a_missing_stack_is_an_error_that_names_the_command_to_run() -> None:
    done = plain("stock", "--aws", "--stack", "nowhere")
    assert done.code == ExitCode.FAILED
    assert "stockctl deploy" in done.err


def test_missing_credentials_have_their_own_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    done = plain("stock", "--aws")
    assert done.code == ExitCode.CREDENTIALS
    assert "aws configure sso" in done.err


def test_a_target_that_is_neither_local_nor_aws_is_a_usage_error() -> None:
    done = plain("stock", STOCKCTL_TARGET="moon")
    assert done.code == ExitCode.USAGE
    assert "'moon'" in done.err


def test_a_profile_that_is_not_there_is_a_usage_error() -> None:
    done = plain("stock", "--profile", "nobody")
    assert done.code == ExitCode.USAGE
    assert "there is no AWS profile 'nobody'" in done.err


def test_an_invalid_endpoint_url_is_a_usage_error() -> None:
    done = plain("stock", "--endpoint-url", "nonsense")
    assert done.code == ExitCode.USAGE
    assert "'nonsense' is not a URL" in done.err


def test_the_hint_names_the_region_variable_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "set AWS_REGION" in plain("stock", "--aws").err
    done = plain("stock", "--endpoint-url", "http://127.0.0.1:9", AWS_REGION="eu-west-2")
    assert "on AWS eu-west-2" in done.err


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = plain("local", "up", STOCKCTL_HOME=str(tmp_path / "file" / "home"), STOCKCTL_TARGET="local")
    assert done.code == ExitCode.FAILED
    assert "cannot be used: Not a directory" in done.err


def test_a_disk_that_is_full_is_no_defect_of_ours() -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    environment = Environment(io.StringIO(), Full(), io.StringIO(), {})
    assert run(["local", "status"], environment) == ExitCode.FAILED
    assert isinstance(environment.stderr, io.StringIO)
    assert "error: the output cannot be written: No space left on device" in environment.stderr.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="there words never come as bytes")
def test_words_are_utf_8_in_a_c_locale_too() -> None:
    variables = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "stockctl", "use", "crème fraîche"]
    done = subprocess.run(command, env=variables, capture_output=True, check=False)
    assert "\\udc" not in done.stderr.decode()
    assert "missing quantity: write 'cr\\xe8me fra\\xeeche=10'" in done.stderr.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the stream")
def test_a_stream_that_is_closed_takes_the_output() -> None:
    command = ["sh", "-c", '"$0" -m stockctl --version >&-', sys.executable]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


ANSWERED = [
    ("ExpiredToken", "the security token has expired", ExitCode.CREDENTIALS, "sso login"),
    ("InvalidClientTokenId", "no such key", ExitCode.CREDENTIALS, "get-caller-identity"),
    (
        "AccessDenied",
        "User: arn:aws:iam::1:user/x is not authorized to perform: dynamodb:Query on resource: y",
        ExitCode.CREDENTIALS,
        "dynamodb:Query",
    ),
    ("RequestTimeTooSkewed", "", ExitCode.CREDENTIALS, "clock"),
    ("ThrottlingException", "slow down", ExitCode.FAILED, "Try again"),
    ("BadDigest", "", ExitCode.FAILED, "again"),
    ("IncompleteBody", "", ExitCode.FAILED, "again"),
    ("InternalServerError", "", ExitCode.FAILED, "Try again"),
    ("ResourceNotFoundException", "no such table", ExitCode.FAILED, "stockctl deploy"),
    ("ValidationError", "something odd", ExitCode.FAILED, None),
]


@pytest.mark.parametrize(("code", "message", "exit_code", "hint"), ANSWERED, ids=[row[0] for row in ANSWERED])
def test_every_refusal_of_aws_becomes_a_message_a_hint_and_an_exit_code(
    code: str, message: str, exit_code: ExitCode, hint: str | None
) -> None:
    error = translated(ClientError({"Error": {"Code": code, "Message": message}}, "Query"))
    assert error is not None
    assert error.exit_code == exit_code
    assert "Query" in error.message or "clock" in error.message
    assert hint is None or hint in f"{error.message} {error.hint}"


NEVER_ANSWERED: list[tuple[BotoCoreError, ExitCode]] = [
    (botocore_errors.NoCredentialsError(), ExitCode.CREDENTIALS),
    (botocore_errors.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), ExitCode.CREDENTIALS),
    (botocore_errors.CredentialRetrievalError(provider="x", error_msg="y"), ExitCode.CREDENTIALS),
    (botocore_errors.UnauthorizedSSOTokenError(), ExitCode.CREDENTIALS),
    (botocore_errors.SSOTokenLoadError(error_msg="x"), ExitCode.CREDENTIALS),
    (botocore_errors.TokenRetrievalError(provider="sso", error_msg="x"), ExitCode.CREDENTIALS),
    (botocore_errors.ProfileNotFound(profile="x"), ExitCode.USAGE),
    (botocore_errors.NoRegionError(), ExitCode.CREDENTIALS),
    (botocore_errors.EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), ExitCode.FAILED),
    (botocore_errors.ConnectTimeoutError(endpoint_url="http://127.0.0.1:1"), ExitCode.FAILED),
    (botocore_errors.ReadTimeoutError(endpoint_url="http://127.0.0.1:1"), ExitCode.FAILED),
    (botocore_errors.ConnectionClosedError(endpoint_url="http://127.0.0.1:1"), ExitCode.FAILED),
    (botocore_errors.SSLError(endpoint_url="https://127.0.0.1:1", error=OSError("x")), ExitCode.FAILED),
    (botocore_errors.ParamValidationError(report="x"), ExitCode.USAGE),
    (botocore_errors.UnknownServiceError(service_name="x", known_service_names="y"), ExitCode.FAILED),
]


@pytest.mark.parametrize(("error", "exit_code"), NEVER_ANSWERED, ids=[type(row[0]).__name__ for row in NEVER_ANSWERED])
def test_every_failure_on_the_way_to_aws_becomes_one_too(error: BotoCoreError, exit_code: ExitCode) -> None:
    known = translated(error)
    assert known is not None
    assert known.exit_code == exit_code
    assert known.message


def every_class() -> list[type[BotoCoreError]]:
    """All of botocore's errors that are not answers from AWS."""
    found = [each for each in vars(botocore_errors).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, BotoCoreError) and each is not BotoCoreError]


@pytest.mark.parametrize("kind", every_class(), ids=lambda kind: kind.__name__)
def test_no_error_of_botocores_reaches_a_user_as_a_traceback(kind: type[BotoCoreError]) -> None:
    """An instance of each class, with the arguments its message needs."""
    fields = {name for _, name, _, _ in Formatter().parse(kind.fmt) if name}
    known = translated(_made(kind, fields))
    assert known is not None
    assert known.message
    assert known.exit_code in {ExitCode.FAILED, ExitCode.USAGE, ExitCode.CREDENTIALS}
    if kind.__name__.startswith(("SSO", "Login", "Unauthorized", "NoAuth")):
        assert known.exit_code == ExitCode.CREDENTIALS
        assert "sso login" in str(known.hint)


def _made(kind: type[BotoCoreError], fields: set[str]) -> BotoCoreError:
    if issubclass(kind, botocore_errors.WaiterError):
        return kind(name="TableNotExists", reason="Max attempts exceeded", last_response={})
    return kind(**{**dict.fromkeys(fields, "x"), **({"error": OSError("x")} if "error" in fields else {})})


def test_other_errors_are_not_taken_for_awss() -> None:
    assert translated(ValueError("x")) is None


def test_a_defect_of_ours_is_one_line_and_a_way_to_see_more(
    stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("stockctl.operations.stock_table.StockTable.levels", broken)
    done = stockctl("stock")
    assert done.code == ExitCode.FAILED
    assert "boom" in done.err
    assert "--debug" in done.err
    assert "Traceback" not in done.err


WITHOUT_HINT = {"nothing was changed", "nothing was deployed"}
"""Printed after the user has answered no: there is nothing to fix."""


def test_every_error_that_a_command_raises_comes_with_a_hint() -> None:
    bare = []
    for path in Path(stockctl.cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"StockctlError", "UsageError", "Refused"}:
                message = ast.unparse(node.args[0]).strip("'\"")
                if len(node.args) < 2 and message not in WITHOUT_HINT:
                    bare.append(f"{path.name}:{node.lineno} {message}")
    assert bare == []
