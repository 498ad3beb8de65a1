export { Peak, SAMPLE_FLOPS } from '../src/cli/benchmark/peak.ts';
