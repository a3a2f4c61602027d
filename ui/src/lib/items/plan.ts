import type { HeldBy, Preflight, PreflightOrg } from '../backend/backend';
import { m } from '../shared/messages';

/** What a retry would do, in numbers. */
export interface PlanSummary {
  /** To be sent at once. */
  now: number;
  /** Queued, but held for a reason; the most first. */
  waiting: { heldBy: HeldBy; n: number }[];
  superseded: number;
  notFailed: number;
  notFound: number;
  /** The requests that what is sent at once costs. */
  calls: number;
}

/** Sums up what the program says that a retry would do. */
export function summarize(told: Preflight): PlanSummary {
  const waiting = new Map<HeldBy, number>();
  let now = 0;
  let calls = 0;
  for (const org of told.orgs) {
    if (org.heldBy === null) {
      now += org.send;
      calls += org.apiCalls;
    } else if (org.send > 0) {
      waiting.set(org.heldBy, (waiting.get(org.heldBy) ?? 0) + org.send);
    }
  }
  return {
    now,
    waiting: [...waiting].map(([heldBy, n]) => ({ heldBy, n })).sort((a, b) => b.n - a.n),
    superseded: told.superseded,
    notFailed: told.notFailed,
    notFound: told.notFound,
    calls,
  };
}

/** Says in words what a retry would do; what is none is left out. */
export function planSentences(plan: PlanSummary): string[] {
  const sentences: string[] = [];
  if (plan.now > 0) sentences.push(`${m.plan.send(plan.now)}, ${m.plan.cost(plan.calls)}`);
  else if (plan.waiting.length === 0) sentences.push(m.plan.nothing);
  for (const { heldBy, n } of plan.waiting) {
    sentences.push(m.plan.waiting(n, m.heldReasons[heldBy]));
  }
  if (plan.superseded > 0) sentences.push(m.plan.superseded(plan.superseded));
  if (plan.notFailed > 0) sentences.push(m.plan.notFailed(plan.notFailed));
  if (plan.notFound > 0) sentences.push(m.plan.notFound(plan.notFound));
  return sentences;
}

/** Says what a dismissal would do. It needs no org, so nothing of it waits. */
export function dismissalSentences(told: Preflight): string[] {
  const sentences = [m.plan.dismissed(dismissable(told))];
  if (told.notFailed > 0) sentences.push(m.plan.notFailed(told.notFailed));
  if (told.notFound > 0) sentences.push(m.plan.notFound(told.notFound));
  return sentences;
}

/** How many a dismissal would change: all that failed, superseded or not. */
export function dismissable(told: Preflight): number {
  return told.send + told.superseded;
}

/** What a retry costs one org against what is left of its API calls, as last known. */
export interface Cost {
  text: string;
  /** Whether it is more than is left. */
  tooMany: boolean;
}

/** Sets the calls that a retry costs against what is left to the org. */
export function costOf(org: Pick<PreflightOrg, 'apiCalls' | 'apiUsage'>): Cost {
  if (org.apiUsage === null) return { text: m.plan.unknownUsage(org.apiCalls), tooMany: false };
  const left = Math.max(0, org.apiUsage.max - org.apiUsage.used);
  return { text: m.plan.left(org.apiCalls, left), tooMany: org.apiCalls > left };
}
