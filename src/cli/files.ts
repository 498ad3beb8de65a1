import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ByteSource } from '../safetensors.ts';
import { CliError, fileError } from './errors.ts';

/** Whole content of `file`. Throws `CliError` naming it. */
export function readInput(file: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    throw fileError(file, error);
  }
}

/** The bytes offset … offset + length − 1 of `file`, or fewer where it ends. Throws `CliError` naming it. */
export function readRange(file: string, offset: number, length: number): Uint8Array {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const bytes = new Uint8Array(Math.min(length, Math.max(0, fstatSync(descriptor).size - offset)));
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, offset));
  } catch (error) {
    throw fileError(file, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** `file` as a source of ranges. Throws `CliError` naming it, as its `read` does. */
export function openRanges(file: string): ByteSource {
  try {
    const { size } = statSync(file);
    return { size, read: (begin, end) => readRange(file, begin, end - begin) };
  } catch (error) {
    throw fileError(file, error);
  }
}

/**
 * Checks, before any work is done, that `output` can be written and is none of `inputs`.
 * Throws `CliError`: directory missing or not writable, not a regular file, same file as an input.
 */
export function checkOutput(output: string, inputs: readonly string[]): void {
  const folder = dirname(output);
  try {
    if (!statSync(folder).isDirectory()) throw new CliError(`${output}: ${folder} is not a directory`);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw fileError(`${output}: output directory ${folder}`, error);
  }
  const existing = statSync(output, { throwIfNoEntry: false, bigint: true });
  if (!existing) return;
  if (existing.isDirectory()) throw new CliError(`${output}: is a directory`);
  if (!existing.isFile()) throw new CliError(`${output}: not a regular file`);
  for (const input of inputs) {
    const stat = statSync(input, { throwIfNoEntry: false, bigint: true });
    // Windows may report inode 0, so names are compared as well.
    const isSameInode = stat !== undefined && stat.ino !== 0n && stat.ino === existing.ino && stat.dev === existing.dev;
    if (stat && (isSameInode || realpathSync(input) === realpathSync(output))) {
      throw new CliError(`${output}: output is the same file as input ${input}`);
    }
  }
}

/** Writes to a temporary file beside `output` and renames it, so that a half-written output never exists. */
export function writeOutput(output: string, bytes: Uint8Array): void {
  let temporary: string | undefined;
  try {
    // A symbolic link keeps pointing at its target: the target is what gets replaced.
    const target = statSync(output, { throwIfNoEntry: false }) ? realpathSync(output) : output;
    temporary = join(dirname(target), `.${basename(target)}.${randomBytes(4).toString('hex')}.tmp`);
    writeFileSync(temporary, bytes, { flag: 'wx' });
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw fileError(output, error);
  }
}
