/** Bar charts as data. */

export interface Series {
  readonly name: string;
  /** One per category; undefined leaves a gap. */
  readonly values: readonly (number | undefined)[];
}

export interface Chart {
  /** In the names of files. */
  readonly name: string;
  readonly title: string;
  readonly axis: string;
  readonly categories: readonly string[];
  readonly series: readonly Series[];
  /** A line at a value: what the bars are measured against. */
  readonly line: number;
  /** Ratios: equal factors are equal lengths, and what lies below the line is a loss. */
  readonly logarithmic?: boolean;
}
