"""The zip that Lambda runs: reproducible, complete, and nothing but what the functions need."""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stockctl.deployment.bundle import FOLDERS, bundle
from stockctl.deployment.template import PACKAGE

HANDLERS = (
    "stock_received",
    "stock_expired",
    "stock_updated",
    "post_transaction",
    "post_transactions",
    "post_return",
    "get_stock",
)
IN_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def package(folder: Path, files: dict[str, str]) -> Path:
    """A package `stockctl` of these files, each folder of it a package."""
    for name, text in files.items():
        path = folder / "stockctl" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in [folder / "stockctl", *(folder / "stockctl").rglob("*/")]:
        (path / "__init__.py").touch()
    return folder / "stockctl"


def test_the_same_sources_give_the_same_bytes_wherever_and_whenever_they_were_checked_out(tmp_path: Path) -> None:
    """Neither the folder, nor file times, nor permissions get into the zip."""
    elsewhere = tmp_path / "stockctl"
    shutil.copytree(PACKAGE, elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    for path in elsewhere.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o755)
    assert bundle(elsewhere) == bundle()


def test_another_content_gets_another_key(tmp_path: Path) -> None:
    """The key is what tells CloudFormation that the code has changed."""
    before = bundle(package(tmp_path, {"functions/use.py": "pass\n"}))
    after = bundle(package(tmp_path, {"functions/use.py": "pass  # \n"}))
    assert before.key != after.key


def test_the_bundle_holds_every_handler_and_no_part_of_the_command_line() -> None:
    """Typer, rich and plotext are not in Lambda's runtime, so what imports them must stay out."""
    held = names(bundle().content)
    assert {f"stockctl/functions/{name}.py" for name in HANDLERS} <= set(held)
    assert {name.split("/")[1] for name in held} == {"__init__.py", *FOLDERS}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to import from that has what Lambda's Python runtime has, and nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in IN_THE_RUNTIME:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_imports_from_the_built_zip_where_there_is_only_boto3(
    name: str, runtime: Path, tmp_path: Path
) -> None:
    """In a clean interpreter: no site-packages, no environment, not this folder."""
    archive = tmp_path / "bundle.zip"
    archive.write_bytes(bundle().content)
    program = f"import sys; sys.path[:0] = [{str(archive)!r}, {str(runtime)!r}]\n"
    program += f"from stockctl.functions.{name} import handler\nassert callable(handler)\n"
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        env={"AWS_DEFAULT_REGION": "eu-west-1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
