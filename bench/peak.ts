export { Peak, SAMPLE_FLOPS, timeSample } from '../src/cli/benchmark/peak.ts';
