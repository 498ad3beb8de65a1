export { Peak } from '../src/cli/benchmark/peak.ts';
