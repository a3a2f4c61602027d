import type { en } from './en';

/** The shape of a catalogue in any language: English's, with other words in it. */
type Words<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : T extends readonly (infer E)[]
      ? readonly Words<E>[]
      : { readonly [K in keyof T]: Words<T[K]> };

/** Every text that people read. */
export type Catalogue = Words<typeof en>;

/** A catalogue that may still lack texts. */
export type Partially<T> = T extends (...args: never[]) => string
  ? T
  : T extends readonly unknown[]
    ? T
    : T extends object
      ? { readonly [K in keyof T]?: Partially<T[K]> }
      : T;

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A catalogue in another language, with the first one's words where it has none yet. */
export function overlay<T>(base: T, words: Partially<T>): T {
  if (!isTree(base) || !isTree(words)) return (words ?? base) as T;
  const out: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(words)) {
    if (value !== undefined) out[name] = name in base ? overlay(base[name], value) : value;
  }
  return out as T;
}

const ACCENTS: Record<string, string> = {
  a: 'á',
  e: 'é',
  i: 'í',
  o: 'ó',
  u: 'ú',
  A: 'Á',
  E: 'É',
  I: 'Í',
  O: 'Ó',
  U: 'Ú',
};

/** The same catalogue with accents on its vowels: what stays plain on the screen is not in the catalogue. */
export function accented<T>(words: T): T {
  if (typeof words === 'string') {
    return words.replace(/[aeiou]/gi, (letter) => ACCENTS[letter] ?? letter) as T;
  }
  if (typeof words === 'function') {
    return ((...args: unknown[]) => accented(String(words(...args)))) as T;
  }
  if (Array.isArray(words)) return words.map(accented) as T;
  if (!isTree(words)) return words;
  return Object.fromEntries(
    Object.entries(words).map(([name, value]) => [name, accented(value)]),
  ) as T;
}
