import { describe, expect, it } from 'vitest';
import { filterWords, kept, meant, standings } from './words';

const nameOf = (orgId: string) => (orgId === '00D1' ? 'Acme' : orgId);
const timeOf = (at: string) => `<${at}>`;
const words = (filter: Parameters<typeof filterWords>[0]) => filterWords(filter, nameOf, timeOf);

describe('what a run meant', () => {
  it('is told in words, whatever the filter had in it', () => {
    expect(words({ status: 'failed', asOf: 'a' })).toBe('Failed, as of <a>');
    expect(
      words({
        status: 'failed,retrying',
        held: true,
        dismissed: true,
        failureKey: 'k',
        runId: 'r',
        externalId: 'WI-1',
        sourceOrgId: '00D2',
        targetOrgId: '00D1',
        q: 'lock',
        since: 's',
        until: 'u',
      }),
    ).toBe(
      'Retrying, Failed, held, dismissed, of one cause, of an earlier run, of WI-1, from 00D2, to Acme, matching “lock”, received since <s>, received before <u>',
    );
    expect(words({})).toBe('everything');
    expect(words({ asOf: 'a' })).toBe('everything, as of <a>');
  });

  it('is told from items that were picked by hand', () => {
    expect(meant({ filter: null }, nameOf, timeOf)).toBe('Items picked by hand');
    expect(meant({ filter: { status: 'failed' } }, nameOf, timeOf)).toBe('Failed');
  });
});

describe('what became of its items', () => {
  const now = {
    queued: 0,
    processing: 1,
    retrying: 0,
    failed: 2,
    dismissed: 3,
    synced: 40,
    superseded: 0,
  };

  it('leads to exactly them, and leaves out what none of them is', () => {
    expect(standings({ id: 'r-1', now })).toEqual([
      { status: 'processing', n: 1, href: '#/activity/events?status=processing&runId=r-1' },
      { status: 'failed', n: 2, href: '#/failed/items?runId=r-1' },
      { status: 'synced', n: 40, href: '#/activity/events?status=synced&runId=r-1' },
      { status: 'dismissed', n: 3, href: '#/failed/dismissed?runId=r-1' },
    ]);
  });

  it('counts all that are still kept', () => {
    expect(kept({ now })).toBe(46);
  });
});
