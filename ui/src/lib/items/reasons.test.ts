import { beforeEach, describe, expect, it } from 'vitest';
import { recentReasons, rememberReason } from './reasons';

describe('recent reasons', () => {
  beforeEach(() => localStorage.clear());

  it('are the last five, each once, the last one first', () => {
    for (const reason of ['a', 'b', 'c', 'd', 'e', 'f', 'b']) rememberReason(reason);
    expect(recentReasons()).toEqual(['b', 'f', 'e', 'd', 'c']);
  });

  it('are none where the storage holds something else', () => {
    for (const text of ['nonsense', '{}', '7']) {
      localStorage.setItem('sync-monitor.dismiss-reasons', text);
      expect(recentReasons()).toEqual([]);
    }
    localStorage.setItem('sync-monitor.dismiss-reasons', '["a", 7]');
    expect(recentReasons()).toEqual(['a']);
  });
});
