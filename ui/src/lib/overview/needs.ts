import type { FailureGroup, Org } from '../backend/backend';
import { gauge, type Gauge } from '../orgs/gauge';

/** Something that waits for a person. */
export type Need =
  | { kind: 'signIn' | 'endpoint' | 'replaced' | 'limit'; org: Org }
  | { kind: 'cause'; group: FailureGroup }
  | { kind: 'api'; org: Org; used: Gauge }
  | { kind: 'clock'; org: Org; skewMs: number };

/** From so much on a clock makes the newer of two changes lose. */
const SKEW_MS = 120_000;

function ofOrg(org: Org): Need[] {
  const found: Need[] = [];
  if (org.health === 'signInRequired') found.push({ kind: 'signIn', org });
  if (org.health === 'endpointMissing') found.push({ kind: 'endpoint', org });
  if (org.replacedBy !== null) found.push({ kind: 'replaced', org });
  const used = gauge(org.apiUsage);
  if (org.health === 'rateLimited') found.push({ kind: 'limit', org });
  else if (used !== null && used.level !== 'ok') found.push({ kind: 'api', org, used });
  if (org.clockSkewMs !== null && Math.abs(org.clockSkewMs) >= SKEW_MS) {
    found.push({ kind: 'clock', org, skewMs: org.clockSkewMs });
  }
  return found;
}

/** What stops deliveries altogether comes first, then what failed, then what may become trouble. */
const ORDER: Need['kind'][] = ['signIn', 'endpoint', 'limit', 'replaced', 'cause', 'api', 'clock'];

/** What waits for a person, of one org or of all, the most urgent first; of causes the most frequent. */
export function needsOf(
  orgs: readonly Org[],
  failures: readonly FailureGroup[],
  orgId: string | null,
): Need[] {
  const meant = (id: string) => orgId === null || id.slice(0, 15) === orgId.slice(0, 15);
  const causes = failures
    .filter((group) => meant(group.targetOrgId))
    .sort((a, b) => b.count - a.count)
    .map((group): Need => ({ kind: 'cause', group }));
  return [...orgs.filter((org) => meant(org.orgId)).flatMap(ofOrg), ...causes].sort(
    (a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind),
  );
}
