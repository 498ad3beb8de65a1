/**
 * Error classes of the package. Each has a stable `code`; a message reads
 * `operation: argument expected …, got …`.
 */

export type EngineErrorCode =
  | 'ERR_NOT_INITIALIZED'
  | 'ERR_DISPOSED'
  | 'ERR_ENGINE_MISMATCH'
  | 'ERR_UNSUPPORTED'
  | 'ERR_IN_USE'
  | 'ERR_MODIFIED'
  | 'ERR_FROZEN'
  | 'ERR_NO_FORWARD';

export type ErrorCode =
  | EngineErrorCode
  | 'ERR_SHAPE'
  | 'ERR_ARGUMENT'
  | 'ERR_DTYPE'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_WORKER';

/** Base of all errors that this package throws on purpose. */
export abstract class UpconvError extends Error {
  abstract readonly code: ErrorCode;
}

/** `operation: argument expected …, got …` */
abstract class MismatchError extends UpconvError {
  constructor(operation: string, argument: string, expected: string, got: string) {
    super(`${operation}: ${argument} expected ${expected}, got ${got}`);
  }
}

/** Ranks, channels, bias and gradOutput shapes, an output below 1, an empty axis. */
export class ShapeError extends MismatchError {
  readonly code = 'ERR_SHAPE';
  override readonly name = 'ShapeError';
}

/** An option or scalar argument with a value that is not allowed. */
export class ArgumentError extends MismatchError {
  readonly code = 'ERR_ARGUMENT';
  override readonly name = 'ArgumentError';
}

/** An unknown dtype, or operands of different dtypes. */
export class DtypeError extends MismatchError {
  readonly code = 'ERR_DTYPE';
  override readonly name = 'DtypeError';
}

/** The engine, or something that lives in it, is not in a state that allows the call. */
export class EngineError extends UpconvError {
  readonly code: EngineErrorCode;
  override readonly name = 'EngineError';
  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The wasm memory cannot hold the request. Nothing was allocated; the engine stays usable. */
export class OutOfMemoryError extends UpconvError {
  readonly code = 'ERR_OUT_OF_MEMORY';
  override readonly name = 'OutOfMemoryError';
  constructor(operation: string, requestedBytes: number, maximumBytes: number, options?: ErrorOptions) {
    super(
      `${operation}: memory expected room for ${requestedBytes} more bytes, got a wasm memory limited to ${maximumBytes} bytes`,
      options,
    );
  }
}

/** A worker failed; the first failure is the `cause`. */
export class WorkerError extends UpconvError {
  readonly code = 'ERR_WORKER';
  override readonly name = 'WorkerError';
}
