// The thread that holds the backend. It reads messages from a port and writes what the backend
// answers to the same port. It may block: that is why it is a thread, and why a COPY FROM STDIN
// can wait for its data as it would on a real server.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { BELL, OUTSTANDING, OUTSTANDING_LIMIT } from './bell.mjs';
import { terminate } from './wire.mjs';

const OUTPUT_CHUNK = 64 * 1024;
const LOG_LINES = 20;
const types = (letters) => new Set(Buffer.from(letters));
// Left over from a COPY that ended early; PostgreSQL ignores them too.
const COPY_LEFTOVERS = types('dcf');
// Answered with a ReadyForQuery: query, function call, sync. Any other message waits for a sync.
const ENDS_A_CYCLE = types('QFS');
// Asks for the answers so far, also behind a sync: begins nothing that would have to be ended.
const [FLUSH] = types('H');

const bell = new Int32Array(workerData.bell);
const log = [];

/** The incoming messages, as the backend reads them. A read never crosses a message's end, so
 * that the backend's own read buffer is empty whenever a message is done. */
class Input {
  #bytes = Buffer.alloc(0);
  #left = 0; // what is left of the message under way
  #taken = 0;

  /** Waits until there is something to read; false means that the server wants to end. */
  wait(beforeBlocking) {
    while (this.#bytes.length === 0) {
      const seen = Atomics.load(bell, BELL);
      const received = receiveMessageOnPort(parentPort);
      if (!received) {
        beforeBlocking(this.#taken);
        Atomics.wait(bell, BELL, seen);
      } else if (received.message.close) {
        return false;
      } else {
        this.#bytes = Buffer.from(received.message.bytes.buffer);
        this.#taken = received.message.number;
        parentPort.postMessage({ taken: this.#taken });
      }
    }
    return true;
  }

  get type() {
    return this.#bytes[0];
  }

  get length() {
    return 1 + this.#bytes.readInt32BE(1);
  }

  skip() {
    this.#bytes = this.#bytes.subarray(this.length);
  }

  read(most) {
    if (this.#left === 0) this.#left = this.length;
    const piece = this.#bytes.subarray(0, Math.min(most, this.#left));
    this.#left -= piece.length;
    this.#bytes = this.#bytes.subarray(piece.length);
    return piece;
  }

  put(bytes) {
    this.#bytes = bytes;
    this.#left = 0;
  }
}

/** What the backend writes, sent on in pieces; waits while nobody takes them. */
class Output {
  #pieces = [];
  #size = 0;

  write(bytes) {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= OUTPUT_CHUNK) this.flush();
  }

  flush() {
    if (this.#size === 0) return;
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    Atomics.add(bell, OUTSTANDING, this.#size);
    this.#pieces = [];
    this.#size = 0;
    parentPort.postMessage({ output: bytes }, [bytes.buffer]);
    for (;;) {
      const outstanding = Atomics.load(bell, OUTSTANDING);
      if (outstanding <= OUTSTANDING_LIMIT) return;
      Atomics.wait(bell, OUTSTANDING, outstanding);
    }
  }
}

/** Keeps the last lines that PostgreSQL logs: the only word it leaves when it dies. */
const keepLog = {
  name: 'keepLog',
  setup: async (_pg, options) => ({
    emscriptenOpts: {
      ...options,
      print: () => {},
      printErr: (line) => {
        log.push(line);
        if (log.length > LOG_LINES) log.shift();
      },
    },
  }),
};

async function open({ packageDir, dataDir, database }) {
  const dist = (name) => pathToFileURL(join(packageDir, 'dist', name)).href;
  const { PGlite } = await import(dist('index.js'));
  const { timescaledb } = await import(dist('timescaledb/index.js'));
  /** Without its table of array types, which only its own query functions need. */
  class Lean extends PGlite {
    async _initArrayTypes() {}
  }
  const pglite = new Lean({ dataDir, database, extensions: { timescaledb, keepLog } });
  await pglite.waitReady;
  return pglite;
}

async function serve() {
  const pglite = await open(workerData);
  const module = pglite.Module;
  const input = new Input();
  const output = new Output();
  const read = (at, most) => {
    if (!input.wait(() => output.flush())) throw new Error('the server ends during a COPY');
    const piece = input.read(most);
    module.HEAPU8.set(piece, at);
    return piece.length;
  };
  const write = (at, length) => {
    output.write(module.HEAPU8.slice(at, at + length));
    return length;
  };
  // The package's own callbacks hold the whole answer, at most 1 GiB, and cannot wait for input.
  module._set_read_write_cbs(module.addFunction(read, 'iii'), module.addFunction(write, 'iii'));
  parentPort.postMessage({ ready: true });
  let synced = true;
  while (input.wait((taken) => parentPort.postMessage({ idle: taken, synced }))) {
    if (COPY_LEFTOVERS.has(input.type)) {
      input.skip();
    } else {
      if (input.type !== FLUSH) synced = ENDS_A_CYCLE.has(input.type);
      module._interactive_one(input.length, input.type);
      output.flush();
    }
  }
  input.put(terminate());
  await pglite.close();
}

try {
  await serve();
  parentPort.postMessage({ closed: true });
} catch (error) {
  const last = log.filter((line) => /FATAL|PANIC|ERROR/.test(line)).at(-1);
  parentPort.postMessage({ crash: [error?.message ?? String(error), last].filter(Boolean).join('; ') });
}
parentPort.close();
