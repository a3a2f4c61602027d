import { describe, expect, it, vi } from 'vitest';
import { mounted, org, page } from '../testing/mounted';
import OrgCard from './OrgCard.svelte';

const card = (more: Parameters<typeof org>[0], app = page()) => {
  const one = org(more);
  app.monitor.orgs = [one];
  return mounted(OrgCard, { org: one }, app);
};

describe('the card of an org', () => {
  it.each([
    ['connected', 'Connected'],
    ['paused', 'Paused'],
    ['signInRequired', 'Sign-in required'],
    ['orgUnreachable', 'Does not answer'],
    ['rateLimited', 'API limit reached'],
    ['endpointMissing', 'Delivery Hub not found'],
  ] as const)('says in words how it is: %s', (health, words) => {
    expect(card({ health, healthDetail: 'Said by the program.' }).text()).toContain(words);
  });

  it.each([
    [50, 'ok', null],
    [86, 'high', 'nearly used up'],
    [99, 'critical', 'used up'],
  ])('shows how much of its API is used: %s of 100', (used, level, words) => {
    const { find, text } = card({ apiUsage: { used, max: 100 } });
    expect(find('[role="meter"]').getAttribute('aria-valuenow')).toBe(String(used));
    expect(find('[role="meter"]').dataset['level']).toBe(level);
    if (words !== null) expect(text()).toMatch(/used up/);
  });

  it('warns of a clock that is wrong, not of one that a header tells to the second', () => {
    expect(card({ clockSkewMs: 4000 }).text()).toContain('in step');
    expect(card({ clockSkewMs: -150_000 }).text()).toContain('2 min 30 s behind');
  });

  it('puts the sign-in first where that is what it needs, and pauses or resumes it', async () => {
    const setOrgPaused = vi.fn(() => Promise.resolve({} as never));
    const needs = card({ health: 'signInRequired' }, page({ setOrgPaused }));
    expect(needs.find('[data-testid="org-sign-in"]').classList.contains('primary')).toBe(true);
    needs.press('Pause Acme');
    expect(setOrgPaused).toHaveBeenLastCalledWith(org().orgId, true);
    const paused = card({ health: 'paused' }, page({ setOrgPaused }));
    paused.press('Resume Acme');
    expect(setOrgPaused).toHaveBeenLastCalledWith(org().orgId, false);
  });
});
