/// <reference types="vite/client" />

/**
 * Reads a file of the folder that the environment variable UPCONV_PEER_VECTORS names.
 * @returns null where it is not set
 */
export async function readVectors<T>(file: string): Promise<T | null> {
  const folder = import.meta.env.UPCONV_PEER_VECTORS as string | undefined;
  if (!folder) return null;
  const path = `${folder}/${file}.json`;
  if (typeof process === 'undefined') return (await (await fetch(`/@fs${path}`)).json()) as T;
  const { readFile } = await import('node:fs/promises');
  return JSON.parse(await readFile(path, 'utf8')) as T;
}
