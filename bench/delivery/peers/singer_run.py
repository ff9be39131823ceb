"""tap | target with state, as Meltano runs them: the target's last state is kept and given to the tap the next time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.delivery.peers.surroundings import DATABASE, HOST, PORT, SIZE, URL, USER

_STREAM = f"{DATABASE}-dialysis_session"
_HERE = Path(__file__).parent


def main() -> int:
    """Run once; the state moves only when both ended well."""
    folder = Path.cwd()
    url = f"mysql+pymysql://{USER}@{HOST}:{PORT}/{DATABASE}?charset=utf8mb4"
    (folder / "tap.json").write_text(json.dumps({"url": url}), encoding="utf-8")
    (folder / "target.json").write_text(json.dumps({"url": URL, "size": SIZE}), encoding="utf-8")
    tap = [sys.executable, str(_HERE / "singer_tap.py"), "--config", "tap.json"]
    catalog = folder / "catalog.json"
    if not catalog.exists():
        found = subprocess.run([*tap, "--discover"], check=True, capture_output=True).stdout  # noqa: S603
        catalog.write_text(_selected(found), encoding="utf-8")
    state = folder / "state.json"
    given = ["--state", "state.json"] if state.exists() else []
    with subprocess.Popen([*tap, "--catalog", "catalog.json", *given], stdout=subprocess.PIPE) as source:  # noqa: S603
        target = [sys.executable, str(_HERE / "singer_target.py"), "--config", "target.json"]
        done = subprocess.run(target, stdin=source.stdout, stdout=subprocess.PIPE, check=False)  # noqa: S603
        source.stdout.close()  # type: ignore[union-attr]
    said = done.stdout.decode().splitlines()
    if said:
        state.write_text(said[-1], encoding="utf-8")
    return done.returncode or source.returncode


def _selected(discovered: bytes) -> str:
    catalog = json.loads(discovered)
    catalog["streams"] = [each for each in catalog["streams"] if each["tap_stream_id"].endswith("dialysis_session")]
    for each in catalog["streams"]:
        each["replication_method"], each["replication_key"] = "INCREMENTAL", "changed_at"
        for entry in each["metadata"]:
            entry["metadata"]["selected"] = True
            if not entry["breadcrumb"]:
                entry["metadata"].update({"replication-method": "INCREMENTAL", "replication-key": "changed_at"})
    return json.dumps(catalog)


if __name__ == "__main__":
    sys.exit(main())
