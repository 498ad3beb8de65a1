/** What `createEngine` accepts, checked. */

import { ArgumentError } from '../core/errors.ts';
import { checkBoolean, checkChoice, checkInteger, checkNumber, checkOptions, wrongType } from '../core/validate.ts';
import type { ForeignAllocator } from '../memory/heap.ts';
import { checkMicrokernel } from '../plan/blocking.ts';
import { IN_WORKERD } from '../threading/platform.ts';
import { describeModule } from '../wasm/variants.ts';

export interface EngineOptions {
  /**
   * Computing threads; 'auto' (default): one per core where memory can be shared, else 1. On a page these are workers,
   * elsewhere the caller is one of them. `engine.info.threadsReason` says why there are fewer.
   */
  threads?: number | 'auto';
  /** 'fast' (default): fused multiply-add where the runtime has it; 'portable': the same bits everywhere. */
  numerics?: 'fast' | 'portable';
  /** Size of the wasm memory at the start, in bytes. */
  initialBytes?: number;
  /** Limit of the wasm memory, in bytes; at most 4 GiB, the default. In Cloudflare Workers the default is 80 MiB. */
  maximumBytes?: number;
  /** Limit of the packed-weight cache, in bytes. */
  cacheBytes?: number;
  /** A variant of this package's wasm, compiled by the caller from `upconv/wasm/….wasm`; default: the fitting one. */
  wasm?: WebAssembly.Module;
  /** Register tile `mr`x8, `mr`x16 for 256 bits, to force one in tests. */
  microkernel?: string;
  /**
   * Opt in to vectors of 256 bits (Node 24 and later, CPUs with AVX2): sets an experimental flag of V8 for the rest of
   * the process. Where they do not come, the engine is made without, and `engine.info.wideReason` says why.
   */
  wide?: boolean;
  /**
   * Promise calls give the event loop a turn about this often, in milliseconds; default 8, Infinity never. Ignored in
   * Cloudflare Workers, where calls run at once.
   */
  yieldEveryMs?: number;
  /** Where workers load `upconv/worker.js` from; default: beside the package, then a Blob. */
  workerUrl?: string | URL;
  /** Remember where tensors were made (`engine.leaks()`) and fill freed ones with NaN. */
  debug?: boolean;
  /** Live in this memory, and take what is needed from `allocator`. */
  memory?: WebAssembly.Memory;
  allocator?: ForeignAllocator;
}

export interface CheckedEngineOptions {
  readonly threads: number | 'auto';
  readonly numerics: 'fast' | 'portable';
  readonly initialBytes: number;
  readonly maximumBytes: number;
  readonly cacheBytes: number;
  readonly wasm: WebAssembly.Module | null;
  /** Height of the micro-kernel when one is forced, for the module given or asked for. */
  readonly mr: number | null;
  readonly wide: boolean;
  readonly yieldEveryMs: number;
  readonly workerUrl: string | URL | null;
  readonly debug: boolean;
  readonly memory: WebAssembly.Memory | null;
  readonly allocator: ForeignAllocator | null;
}

const KNOWN = [
  'threads',
  'numerics',
  'initialBytes',
  'maximumBytes',
  'cacheBytes',
  'wasm',
  'microkernel',
  'wide',
  'yieldEveryMs',
  'workerUrl',
  'debug',
  'memory',
  'allocator',
];
const GIBIBYTE = 2 ** 30;
/** A Worker may have 128 MiB, the code and its JavaScript objects included. */
const DEFAULT_MAXIMUM_BYTES = IN_WORKERD ? 80 * 2 ** 20 : 4 * GIBIBYTE;
const DEFAULT_CACHE_BYTES = 256 * 2 ** 20;
const DEFAULT_YIELD_MS = 8;
const DEFAULT_INITIAL_BYTES = 2 ** 20;

/**
 * @throws {TypeError} for a value of the wrong type.
 * @throws {ArgumentError} for an unknown option or a value out of range.
 */
export function checkEngineOptions(operation: string, options: EngineOptions): CheckedEngineOptions {
  checkOptions(operation, options, KNOWN);
  const { threads = 'auto', microkernel = null } = options;
  const numerics = checkChoice(operation, 'numerics', options.numerics ?? 'fast', ['fast', 'portable']);
  if (threads !== 'auto') checkInteger(operation, 'threads', threads, 1);
  const maximumBytes = bytes(operation, 'maximumBytes', options.maximumBytes ?? DEFAULT_MAXIMUM_BYTES, 65536);
  const initialBytes = bytes(operation, 'initialBytes', options.initialBytes ?? DEFAULT_INITIAL_BYTES, 0);
  if (options.initialBytes !== undefined && initialBytes > maximumBytes) {
    throw new ArgumentError(operation, 'initialBytes', `at most maximumBytes = ${maximumBytes}`, String(initialBytes));
  }
  const wide = checkBoolean(operation, 'wide', options.wide ?? false);
  const wasm = options.wasm === undefined ? null : checkModule(operation, options.wasm, numerics);
  const isWide = wasm === null ? wide : describeModule(wasm, operation, 'wasm').kernelSet === 'wide';
  return {
    threads,
    numerics,
    initialBytes: Math.min(initialBytes, maximumBytes),
    maximumBytes,
    cacheBytes: checkNumber(operation, 'cacheBytes', options.cacheBytes ?? DEFAULT_CACHE_BYTES, 0),
    wasm,
    wide,
    mr: microkernel === null ? null : checkMicrokernel(operation, microkernel, isWide ? 'wide' : 'relaxed'),
    yieldEveryMs: checkNumber(operation, 'yieldEveryMs', options.yieldEveryMs ?? DEFAULT_YIELD_MS, 0),
    workerUrl: checkWorkerUrl(operation, options.workerUrl),
    debug: checkBoolean(operation, 'debug', options.debug ?? false),
    ...checkForeignMemory(operation, options),
  };
}

/** A module that could not do what `numerics` promises is a wrong one, too. */
function checkModule(operation: string, module: unknown, numerics: 'fast' | 'portable'): WebAssembly.Module {
  if (!(module instanceof WebAssembly.Module)) throw wrongType(operation, 'wasm', 'a WebAssembly.Module', module);
  const { variant, kernelSet } = describeModule(module, operation, 'wasm');
  if (numerics === 'portable' && kernelSet !== 'simd') {
    throw new ArgumentError(operation, 'wasm', "a plain SIMD module, as numerics: 'portable' asks for", `'${variant}'`);
  }
  return module;
}

function checkWorkerUrl(operation: string, value: unknown): string | URL | null {
  if (value === undefined || typeof value === 'string' || value instanceof URL) return value ?? null;
  throw wrongType(operation, 'workerUrl', 'a string or URL', value);
}

function bytes(operation: string, argument: string, value: unknown, minimum: number): number {
  const checked = checkNumber(operation, argument, value, minimum);
  if (!Number.isInteger(checked) || checked > 4 * GIBIBYTE) {
    throw new ArgumentError(operation, argument, 'a whole number of bytes, at most 4 GiB', String(value));
  }
  return checked;
}

/** A foreign memory comes with its allocator, and the other way round. */
function checkForeignMemory(
  operation: string,
  { memory, allocator }: EngineOptions,
): Pick<CheckedEngineOptions, 'memory' | 'allocator'> {
  if (memory === undefined && allocator === undefined) return { memory: null, allocator: null };
  if (!(memory instanceof WebAssembly.Memory)) {
    throw wrongType(operation, 'memory', 'a WebAssembly.Memory beside allocator', memory);
  }
  if (typeof allocator?.allocate !== 'function' || typeof allocator.free !== 'function') {
    throw wrongType(operation, 'allocator', '{ allocate, free } beside memory', allocator);
  }
  return { memory, allocator };
}
