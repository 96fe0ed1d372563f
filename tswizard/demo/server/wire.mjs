// PostgreSQL's wire protocol, version 3: cutting a byte stream into messages, writing and reading
// the few kinds that a server needs. https://www.postgresql.org/docs/17/protocol-message-formats.html

const EMPTY = Buffer.alloc(0);
const LONGEST_MESSAGE = 0x3fffffff; // PostgreSQL's own limit (PQ_LARGE_MESSAGE_LIMIT)
const LONGEST_STARTUP = 10000; // MAX_STARTUP_PACKET_LENGTH

export class ProtocolViolation extends Error {}

/** Cuts a byte stream into messages. Until the start-up packet is read they carry no type byte. */
export class Framer {
  #pieces = [];
  #held = 0;
  #needed = 0;

  constructor({ typed = true } = {}) {
    this.typed = typed;
  }

  /** Yields each message that `chunk` completes, as a view; `typed` may change between two. */
  *push(chunk) {
    this.#pieces.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#needed) return;
    let bytes = this.#pieces.length > 1 ? Buffer.concat(this.#pieces) : chunk;
    for (;;) {
      const length = this.#lengthOf(bytes);
      this.#needed = length;
      if (bytes.length < length) break;
      yield bytes.subarray(0, length);
      bytes = bytes.subarray(length);
    }
    this.#pieces = bytes.length ? [bytes] : [];
    this.#held = bytes.length;
  }

  #lengthOf(bytes) {
    const head = this.typed ? 1 : 0;
    if (bytes.length < head + 4) return head + 4;
    const length = bytes.readInt32BE(head);
    if (length < 4 || length > (this.typed ? LONGEST_MESSAGE : LONGEST_STARTUP)) {
      throw new ProtocolViolation(`invalid message length ${length}`);
    }
    return head + length;
  }
}

export const typeOf = (message) => String.fromCharCode(message[0]);
export const bodyOf = (message) => message.subarray(5);

export function cstring(text) {
  return Buffer.from(`${text}\0`, 'utf8');
}

/** The zero-ended string at `at`, and where the next field begins. */
export function readCstring(bytes, at = 0) {
  const end = bytes.indexOf(0, at);
  if (end < 0) throw new ProtocolViolation('invalid string in message');
  return [bytes.toString('utf8', at, end), end + 1];
}

export function message(type, ...parts) {
  const body = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export function int32(...values) {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeInt32BE(value, 4 * i));
  return bytes;
}

export const query = (sql) => message('Q', cstring(sql));
export const sync = () => message('S', EMPTY);
export const terminate = () => message('X', EMPTY);
export const copyFail = (reason) => message('f', cstring(reason));
export const closeStatement = (name) => message('C', Buffer.from('S'), cstring(name));

export const authentication = (code, ...parts) => message('R', int32(code), ...parts);
export const parameterStatus = (name, value) => message('S', cstring(name), cstring(value));
export const backendKeyData = (pid, key) => message('K', int32(pid, key));
export const ready = (status) => message('Z', Buffer.from(status));
export const negotiateVersion = (minor, options) =>
  message('v', int32(minor, options.length), ...options.map(cstring));

/** An ErrorResponse; `severity` is ERROR or FATAL, `code` an SQLSTATE. */
export function errorResponse({ severity = 'FATAL', code, message: text, hint }) {
  const fields = [`S${severity}`, `V${severity}`, `C${code}`, `M${text}`];
  if (hint) fields.push(`H${hint}`);
  return message('E', ...fields.map(cstring), Buffer.from([0]));
}

/** The fields of an ErrorResponse or NoticeResponse by their one-letter names. */
export function errorFields(response) {
  const fields = {};
  let at = 5;
  while (at < response.length && response[at] !== 0) {
    const [field, next] = readCstring(response, at);
    fields[field[0]] = field.slice(1);
    at = next;
  }
  return fields;
}

/** The values of a DataRow in text format. */
export function dataRow(row) {
  const values = [];
  let at = 7;
  for (let left = row.readInt16BE(5); left > 0; left -= 1) {
    const length = row.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : row.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  return values;
}
