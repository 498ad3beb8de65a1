/** What wrangler.jsonc binds, as far as it is used here (`npx wrangler types` writes all of it). */

export interface Bucket {
  get(key: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> } | null>;
  put(key: string, value: Uint8Array, options?: { httpMetadata?: { contentType: string } }): Promise<unknown>;
}

/** A picture of a batch. */
export interface Job {
  readonly key: string;
  readonly scale: number;
}

export interface Environment {
  /** `x2.safetensors`, `x3.safetensors`, `x4.safetensors`: what train.ts writes. */
  readonly WEIGHTS: Bucket;
  /** Pictures of batches, and what becomes of them. */
  readonly PICTURES: Bucket;
  readonly JOBS: { sendBatch(messages: Iterable<{ body: Job }>): Promise<unknown> };
}

export interface Message {
  readonly body: Job;
  ack(): void;
  retry(): void;
}
