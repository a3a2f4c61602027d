import { formatLocale } from './locale';

const number = new Intl.NumberFormat(formatLocale);

/** A count as people write it. */
export const count = (value: number) => number.format(value);

/** So many items, in English. */
export const items = (n: number) => (n === 1 ? '1 item' : `${count(n)} items`);
