import type { FailureGroup, Org, Route } from '../backend/backend';

/** How a route is, the worst last: paused on purpose, well, in a trouble that passes, in need of a person. */
export type RouteLevel = 'paused' | 'fine' | 'passes' | 'person';

/** What has failed on a route and is not dismissed. */
export interface RouteTrouble {
  failed: number;
  /** The open cause that weighs most; null where nothing failed. */
  worst: FailureGroup | null;
}

/** Judges a route by its worst open cause, and by how its target is. */
export function levelOf(
  route: Pick<Route, 'enabled'>,
  target: Pick<Org, 'health'> | null,
  trouble: RouteTrouble | undefined,
): RouteLevel {
  const health = target?.health ?? 'connected';
  const worst = trouble?.worst ?? null;
  if (health === 'signInRequired' || health === 'endpointMissing') return 'person';
  if (worst !== null && worst.cause.fixer !== 'wait') return 'person';
  if (worst !== null || health === 'orgUnreachable' || health === 'rateLimited') return 'passes';
  return !route.enabled || health === 'paused' ? 'paused' : 'fine';
}
