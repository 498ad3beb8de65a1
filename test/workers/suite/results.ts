/** What came of the tests of one file. */
export interface FileResult {
  readonly passed: number;
  readonly skipped: number;
  /** Names of tests with what they say. */
  readonly failures: readonly string[];
  /** Names of all tests: those of the suites around them, and their own. */
  readonly names: readonly string[];
}
