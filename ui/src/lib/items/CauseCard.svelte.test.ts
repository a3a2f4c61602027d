import { describe, expect, it } from 'vitest';
import { AT, cause, detail, item, mounted } from '../testing/mounted';
import CauseCard from './CauseCard.svelte';

describe('the cause card', () => {
  it('says what happened, in the org’s words too, and the steps in their order', () => {
    const { text, all } = mounted(CauseCard, { item: detail() });
    expect(text()).toContain('A required field is missing');
    expect(text()).toContain('What Acme answered 400 REQUIRED_FIELD_MISSING Hours are missing');
    expect(all('ol li').map((step) => step.textContent)).toEqual(['Fill the field in.', 'Retry.']);
  });

  it.each([
    ['targetAdmin', 'An admin of the target org, Acme'],
    ['sourceAdmin', 'An admin of the source org, Northwind'],
    ['wait', 'Nobody has to'],
    ['developer', 'developer'],
  ] as const)('names who can fix it: %s', (fixer, words) => {
    const { text } = mounted(CauseCard, { item: detail({ cause: cause({ fixer }) }) });
    expect(text()).toContain(words);
  });

  it.each([
    [true, 'yes', 'Yes'],
    [false, 'no', 'No, not until something is changed'],
  ])('says whether a retry alone helps: %s', (retryHelps, look, words) => {
    const { find } = mounted(CauseCard, { item: detail({ cause: cause({ retryHelps }) }) });
    expect(find(`dd.${look}`).textContent).toContain(words);
  });

  it('says that there was no answer where there was none', () => {
    const lastError = { httpStatus: null, errorCode: null, message: null };
    const { text } = mounted(CauseCard, { item: detail({ lastError }) });
    expect(text()).toContain('What Acme answered No answer');
  });

  it('tells of a dismissal with its reason, and of no cause where nothing failed', () => {
    const dismissed = mounted(CauseCard, {
      item: detail({ dismissedAt: AT, dismissReason: 'Test data' }),
    });
    expect(dismissed.find('[data-testid="dismissed-card"]').textContent).toContain('“Test data”');
    const synced = mounted(CauseCard, {
      item: detail({ ...item({ status: 'synced', lastError: null }), cause: null }),
    });
    expect(synced.all('section')).toEqual([]);
  });

  it('offers to end what holds an item, where that can be done here', () => {
    const held = detail({ status: 'queued', cause: null, lastError: null, heldBy: 'routePaused' });
    const { find } = mounted(CauseCard, { item: held });
    expect(find('[data-testid="held-card"] button').textContent).toBe('Resume the route');
  });
});
