import type { FastifyInstance } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';

declare module 'fastify' {
  interface FastifyInstance {
    /** Methods that a route exists for at this address; empty when there is none at all. */
    allowedMethods(url: string): string[];
  }
}

/**
 * Fastify answers 404 where another method would have found a route. This keeps a second router of all routes, so that
 * such a request gets 405 with `Allow`. Call it before any route is registered.
 */
export function trackAllowedMethods(instance: FastifyInstance): void {
  const router = findMyWay({ ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH });
  const methods = new Set<HTTPMethod>();

  instance.addHook('onRoute', (route) => {
    if (route.url === '*' || route.url === '/*') return;
    for (const method of [route.method].flat() as HTTPMethod[]) {
      methods.add(method);
      if (!router.hasRoute(method, route.url)) router.on(method, route.url, () => undefined);
    }
  });
  instance.decorate('allowedMethods', (url: string) => {
    const path = url.split('?', 1)[0] ?? '/';
    return [...methods].filter((method) => router.find(method, path) !== null).sort();
  });
}

/** A share link's token is the longest thing that stands in a path. */
export const MAX_PARAM_LENGTH = 300;
