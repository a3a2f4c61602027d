import { describe, expect, it } from 'vitest';
import { accented, overlay, type Catalogue } from './catalogue';
import { en } from './en';
import { pickFormat, pickLocale } from './locale';

describe('the catalogue', () => {
  it('takes words of another language and keeps English where there are none', () => {
    const german = overlay<Catalogue>(en, {
      nav: { failed: 'Fehler', failedCount: (n) => `${n} Fehler` },
    });
    expect(german.nav.failed).toBe('Fehler');
    expect(german.nav.failedCount(2)).toBe('2 Fehler');
    expect(german.nav.queue).toBe(en.nav.queue);
    expect(german.help.keys).toEqual(en.help.keys);
  });

  it('puts accents on every text, made ones too', () => {
    const odd = accented<Catalogue>(en);
    expect(odd.nav.failed).toBe('Fáíléd');
    expect(odd.nav.failedCount(1)).toBe('1 ítém fáíléd');
  });

  it('says nothing twice under one name', async () => {
    const parts = import.meta.glob<Record<string, object>>('./en/*.ts', { eager: true });
    const names = Object.entries(parts)
      .filter(([path]) => !path.endsWith('index.ts'))
      .flatMap(([, part]) => Object.values(part).flatMap(Object.keys));
    expect(names.length).toBe(new Set(names).size);
    expect(Object.keys(en).sort()).toEqual(names.sort());
  });
});

describe('the language', () => {
  it('is the chosen one, else one that the browser wants, else English', () => {
    expect(pickLocale('en-XA', ['de-DE'])).toBe('en-XA');
    expect(pickLocale('xx', ['de-DE', 'en-GB'])).toBe('en');
    expect(pickLocale(null, [])).toBe('en');
  });

  it('is written as in the region that speaks it', () => {
    expect(pickFormat('en', ['de-DE', 'en-GB'])).toBe('en-GB');
    expect(pickFormat('en', ['de-DE'])).toBe('en');
  });
});
