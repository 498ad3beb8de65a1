/** Made by the bundle: the test files, imported when they are asked for. */
declare module 'upconv:tests' {
  export const files: Readonly<Record<string, () => Promise<unknown>>>;
}
