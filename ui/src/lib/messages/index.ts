import { accented, type Catalogue } from './catalogue';
import { en } from './en';
import { locale, type Locale } from './locale';

export { count } from './words';
export { formatLocale, locale } from './locale';

/**
 * The catalogues. To add a language: its tag in `LOCALES`, a folder beside
 * `en`, and a line here (`de: () => overlay<Catalogue>(en, de)` while it lacks
 * texts). No component changes.
 */
const CATALOGUES: Record<Locale, () => Catalogue> = {
  en: () => en,
  'en-XA': () => accented<Catalogue>(en),
};

/** Every text that people read, in the language of the page. */
export const m: Catalogue = CATALOGUES[locale]();
