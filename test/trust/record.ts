/** What long runs of the commands that try to break the package have found: kept for the report of them. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeCommit, describeMachine, today } from '../../bench/machine.ts';
import type { Machine } from '../../bench/results.ts';
import type { Figures } from './figures.ts';

/** One run of a command. */
export interface TrustRecord<T> {
  readonly command: string;
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  /** Version of Node. */
  readonly node: string;
  readonly figures: T;
}

export type RecordName = keyof Figures;

const pathOf = (name: RecordName): string => fileURLToPath(new URL(`records/${name}.json`, import.meta.url));

/** Takes the place of what an earlier run has left under the name. */
export function writeRecord<N extends RecordName>(name: N, command: string, figures: Figures[N]): void {
  const record: TrustRecord<Figures[N]> = {
    command,
    date: today(),
    commit: describeCommit(),
    machine: describeMachine(),
    node: process.versions.node,
    figures,
  };
  mkdirSync(new URL('records/', import.meta.url), { recursive: true });
  writeFileSync(pathOf(name), `${JSON.stringify(record, null, 2)}\n`);
}

export function hasRecord(name: RecordName): boolean {
  return existsSync(pathOf(name));
}

export function readRecord<N extends RecordName>(name: N): TrustRecord<Figures[N]> {
  return JSON.parse(readFileSync(pathOf(name), 'utf8')) as TrustRecord<Figures[N]>;
}
