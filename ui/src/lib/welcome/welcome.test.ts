import { beforeEach, describe, expect, it } from 'vitest';
import { Welcome } from './welcome.svelte';

describe('the first run', () => {
  beforeEach(() => localStorage.clear());
  const overview = { screen: 'overview' } as const;

  it('is due only where no org is connected, and once that is known', () => {
    const welcome = new Welcome();
    expect(welcome.isDue(overview, false, 0)).toBe(false);
    expect(welcome.isDue(overview, true, 0)).toBe(true);
    expect(welcome.isDue(overview, true, 1)).toBe(false);
  });

  it('does not stand in the way of a link to another screen', () => {
    expect(new Welcome().isDue({ screen: 'orgs' }, true, 0)).toBe(false);
  });

  it('is never due again when it was gone through', () => {
    new Welcome().finish();
    expect(new Welcome().isDue(overview, true, 0)).toBe(false);
  });
});
