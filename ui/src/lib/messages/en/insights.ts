import { count } from '../words';

/** The insights. */
export const insights = {
  insights: {
    window: 'Time',
    windows: { '1h': '1 hour', '24h': '24 hours', '7d': '7 days', '30d': '30 days' },
    couldNotLoad: 'The figures could not be loaded',
    percent: (share: number) => `${count(share)} %`,
    rate: 'Success rate',
    rateNote: (synced: number, failed: number) =>
      `${count(synced)} synced, ${count(failed)} failed`,
    p50: 'Delivery p50',
    p50Note: 'half take no longer',
    p95: 'Delivery p95',
    p95Note: '95 of 100 take no longer',
    retried: 'Retries',
    retriedNote: 'attempts that were put off',
    echoes: 'Echoes',
    echoesNote: 'suppressed on purpose',
    results: 'Results over time',
    resultsOf: (synced: number, failed: number) =>
      `Results over time: ${count(synced)} synced, ${count(failed)} failed`,
    durations: 'Time to delivery',
    durationsNote:
      'From when a change is taken in until the target org has it, with all its retries.',
    durationsOf: (p50: string, p95: string) =>
      `Time to delivery: half within ${p50}, 95 of 100 within ${p95}`,
    causes: 'Failures by cause',
    cause: 'Cause',
    causeTo: (title: string, org: string) => `${title} → ${org}`,
    orgs: 'Failures by org',
    org: 'Target org',
    apiNote: 'Of the allowance of the last 24 hours, as each org last told it.',
    apiMax: 'Allowed',
    openNow: 'What stands failed now and is not dismissed.',
    noFailures: 'Nothing has failed.',
    ledger: 'When the program was not at work',
    ledgerText: (n: number, total: string) =>
      `${n === 1 ? 'Once' : `${n} times`} in this time, ${total} in all: it was not running, or this computer slept. What came due meanwhile was sent right after.`,
    ledgerNone: 'It was at work all this time.',
    ledgerMore: (n: number) => `and ${n} earlier ${n === 1 ? 'one' : 'ones'}`,
    echoTitle: (n: number) =>
      n === 1
        ? '1 echo was suppressed in this time'
        : `${count(n)} echoes were suppressed in this time`,
    echoText:
      'When Sync Monitor writes a change into an org, that org reports the change back as its own. Sending it on would go round in a circle for ever, so what an org only repeats is taken in and dropped. A number like that of the synced items is what a healthy sync in both directions looks like.',
    echoAll: (n: number) => `${count(n)} since the store was made.`,
    echoLog: 'See them in the log',
  },
} as const;
