import type { Org, Status } from '../backend/backend';
import { m } from '../shared/messages';

/** The states in which an org waits for a person. */
export function orgNeedsPerson(org: Pick<Org, 'health'>): boolean {
  return org.health === 'signInRequired' || org.health === 'endpointMissing';
}

/** Whether anything waits for a person. */
export function needsAttention(status: Status, orgs: readonly Org[]): boolean {
  return status.counts.failed > 0 || orgs.some(orgNeedsPerson);
}

/** The first sentence of the overview and what it leads to. */
export interface Headline {
  tone: 'good' | 'working' | 'bad' | 'neutral';
  title: string;
  text: string;
  link: { label: string; href: string } | null;
}

/** Says in one sentence how things stand. */
export function headline(status: Status, orgs: readonly Org[]): Headline {
  const { counts } = status;
  const broken = orgs.filter(orgNeedsPerson).length;
  const waiting = counts.queued + counts.processing + counts.retrying;
  if (counts.failed > 0) {
    return {
      tone: 'bad',
      title: m.overview.failed(counts.failed),
      text: m.overview.failedText,
      link: { label: m.overview.review, href: '#/failed' },
    };
  }
  if (broken > 0) {
    return {
      tone: 'bad',
      title: m.overview.orgs(broken),
      text: m.overview.orgsText,
      link: { label: m.overview.toOrgs, href: '#/orgs' },
    };
  }
  if (status.orgs === 0) {
    return {
      tone: 'neutral',
      title: m.overview.noOrgs,
      text: m.overview.noOrgsText,
      link: { label: m.overview.connect, href: '#/orgs' },
    };
  }
  if (waiting > 0) {
    return {
      tone: 'working',
      title: m.overview.working(waiting),
      text: m.overview.workingText,
      link: null,
    };
  }
  return { tone: 'good', title: m.overview.inSync, text: m.overview.inSyncText, link: null };
}
