/**
 * A mistake the user can correct: printed as one line, exit code 2. The message names the file or option first.
 */
export class CliError extends Error {
  override readonly name = 'CliError';
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left on device',
  ENAMETOOLONG: 'file name too long',
  ERR_FS_FILE_TOO_LARGE: 'file too large',
};

/** Wraps a failure of the file system as `file: reason`; anything else is returned as it came. */
export function fileError(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  const isSystemError = 'syscall' in error || error.code in REASONS;
  return isSystemError ? new CliError(`${file}: ${REASONS[error.code] ?? error.code}`, { cause: error }) : error;
}

/** Whether the JavaScript engine refused an allocation (as opposed to the wasm memory, which has OutOfMemoryError). */
export function isAllocationFailure(error: unknown): boolean {
  if (!(error instanceof RangeError)) return false;
  return /allocation failed|typed array length|array length|buffer larger|out of memory/i.test(error.message);
}
