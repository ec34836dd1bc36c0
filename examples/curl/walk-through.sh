#!/bin/sh
# From posting a repair to verifying its receipt, with curl and the `patina` command.
#
#   make run                                   # in another terminal; or: patina serve --dir var
#   examples/curl/walk-through.sh
#
# Wants: a demo ledger (var/demo.json says its keys), curl, and patina, which is in .venv/bin after `make setup`.
# PATINA_URL and PATINA_DIR say where, if not http://127.0.0.1:8000 and var.
set -eu

cd "$(dirname "$0")/../.."
PATH="$PWD/.venv/bin:$PATH"
URL=${PATINA_URL:-http://127.0.0.1:${PORT:-8000}}
DEMO=${PATINA_DIR:-var}/demo.json
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# member FILE EXPRESSION: a member of a JSON file, with Python, because every machine that runs Patina has one.
member() { python3 -c 'import json, sys; print(eval(sys.argv[2], {"it": json.load(open(sys.argv[1]))}))' "$1" "$2"; }

VKEY=$(member "$DEMO" 'it["vkey"]')
KEY=$(member "$DEMO" '[p for p in it["parties"] if "Tongda" in p["name"]][0]["api_key"]')
PARTY=$(member "$DEMO" '[p for p in it["parties"] if "Tongda" in p["name"]][0]["id"]')

echo "1. the workshop takes in a thing and registers it"
ITEM="urn:uuid:$(python3 -c 'import uuid; print(uuid.uuid4())')"
curl --silent --show-error --fail-with-body "$URL/v1/statements" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d @- >/dev/null <<JSON
{"statement": {"type": "item.registered", "subjects": ["$ITEM"], "party": "$PARTY",
  "details": {"name": "Toaster", "category": "kitchen", "brand": "Voltan", "origin": "intake"}}}
JSON
echo "   $ITEM"

echo "2. it says what was repaired; the answer is a receipt"
curl --silent --show-error --fail-with-body "$URL/v1/statements" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d @- -o "$WORK/receipt.json" <<JSON
{"statement": {"type": "repair.completed", "subjects": ["$ITEM"], "party": "$PARTY",
  "details": {"work": ["replace heating element"], "parts": ["heating element 230 V"],
    "tests": [{"name": "insulation", "result": "pass"}, {"name": "runs 10 minutes", "result": "pass"}],
    "warranty_days": 90}}}
JSON
echo "   statement $(member "$WORK/receipt.json" 'it["id"]') is leaf $(member "$WORK/receipt.json" 'it["index"]')"

echo "3. the receipt is checked without the server: this statement, so signed, stands in the log"
patina verify "$WORK/receipt.json" --vkey "$VKEY"

echo "4. the history is complete: nothing about this thing was held back"
ENCODED=$(python3 -c 'import sys; from urllib.parse import quote; print(quote(sys.argv[1], safe=""))' "$ITEM")
curl --silent --show-error --fail-with-body "$URL/v1/items/$ENCODED/history" -H "Authorization: Bearer $KEY" \
  -o "$WORK/history.json"
patina verify "$WORK/history.json" --vkey "$VKEY" --subject "$ITEM"

echo "5. one letter changed, and the receipt is refused"
sed 's/heating element/heating Element/' "$WORK/receipt.json" > "$WORK/forged.json"
if patina verify "$WORK/forged.json" --vkey "$VKEY"; then
  echo "   a forged receipt was accepted" >&2
  exit 1
fi
