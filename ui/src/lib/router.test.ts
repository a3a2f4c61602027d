import { describe, expect, it } from 'vitest';
import { href, itemHref, parsePlace } from './router.svelte';

describe('parsePlace', () => {
  it('reads screens and tabs', () => {
    expect(parsePlace('', null)).toEqual({ screen: 'overview', tab: null, itemId: null });
    expect(parsePlace('#/failed', null).tab).toBe('items');
    expect(parsePlace(href('queue', 'held'), null)).toMatchObject({ screen: 'queue', tab: 'held' });
    expect(parsePlace('#/queue/nonsense', null).tab).toBe('queued');
    expect(parsePlace('#/nonsense', null).screen).toBe('overview');
  });

  it('draws an item over the screen that was open', () => {
    const before = parsePlace('#/queue/held', null);
    expect(parsePlace(itemHref('a/ü'), before)).toEqual({ ...before, itemId: 'a/ü' });
    expect(parsePlace('#/item/x', null)).toMatchObject({ screen: 'failed', itemId: 'x' });
    expect(parsePlace('#/item/%', null).itemId).toBe('%');
  });
});
