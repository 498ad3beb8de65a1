/** Counts what tests make fail, or place where mistakes show, when `npm run test:faults` asks for it. */

interface Host {
  readonly env?: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(name: 'node:fs'): { appendFileSync(path: string, text: string): void };
}

/** @param what in words that go into the report of trust */
export function counted(what: string, times: number): void {
  const { process } = globalThis as { process?: Host }; // there is none in pages
  const path = process?.env?.UPCONV_FAULT_COUNTS;
  if (path !== undefined)
    process?.getBuiltinModule?.('node:fs').appendFileSync(path, `${JSON.stringify({ what, times })}\n`);
}
