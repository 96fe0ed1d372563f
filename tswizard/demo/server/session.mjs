// What makes a connection's session its own. All connections share one backend, so what a session
// set is taken down when another one's turn comes, and put back when its own comes again.

/** What a session finds before anybody set anything. The package starts the backend with other
 * values on its command line, which a RESET would bring back. */
const BASE = {
  allow_system_table_mods: 'off',
  client_min_messages: 'notice',
  enable_seqscan: 'on',
  log_min_messages: 'error',
  search_path: '"$user", public',
  wal_init_zero: 'off', // smaller data directories, which are copied for each demo
  wal_recycle: 'off',
};
// Cannot be set, or belong to a transaction.
const NOT_CARRIED = [
  'timescaledb.license',
  'transaction_deferrable',
  'transaction_isolation',
  'transaction_read_only',
];
/** What PostgreSQL 17 reports to a client at its start. */
const REPORTED = [
  'server_version',
  'server_encoding',
  'client_encoding',
  'application_name',
  'default_transaction_read_only',
  'in_hot_standby',
  'is_superuser',
  'session_authorization',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'integer_datetimes',
  'standard_conforming_strings',
  'scram_iterations',
];
const NO_ROLE = 'none';
// Whom the backend starts as. DEFAULT would not do: a stand-alone backend has none.
const AS_ITSELF = 'SET SESSION AUTHORIZATION postgres;';
export const LOCALLY_AS_ITSELF = 'SET LOCAL SESSION AUTHORIZATION postgres;';

/** A string constant that no setting of a session can change the meaning of. */
export function literal(text) {
  return ` E'${String(text).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

export function identifier(name) {
  return `"${String(name).replaceAll('"', '""')}"`;
}

function setAll(settings, { local = false } = {}) {
  const calls = Object.entries(settings).map(
    ([name, value]) =>
      `pg_catalog.set_config(${literal(name)}, ${literal(value)}, ${local ? 'true' : 'false'})`,
  );
  return calls.length ? `SELECT ${calls.join(', ')};` : '';
}

export class Session {
  /** `asked` are the settings that the client named in its start-up packet. */
  constructor(user, asked) {
    this.user = user;
    this.settings = asked;
    this.role = NO_ROLE;
    this.prepared = []; // PREPARE … AS …, whole statements
    this.statements = new Map(); // of the protocol: name on the backend -> its Parse, and what it may do
  }

  /** Puts the ALTER DATABASE/ROLE … SET values below what the client asked for. */
  addDefaults(settings) {
    this.settings = { ...settings, ...this.settings };
  }

  /** SQL that makes a backend without a session into this one. */
  get enter() {
    const role = this.role === NO_ROLE ? '' : `SET ROLE ${identifier(this.role)};`;
    return [
      setAll(this.settings),
      `SET SESSION AUTHORIZATION ${identifier(this.user)};`,
      role,
      ...this.prepared.map((statement) => statement.replace(/;?\s*$/, ';')),
    ].join('\n');
  }

  /** The same for the length of a subtransaction. */
  get visit() {
    const role = this.role === NO_ROLE ? NO_ROLE : identifier(this.role);
    return [
      LOCALLY_AS_ITSELF,
      setAll({ ...BASE, ...this.settings }, { local: true }),
      `SET LOCAL SESSION AUTHORIZATION ${identifier(this.user)};`,
      `SET LOCAL ROLE ${role};`,
    ].join('\n');
  }

  /** Reads what the client has set since, so that `enter` brings it back. */
  async save(backend) {
    await this.saveSettings(backend);
    const prepared = await backend.query(`
      SELECT pg_catalog.quote_ident(name), statement FROM pg_catalog.pg_prepared_statements
       WHERE from_sql`);
    this.prepared = prepared.map(([, statement]) => statement);
    for (const [name] of prepared) await backend.query(`DEALLOCATE ${name}`);
  }

  async saveSettings(backend) {
    const rows = await backend.query(`
      SELECT 'setting', name, setting FROM pg_catalog.pg_settings
       WHERE source OPERATOR(pg_catalog.=) 'session'
         AND name OPERATOR(pg_catalog.<>) ALL (ARRAY[${NOT_CARRIED.map(literal)}])
      UNION ALL
      SELECT 'role', pg_catalog.current_setting('role'), session_user`);
    const [, role, user] = rows.pop();
    this.role = role;
    this.user = user;
    this.settings = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  }
}

/** SQL that takes the settings of whatever session was there down. */
export const LEAVE = `${AS_ITSELF} RESET ALL; ${setAll(BASE)}`;

/** SQL that puts right what a client's own RESET brought back from the command line. */
export const REBASE = `
  SELECT pg_catalog.set_config(wanted.name, wanted.value, false)
    FROM (VALUES ${Object.entries(BASE).map(([name, value]) => `(${literal(name)}, ${literal(value)})`)})
         AS wanted (name, value)
    JOIN pg_catalog.pg_settings AS found ON found.name OPERATOR(pg_catalog.=) wanted.name
   WHERE found.source OPERATOR(pg_catalog.<>) 'session'
     AND (found.context OPERATOR(pg_catalog.=) 'user' OR pg_catalog.current_setting('is_superuser')
          OPERATOR(pg_catalog.=) 'on')`;

/** SQL that drops what a session leaves behind when its connection ends. */
export const FORGET = `CLOSE ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES;`;

/** The values that a new connection gets from ALTER DATABASE … SET and ALTER ROLE … SET, weakest
 * first; `timescaledb_pre_restore()` works through the former. */
export async function defaultsFor(backend, user) {
  const rows = await backend.query(`
    SELECT setting
      FROM pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) AS setting
     WHERE setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, (SELECT oid FROM pg_catalog.pg_database
           WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())])
       AND setrole OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, (SELECT oid FROM pg_catalog.pg_roles
           WHERE rolname OPERATOR(pg_catalog.=) ${literal(user)})])
     ORDER BY setrole OPERATOR(pg_catalog.<>) 0::pg_catalog.oid, setdatabase OPERATOR(pg_catalog.<>) 0::pg_catalog.oid`);
  return Object.fromEntries(
    rows.map(([setting]) => {
      const at = setting.indexOf('=');
      return [setting.slice(0, at), setting.slice(at + 1)];
    }),
  );
}

/** The parameters that the server tells a client at its start, as the session has them. */
export async function reportedParameters(backend) {
  const values = REPORTED.map((name) => `pg_catalog.current_setting(${literal(name)})`);
  const [row] = await backend.query(`SELECT ${values.join(', ')}`);
  return REPORTED.map((name, i) => [name, row[i]]);
}
