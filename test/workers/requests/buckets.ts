/**
 * A Worker that reads and writes the buckets of another one: `<method> http://buckets/<bucket>/<key>`.
 *
 * Miniflare's own proxies of buckets block the thread until a second thread has answered, and now and then neither goes on.
 */

interface Bucket {
  put(key: string, value: ArrayBuffer): Promise<unknown>;
  get(key: string): Promise<{ body: BodyInit; httpMetadata?: { contentType?: string } } | null>;
  delete(key: string): Promise<void>;
  list(options: { prefix: string }): Promise<{ objects: { key: string }[] }>;
}

export default {
  async fetch(request: Request, buckets: Readonly<Record<string, Bucket>>): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const [, name, key] = /^\/(\w+)\/(.*)$/.exec(pathname)!;
    const bucket = buckets[name];
    if (request.method === 'PUT') await bucket.put(key, await request.arrayBuffer());
    if (request.method === 'DELETE') await bucket.delete(key);
    if (request.method !== 'GET') return new Response();
    if (key === '') {
      const { objects } = await bucket.list({ prefix: searchParams.get('prefix') ?? '' });
      return Response.json(objects.map((object) => object.key));
    }
    const object = await bucket.get(key);
    if (object === null) return new Response('', { status: 404 });
    return new Response(object.body, { headers: { 'content-type': object.httpMetadata?.contentType ?? '' } });
  },
};
