// Who may use the one backend, and when. A connection owns it from its first statement until its
// transaction ends. The others wait; what only reads is answered in between, inside the owner's
// transaction, in a subtransaction that is rolled back.

import { PgError } from './backend.mjs';
import { Refused } from './login.mjs';
import { defaultsFor, FORGET, LEAVE, LOCALLY_AS_ITSELF, REBASE } from './session.mjs';
import * as wire from './wire.mjs';

const ASIDE = 'tswizard_aside';
const BUSY = {
  code: '55P03',
  message: 'another connection holds an open transaction, and this server has one backend for all',
  hint: 'End that transaction first; only plain reads are answered beside it.',
};
// Leave the transaction free to choose its isolation level yet.
const NO_SNAPSHOT_YET = new Set(['BEGIN', 'START TRANSACTION', 'SET', 'SAVEPOINT']);
const READ_ONLY_SQL_TRANSACTION = '25006';
const EXTENSION = 'timescaledb';

export class Turns {
  #backend;
  #database;
  #waitTimeout;
  #waiting = []; // connections with work, and tasks of the server itself
  #connections = new Set();
  #owner = null; // the connection whose transaction is open
  #present = null; // the connection whose session the backend has now
  #running = false;
  #watch = null;
  #extensionLoaded = false;

  /** `waitTimeout`: for how many seconds others wait for an owner whose client does nothing. */
  constructor(backend, database, waitTimeout) {
    this.#backend = backend;
    this.#database = database;
    this.#waitTimeout = waitTimeout * 1000;
  }

  /** Loads the library into a backend that has just started. Without this, after a reopen, counts
   * over compressed chunks are silently wrong: there is no shared_preload_libraries here. */
  async begin() {
    await this.#backend.query(`LOAD '$libdir/${EXTENSION}'; ${LEAVE}`);
    this.#present = null;
    this.#extensionLoaded = await this.#extensionExists();
  }

  /** Runs `work(backend)` as the server itself. */
  aside(work) {
    return this.#task({ work, session: null });
  }

  /** Gives a new session its defaults and runs `work(backend)` in it. Raises Refused. */
  open(session, work) {
    return this.#task({ work, session });
  }

  /** Tells that a connection has work: batches to run, or its own end. */
  request(connection) {
    this.#connections.add(connection);
    if (!this.#waiting.includes(connection)) this.#wait(connection);
    this.#pump();
  }

  /** Takes back what a connection waits for; what runs cannot be interrupted. */
  cancel(connection, error) {
    const at = this.#waiting.indexOf(connection);
    if (at < 0 || !connection.batches[0]?.complete) return;
    this.#waiting.splice(at, 1);
    connection.refuse(error);
  }

  #task(task) {
    return new Promise((resolve, reject) => {
      this.#wait({ ...task, resolve, reject, isTask: true });
      this.#pump();
    });
  }

  #wait(one) {
    one.waitingSince = Date.now();
    this.#waiting.push(one);
    this.#watch ??= setInterval(() => this.#refuseOverdue(), 500);
  }

  async #pump() {
    if (this.#running) return;
    this.#running = true;
    for (let next = this.#next(); next; next = this.#next()) {
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      const beside = this.#owner !== null && this.#owner !== next;
      if (next.isTask) await this.#runTask(next, beside);
      else if (next.closed) await this.#bury(next);
      else if (beside) await this.#answerBeside(next);
      else await this.#run(next);
    }
    this.#running = false;
  }

  #next() {
    const owner = this.#owner;
    if (!owner) return this.#waiting[0];
    if (this.#waiting.includes(owner)) return owner;
    if (!owner.idleInTransaction || !owner.hasSnapshot) return undefined;
    return this.#waiting.find((one) => one.isTask || (!one.closed && one.batches[0]?.reads));
  }

  /** Runs all that a connection has asked for; what it sends meanwhile goes straight through. */
  async #run(connection) {
    if (this.#present !== connection && !(await this.#enter(connection))) return;
    this.#owner = connection;
    await connection.exchange(this.#backend);
    if (connection.synced && connection.status !== 'E') await this.#followUp(connection.tags);
    if ([...connection.tags].some((tag) => !NO_SNAPSHOT_YET.has(tag))) connection.hasSnapshot = true;
    if (connection.status === 'I' && connection.synced) {
      this.#owner = null;
      connection.hasSnapshot = false;
    }
  }

  async #followUp(tags) {
    if (tags.has('RESET') || tags.has('DISCARD ALL')) await this.#backend.query(REBASE);
    if (tags.has('CREATE EXTENSION')) this.#extensionLoaded ||= await this.#extensionExists();
  }

  async #enter(connection) {
    await this.#vacate();
    try {
      await this.#backend.query(connection.session.enter);
    } catch (error) {
      connection.fail(error); // as when its role was dropped meanwhile
      return false;
    }
    this.#present = connection;
    return true;
  }

  /** Takes the present session down, keeping what it set if its connection lives. */
  async #vacate() {
    const present = this.#present;
    if (present && !present.closed) await present.session.save(this.#backend);
    await this.#backend.query(LEAVE);
    this.#present = null;
  }

  async #answerBeside(connection) {
    const batch = connection.batches[0];
    const answers = [];
    try {
      await this.#beside(async () => {
        await this.#backend.query(`${connection.session.visit} SET LOCAL transaction_read_only = on`);
        const bytes = Buffer.concat(batch.messages);
        await this.#backend.exchange(bytes, (messages) => void answers.push(...messages));
        if (batch.sets) await connection.session.saveSettings(this.#backend);
      });
    } catch (error) {
      connection.fail(error);
      return;
    }
    if (wantsToWrite(answers)) {
      batch.reads = false;
      await this.#closeStatements(batch.parsed);
    } else {
      connection.batches.shift();
      await connection.send(answers.map(outsideTransaction));
    }
    if (connection.batches.length) this.request(connection);
  }

  async #closeStatements(names) {
    for (const name of names) {
      const messages = [wire.closeStatement(name), wire.sync()];
      await this.#backend.exchange(Buffer.concat(messages), () => {});
    }
  }

  /** Runs `work` in a subtransaction of the owner's and takes back whatever it did. */
  async #beside(work) {
    await this.#backend.query(`SAVEPOINT ${ASIDE}`);
    try {
      return await work();
    } finally {
      await this.#backend.query(`ROLLBACK TO SAVEPOINT ${ASIDE}`);
      await this.#backend.query(`RELEASE SAVEPOINT ${ASIDE}`);
    }
  }

  async #runTask({ work, session, resolve, reject }, beside) {
    try {
      resolve(await (beside ? this.#taskBeside(work, session) : this.#taskAlone(work, session)));
    } catch (error) {
      reject(error instanceof PgError ? new Refused(error.code, error.message) : error);
    }
  }

  async #taskAlone(work, session) {
    await this.#vacate();
    if (session) {
      await this.#renew();
      session.addDefaults(await defaultsFor(this.#backend, session.user));
      await this.#backend.query(session.enter);
    }
    return work(this.#backend);
  }

  #taskBeside(work, session) {
    return this.#beside(async () => {
      await this.#backend.query(LOCALLY_AS_ITSELF);
      if (session) {
        session.addDefaults(await defaultsFor(this.#backend, session.user));
        await this.#backend.query(session.visit);
      }
      return work(this.#backend);
    });
  }

  /** A new session finds a new backend where PostgreSQL would insist on one: a library of the
   * extension that stays loaded after DROP EXTENSION lets no CREATE EXTENSION through. */
  async #renew() {
    if (!this.#extensionLoaded || (await this.#extensionExists())) return;
    await this.#backend.close();
    await this.#backend.open(this.#database);
    await this.begin();
    for (const connection of this.#connections) {
      for (const { parse } of connection.session.statements.values()) {
        await this.#backend.exchange(Buffer.concat([parse, wire.sync()]), () => {});
      }
    }
  }

  async #extensionExists() {
    const rows = await this.#backend.query(
      `SELECT FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) '${EXTENSION}'`,
    );
    return rows.length > 0;
  }

  /** Ends a connection's transaction and removes what it left on the backend. */
  async #bury(connection) {
    this.#connections.delete(connection);
    if (this.#owner === connection) {
      if (!connection.synced) await this.#backend.exchange(wire.sync(), () => {});
      await this.#backend.query('ROLLBACK');
      this.#owner = null;
    }
    const alone = this.#connections.size === 0;
    if (this.#present === connection) {
      await this.#vacate();
      await this.#forgetPrepared();
    }
    await this.#closeStatements(connection.session.statements.keys());
    if (alone) await this.#backend.query(FORGET);
  }

  async #forgetPrepared() {
    const rows = await this.#backend.query(
      'SELECT pg_catalog.quote_ident(name) FROM pg_catalog.pg_prepared_statements WHERE from_sql',
    );
    for (const [name] of rows) await this.#backend.query(`DEALLOCATE ${name}`);
  }

  /** Lets nobody wait for ever: the owner's client may be the very one that waits. */
  #refuseOverdue() {
    if (this.#waiting.length === 0) {
      clearInterval(this.#watch);
      this.#watch = null;
    }
    if (!this.#owner?.waitsForClient && !this.#backend.choked) return;
    const due = Date.now() - this.#waitTimeout;
    if (this.#backend.quietSince > due) return;
    for (const one of this.#waiting.filter((each) => each.waitingSince <= due && !each.closed)) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1);
      if (one.isTask) one.reject(new Refused(BUSY.code, BUSY.message));
      else one.refuse(BUSY);
    }
  }
}

function wantsToWrite(answers) {
  return answers.some(
    (answer) =>
      wire.typeOf(answer) === 'E' && wire.errorFields(answer).C === READ_ONLY_SQL_TRANSACTION,
  );
}

const outsideTransaction = (answer) => (wire.typeOf(answer) === 'Z' ? wire.ready('I') : answer);
