"""``patina keygen``: make a signing key."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from ledger.dsse import SEED_BYTES, SigningKey
from verifier.cli.arguments import add_json, parser, write_new


def main(argv: Sequence[str]) -> int:
    """The exit code of ``patina keygen`` with these words."""
    about = "Make an Ed25519 key: its seed in a file that only you can read, its did:key printed."
    made = parser("keygen", about, "patina keygen --out workshop.key")
    made.add_argument("--out", metavar="FILE", type=Path, required=True, help="file for the seed; must not exist")
    add_json(made)
    options = made.parse_args(argv)
    seed = secrets.token_bytes(SEED_BYTES)
    write_new(options.out, seed.hex().encode() + b"\n", 0o600)
    did = SigningKey.from_seed(seed).did
    print(json.dumps({"did": did, "file": str(options.out)}) if options.json else did)
    return 0
