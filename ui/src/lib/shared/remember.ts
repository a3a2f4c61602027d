/** How long something is remembered: from visit to visit, or while this window is open. */
type Keeping = 'always' | 'visit';

const storeOf = (keeping: Keeping) => (keeping === 'always' ? localStorage : sessionStorage);

/** What was remembered under a key; null for nothing, or where storage is switched off. */
export function recall(key: string, keeping: Keeping = 'always'): string | null {
  try {
    return storeOf(keeping).getItem(key);
  } catch {
    return null;
  }
}

/** Remembers something, an empty text as good as nothing; without storage it lasts as long as the page. */
export function remember(key: string, value: string, keeping: Keeping = 'always'): void {
  try {
    if (value === '') storeOf(keeping).removeItem(key);
    else storeOf(keeping).setItem(key, value);
  } catch {
    // Nothing is lost but the memory of a taste.
  }
}
