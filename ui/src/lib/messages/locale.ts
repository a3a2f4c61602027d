import { recall, remember } from '../shared/remember';

/** The languages there are texts in. The last one is for testing: English with accents, so that text outside of the catalogue shows. */
export const LOCALES = ['en', 'en-XA'] as const;

/** One of {@link LOCALES}. */
export type Locale = (typeof LOCALES)[number];

const KEY = 'sync-monitor.locale';

/** The language to use: the chosen one, else the first of the browser's that there is, else English. */
export function pickLocale(chosen: string | null, wanted: readonly string[]): Locale {
  const known = LOCALES.find((locale) => locale === chosen);
  if (known !== undefined) return known;
  const languages = wanted.map((tag) => tag.split('-')[0]);
  return LOCALES.find((locale) => languages.includes(locale)) ?? 'en';
}

/** How numbers and times are written: as in the browser's region where it speaks the language, so that they fit the words. */
export function pickFormat(locale: Locale, wanted: readonly string[]): string {
  const [language = 'en'] = locale.split('-');
  return wanted.find((tag) => tag.split('-')[0] === language) ?? language;
}

/** The language of the page. */
export const locale = pickLocale(recall(KEY), navigator.languages);

/** The page's locale for `Intl`. */
export const formatLocale = pickFormat(locale, navigator.languages);

/** Chooses the language from the next load of the page on. */
export function chooseLocale(choice: Locale): void {
  remember(KEY, choice);
}
