#!/bin/sh
# Makes the tables that the examples read, a writer, and a few rows. Run it once:
#
#     sh examples/setup.sh
#
# CTLSTORE_EXECUTIVE and CTLSTORE_ADMIN_TOKEN say where and as whom, as they do for every command; CTLSTORE is the
# command itself, and SECRET_FILE where the writer's new secret is put (examples/examples.secret).
set -eu
ctlstore=${CTLSTORE:-npx ctlstore}
secret_file=${SECRET_FILE:-$(dirname "$0")/examples.secret}

$ctlstore create-family shop
$ctlstore create-table shop/regions \
  --field region:string --field name:string --field currency:string --key region
$ctlstore create-table shop/prices \
  --field region:string --field sku:string --field cents:integer --field label:text --key region --key sku
$ctlstore register-writer examples --secret-file "$secret_file"

export CTLSTORE_WRITER=examples CTLSTORE_SECRET="@$secret_file"
$ctlstore mutate shop/regions \
  '{"region":"eu","name":"Europe","currency":"EUR"}' \
  '{"region":"us","name":"United States","currency":"USD"}'
# The price of gold is beyond 2^53: a double would round it, and nothing here does.
$ctlstore mutate shop/prices \
  '{"region":"eu","sku":"apple","cents":120,"label":"Apple, each"}' \
  '{"region":"eu","sku":"pear","cents":150,"label":"Pear, each"}' \
  '{"region":"us","sku":"apple","cents":99,"label":null}' \
  '{"region":"us","sku":"gold","cents":9007199254740993,"label":"All of it"}'
