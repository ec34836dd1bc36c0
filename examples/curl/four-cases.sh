#!/bin/sh
# The four most frequent cases with curl: a repair under warranty, an exchange, a complaint, a revoked certificate.
#
#   make run                                   # in another terminal; or: patina serve --dir var
#   examples/curl/four-cases.sh
#
# Wants: a demo ledger (var/demo.json says its keys) and curl. PATINA_URL and PATINA_DIR say where, if not
# http://127.0.0.1:8000 and var. The shop and the laboratory are new ones; the service keeps their keys and signs for
# them. What customers sign themselves, with a key of their own device, is in examples/python/cases.py.
set -eu

cd "$(dirname "$0")/../.."
URL=${PATINA_URL:-http://127.0.0.1:${PORT:-8000}}
OPERATOR=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["operator"]["api_key"])' "${PATINA_DIR:-var}/demo.json")

new() { python3 -c 'import uuid; print(uuid.uuid4().urn)'; }
# member NAME…: a member of the JSON on standard input, by its names from the outside in
member() { python3 -c 'import functools, json, sys; print(functools.reduce(lambda it, name: it[name], sys.argv[1:], json.load(sys.stdin)))' "$@"; }
encoded() { python3 -c 'import sys; from urllib.parse import quote; print(quote(sys.argv[1], safe=""))' "$1"; }
get() { curl -sS --fail-with-body "$URL$1" -H "Authorization: Bearer $2"; }
post() { curl -sS --fail-with-body "$URL$1" -H "Authorization: Bearer $2" -H "Content-Type: application/json" -d "$3"; }
# party NAME ROLES: registers a party; prints its id and an API key
party() {
  id=$(post /v1/parties "$OPERATOR" "{\"name\": \"$1\", \"roles\": [$2]}" | member id)
  key=$(post /v1/keys "$OPERATOR" "{\"kind\": \"api\", \"party\": \"$id\", \"scopes\": [\"write\"]}" | member api_key)
  echo "$id $key"
}
# said TYPE SUBJECTS DETAILS [MORE MEMBERS]: a statement of the shop's
said() {
  post /v1/statements "$SHOP_KEY" \
    "{\"statement\": {\"type\": \"$1\", \"party\": \"$SHOP\", \"subjects\": [$2], \"details\": $3${4:-}}}" >/dev/null
}
status() { get "/v1/cases/$(encoded "$1")" "$SHOP_KEY" | member "$2"; }

NAME=$(new | cut -c10-17)
set -- $(party "Shop $NAME" '"manufacturer", "retailer", "repairer"') && SHOP=$1 SHOP_KEY=$2
set -- $(party "Laboratory $NAME" '"certifier"') && LAB=$1 LAB_KEY=$2

echo "1. a repair under warranty"
RING=$(new) CASE=$(new)
IN=", \"case\": \"$CASE\""
said item.registered "\"$RING\"" '{"name": "Ring", "category": "jewellery", "materials": ["Au750"], "origin": "manufactured"}'
said item.sold "\"$RING\"" '{"channel": "store", "warranty_months": 24, "warranty_from": "sold"}'
said case.opened "\"$RING\"" '{"kind": "repair", "channel": "store", "issue": "quality", "warranty_claim": true}' "$IN"
said case.received "\"$RING\"" '{"evidence": {"weight_g": "3.62", "hallmark": "Au750"}}' "$IN"
said case.diagnosed "\"$RING\"" '{"findings": "a prong is worn", "responsible": "manufacturer", "in_warranty": true}' "$IN"
said case.quoted "\"$RING\"" '{"free": true}' "$IN"
said case.approved "\"$RING\"" '{"free": true, "on_behalf": true, "basis": "signed_paper"}' "$IN"
said repair.completed "\"$RING\"" '{"work": ["re-tip prong"], "tests": [{"name": "stone tight", "result": "pass"}]}' "$IN"
said case.handed_over "\"$RING\"" '{"check": "id", "evidence": {"weight_g": "3.62", "hallmark": "Au750"}}' "$IN"
said case.closed "\"$RING\"" '{"outcome": "resolved"}' "$IN"
echo "   the case is $(status "$CASE" status)"

echo "2. an exchange"
OLD=$(new) OTHER=$(new) CASE=$(new)
IN=", \"case\": \"$CASE\""
for TABLE in "$OLD" "$OTHER"; do said item.registered "\"$TABLE\"" '{"name": "Oak table", "category": "furniture"}'; done
said item.sold "\"$OLD\"" '{"channel": "web"}'
said case.opened "\"$OLD\"" '{"kind": "exchange", "channel": "phone", "issue": "transport"}' "$IN"
said case.received "\"$OLD\"" '{"evidence": {"label": "T-1"}, "condition": ["leaf cracked"]}' "$IN"
said case.decided "\"$OLD\"" '{"decision": "accepted", "remedy": "exchange"}' "$IN"
said exchange.completed "\"$OLD\", \"$OTHER\"" "{\"replacement\": \"$OTHER\", \"reason\": \"damaged_in_transport\"}" "$IN"
said case.closed "\"$OLD\"" '{"outcome": "resolved"}' "$IN"
echo "   the case is $(status "$CASE" status)"

echo "3. a complaint by somebody who gives no name, on the shop's public page"
WRITTEN=$(curl -sS --fail-with-body "$URL/p/${SHOP#urn:uuid:}/cases" -H "Content-Type: application/json" \
  -H "Accept: application/json" -d '{"kind": "complaint", "issue": "attitude", "description": "Nobody looked up."}')
ANSWERS=$(echo "$WRITTEN" | member page)
CASE=$(get "/v1/parties/$(encoded "$SHOP")/feedback" "$SHOP_KEY" | member messages | python3 -c 'import ast, sys; print(ast.literal_eval(sys.stdin.read())[-1]["case"])')
BOTH="\"$CASE\", \"$SHOP\"" IN=", \"case\": \"$CASE\", \"agent\": \"s1\""
said case.responded "$BOTH" '{"plan": "we look into it today"}' "$IN"
said case.decided "$BOTH" '{"decision": "accepted", "remedy": "apology"}' "$IN"
said case.closed "$BOTH" '{"outcome": "resolved"}' "$IN"
echo "   unverified: $(status "$CASE" unverified); the answer is read at the page of its code:"
curl -sS --fail-with-body "$URL/c/${ANSWERS##*/}" -H "Accept: application/json" \
  | python3 -c 'import json, sys; [print("  ", one["type"]) for one in json.load(sys.stdin)["records"]]'

echo "4. a certificate, issued and revoked"
CODE=$(post "/v1/items/$(encoded "$RING")/codes" "$SHOP_KEY" '{"kind": "view"}' | member token)
certifies() {
  curl -sS --fail-with-body "$URL/v1/statements" -H "Authorization: Bearer $LAB_KEY" -H "Patina-Code: $CODE" \
    -H "Content-Type: application/json" \
    -d "{\"statement\": {\"type\": \"authentication.$1\", \"party\": \"$LAB\", \"subjects\": [\"$RING\"], \"details\": $2}}" >/dev/null
}
standing() { get "/v1/items/$(encoded "$RING")" "$SHOP_KEY" | member certificates; }
certifies certified '{"certificate_no": "L-1", "result": "authentic", "methods": ["loupe"]}'
echo "   stands: $(standing)"
certifies revoked '{"certificate_no": "L-1", "reason": "treatment_found"}'
echo "   stands: $(standing); both records stay in the history"
