/** What each browser has and has not: browser.test.ts says so in the browser, README's table says so to its readers. */

export interface BrowserFacts {
  readonly title: string;
  readonly threads: string;
  readonly relaxed: boolean;
  readonly symbolDispose: boolean;
}

const ISOLATED = 'in isolated pages';

export const FACTS = {
  chromium: { title: 'Chromium', threads: ISOLATED, relaxed: true, symbolDispose: true },
  firefox: { title: 'Firefox', threads: ISOLATED, relaxed: true, symbolDispose: true },
  webkit: {
    title: 'WebKitGTK',
    threads: `${ISOLATED}, if shared memory is switched on`,
    relaxed: false,
    symbolDispose: false,
  },
} as const satisfies Readonly<Record<string, BrowserFacts>>;
