import { describe, expect, it, vi } from 'vitest';
import { Problem, type Backend, type Setting } from '../backend/backend';
import { fieldKind, fromText, isFixed, sameValue, toText } from './fields';
import { isSound, MOST_ATTEMPTS, nextWait, stepsOf, waitProblem } from './schedule';
import { settingsOf, SHOWN } from './sections';
import { SettingsState } from './settings.svelte';

const setting = (name: string, more: Partial<Setting> = {}): Setting => ({
  name,
  value: 1,
  default: 1,
  source: 'default',
  description: '',
  mustBe: '',
  effect: 'nextStart',
  pending: false,
  ...more,
});

describe('a field for a setting', () => {
  it('is what its default is', () => {
    const kinds = [true, 4, '10s', ['a']].map((value) =>
      fieldKind(setting('x', { default: value })),
    );
    expect(kinds).toEqual(['switch', 'number', 'text', 'list']);
    expect(fieldKind(setting('secrets', { default: 'keychain' }))).toBe('choice');
  });

  it('gives back what it shows', () => {
    expect(fromText('number', toText(4))).toBe(4);
    expect(fromText('text', toText('10s'))).toBe('10s');
    expect(fromText('list', toText(['a.example', 'b.example']))).toEqual([
      'a.example',
      'b.example',
    ]);
    expect(fromText('list', toText([]))).toEqual([]);
  });

  it('lets the program judge a number that is none', () => {
    expect(fromText('number', ' 12 ')).toBe(12);
    expect(fromText('number', 'many')).toBe('many');
    expect(fromText('number', '')).toBe('');
    expect(fromText('list', ' a, ,b ')).toEqual(['a', 'b']);
  });

  it('knows whether anything changed, and what cannot be changed here', () => {
    expect(sameValue(['a'], ['a'])).toBe(true);
    expect(sameValue('1', 1)).toBe(false);
    expect(
      (['default', 'file', 'environment', 'flag'] as const).map((source) => isFixed({ source })),
    ).toEqual([false, false, true, true]);
  });
});

describe('the sections', () => {
  it('show every setting once, unknown ones under General', () => {
    const known = Object.values(SHOWN).flat();
    expect(known.length).toBe(new Set(known).size);
    const all = ['moon.phase', 'retry.schedule', 'secrets'].map((name) => setting(name));
    expect(settingsOf('general', all).map(({ name }) => name)).toEqual(['moon.phase']);
    expect(settingsOf('privacy', all).map(({ name }) => name)).toEqual(['secrets']);
    expect(settingsOf('about', all)).toEqual([]);
  });
});

describe('the retry schedule', () => {
  it('says when each attempt is made, as far as it can be read', () => {
    expect(stepsOf(['0s', '30s', '2m']).map((step) => step.atMs)).toEqual([0, 30_000, 150_000]);
    expect(stepsOf(['0s', 'soon', '2m'])).toMatchObject([
      { number: 1, problem: null },
      { number: 2, problem: 'unreadable', atMs: null },
      { number: 3, problem: null, atMs: null },
    ]);
  });

  it('takes one to twenty waits of at most 30 days', () => {
    expect(isSound(['0s'])).toBe(true);
    expect(isSound([])).toBe(false);
    expect(isSound(Array<string>(MOST_ATTEMPTS).fill('1m'))).toBe(true);
    expect(isSound(Array<string>(MOST_ATTEMPTS + 1).fill('1m'))).toBe(false);
    expect([waitProblem('30d'), waitProblem('31d'), waitProblem('')]).toEqual([
      null,
      'tooLong',
      'unreadable',
    ]);
  });

  it('goes on as it ended when an attempt is added', () => {
    expect(nextWait(['0s', '1h'])).toBe('1h');
    expect(nextWait(['0s'])).toBe('1m');
    expect(nextWait(['x'])).toBe('1m');
  });
});

describe('changing settings', () => {
  function setUp() {
    const told = { file: '/f', settings: [setting('a'), setting('b', { pending: true })] };
    const backend = {
      settings: vi.fn(() => Promise.resolve(told)),
      changeSettings: vi.fn((changes: Record<string, unknown>) =>
        Promise.resolve({ ...told, settings: [setting('a', { value: Number(changes['a']) })] }),
      ),
    };
    return { backend, state: new SettingsState(backend as unknown as Backend, vi.fn()) };
  }

  it('shows what the program says they are now, and what waits for its next start', async () => {
    const { backend, state } = setUp();
    await state.load();
    expect(state.pending.map(({ name }) => name)).toEqual(['b']);
    expect(await state.change('a', 7)).toBe(true);
    expect(backend.changeSettings).toHaveBeenCalledWith({ a: 7 });
    expect([state.get('a')?.value, state.saved, state.pending.length]).toEqual([7, 'a', 0]);
  });

  it('says beside the setting why it cannot be, until it can', async () => {
    const { backend, state } = setUp();
    await state.load();
    backend.changeSettings.mockRejectedValueOnce(new Problem(400, 'INVALID', '', 'It must be 1.'));
    expect(await state.change('a', 0)).toBe(false);
    expect(state.problems).toEqual({ a: 'It must be 1.' });
    expect(state.get('a')?.value).toBe(1);
    await state.change('a', 1);
    expect(state.problems).toEqual({});
  });

  it('looks again where something beats the file by now', async () => {
    const { backend, state } = setUp();
    backend.changeSettings.mockRejectedValueOnce(new Problem(409, 'REFUSED', '', 'A flag.'));
    await state.change('a', 2);
    expect(backend.settings).toHaveBeenCalledOnce();
    expect(state.problems).toEqual({ a: 'A flag.' });
  });
});
