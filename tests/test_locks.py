"""What is installed is what is locked, what is locked is asked for, and what is asked for has its reason.

No network is needed for any of this. Whether a locked version has known faults is asked by ``make audit-deps``, of a
service; that it never takes silence for a good answer is held here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = ("bootstrap", "run", "dev", "audit")
OWN = canonicalize_name(PROJECT["project"]["name"])
OF_A_VENV = {"pip", "setuptools"}
"""What Python itself puts into a new environment."""


@dataclass(frozen=True)
class Locked:
    """A requirement of a lock, its hashes, and the names of what wants it."""

    wanted: Requirement
    hashes: list[str]
    via: list[str]

    @property
    def version(self) -> str:
        (one,) = self.wanted.specifier
        return one.version

    @property
    def here(self) -> bool:
        """Whether this machine and Python want it."""
        return self.wanted.marker is None or self.wanted.marker.evaluate()


def locked(name: str) -> dict[str, Locked]:
    """The requirements of a lock by their canonical names; every line is accounted for."""
    found: dict[str, Locked] = {}
    lines = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").splitlines()
    for block in re.split(r"\n(?=[A-Za-z0-9])", "\n".join(line for line in lines if not line.startswith("#"))):
        head, *rest = (line.strip() for line in block.splitlines() if line.strip())
        one = Requirement(head.rstrip("\\ "))
        hashes = [match[1] for line in rest if (match := re.fullmatch(r"--hash=sha256:([0-9a-f]{64})( \\)?", line))]
        notes = [line.removeprefix("#").strip() for line in rest if line.startswith("#")]
        assert len(hashes) + len(notes) == len(rest), f"{name}: a line that is neither hash nor note in {block!r}"
        assert canonicalize_name(one.name) not in found, f"{name}: {one.name} twice"
        found[canonicalize_name(one.name)] = Locked(one, hashes, [re.sub(r"^via\s*", "", note) for note in notes])
    return found


def wanted() -> Iterator[tuple[str, str]]:
    """Everything that pyproject.toml asks for, with where it does."""
    project = PROJECT["project"]
    groups = {
        "dependencies": project["dependencies"],
        **project["optional-dependencies"],
        **PROJECT["dependency-groups"],
    }
    for place, requirements in groups.items():
        for one in requirements:
            if isinstance(one, str) and not one.startswith(f"{OWN}["):
                yield place, one


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_of_a_lock_is_one_version_with_its_hashes(name: str) -> None:
    requirements = locked(name)
    assert requirements
    for one in requirements.values():
        assert [part.operator for part in one.wanted.specifier] == ["=="], one
        assert "*" not in one.version
        assert one.wanted.url is None
        assert one.hashes, one
        assert len(one.hashes) == len(set(one.hashes))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_index_and_nothing_outside_it(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    assert not re.search(r"https?://|file:|git\+|^\s*-(?!-hash=)|--(?!hash=)", text, re.MULTILINE)


def test_the_locks_agree_on_every_version_and_the_development_set_holds_the_other() -> None:
    run, dev = locked("run"), locked("dev")
    assert {name: one.version for name, one in run.items()} == {name: dev[name].version for name in run}
    assert all(set(one.hashes) == set(dev[name].hashes) for name, one in run.items())


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_is_locked_that_nobody_asks_for(name: str) -> None:
    requirements = locked(name)
    asked = {canonicalize_name(Requirement(one).name) for _, one in wanted()}
    for one, found in requirements.items():
        names = [part.split("[")[0] for part in found.via if part and not part.startswith(("-c", "pyproject"))]
        by = {canonicalize_name(part) for part in names if "pyproject.toml" not in part}
        assert one in asked or by & (requirements.keys() | {OWN}), f"{name}: {one} is wanted by nobody"
        assert by <= requirements.keys() | asked | {OWN}, (one, by)


def test_what_is_asked_for_is_locked_in_a_version_that_fits() -> None:
    sets = {"bootstrap": locked("bootstrap"), "audit": locked("audit")}
    for place, text in wanted():
        one = Requirement(text)
        found = sets.get(place, locked("dev")).get(canonicalize_name(one.name))
        assert found is not None, f"{one.name} is not locked: make lock"
        assert one.specifier.contains(found.version, prereleases=True), (
            f"{text}, and {found.version} is locked: make lock"
        )


def test_every_dependency_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for _, one in wanted():
        (line,) = [line for line in text.splitlines() if f'"{one}"' in line and not line.startswith("requires")][:1]
        alone = re.fullmatch(r"\w+ = \[.*\]", line)
        before = text[: text.index(line)].splitlines()[-1]
        explained = before.startswith("#") if alone else re.search(r",\s+# \S.{3,}", line)
        assert explained, f"no reason beside {one}"


def test_what_is_installed_here_is_what_is_locked_and_nothing_else() -> None:
    allowed = locked("dev") | locked("bootstrap")
    for one in distributions():
        name = canonicalize_name(one.metadata["Name"])
        if name in OF_A_VENV | {OWN}:
            continue
        assert name in allowed, f"{name} is installed and not locked: make clean setup-dev"
        assert one.version == allowed[name].version, f"{name} {one.version}, locked {allowed[name].version}"
    here = {canonicalize_name(one.metadata["Name"]) for one in distributions()}
    assert {name for name, one in locked("dev").items() if one.here} <= here


FOUND = {"name": "jinja2", "version": "2.11.2", "vulns": [{"id": "CVE-2024-22195", "fix_versions": ["3.1.3"]}]}
GOOD = {"name": "uv", "version": "0.9", "vulns": []}
SKIPPED = {"name": "uv", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("installs", "listed", "code", "says"),
    [
        (True, [GOOD], 0, "no known vulnerabilities"),
        (True, [GOOD, FOUND], 1, "jinja2 2.11.2: CVE-2024-22195, fixed in 3.1.3"),
        (True, [FOUND, SKIPPED], 1, "CVE-2024-22195"),
        (True, [GOOD, SKIPPED], 2, "1 of 2 passed over: Dependency not found"),
        (True, [], 2, "NOT AUDITED"),
        (True, None, 2, "NOT AUDITED: no service"),
        (False, [GOOD], 2, "NOT AUDITED: pip-audit could not be installed"),
    ],
)
def test_an_audit_that_was_none_says_so(
    tmp_path: Path, installs: bool, listed: list[object] | None, code: int, says: str
) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "audit-deps").write_text((ROOT / ".ci" / "audit-deps").read_text())
    (programs / "python").symlink_to(sys.executable)
    report = "" if listed is None else json.dumps({"dependencies": listed})
    (tmp_path / "report.json").write_text(report)
    # An auditor that writes this report where it is told to, and fails as the real one does without a service.
    auditor = (
        f'#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\ncat report.json > "$2"\nexit {0 if listed else 1}\n'
    )
    (tmp_path / "auditor").write_text(auditor)
    (programs / "uv").write_text(
        "#!/bin/sh\nmkdir -p .venv/.audit/bin && cp auditor .venv/.audit/bin/pip-audit && "
        f"chmod +x .venv/.audit/bin/pip-audit\nexit {0 if installs else 1}\n"
    )
    (programs / "uv").chmod(0o700)
    ran = subprocess.run(
        ["bash", str(tmp_path / ".ci" / "audit-deps")],
        capture_output=True, text=True, check=False, env=os.environ, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, says in ran.stdout + ran.stderr) == (code, True), ran.stdout + ran.stderr
    assert code == 0 or "no known vulnerabilities" not in ran.stdout
