"""Run mutants against the tests: `python -m tests.mutants.run [FILE…]`, or `make mutants`.

Each file has its own list of tests (`FILES`). They are collected once; then a child process runs them on the file as
it is and notes which test ran which line. For each mutant a child of its own gets the changed functions and constants,
runs the tests that ran the changed line, quickest first, and ends at the first that fails: the mutant is **killed**.
What stands in the body of a class is tried in a child that forked before anything of ours was imported, and imports
the changed file. A test that uses several times its own processor time ends its child, and the mutant counts as killed,
by time: so endless loops are noticed. Processes that tests spawn run the file as it is.

A mutant that all tests pass **survived**, and the exit code is 1, unless `equivalent.txt` beside this file names it
with the reason why no test can tell it from the original. With `--checks` only those are tried that remove something:
a condition that never holds, a `raise` or a call that is left out.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import json
import os
import re
import signal
import sys
import threading
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.made import Mutant, mutants
from tests.mutants.which import FILES

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
ARGUMENTS = "-q --no-header --hypothesis-profile=mutants -W ignore::pytest.PytestAssertRewriteWarning".split()
ARGUMENTS += [word for name in "randomly cacheprovider cov xdist".split() for word in ("-p", f"no:{name}")]
SURVIVED, KILLED, NOT_TRIED, OUT_OF_TIME = range(4)
GRACE = 1.0
"""Seconds of processor time that a test may use beyond three times its own."""
WHOLE_SECONDS = 120.0
"""The same where a child imports everything anew."""
OTHERS = (
    "cryptography.hazmat.primitives.asymmetric.ed25519 hypothesis.strategies msgspec nacl.bindings sqlalchemy".split()
)
"""Imported once, before any child: nothing of ours is changed by that, and each child is a second faster."""
CHECKS = "--checks"
PLAIN = (int, str, bytes, tuple, frozenset, dict, re.Pattern)
WAIT = 180
"""Seconds of the clock after which a test that only waits is ended; long, for a machine that is busy."""


def main(names: list[str]) -> int:
    """Try every file named, or all; 1 if a mutant survived that is not known to be equivalent."""
    known, left = equivalents(), 0
    for other in OTHERS:
        import_module(other)
    print("| file | mutants | killed | by time | equivalent | survived |\n|---|---|---|---|---|---|", flush=True)
    checks, names = CHECKS in names, [name for name in names if name != CHECKS]
    for name in names or list(FILES):
        every = [one for one in mutants((ROOT / name).read_text("utf-8")) if one.removes or not checks]
        verdicts = _verdicts(name, every)
        lived = [one for one, verdict in zip(every, verdicts, strict=True) if verdict == SURVIVED]
        rest = [one for one in lived if (name, one.title) not in known]
        left += len(rest)
        late = verdicts.count(OUT_OF_TIME)
        dead = len(every) - len(lived)
        print(f"| `{name}` | {len(every)} | {dead} | {late} | {len(lived) - len(rest)} | {len(rest)} |", flush=True)
        for one in rest:
            print(f"  {name}:{one.line} {one.title}", file=sys.stderr, flush=True)
    return 1 if left else 0


def equivalents() -> dict[tuple[str, str], str]:
    """File and title of each mutant that no test can tell from the original, and why: `equivalent.txt`."""
    found = {}
    for block in EQUIVALENT.read_text("utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if lines:
            file, *titles = (line.strip() for line in lines[:-1])
            found.update({(file, title): lines[-1].strip() for title in titles})
    return found


def _verdicts(name: str, every: list[Mutant]) -> list[int]:
    """How each mutant of one file ended: found in children of this process, which imports nothing of ours."""
    verdicts = json.loads(_answer(lambda: _try_inside(name, every)))
    left = [at for at, verdict in enumerate(verdicts) if verdict == NOT_TRIED]
    unchanged = Mutant(1, "", in_function=False, old="", new="", source=(ROOT / name).read_text("utf-8"))
    if left and _verdict(lambda: _whole(name, unchanged)) != SURVIVED:
        raise RuntimeError(f"{name}: its tests fail as it is")
    for at in left:
        verdicts[at] = _verdict(lambda at=at: _whole(name, every[at]))  # type: ignore[misc]
    return list(verdicts)


def _answer(work: Callable[[], str]) -> str:
    """What a child's work returned."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        with os.fdopen(writing, "w") as out:
            out.write(work())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    os.waitpid(pid, 0)
    return text


def _verdict(work: Callable[[], int]) -> int:
    """What a silent child's work returned; OUT_OF_TIME if a timer of its own ended it."""
    pid = os.fork()
    if pid:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return OUT_OF_TIME if status in {-signal.SIGPROF, -signal.SIGALRM} else abs(status)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    gc.disable()
    try:
        os._exit(work())
    except BaseException:  # noqa: BLE001 (whatever a mutant raises: it was noticed)
        os._exit(KILLED)


class _Session:
    """pytest's own session over some test files, collected and ready to run one test after another."""

    def __init__(self, tests: list[str]) -> None:
        self.work: Callable[[pytest.Session], None] = lambda _: None
        self.tests = tests

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.work(session)
        return True

    def run(self, work: Callable[[pytest.Session], None]) -> int:
        self.work = work
        return int(pytest.main([*ARGUMENTS, *self.tests], plugins=[self]))


@dataclass(frozen=True, slots=True)
class _Test:
    """A test, the processor time that it takes, and the lines of the file that it runs."""

    item: pytest.Item
    seconds: float
    lines: list[int]


def _try_inside(name: str, every: list[Mutant]) -> str:
    """The verdicts on mutants that need no new import, as JSON; runs in a child."""
    verdicts = [NOT_TRIED] * len(every)

    def work(session: pytest.Session) -> None:
        ran = json.loads(_answer(lambda: json.dumps(_lines(session, name))))
        known = [_Test(item, *ran[item.nodeid]) for item in session.items if item.nodeid in ran]
        known.sort(key=lambda test: test.seconds)
        own = _functions(name)
        gc.collect()
        gc.freeze()
        for at, one in enumerate(every):
            verdicts[at] = _verdict(lambda one=one: _inside(name, one, known, own))  # type: ignore[misc]

    out = os.dup(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    status = _Session(FILES[name]).run(work)
    os.dup2(out, 1)
    if status not in {0, 5}:
        raise RuntimeError(f"{name}: got status {status} of its tests, want 0")
    return json.dumps(verdicts)


def _lines(session: pytest.Session, name: str) -> dict[str, tuple[float, list[int]]]:
    """Of each test that passes here: its processor time, and the lines of the file that it ran."""
    path, seen = str(ROOT / name), set()

    def inner(frame: types.FrameType, event: str, _: object) -> object:
        if event == "line":
            seen.add(frame.f_lineno)
        return inner

    def outer(frame: types.FrameType, _: str, __: object) -> object:
        if frame.f_code.co_filename != path:
            return None
        seen.add(frame.f_lineno)
        return inner

    found = {}
    for at, item in enumerate(session.items):
        seen.clear()
        begin = time.process_time()
        threading.settrace(outer)  # type: ignore[arg-type]
        sys.settrace(outer)  # type: ignore[arg-type]
        passed = _passes(item, session.items[at + 1] if at + 1 < len(session.items) else None)
        sys.settrace(None)
        if passed and seen:
            found[item.nodeid] = (time.process_time() - begin, sorted(seen))
        elif not passed:
            print(f"{item.nodeid}: fails as it is; left out", file=sys.stderr)
    return found


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _functions(name: str) -> dict[str, types.FunctionType]:
    """The functions of a file, wherever they are held, by their qualified names."""
    every = (one for one in gc.get_objects() if isinstance(one, types.FunctionType))
    return {one.__code__.co_qualname: one for one in every if one.__code__.co_filename == str(ROOT / name)}


def _inside(name: str, one: Mutant, known: list[_Test], own: dict[str, types.FunctionType]) -> int:
    """The verdict of some tests on a mutant that stands in a function or is a constant; runs in a child."""
    if not (_change_function(name, one, own) if one.in_function else not one.within and _change_constants(name, one)):
        return NOT_TRIED
    tests = [test for test in known if one.line in test.lines] if one.in_function else known
    for at, test in enumerate(tests or known):
        following = (tests or known)[at + 1 : at + 2]
        signal.alarm(WAIT)
        signal.setitimer(signal.ITIMER_PROF, GRACE + 3 * test.seconds)
        if not _passes(test.item, following[0].item if following else None):
            return KILLED
    return SURVIVED


def _change_function(name: str, one: Mutant, own: dict[str, types.FunctionType]) -> bool:
    """Give the functions of a file the code of a mutant; whether the mutant's own was among them."""
    pending, found = [compile(one.source, str(ROOT / name), "exec")], False
    while pending:
        compiled = pending.pop()
        pending += [inner for inner in compiled.co_consts if isinstance(inner, types.CodeType)]
        function = own.get(compiled.co_qualname)
        if function is not None and function.__code__.co_freevars == compiled.co_freevars:
            function.__code__ = compiled
            found = found or one.within.startswith(compiled.co_qualname)
    return found


def _change_constants(name: str, one: Mutant) -> bool:
    """Give a module, and whoever imported them, the plain constants of a mutant; whether any differ."""
    old = dict(sys.modules[name[:-3].replace("/", ".")].__dict__)
    new = dict(old)
    exec(compile(one.source, str(ROOT / name), "exec"), new)
    changed = {key for key, value in new.items() if isinstance(value, PLAIN) and value != old[key]}
    for module in list(sys.modules.values()):
        if Path(getattr(module, "__file__", None) or "/").is_relative_to(ROOT):
            for key in changed & module.__dict__.keys():
                if module.__dict__[key] is old[key]:
                    module.__dict__[key] = new[key]
    return bool(changed)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from another text than its file's."""

    def __init__(self, name: str, text: str) -> None:
        self.module, self.path, self.text = name[:-3].replace("/", "."), str(ROOT / name), text

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if name != self.module:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=self.path, is_package=False)

    def get_source(self, _: str) -> str:
        return self.text

    def exec_module(self, module: types.ModuleType) -> None:
        module.__file__ = self.path
        exec(compile(self.text, self.path, "exec"), module.__dict__)


def _whole(name: str, one: Mutant) -> int:
    """The verdict of a file's tests on a mutant, imported anew; runs in a child."""
    signal.alarm(5 * WAIT)
    signal.setitimer(signal.ITIMER_PROF, WHOLE_SECONDS)
    sys.meta_path.insert(0, _Changed(name, one.source))
    return SURVIVED if pytest.main([*ARGUMENTS, "-x", *FILES[name]]) == 0 else KILLED


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
