import { count, items } from '../words';

/** The overview. */
export const overview = {
  overview: {
    loading: 'Loading…',
    inSync: 'Everything is in sync',
    working: (n: number) => `${items(n)} on the way, nothing needs you`,
    failed: (n: number) => (n === 1 ? '1 item needs you' : `${count(n)} items need you`),
    orgs: (n: number) => (n === 1 ? '1 org needs you' : `${count(n)} orgs need you`),
    noOrgs: 'No org is connected yet',
    noOrgsText: 'Connect two orgs and a route between them, and their work items stay in sync.',
    inSyncText: 'Nothing failed and nothing is waiting.',
    workingText: 'Delivery is under way. You need not do anything.',
    failedText: 'See why, then retry or dismiss.',
    orgsText: 'Deliveries to them wait until the sign-in or the endpoint works again.',
    review: 'Review failed items',
    connect: 'Connect an org',
    toOrgs: 'Look at the orgs',
    counts: 'Items by status',
    soonest: 'soonest in',
    failedNote: (dismissed: number) =>
      dismissed === 0 ? 'needs you' : `needs you; ${count(dismissed)} dismissed not counted`,
    noneFailed: 'nothing needs you',
    noneRetrying: 'nothing to try again',
    queuedNote: 'waiting for the first attempt',
    heldNote: 'waiting with a reason',
    syncedNote: 'delivered',
    orgStrip: 'Connected orgs',
    needsSignIn: 'Orgs that need a sign-in',
  },
} as const;
