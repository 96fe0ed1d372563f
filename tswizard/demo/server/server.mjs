// A PostgreSQL server with TimescaleDB for the demo and the tests: one backend, many connections.
//
// It reads one line of JSON from its standard input (so that no password is in its arguments):
//   packageDir  where the npm package is unpacked
//   dataDir     the data directory; created when it is empty
//   database    the one database that is served; the first role owns it when it is created
//   roles       [{name, password}]; when they do not exist, the first is created as what the managed
//               cloud's role is, the others as superusers
//   port        0 for a free one
//   waitTimeout seconds that others wait for a connection that is idle in its transaction
// and writes one line of JSON when it is ready. It ends when its standard input does, that is with
// whoever started it, and on SIGTERM and SIGINT.

import { existsSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Backend } from './backend.mjs';
import { Connection } from './connection.mjs';
import { verifierOf } from './scram.mjs';
import { identifier, literal } from './session.mjs';
import { Turns } from './turns.mjs';

const EXIT = { badConfig: 64, noDatabase: 66, crash: 70, noPort: 71 };
const CANCELED = { code: '57014', message: 'canceling statement due to user request' };

let ending = false;

function fail(code, text) {
  console.error(text);
  process.exit(code);
}

async function readConfig() {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    // Reading goes on, to notice the end.
    process.stdin.on('end', () => end(null)).resume();
    return JSON.parse(line);
  }
  return fail(EXIT.badConfig, 'no configuration on standard input');
}

/** PGlite makes a directory with the database template1 only: make ours, then open it. */
async function prepare(backend, { dataDir, database, roles }) {
  const isNew = !existsSync(join(dataDir, 'PG_VERSION'));
  if (isNew) {
    await backend.open('template1');
    const [owner] = roles;
    await backend.query(`CREATE ROLE ${identifier(owner.name)} LOGIN CREATEDB CREATEROLE`);
    await backend.query(
      `CREATE DATABASE ${identifier(database)} OWNER ${identifier(owner.name)}`,
    );
    await backend.close();
  }
  await backend.open(database);
  if (isNew) {
    await dropOtherDatabases(backend);
    await backend.query('CREATE EXTENSION timescaledb SCHEMA public');
    for (const statement of grants(identifier(roles[0].name))) await backend.query(statement);
  }
}

const SCHEMAS = ['internal', 'catalog', 'config', 'cache'].map((name) => `_timescaledb_${name}`).join(', ');

/** What the managed cloud grants its role: the extension is the superuser's. Beyond that it may ask for
 * a checkpoint, by which the templates are whole on the disk however their server ends. */
function grants(role) {
  return [
    `GRANT SET ON PARAMETER timescaledb.restoring TO ${role}`,
    `GRANT SET ON PARAMETER session_replication_role TO ${role}`,
    `GRANT pg_read_all_stats, pg_signal_backend TO ${role} WITH ADMIN OPTION`,
    `GRANT pg_checkpoint TO ${role}`,
    `GRANT USAGE, CREATE ON SCHEMA ${SCHEMAS} TO ${role}`,
    `GRANT ALL ON ALL TABLES IN SCHEMA ${SCHEMAS} TO ${role}`,
    `GRANT ALL ON ALL SEQUENCES IN SCHEMA ${SCHEMAS} TO ${role}`,
    'ALTER FUNCTION public.timescaledb_pre_restore() SECURITY DEFINER',
    'ALTER FUNCTION public.timescaledb_post_restore() SECURITY DEFINER',
  ];
}

/** Nobody can connect to them, and they are a good half of the files that each demo copies. */
async function dropOtherDatabases(backend) {
  await backend.query("UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'template0'");
  for (const name of ['postgres', 'template0']) await backend.query(`DROP DATABASE ${name}`);
}

async function setPasswords(backend, roles) {
  for (const { name, password } of roles) {
    const known = await backend.query(
      `SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal(name)}`,
    );
    const verb = known.length ? 'ALTER' : 'CREATE';
    const may = known.length ? 'LOGIN' : 'LOGIN SUPERUSER';
    await backend.query(`${verb} ROLE ${identifier(name)} ${may} PASSWORD ${literal(verifierOf(password))}`);
  }
}

function listen(turns, { database, port }) {
  const connections = new Set();
  let last = 0;
  const cancel = (key) => {
    const asked = [...connections].find((connection) => connection.key === key);
    if (asked) turns.cancel(asked, CANCELED);
  };
  const server = net.createServer((socket) => {
    last += 1;
    const connection = new Connection(socket, last, turns, database, cancel);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  return new Promise((resolve) => {
    server.on('error', (error) => fail(EXIT.noPort, `cannot listen on port ${port}: ${error.message}`));
    server.listen(port, '127.0.0.1', () => resolve(server.address().port));
  });
}

let backend = null;

/** Ends the process; in order if the backend is free, at once if it is not. */
async function end(signal) {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(0), 2000).unref();
  if (backend && signal) await backend.close();
  process.exit(0);
}

async function main() {
  const started = Date.now();
  const config = await readConfig();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => end(signal));
  backend = new Backend(config, (reason) => {
    if (!ending) fail(EXIT.crash, `the PostgreSQL backend died: ${reason}`);
  });
  const turns = new Turns(backend, config.database, config.waitTimeout ?? 15);
  try {
    await prepare(backend, config);
    await turns.begin();
    await setPasswords(backend, config.roles);
  } catch (error) {
    fail(EXIT.noDatabase, `cannot open ${config.dataDir}: ${error.message}`);
  }
  const port = await listen(turns, { ...config, port: config.port ?? 0 });
  console.log(JSON.stringify({ ready: true, port, pid: process.pid, milliseconds: Date.now() - started }));
}

process.on('unhandledRejection', (error) => fail(EXIT.crash, `the server failed: ${error?.stack}`));
process.on('uncaughtException', (error) => fail(EXIT.crash, `the server failed: ${error?.stack}`));
await main();
