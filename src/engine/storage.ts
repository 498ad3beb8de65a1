/**
 * A reference-counted range of wasm memory. It knows which pending calls use it, how often it was written to, and
 * whether JavaScript holds a view of it.
 */

import { EngineError } from '../core/errors.ts';
import type { CacheEntry } from './byte_cache.ts';
import type { Engine } from './engine.ts';
import { WeakStorages } from './weak_storages.ts';

/** A packed copy of a weight, kept by the engine's cache and owned by the weight's storage. */
export interface PackedCopy extends CacheEntry {
  readonly ptr: number;
  /** What it was packed for. */
  readonly key: string;
  readonly version: number;
}

/** What the bytes of a storage are for, in the engine's statistics. */
export type Purpose = 'tensor' | 'packed weight' | 'foreign';

/** Somebody who saved the content for later, told before it can change unseen. */
export interface ContentWatcher {
  /** Called before JavaScript gets a view for the first time. */
  exposing(): void;
}

const NONE: readonly Storage[] = [];

export class Storage {
  readonly engine: Engine;
  readonly ptr: number;
  readonly bytes: number;
  /** 'foreign': memory of somebody else, see `Engine.wrap`. */
  readonly purpose: Purpose;
  /** Packed copies by what they were packed for. */
  readonly packed: Map<string, PackedCopy> = new Map();
  readonly #watchers = new Set<ContentWatcher>();
  /** Others over some of the same bytes, see `Engine.wrap`: what happens to one happens to all. Null without any. */
  #overlapping: WeakStorages | null = null;
  #references = 1;
  #version = 0;
  #exposed: boolean;
  /** Pending calls that read, and that write. */
  #readers = 0;
  #writers = 0;

  constructor(engine: Engine, ptr: number, bytes: number, purpose: Purpose) {
    this.engine = engine;
    this.ptr = ptr;
    this.bytes = bytes;
    this.purpose = purpose;
    this.#exposed = purpose === 'foreign'; // whoever owns the bytes may write at any time
  }

  /** Raised by every write through the API. */
  get version(): number {
    return this.#version;
  }

  /** True once JavaScript may write unseen: packed copies are not reused, saved content is compared by checksum. */
  get exposed(): boolean {
    return this.#exposed;
  }

  retain(): this {
    this.#references++;
    return this;
  }

  /** Drops one reference; the last one gives the bytes back. */
  release(): void {
    if (--this.#references === 0) this.engine.freeStorage(this);
  }

  /** The content changed, or is about to. */
  written(): void {
    this.#version++;
  }

  /** `other` lies over some of the same bytes; whoever owns them may write at any time. */
  join(other: Storage): void {
    (this.#overlapping ??= new WeakStorages()).add(other);
    (other.#overlapping ??= new WeakStorages()).add(this);
    this.expose();
    other.expose();
  }

  /** Undoes every `join`: this storage goes. */
  part(): void {
    for (const other of this.#others()) other.#overlapping?.delete(this);
    this.#overlapping = null;
  }

  /** JavaScript gets a view. */
  expose(): void {
    if (this.#exposed) return;
    for (const watcher of this.#watchers) watcher.exposing();
    this.#exposed = true;
  }

  /** JavaScript is done with its views. Who saved the content compares it, so only packed copies are out of date. */
  commit(): void {
    if (this.purpose === 'foreign' || [...this.#others()].length > 0) return; // exposed as long as somebody else may write
    this.#exposed = false;
    this.engine.dropPacked(this);
  }

  watch(watcher: ContentWatcher): void {
    this.#watchers.add(watcher);
  }

  unwatch(watcher: ContentWatcher): void {
    this.#watchers.delete(watcher);
  }

  /** A pending call begins to use the storage: it stays alive until `endUse`. */
  beginUse(writes: boolean): void {
    this.#references++;
    if (writes) this.#writers++;
    else this.#readers++;
  }

  endUse(writes: boolean): void {
    if (writes) this.#writers--;
    else this.#readers--;
    this.release();
  }

  /** @throws {EngineError} ERR_IN_USE when a pending call writes it. */
  checkReadable(operation: string): void {
    if (this.#writers > 0) throw inUse(operation, 'written');
    for (const other of this.#others()) if (other.#writers > 0) throw inUse(operation, 'written');
  }

  /** @throws {EngineError} ERR_IN_USE when a pending call reads or writes it. */
  checkWritable(operation: string): void {
    this.checkReadable(operation);
    if (this.#readers > 0) throw inUse(operation, 'read');
    for (const other of this.#others()) if (other.#readers > 0) throw inUse(operation, 'read');
  }

  #others(): Iterable<Storage> {
    return this.#overlapping ?? NONE;
  }

  /** Two hashes of the content in one number, for content that JavaScript may have written to. */
  checksum(): number {
    let a = 0x811c9dc5;
    let b = 0x2545f491;
    const mix = (words: Int32Array | Uint8Array): void => {
      for (const word of words) {
        a = Math.imul(a ^ word, 0x01000193);
        b = Math.imul((b << 13) | (b >>> 19), 5) + word;
      }
    };
    const { buffer } = this.engine;
    const whole = this.ptr % 4 === 0 ? this.bytes >> 2 : 0; // foreign memory may begin anywhere
    mix(new Int32Array(buffer, whole === 0 ? 0 : this.ptr, whole));
    mix(new Uint8Array(buffer, this.ptr + 4 * whole, this.bytes - 4 * whole));
    return (a >>> 0) * 2 ** 21 + ((b ^ (b >>> 11)) & 0x1fffff);
  }
}

function inUse(operation: string, how: string): EngineError {
  return new EngineError('ERR_IN_USE', `${operation}: the tensor is ${how} by a pending call; await it first`);
}
