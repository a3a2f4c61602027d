import { afterEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '../lib/backend/backend';
import { mounted, page, status } from '../lib/testing/mounted';
import ListView from './ListView.svelte';

const failed = { screen: 'failed', tab: 'items' } as const;
const nothing = { items: [], nextCursor: null, total: 0 };

afterEach(() => (location.hash = ''));

describe('a list without rows', () => {
  it('says that nothing has come yet', async () => {
    const app = page();
    app.monitor.status = status();
    await mounted(ListView, failed, app).reads('Nothing here yet');
  });

  it('says that all is healthy', async () => {
    const app = page();
    app.monitor.status = status({ synced: 5 });
    await mounted(ListView, failed, app).reads('Nothing has failed');
  });

  it('says that nothing matches, and clears the filter', async () => {
    location.hash = '#/failed/items?q=rounding';
    const app = page();
    const { reads, all } = mounted(ListView, failed, app);
    await reads('Nothing matches the filter');
    const clear = all('.list-panel button').at(-1);
    expect(clear?.textContent?.trim()).toBe('Clear the filter');
    clear?.click();
    expect(app.router.place.filter.q).toBeUndefined();
  });

  it('says that it could not be loaded and why, and tries again', async () => {
    const why = new Problem(400, 'INVALID_QUERY', '', 'since cannot be used');
    const items = vi.fn().mockRejectedValueOnce(why);
    items.mockResolvedValue(nothing);
    const app = page({ items });
    app.monitor.status = status({ synced: 5 });
    const { reads, press } = mounted(ListView, failed, app);
    await reads('The list could not be loaded');
    await reads('since cannot be used');
    press('Try again');
    await reads('Nothing has failed');
  });
});
