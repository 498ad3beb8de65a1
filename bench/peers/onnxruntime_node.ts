/** onnxruntime-node: native code, on one thread. */

import * as onnxruntime from 'onnxruntime-node';
import { openProblem } from './onnxruntime.ts';
import type { Library } from './peer.ts';

const SESSION_OPTIONS = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
} as const;

export const library: Library = {
  version: `${onnxruntime.env.versions.node ?? 'unknown'}, 1 thread`,
  open: (problem) => openProblem(onnxruntime, SESSION_OPTIONS, problem),
};
