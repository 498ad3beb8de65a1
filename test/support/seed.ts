/// <reference types="vite/client" />

/** A new seed for each run; UPCONV_TEST_SEED repeats one. Tests show it in their names. */
export function chosenSeed(): number {
  const asked = import.meta.env.UPCONV_TEST_SEED as string | undefined;
  return asked ? Number(asked) : Math.floor(Math.random() * 2 ** 31);
}
