import { describe, expect, it } from 'vitest';
import { parsePlace } from '../router.svelte';
import { searchesHere, searchHref } from './search';

describe('the search box', () => {
  it.each([
    ['#/failed/items', true],
    ['#/failed/dismissed', true],
    ['#/queue/held', true],
    ['#/activity/work-items', true],
    ['#/failed/causes', false],
    ['#/overview', false],
    ['#/settings', false],
    ['#/runs/1', false],
  ])('searches in %s: %s', (address, here) => {
    expect(searchesHere(parsePlace(address, null))).toBe(here);
  });

  it('leads from elsewhere to everything that matches, of the chosen org', () => {
    expect(searchHref('a b', null)).toBe('#/activity/events?q=a+b');
    expect(parsePlace(searchHref('a', '00D1'), null).filter).toEqual({
      q: 'a',
      targetOrgId: '00D1',
    });
  });
});
