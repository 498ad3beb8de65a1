/** What each kind of long run counts. */

export interface Figures {
  /** All runs since the last one that found something. */
  readonly fuzz: readonly FuzzFigures[];
  readonly faults: FaultFigures;
  readonly mutants: readonly MutantFigures[];
  readonly soak: SoakFigures;
}

/** Of a run of a target that has found nothing. */
export interface FuzzFigures {
  readonly target: string;
  readonly cases: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface FaultFigures {
  /** Tests that have passed. */
  readonly tests: number;
  readonly seconds: number;
  /** Times that something was made to fail, or was placed where a mistake shows, by what that was. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface MutantFigures {
  readonly file: string;
  readonly bug: string;
  readonly seconds: number;
  /** Null: it survived. */
  readonly kill: Kill | null;
}

export interface Kill {
  /** Null where the tests did not end. */
  readonly test: string | null;
  /** 'assertion', 'counterexample' (of a property), 'time limit', 'crash', or the name of the error that was thrown. */
  readonly how: string;
}

export interface SoakFigures {
  readonly minutes: number;
  readonly rounds: number;
  readonly threads: number;
  /** Medians of the second quarter and of the last. */
  readonly medians: Readonly<Record<'cpuSeconds' | 'processBytes' | 'reservedBytes', readonly [number, number]>>;
  readonly problems: readonly string[];
}
