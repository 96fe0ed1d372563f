// The one PostgreSQL backend, as the rest of the server sees it: bytes go in, messages come out.

import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { BELL, newBell, OUTSTANDING, OUTSTANDING_LIMIT } from './bell.mjs';
import { dataRow, errorFields, Framer, query, typeOf } from './wire.mjs';

// Optimizing the WebAssembly costs a server of this size more than it gains: measured, loading the
// sample took 27 s of processor time with it and 21 s without.
setFlagsFromString('--liftoff-only');

const ENOUGH_WAITING = 4 * 1024 * 1024;

/** An error that PostgreSQL answered to a statement of the server itself. */
export class PgError extends Error {
  constructor(fields) {
    super(fields.M);
    this.code = fields.C;
  }
}

export class Backend {
  #options;
  #worker;
  #bell;
  #framer;
  #sink = null;
  #sent = 0;
  #waiting = new Map(); // number -> bytes that the thread has not taken yet
  #waitingBytes = 0;
  #idle = null;
  #opened = null;
  #closed = null;
  #onDrain = [];
  #ended = false;

  /** When something last went in or out, in milliseconds of the epoch. */
  quietSince = Date.now();

  /** `onCrash` is told when the backend dies unasked. */
  constructor(options, onCrash) {
    this.#options = options;
    this.onCrash = onCrash;
  }

  /** Starts the backend, in a database that must exist unless the directory is new. */
  async open(database) {
    this.#bell = newBell();
    this.#framer = new Framer();
    this.#sent = 0;
    this.#waiting.clear();
    this.#waitingBytes = 0;
    const bell = this.#bell;
    const worker = new Worker(new URL('./backend-thread.mjs', import.meta.url), {
      workerData: { ...this.#options, database, bell },
    });
    worker.on('message', (what) => this.#receive(what));
    worker.on('error', (error) => this.#crash(error.message));
    worker.on('exit', (code) => {
      if (worker === this.#worker && !this.#ended) this.#crash(`its thread ended with ${code}`);
    });
    this.#worker = worker;
    this.#ended = false;
    await new Promise((resolve, reject) => {
      this.#opened = { resolve, reject };
    });
  }

  /** Shuts PostgreSQL down in order, with a checkpoint. */
  async close() {
    const closed = new Promise((resolve) => {
      this.#closed = resolve;
    });
    this.#worker.postMessage({ close: true });
    this.#ring(BELL);
    await closed;
  }

  /** Sends whole messages and resolves when the backend has worked them off; to false if the
   * extended protocol still waits for its Sync. `sink(messages)` gets the answers as they come;
   * what it returns is awaited before they count as taken. */
  async exchange(bytes, sink) {
    this.#sink = sink;
    const idle = new Promise((resolve) => {
      this.#idle = resolve;
    });
    this.feed(bytes);
    const synced = await idle;
    this.#sink = null;
    return synced;
  }

  /** More messages for the exchange under way. */
  feed(bytes) {
    this.quietSince = Date.now();
    const copy = new Uint8Array(bytes); // its own memory, so that it can be handed over
    this.#sent += 1;
    this.#waiting.set(this.#sent, copy.length);
    this.#waitingBytes += copy.length;
    this.#worker.postMessage({ bytes: copy, number: this.#sent }, [copy.buffer]);
    this.#ring(BELL);
  }

  /** Whether so much input waits that whoever sends it should pause. */
  get full() {
    return this.#waitingBytes > ENOUGH_WAITING;
  }

  /** Whether the backend waits for a client to read what it has written. */
  get choked() {
    return Atomics.load(this.#bell32, OUTSTANDING) > OUTSTANDING_LIMIT;
  }

  /** Calls `then` once, when the backend has taken its input. */
  onDrain(then) {
    this.#onDrain.push(then);
  }

  /** Runs statements of the server itself; the rows of all of them. Raises PgError. */
  async query(sql) {
    const rows = [];
    let failed = null;
    await this.exchange(query(sql), (messages) => {
      for (const answer of messages) {
        const type = typeOf(answer);
        if (type === 'D') rows.push(dataRow(answer));
        else if (type === 'E') failed = new PgError(errorFields(answer));
      }
    });
    if (failed) throw failed;
    return rows;
  }

  #receive({ output, idle, synced, taken, ready, closed, crash }) {
    this.quietSince = Date.now();
    if (output) this.#deliver(output);
    else if (taken) this.#take(taken);
    else if (idle !== undefined) this.#settle(idle, synced);
    else if (ready) this.#opened.resolve();
    else if (closed) this.#end();
    else if (crash) this.#crash(crash);
  }

  #deliver(output) {
    const messages = [...this.#framer.push(Buffer.from(output.buffer))];
    const done = this.#sink?.(messages);
    const acknowledge = () => {
      Atomics.sub(this.#bell32, OUTSTANDING, output.length);
      Atomics.notify(this.#bell32, OUTSTANDING);
    };
    if (done) done.then(acknowledge);
    else acknowledge();
  }

  #take(number) {
    this.#waitingBytes -= this.#waiting.get(number);
    this.#waiting.delete(number);
    if (this.full) return;
    for (const then of this.#onDrain.splice(0)) then();
  }

  #settle(number, synced) {
    if (number !== this.#sent || !this.#idle) return;
    const resolve = this.#idle;
    this.#idle = null;
    resolve(synced);
  }

  #end() {
    this.#ended = true;
    this.#closed();
  }

  #crash(reason) {
    this.#ended = true;
    this.#opened.reject(new Error(reason));
    this.onCrash(reason);
  }

  get #bell32() {
    return new Int32Array(this.#bell);
  }

  #ring(which) {
    Atomics.add(this.#bell32, which, 1);
    Atomics.notify(this.#bell32, which);
  }
}
