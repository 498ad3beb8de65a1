import type { WriteStream } from 'node:tty';

/** One line that rewrites itself; silent when the stream is not a terminal. */
export interface Progress {
  /** Shows `text()`, called only when a new line is due. */
  update(text: () => string): void;
  /** Removes the line. */
  clear(): void;
}

const INTERVAL_MS = 100;

/** Progress on `stream` (stderr), at most ten times a second. */
export function createProgress(stream: WriteStream): Progress {
  let shownAt = -Infinity;
  return {
    update(text) {
      if (!stream.isTTY || performance.now() - shownAt < INTERVAL_MS) return;
      shownAt = performance.now();
      stream.write(`\r\u001B[K${text().slice(0, (stream.columns || 80) - 1)}`);
    },
    clear() {
      if (shownAt > -Infinity) stream.write('\r\u001B[K');
      shownAt = -Infinity;
    },
  };
}
