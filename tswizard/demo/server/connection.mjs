// One client's connection: reads its messages, gathers them into batches, and passes the answers.

import { Login, readStartup, Refused } from './login.mjs';
import * as wire from './wire.mjs';

// Statements that may be answered beside another connection's open transaction. The subtransaction
// they run in is read-only; here only what that does not stop is left out.
const READS = /^\s*(?:select|show|table|values|with|explain)\b/i;
const NOT_BESIDE =
  /;\s*\S|\bfor\s+(?:no\s+key\s+|key\s+)?(?:update|share)\b|\b(?:set_config|pg_\w*advisory\w*|pg_sleep\w*|pg_export_snapshot|pg_notify)\b/i;
const SETS = /^\s*(?:set|reset)\s+(?!local\b|transaction\b|constraints\b|session\s+characteristics\b)/i;
// After these something of the server's own has to be run, before anything else is.
const RESETS = /\b(?:reset|discard)\b/i;
const COPY_DATA = new Set('dcf');

export class Connection {
  #socket;
  #turns;
  #database;
  #onCancel;
  #framer = new wire.Framer({ typed: false });
  #login = null;
  #loggingIn = Promise.resolve();
  #extended = newBatch(); // messages of the extended protocol since the last Sync
  #direct = null; // the backend, while it works for this connection
  #closing = false; // what it works on ends with a reset: nothing more goes straight through
  #copying = false;
  #id;

  session = null;
  key = null;
  batches = [];
  status = 'I'; // of the transaction, as the last ReadyForQuery told
  synced = true; // nothing of the extended protocol is waiting for its Sync
  hasSnapshot = false;
  tags = new Set(); // of the commands completed in the last exchange
  closed = false;

  constructor(socket, id, turns, database, onCancel) {
    this.#socket = socket;
    this.#id = id;
    this.#turns = turns;
    this.#database = database;
    this.#onCancel = onCancel;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#end());
  }

  get idleInTransaction() {
    return this.synced && this.status === 'T' && !this.#direct;
  }

  /** Whether nothing goes on until the client sends something. */
  get waitsForClient() {
    return !this.#direct || this.#copying;
  }

  /** Writes messages to the client; resolves when they are on their way or nobody wants them. */
  send(messages) {
    if (this.closed || !messages.length) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.write(Buffer.concat(messages), () => resolve());
    });
  }

  /** Has the backend work off everything that is waiting here, up to the first reset. */
  async exchange(backend) {
    this.#direct = backend;
    const messages = this.#take().flatMap((batch) => batch.messages);
    this.tags.clear();
    this.synced = await backend.exchange(Buffer.concat(messages), (answers) => this.#pass(answers));
    this.#direct = null;
    if (this.batches.length) this.#turns.request(this);
  }

  #take() {
    const reset = this.batches.findIndex((batch) => batch.complete && batch.resets);
    this.#closing = reset >= 0;
    if (this.#closing) return this.batches.splice(0, reset + 1);
    const batches = [...this.batches.splice(0), this.#extended];
    this.#extended = newBatch();
    return batches;
  }

  /** Answers what waits first with an error instead of running it. */
  refuse(error) {
    const batch = this.batches.shift();
    if (!batch) return;
    if (!batch.complete) {
      this.fail(error);
      return;
    }
    this.send([wire.errorResponse({ ...error, severity: 'ERROR' }), wire.ready('I')]);
    if (this.batches.length) this.#turns.request(this);
  }

  /** Ends the connection with an error. */
  fail({ code = 'XX000', message }) {
    this.send([wire.errorResponse({ code, message })]);
    this.#end();
  }

  #pass(messages) {
    for (const answer of messages) {
      const type = wire.typeOf(answer);
      if (type === 'Z') {
        this.status = String.fromCharCode(answer[5]);
        this.#copying = false;
      } else if (type === 'G') {
        this.#copying = true;
        if (this.closed) this.#abandonCopy();
      } else if (type === 'C') {
        this.#copying = false;
        this.tags.add(wire.readCstring(answer, 5)[0].replace(/ [\d ]+$/, ''));
      } else if (type === 'E') {
        this.#copying = false;
      }
    }
    return this.send(messages);
  }

  #receive(chunk) {
    try {
      const straight = [];
      for (const message of this.#framer.push(chunk)) {
        if (!this.#framer.typed) this.#startup(message);
        else if (!this.session) this.#password(message);
        else this.#request(message, straight);
      }
      if (straight.length) this.#feed(Buffer.concat(straight));
    } catch (error) {
      this.#reject(error instanceof wire.ProtocolViolation ? new Refused('08P01', error.message) : error);
    }
  }

  #startup(packet) {
    const startup = readStartup(packet);
    if (startup.kind === 'encryption') {
      this.#socket.write('N');
    } else if (startup.kind === 'cancel') {
      this.#onCancel(startup.key);
      this.#socket.end();
    } else {
      this.#framer.typed = true;
      const send = (message) => void this.send([message]);
      this.#login = new Login(this.#turns, this.#database, send, startup);
      this.#proceed(() => this.#login.begin());
    }
  }

  #password(response) {
    const type = wire.typeOf(response);
    if (type === 'X') {
      this.#socket.end();
    } else if (type === 'p') {
      const copy = Buffer.from(response);
      this.#proceed(async () => {
        if (!this.#login.answer(copy)) return;
        const { session, key } = await this.#login.finish();
        this.session = session;
        this.key = key;
      });
    } else {
      throw new Refused('08P01', `expected password response, got message type ${response[0]}`);
    }
  }

  /** One step of the login after the other. */
  #proceed(step) {
    this.#loggingIn = this.#loggingIn.then(step).catch((error) => this.#reject(error));
  }

  #reject(error) {
    if (!(error instanceof Refused)) console.error(error);
    this.fail(error);
  }

  #request(message, straight) {
    const type = wire.typeOf(message);
    if (type === 'X') {
      this.#end();
      return;
    }
    if (COPY_DATA.has(type)) {
      if (this.#copying) straight.push(message);
      return; // else left over from a COPY that failed
    }
    const named = this.#own(type, message);
    if (this.#direct && !this.#closing && !this.batches.length) {
      straight.push(named);
    } else {
      this.#gather(type, named);
    }
  }

  #gather(type, message) {
    const part = type === 'Q' ? newBatch() : this.#extended;
    part.messages.push(Buffer.from(message));
    if (type === 'Q') note(part, wire.readCstring(message, 5)[0]);
    else if (type === 'P') this.#gatherParse(part, message);
    else if (type === 'B') this.#gatherBind(part, statementOf(message));
    else if (type === 'H' || type === 'F') part.reads = false;
    if (!'QSHF'.includes(type)) return;
    part.complete = type !== 'H' && this.synced;
    part.reads &&= part.complete;
    if (part === this.#extended) this.#extended = newBatch();
    this.batches.push(part);
    this.#turns.request(this);
  }

  #gatherParse(part, parse) {
    const [name, at] = wire.readCstring(parse, 5);
    const reads = note(part, wire.readCstring(parse, at)[0]);
    if (!name) part.unnamedReads = reads;
    else part.parsed.push(name);
  }

  #gatherBind(part, name) {
    const known = this.session.statements.get(name);
    part.reads &&= name ? known?.reads === true : part.unnamedReads;
    part.resets ||= known?.resets === true;
  }

  #feed(bytes) {
    this.#direct.feed(bytes);
    if (!this.#direct.full) return;
    this.#socket.pause();
    this.#direct.onDrain(() => this.#socket.resume());
  }

  /** Gives the names of prepared statements a prefix, so that connections don't see each other's. */
  #own(type, message) {
    if (!'PBDC'.includes(type)) return message;
    const prefix = (name) => (name ? `c${this.#id}_${name}` : name);
    const body = wire.bodyOf(message);
    if (type === 'P') {
      const [name, at] = wire.readCstring(body);
      const parse = wire.message('P', wire.cstring(prefix(name)), body.subarray(at));
      const { reads, resets } = classify(wire.readCstring(body, at)[0]);
      if (name) this.session.statements.set(prefix(name), { parse, reads, resets });
      return parse;
    }
    if (type === 'B') {
      const [portal, at] = wire.readCstring(body);
      const [name, next] = wire.readCstring(body, at);
      return wire.message('B', wire.cstring(portal), wire.cstring(prefix(name)), body.subarray(next));
    }
    if (body[0] !== 'S'.charCodeAt(0)) return message;
    const [name] = wire.readCstring(body, 1);
    if (type === 'C') this.session.statements.delete(prefix(name));
    return wire.message(type, Buffer.from('S'), wire.cstring(prefix(name)));
  }

  #abandonCopy() {
    this.#direct.feed(wire.copyFail('the client is gone'));
  }

  #end() {
    if (this.closed) return;
    this.closed = true;
    this.batches = [];
    this.#socket.end();
    if (this.#direct && this.#copying) this.#abandonCopy();
    if (this.session) this.#turns.request(this);
  }
}

/** What is run in one go. `reads`: it may be answered beside another's transaction; `sets`: it
 * changes settings; `resets`: it may bring back those of the command line; `complete`: it ends with
 * a ReadyForQuery; `unnamedReads`: the unnamed statement that it parses only reads; `parsed`: the
 * named ones. */
function newBatch() {
  const flags = { reads: true, sets: false, resets: false, complete: false, unnamedReads: false };
  return { messages: [], parsed: [], ...flags };
}

function classify(sql) {
  const sets = SETS.test(sql);
  const reads = (sets || READS.test(sql)) && !NOT_BESIDE.test(sql);
  return { reads, sets, resets: RESETS.test(sql) };
}

/** Notes in a batch what one of its statements may do; whether that only reads. */
function note(batch, sql) {
  const { reads, sets, resets } = classify(sql);
  batch.sets ||= sets;
  batch.resets ||= resets;
  batch.reads &&= reads;
  return reads;
}

function statementOf(bind) {
  return wire.readCstring(bind, wire.readCstring(bind, 5)[1])[0];
}
