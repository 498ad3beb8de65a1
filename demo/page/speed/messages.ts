/** What the worker that measures tells the page. */

/** GFLOP/s of the operations in the definition, at the median time of a call. */
export interface LayerFigures {
  readonly name: string;
  readonly model: string;
  readonly upconv: number;
  readonly onnxruntime: number;
}

export type SpeedMessage =
  | { readonly kind: 'begin'; readonly layers: number; readonly upconv: string; readonly onnxruntime: string }
  | { readonly kind: 'layer'; readonly figures: LayerFigures }
  | { readonly kind: 'end' }
  | { readonly kind: 'failure'; readonly message: string };
