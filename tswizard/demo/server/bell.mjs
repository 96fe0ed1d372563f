// The memory that the server and the backend's thread share: two 32-bit numbers.

/** Rises with each message to the thread, which sleeps on it. */
export const BELL = 0;
/** Bytes that the thread has sent and nobody has taken yet; the thread sleeps on it when too many. */
export const OUTSTANDING = 1;
export const OUTSTANDING_LIMIT = 16 * 1024 * 1024;
export const newBell = () => new SharedArrayBuffer(8);
