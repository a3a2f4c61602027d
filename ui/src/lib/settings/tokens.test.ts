import { describe, expect, it } from 'vitest';
import { curlOf, expiryOf, orgIdsIn, tokenState } from './tokens';

describe('tokens', () => {
  const now = Date.parse('2026-03-01T00:00:00.000Z');

  it('live as long as was chosen', () => {
    expect(expiryOf('month', now)).toBe('2026-03-31T00:00:00.000Z');
    expect(expiryOf('year', now)).toBe('2027-03-01T00:00:00.000Z');
    expect(expiryOf('always', now)).toBeNull();
  });

  it('are over when they expired or were revoked', () => {
    expect(tokenState({ revokedAt: null, expiresAt: null }, now)).toBe('valid');
    expect(tokenState({ revokedAt: null, expiresAt: '2026-03-01T00:00:00.001Z' }, now)).toBe(
      'valid',
    );
    expect(tokenState({ revokedAt: null, expiresAt: '2026-03-01T00:00:00.000Z' }, now)).toBe(
      'expired',
    );
    expect(tokenState({ revokedAt: '2026-01-01T00:00:00.000Z', expiresAt: null }, now)).toBe(
      'revoked',
    );
  });

  it('take pasted org IDs however they are separated', () => {
    expect(orgIdsIn(' 00D1, 00D2\n00D1;00D3 ')).toEqual(['00D1', '00D2', '00D3']);
    expect(orgIdsIn('  ')).toEqual([]);
  });

  it('are never written into the example', () => {
    expect(curlOf('127.0.0.1:7437')).toContain('Bearer $SYNC_MONITOR_TOKEN');
  });
});
