import { describe, expect, it } from 'vitest';
import type { Org, Status } from '../backend/backend';
import { headline, relayState } from './overview';

const counts = { queued: 0, processing: 0, retrying: 0, failed: 0, synced: 9, superseded: 0 };
const status = (more: Partial<Status['counts']> = {}, orgs = 2) =>
  ({
    counts: { ...counts, ...more },
    orgs,
    relay: { paused: false, pausedUntil: null },
  }) as Status;
const org = (health: Org['health']) => ({ health }) as Org;

describe('headline', () => {
  it('puts failed items before everything else', () => {
    const said = headline(status({ failed: 12, queued: 3 }), [org('signInRequired')]);
    expect(said).toMatchObject({ tone: 'bad', title: '12 items need you' });
    expect(headline(status({ failed: 1 }), []).title).toBe('1 item needs you');
  });

  it('does not say that all is well while an org waits for a sign-in', () => {
    expect(headline(status(), [org('connected'), org('signInRequired')])).toMatchObject({
      tone: 'bad',
      title: '1 org needs you',
    });
  });

  it('tells work under way from being in sync', () => {
    expect(headline(status({ queued: 1, retrying: 1 }), []).tone).toBe('working');
    expect(headline(status(), [org('connected')]).title).toBe('Everything is in sync');
  });

  it('does not call a paused relay in sync', () => {
    const relay = { paused: true, pausedUntil: null };
    expect(headline({ ...status(), relay }, []).title).toBe('The relay is paused');
    expect(headline({ ...status({ failed: 2 }), relay }, []).tone).toBe('bad');
  });

  it('does not call an empty program in sync', () => {
    expect(headline(status({}, 0), []).title).toBe('No org is connected yet');
  });
});

describe('the state of the relay', () => {
  const told = (paused: boolean, failed = 0) => ({
    ...status({ failed }),
    relay: { paused, pausedUntil: null },
  });

  it('says first what hides everything else', () => {
    expect(relayState('lost', told(true), [])).toBe('lost');
    expect(relayState('connecting', null, [])).toBe('connecting');
    expect(relayState('live', told(true, 3), [])).toBe('paused');
    expect(relayState('live', told(false, 3), [])).toBe('attention');
    expect(relayState('live', told(false), [org('signInRequired')])).toBe('attention');
    expect(relayState('live', told(false), [org('connected')])).toBe('running');
  });
});
