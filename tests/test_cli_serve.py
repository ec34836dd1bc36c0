"""`patina serve` in processes of its own: it starts, says where, answers, and stops when told to.

The examples are run here too: whatever stands in a README must work as it stands.
"""

from __future__ import annotations

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.cli import demo, folder, serve
from api.cli.announce import KEPT
from ledger import times

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the demo is loaded."""
    made = tmp_path_factory.mktemp("serve") / "var"
    assert demo.main(["--dir", str(made), "--json"]) == 0
    return made


@contextmanager
def serving(directory: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL of a server on a free port, and its process; it is stopped at the end, if it still runs."""
    command = [sys.executable, "-m", "ledger.command", "serve", "--dir", str(directory), "--port", "0", *words]
    running = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert running.stderr is not None
        said = ""
        for line in running.stderr:
            said += line
            found = re.search(r"^serving .* on (http://\S+)$", line)
            if found:
                yield found[1], running
                break
        else:
            pytest.fail(f"the server did not start:\n{said}")
    finally:
        if running.poll() is None:
            running.terminate()
        try:
            running.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()


def get(url: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def workers_of(pid: int) -> list[int]:
    """The worker processes of a server, oldest first."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sorted(int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes())


def kept(directory: Path) -> dict[str, Any]:
    """What `patina demo` printed."""
    value: dict[str, Any] = json.loads((directory / KEPT).read_text())
    return value


@pytest.mark.parametrize(("workers", "signal_number"), [("1", signal.SIGINT), ("2", signal.SIGTERM)])
def test_it_serves_until_told_to_stop(directory: Path, workers: str, signal_number: int) -> None:
    with serving(directory, "--workers", workers) as (url, running):
        assert get(f"{url}/healthz")[0] == 200
        assert get(f"{url}/checkpoint")[1].startswith(demo.ORIGIN + "\n")
        running.send_signal(signal_number)
        _, said = running.communicate(timeout=30)
        assert running.returncode == 0
        assert "Traceback" not in said
    with pytest.raises(urllib.error.URLError):
        get(f"{url}/healthz")


def test_announce_prints_what_one_needs_and_the_page_opens(directory: Path) -> None:
    with serving(directory, "--announce") as (url, running):
        demo_of = kept(directory)
        page = f"{url}/i/{demo_of['items'][0]['token']}"
        status, body = get(page)
        assert status == 200
        assert "Solitaire ring" in body
        running.send_signal(signal.SIGTERM)
        shown, _ = running.communicate(timeout=30)
    assert f"item page  {page}\n" in shown
    assert demo_of["operator"]["api_key"] in shown
    assert demo_of["vkey"] in shown
    assert "█" in shown


def test_a_program_is_told_where_it_serves(directory: Path) -> None:
    command = [sys.executable, "-m", "ledger.command", "serve", "--dir", str(directory), "--port", "0", "--json"]
    with subprocess.Popen([*command, "--announce"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        assert set(told) == {"url", "host", "port", "dir", "workers", "page", "api_key", "vkey"}
        assert told["url"] == f"http://127.0.0.1:{told['port']}"
        assert get(told["page"])[0] == get(f"{told['url']}/healthz")[0] == 200
        assert (told["vkey"], told["workers"]) == (kept(directory)["vkey"], 1)
        running.terminate()
        assert running.stdout.read() == ""
    assert running.returncode == 0


def test_two_servers_cannot_both_believe_they_have_a_port(directory: Path) -> None:
    with serving(directory) as (url, _):
        port = url.rpartition(":")[2]
        command = [sys.executable, "-m", "ledger.command", "serve", "--dir", str(directory), "--port", port]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 2
        assert re.match(rf"patina serve: cannot listen on 127\.0\.0\.1 port {port}: ", done.stderr)


def test_the_lan_address_is_announced_when_serving_on_every_address(directory: Path) -> None:
    with serving(directory, "--host", "0.0.0.0") as (url, _):
        assert "0.0.0.0" not in url
        assert get(f"{url}/healthz")[0] == 200


def test_where_it_listens_is_printed_beside_a_public_url(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATINA_PUBLIC_URL", "http://shop.example")
    with serving(directory) as (url, running):
        assert url == "http://shop.example"
        assert running.stderr is not None
        port = re.fullmatch(r"listening on 127\.0\.0\.1 port (\d+)\n", running.stderr.readline())
        assert port is not None
        assert get(f"http://127.0.0.1:{port[1]}/healthz")[0] == 200


def test_a_worker_that_dies_is_started_again(directory: Path) -> None:
    with serving(directory, "--workers", "2") as (url, running):
        before = workers_of(running.pid)
        os.kill(before[0], signal.SIGKILL)
        assert running.stderr is not None
        assert re.match(rf"worker {before[0]} ended with -9: starting another", running.stderr.readline())
        assert get(f"{url}/healthz")[0] == 200
        deadline = time.monotonic() + 30
        while len(after := workers_of(running.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)  # it is said before it is done
        assert len(after) == 2
        assert before[1] in after


def test_the_curl_walk_through_works_as_it_stands(directory: Path) -> None:
    with serving(directory) as (url, _):
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = os.environ | {"PATINA_URL": url, "PATINA_DIR": str(directory), "PATH": path}
        done = subprocess.run(
            [str(ROOT / "examples" / "curl" / "walk-through.sh")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5. one letter changed" in done.stdout


def test_the_walk_of_the_readme_works_as_it_stands(directory: Path, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    walk = text[text.index("## From a repair to a proof") : text.index("## A ledger of your own")]
    blocks = re.findall(r"```sh\n(.*?)```", walk, re.DOTALL)
    forged = next(at for at, block in enumerate(blocks) if "forged.json" in block)
    blocks[forged] = f"set +e\n{blocks[forged]}[ $? = 1 ] || exit 9\nset -e\n"
    (tmp_path / "var").symlink_to(directory)
    with serving(directory) as (url, _):
        script = "set -eu\n" + "".join(blocks).replace("http://127.0.0.1:8000", url)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split(": ")[0] for line in done.stdout.splitlines() if re.match("proven|disproved", line)] == [
        "proven", "proven", "disproved", "proven", "proven",
    ]  # fmt: skip
    assert not list(tmp_path.glob("*.json")), "its files go to a folder of their own"


def test_the_first_steps_of_the_docs_page_work_as_they_stand(directory: Path, tmp_path: Path) -> None:
    workshop = next(party for party in kept(directory)["parties"] if "Tongda" in party["name"])
    with serving(directory) as (url, _):
        set_first, commands, *_ = re.findall(
            r"<pre tabindex=\"0\"><code>(.*?)</code></pre>", get(f"{url}/docs")[1], re.DOTALL
        )
        assert set_first == "KEY=pk_…\nPARTY=urn:uuid:…"
        environment = os.environ | {"KEY": workshop["api_key"], "PARTY": workshop["id"]}
        words = ["sh", "-euc", html.unescape(commands)]
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "receipt.json").read_text())["index"] > 0


def test_the_python_example_works_as_it_stands(directory: Path) -> None:
    demo_of = kept(directory)
    workshop = next(party for party in demo_of["parties"] if "Tongda" in party["name"])
    with serving(directory) as (url, _):
        words = ["--url", url, "--vkey", demo_of["vkey"], "--party", workshop["id"], "Toaster", "new cord"]
        done = subprocess.run(
            [sys.executable, str(ROOT / "examples" / "python" / "post_repair.py"), *words],
            env=os.environ | {"PATINA_API_KEY": workshop["api_key"], "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    item = done.stdout.splitlines()[-1]
    with folder.opened(directory) as ledger:
        assert len(ledger.reader.entries(item)) == 2


def test_a_clock_behind_the_last_leaf_is_told(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Entries are never recorded before the last one, so until then they all have its time (format.md §4)."""
    with folder.opened(directory) as ledger:
        last = folder.last_recorded(ledger)
    for behind, told in ((2 * times.HOUR, True), (times.SECOND, False)):
        monkeypatch.setattr(folder, "now_us", lambda behind=behind: last - behind)
        assert not serve._ask(directory)
        assert ("behind the last leaf" in capsys.readouterr().err) is told
