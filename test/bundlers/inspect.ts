/** What a site made of the package: which variants of the wasm it asked for, and what of the package it left out. */

import { VARIANTS } from '../../src/wasm/variants.ts';
import { encodeInlined } from '../../src/wasm/inlined_text.ts';

/** Part of a variant's custom section, as the text that inlines the module spells it. */
const signatureOf = (variant: string): string =>
  encodeInlined(new TextEncoder().encode(JSON.stringify({ variant }).slice(1, -1)));

/** Bundlers may escape any character of a text. */
const unescaped = (script: string): string =>
  script.replaceAll(/\\x([\da-f]{2})|\\u([\da-f]{4})|\\u\{([\da-f]+)\}/gi, (_, ...codes: (string | undefined)[]) =>
    String.fromCodePoint(Number.parseInt(codes.find((code) => code !== undefined) as string, 16)),
  );

/** Variants that scripts hold. */
export function variantsIn(scripts: readonly string[]): string[] {
  const texts = scripts.map(unescaped);
  return VARIANTS.filter((variant) => texts.some((text) => text.includes(signatureOf(variant))));
}

/** Texts of the package that a page has no use for which calls one function, by what they are part of. */
const UNUSED: Readonly<Record<string, string>> = {
  'nn modules': 'paddingMode',
  optimisers: 'betas',
  losses: 'reduction',
  initialisers: 'kaimingUniform_',
  pictures: 'upscaleImage',
  'command line': 'CommanderError',
};

/** @throws when a text is no longer in the package, and the check would find nothing */
export function checkUnused(wholePackage: readonly string[]): void {
  for (const [part, text] of Object.entries(UNUSED)) {
    if (!wholePackage.some((script) => script.includes(text)))
      throw new Error(`'${text}', which stands for ${part}, is not in the package`);
  }
}

/** Parts of the package that scripts hold without need. */
export function unusedIn(scripts: readonly string[]): string[] {
  return Object.keys(UNUSED).filter((part) => scripts.some((script) => script.includes(UNUSED[part])));
}
