/** onnxruntime-web: its wasm backend. */

import { workerData } from 'node:worker_threads';
import * as onnxruntime from 'onnxruntime-web';
import { openProblem } from './onnxruntime.ts';
import type { Library } from './peer.ts';
import type { WorkerSettings } from './worker_library.ts';

const { threads } = workerData as WorkerSettings;
onnxruntime.env.wasm.numThreads = threads;

/** 3: errors; it warns about the replaceable initialiser of the resident model. */
const SESSION_OPTIONS = { executionProviders: ['wasm'], logSeverityLevel: 3 } as const;

export const library: Library = {
  version: `${onnxruntime.env.versions.web ?? 'unknown'}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
  open: (problem) => openProblem(onnxruntime, SESSION_OPTIONS, problem),
};
