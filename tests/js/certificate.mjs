/**
 * A self-signed certificate for 127.0.0.1 and a name (RFC 5280), so that no key has to lie in the repository.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** @param {number} tag @param {...Buffer} parts */
function der(tag, ...parts) {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

/** @param {...Buffer} parts */
const sequence = (...parts) => der(0x30, ...parts);
/** @param {...number} bytes */
const oid = (...bytes) => der(6, Buffer.from(bytes));
/** @param {Buffer} bytes */
const bits = (bytes) => der(3, Buffer.from([0]), bytes);
/** @param {string} time */
const utc = (time) => der(0x17, Buffer.from(time));

/**
 * @param {string} name
 * @returns {{ cert: string, key: string }} in PEM
 */
export function selfSigned(name) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2)); // ecdsa-with-SHA256
  const commonName = sequence(oid(0x55, 4, 3), der(0x0c, Buffer.from(name)));
  const subject = sequence(der(0x31, commonName));
  const names = sequence(der(0x82, Buffer.from(name)), der(0x87, Buffer.from([127, 0, 0, 1])));
  const alternativeName = sequence(oid(0x55, 0x1d, 0x11), der(4, names));
  const certified = sequence(
    der(0xa0, der(2, Buffer.from([2]))), // version 3
    der(2, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    subject,
    sequence(utc('200101000000Z'), utc('491231235959Z')),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(alternativeName)),
  );
  const certificate = sequence(certified, algorithm, bits(sign('sha256', certified, privateKey)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
