// The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), against the verifier that PostgreSQL
// keeps in pg_authid.rolpassword: SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>.

import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

export const MECHANISM = 'SCRAM-SHA-256';
const ITERATIONS = 4096; // PostgreSQL's default
const VERIFIER = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/;

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** The verifier of an ASCII password, which PostgreSQL takes in the password's place. */
export function verifierOf(password) {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const stored = sha256(hmac(salted, 'Client Key'));
  const keys = [stored, hmac(salted, 'Server Key')].map((key) => key.toString('base64'));
  return `${MECHANISM}$${ITERATIONS}:${salt.toString('base64')}$${keys.join(':')}`;
}

/** What stands in for the verifier of a role that has none, so that nobody can tell. */
function nobody() {
  return [ITERATIONS, randomBytes(16).toString('base64'), randomBytes(32), randomBytes(32)];
}

function parse(verifier) {
  const found = VERIFIER.exec(verifier ?? '');
  if (!found) return nobody();
  const [, iterations, salt, stored, server] = found;
  return [Number(iterations), salt, Buffer.from(stored, 'base64'), Buffer.from(server, 'base64')];
}

const attribute = (text, name) =>
  text
    .split(',')
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(2);

export class ScramExchange {
  #iterations;
  #salt;
  #storedKey;
  #serverKey;
  #clientFirst = '';
  #serverFirst = '';
  #nonce = '';

  constructor(verifier) {
    [this.#iterations, this.#salt, this.#storedKey, this.#serverKey] = parse(verifier);
  }

  /** The answer to the client's first message; null if it cannot be understood. */
  first(clientFirst) {
    // The GS2 header: no channel binding is offered, so "n" or "y", no authorization identity.
    const bare = /^[ny],(?:a=[^,]*)?,(.+)$/s.exec(clientFirst)?.[1];
    const nonce = bare && attribute(bare, 'r');
    if (!nonce) return null;
    this.#clientFirst = bare;
    this.#nonce = nonce + randomBytes(18).toString('base64');
    this.#serverFirst = `r=${this.#nonce},s=${this.#salt},i=${this.#iterations}`;
    return this.#serverFirst;
  }

  /** The answer to the client's proof; null if the password was wrong. */
  final(clientFinal) {
    const proof = Buffer.from(attribute(clientFinal, 'p') ?? '', 'base64');
    if (attribute(clientFinal, 'r') !== this.#nonce || proof.length !== 32) return null;
    const withoutProof = clientFinal.slice(0, clientFinal.lastIndexOf(',p='));
    const authMessage = [this.#clientFirst, this.#serverFirst, withoutProof].join(',');
    const signature = hmac(this.#storedKey, authMessage);
    const clientKey = proof.map((byte, i) => byte ^ signature[i]);
    if (!timingSafeEqual(sha256(clientKey), this.#storedKey)) return null;
    return `v=${hmac(this.#serverKey, authMessage).toString('base64')}`;
  }
}
