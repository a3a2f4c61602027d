import type { Org, Status } from '../backend/backend';
import type { Link } from '../monitor.svelte';
import { href } from '../router.svelte';
import { m } from '../shared/messages';

/** The states in which an org waits for a person. */
export function orgNeedsPerson(org: Pick<Org, 'health'>): boolean {
  return org.health === 'signInRequired' || org.health === 'endpointMissing';
}

/** Whether anything waits for a person. */
export function needsAttention(status: Status, orgs: readonly Org[]): boolean {
  return status.counts.failed > 0 || orgs.some(orgNeedsPerson);
}

/** How the relay stands, in one word for the top bar. */
export type RelayState = 'lost' | 'connecting' | 'paused' | 'attention' | 'running';

/** Judges how the relay stands; what hides everything else comes first. */
export function relayState(link: Link, status: Status | null, orgs: readonly Org[]): RelayState {
  if (link === 'lost') return 'lost';
  if (status === null) return 'connecting';
  if (status.relay.paused) return 'paused';
  return needsAttention(status, orgs) ? 'attention' : 'running';
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
      link: { label: m.overview.review, href: href('failed') },
    };
  }
  if (broken > 0) {
    return {
      tone: 'bad',
      title: m.overview.orgs(broken),
      text: m.overview.orgsText,
      link: { label: m.overview.toOrgs, href: href('orgs') },
    };
  }
  if (status.orgs === 0) {
    return {
      tone: 'neutral',
      title: m.overview.noOrgs,
      text: m.overview.noOrgsText,
      link: { label: m.overview.connect, href: href('welcome') },
    };
  }
  if (status.relay.paused) {
    return {
      tone: 'neutral',
      title: m.overview.paused,
      text: m.overview.pausedText,
      link: null,
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
