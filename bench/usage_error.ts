/** A mistake on the command line of the benchmark. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
