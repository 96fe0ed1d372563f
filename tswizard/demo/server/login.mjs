// From the first byte of a connection to its session: start-up packet, password, parameters.

import { randomInt } from 'node:crypto';
import { MECHANISM, ScramExchange } from './scram.mjs';
import { literal, reportedParameters, Session } from './session.mjs';
import * as wire from './wire.mjs';

const CANCEL_REQUEST = 80877102;
const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;
const SASL = 10;
const SASL_CONTINUE = 11;
const SASL_FINAL = 12;

/** A refusal that ends the connection, with PostgreSQL's own SQLSTATE and words. */
export class Refused extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

/** Reads an untyped first message: what is asked for, and with which parameters. */
export function readStartup(packet) {
  const code = packet.readInt32BE(4);
  if (code === SSL_REQUEST || code === GSSENC_REQUEST) return { kind: 'encryption' };
  if (code === CANCEL_REQUEST) return { kind: 'cancel', key: packet.readInt32BE(12) };
  if (code >> 16 !== 3) {
    const version = `${code >>> 16}.${code & 0xffff}`;
    throw new Refused('0A000', `unsupported frontend protocol ${version}: server supports 3.0 to 3.0`);
  }
  const parameters = {};
  let at = 8;
  while (packet[at]) {
    const [name, valueAt] = wire.readCstring(packet, at);
    const [value, next] = wire.readCstring(packet, valueAt);
    parameters[name] = value;
    at = next;
  }
  if (!parameters.user) {
    throw new Refused('28000', 'no PostgreSQL user name specified in startup packet');
  }
  return { kind: 'startup', minor: code & 0xffff, parameters };
}

/** The settings among the start-up parameters, those of `options` (-c name=value) first. */
function askedSettings({ user, database, options, replication, ...named }) {
  const asked = {};
  const switches = /(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\s\\])*)/g;
  for (const [, name, value] of (options ?? '').matchAll(switches)) {
    asked[name.replaceAll('-', '_')] = value.replace(/\\(.)/g, '$1');
  }
  const settings = Object.entries(named).filter(([name]) => !name.startsWith('_pq_.'));
  return { ...asked, ...Object.fromEntries(settings) };
}

export class Login {
  #turns;
  #database;
  #send;
  #startup;
  #role = null;
  #scram = null;
  #proving = false;

  constructor(turns, database, send, startup) {
    this.#turns = turns;
    this.#database = database;
    this.#send = send;
    this.#startup = startup;
  }

  get user() {
    return this.#startup.parameters.user;
  }

  /** Asks for the password. */
  async begin() {
    const { minor, parameters } = this.#startup;
    const unknown = Object.keys(parameters).filter((name) => name.startsWith('_pq_.'));
    if (minor > 0 || unknown.length) this.#send(wire.negotiateVersion(0, unknown));
    this.#role = await this.#turns.aside(async (backend) => {
      const [row] = await backend.query(`
        SELECT rolpassword, rolcanlogin FROM pg_catalog.pg_authid
         WHERE rolname OPERATOR(pg_catalog.=) ${literal(this.user)}`);
      return row && { verifier: row[0], mayLogin: row[1] === 't' };
    });
    this.#scram = new ScramExchange(this.#role?.verifier);
    this.#send(wire.authentication(SASL, wire.cstring(MECHANISM), Buffer.from([0])));
  }

  /** Takes the client's next answer; true when the password is proved. */
  answer(response) {
    const body = wire.bodyOf(response);
    if (this.#proving) {
      const final = this.#scram.final(body.toString('utf8'));
      if (final === null || !this.#role) throw this.#wrongPassword();
      this.#send(wire.authentication(SASL_FINAL, Buffer.from(final)));
      return true;
    }
    const [mechanism, at] = wire.readCstring(body);
    const first = mechanism === MECHANISM && this.#scram.first(body.toString('utf8', at + 4));
    if (!first) throw this.#wrongPassword();
    this.#send(wire.authentication(SASL_CONTINUE, Buffer.from(first)));
    this.#proving = true;
    return false;
  }

  /** Makes the session and tells the client that it is welcome. */
  async finish() {
    const { parameters } = this.#startup;
    if (!this.#role.mayLogin) {
      throw new Refused('28000', `role "${this.user}" is not permitted to log in`);
    }
    const database = parameters.database || this.user;
    if (database !== this.#database) {
      throw new Refused('3D000', `database "${database}" does not exist`);
    }
    const session = new Session(this.user, askedSettings(parameters));
    const [reported, pid] = await this.#turns.open(session, async (backend) => {
      const [[backendPid]] = await backend.query('SELECT pg_catalog.pg_backend_pid()');
      return [await reportedParameters(backend), Number(backendPid)];
    });
    const key = randomInt(1, 2 ** 31 - 1);
    this.#send(wire.authentication(0));
    for (const [name, value] of reported) this.#send(wire.parameterStatus(name, value));
    this.#send(wire.backendKeyData(pid, key));
    this.#send(wire.ready('I'));
    return { session, key };
  }

  #wrongPassword() {
    return new Refused('28P01', `password authentication failed for user "${this.user}"`);
  }
}

