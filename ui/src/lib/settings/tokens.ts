import type { Token } from '../backend/backend';

/** For how long a token can be made. */
export const LIFETIMES = ['month', 'quarter', 'year', 'always'] as const;

/** One of {@link LIFETIMES}. */
export type Lifetime = (typeof LIFETIMES)[number];

const DAY_MS = 86_400_000;
const DAYS = { month: 30, quarter: 90, year: 365 } as const;

/** When a token that is made now expires; null: never. */
export function expiryOf(lifetime: Lifetime, now: number): string | null {
  return lifetime === 'always' ? null : new Date(now + DAYS[lifetime] * DAY_MS).toISOString();
}

/** Whether a token still opens the door. */
export function tokenState(
  token: Pick<Token, 'revokedAt' | 'expiresAt'>,
  now: number,
): 'valid' | 'expired' | 'revoked' {
  if (token.revokedAt !== null) return 'revoked';
  return token.expiresAt !== null && Date.parse(token.expiresAt) <= now ? 'expired' : 'valid';
}

/** The IDs in a text that somebody pasted, in order and each once. */
export function orgIdsIn(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((part) => part !== ''))];
}

/** How a program sends a change with a token, with a placeholder where the token goes. */
export function curlOf(listenAddress: string): string {
  return [
    `curl -X POST http://${listenAddress}/delivery/sync`,
    '-H "Authorization: Bearer $SYNC_MONITOR_TOKEN"',
    '-H "Content-Type: application/json"',
    '--data @change.json',
  ].join(' \\\n  ');
}
